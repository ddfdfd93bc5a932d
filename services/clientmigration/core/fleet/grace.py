"""Absences: when members that are away were last here, and until when they may come back.

A value with bounded memory; times are seconds of any one clock.
"""

GRACE_S = 0.7
"""A member that has been away for so long is given up: its players are placed elsewhere."""
RETURN_S = 4.5
"""By then after a start of the router every member has tried to come back."""


class ReconnectGrace:
    """`started` is since when anybody can know who is here."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._left_at: dict[str, float] = {}

    def left(self, member: str, now: float) -> None:
        """It is away from now on. Who was given up long ago is forgotten."""
        recent = {name: at for name, at in self._left_at.items() if now - at < RETURN_S}
        self._left_at = {**recent, member: now}

    def back(self, member: str) -> None:
        """It is here."""
        self._left_at.pop(member, None)

    def given_up_at(self, member: str) -> float:
        """Until when its players wait for it. Who was never seen may only not have come back yet
        since our own start."""
        if member in self._left_at:
            return self._left_at[member] + GRACE_S
        return self._started + RETURN_S
