"""Token bucket: how fast a peer may go, so many at once and so many per second.

It is told the time and never asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class TokenBucket:
    """Allows `per_s` on average and `burst` at once. Times are seconds of any one steady clock."""

    per_s: float
    burst: float
    left: float = -1.0
    at: float = 0.0

    def allows(self, now: float) -> bool:
        """Whether one more is within the limit at `now`; taking it if so."""
        if self.left < 0:
            self.left = self.burst
        else:
            passed = max(0.0, now - self.at)  # a clock set back costs nobody its connection
            self.left = min(self.burst, self.left + passed * self.per_s)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
