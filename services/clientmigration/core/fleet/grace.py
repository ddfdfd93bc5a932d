"""Reconnect grace: until when the players of a member that is away wait for it to come back.

A value with bounded memory; times are seconds of any one clock.
"""

GRACE_S = 0.7
"""A member that has been away for so long is given up: its players are placed elsewhere."""
RETURN_S = 4.5
"""By then after a start of the router every member has tried to come back."""


class ReconnectGrace:
    """Who is away since when. `started` is when the router began to see who is here."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._left_at: dict[str, float] = {}

    def left(self, member: str, now: float) -> None:
        """A member is away from now on. Those given up long ago are forgotten."""
        recent = {name: at for name, at in self._left_at.items() if now - at < RETURN_S}
        self._left_at = {**recent, member: now}

    def back(self, member: str) -> None:
        """A member is here again."""
        self._left_at.pop(member, None)

    def given_up_at(self, member: str) -> float:
        """Until when the players of a member wait for it. One that was never seen may still be on
        its way back since our own start."""
        if member in self._left_at:
            return self._left_at[member] + GRACE_S
        return self._started + RETURN_S
