"""Spread: what is told every so often goes out bit by bit, not all of it at the end.

Arithmetic. Whoever has thousands of things to tell does nothing else while it tells them at once.
"""

from __future__ import annotations

import math


def told_by(count: int, most: int, share: float) -> int:
    """How many of `count` things are told once this `share` of the interval (0: it begins, 1: it is
    over) has passed: in as few parts as there must be so that none has more than `most`, each as
    large as the others, the first at once and the last before the interval is over."""
    parts = max(1, math.ceil(count / most))
    begun = min(parts, int(share * parts) + 1)
    return math.ceil(count * begun / parts)
