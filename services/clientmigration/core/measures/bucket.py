"""Token bucket: how fast a peer may go, so many at once and so many per second.

It is told the time and never asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(slots=True)
class TokenBucket:
    """Allows `per_s` on average and `burst` at once. Times are seconds of any one steady clock;
    `at` is when it was asked last, `full` whether nothing was missing then."""

    per_s: float
    burst: float
    left: float = -1.0
    at: float = -inf
    full: bool = False

    def allows(self, now: float) -> bool:
        """Whether one more is within the limit at `now`; taking it if so."""
        passed = now - self.at
        if self.full and passed * self.per_s >= 1:  # it is full again
            self.at = now
            return True
        left = self.left
        if left < 0:
            left = self.burst
        elif passed > 0:  # a clock set back costs nobody its connection
            left += passed * self.per_s
            if left > self.burst:
                left = self.burst
        self.at = now
        allowed = left >= 1
        self.left = left - allowed
        self.full = allowed and left == self.burst
        return allowed
