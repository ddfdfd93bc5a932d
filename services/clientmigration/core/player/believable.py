"""What a player says of itself, cut down to what can be true.

Players can say anything. What they say is shown and alerted on, so it is never more than the time
that passed allows, and it counts once for each move that really happened.
"""

from __future__ import annotations

from dataclasses import dataclass

PING_MS = 2000.0
"""A player that waits longer for an answer has given its server up."""
SAID_WITHIN_S = 10.0
"""So long after a player came to a server it may say what that cost it: honest ones take 1 s."""
SLACK_S = 2.0
"""The wait may have begun a little before the source's last tick: what was sent was under way."""


def believable_ping(ms: float) -> float:
    """A round trip in milliseconds, as far as it can be true."""
    return min(max(ms, 0.0), PING_MS)


@dataclass(frozen=True, slots=True)
class Passage:
    """A move to here that really happened: when the source's last tick was and when the player
    entered here (Unix seconds), and ticks per second."""

    left_at: float
    entered_at: float
    rate: int

    def believable(
        self, missed: int, gap_ms: float, stall_ms: float, now: float
    ) -> tuple[int, float, float] | None:
        """What the player says that it cost, as far as it can be true; None when it is too late to
        say so."""
        if now - self.entered_at > SAID_WITHIN_S:
            return None
        passed_s = max(0.0, now - self.left_at) + SLACK_S
        most_ms = 1000.0 * passed_s
        return min(missed, int(passed_s * self.rate)), min(gap_ms, most_ms), min(stall_ms, most_ms)
