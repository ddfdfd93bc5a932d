"""Headcount: how many players each member has now, each of them counted once.

Members report at different moments of a second, and a player who is moved is held at one before it
begins at the other: then neither reports it. So a report counts with what happened since, and
who is held counts where it is held.
"""

from __future__ import annotations

from collections import Counter


class Headcount:
    """What is known of players who are moved, beside the last report of each member."""

    def __init__(self) -> None:
        self._since: Counter[str] = Counter()  # who came since its report, by member
        self._held: dict[str, str] = {}  # the member that holds each player
        self._holds: Counter[str] = Counter()  # how many each member holds

    def held(self, player: str, member: str) -> None:
        """The member holds this player from now on, and reports it no more."""
        self.let_go(player)
        self._since[member] -= 1
        self._held[player] = member
        self._holds[member] += 1

    def goes_on(self, player: str, member: str) -> None:
        """A player who was held plays on at this member, which will report it."""
        if self.let_go(player):
            self._since[member] += 1

    def let_go(self, player: str) -> bool:
        """Nobody holds this player any more. Whether somebody did."""
        member = self._held.pop(player, None)
        if member is not None:
            self._holds[member] -= 1
        return member is not None

    def reported(self, member: str) -> None:
        """A new report of this member tells of all who play there."""
        self._since.pop(member, None)

    def of(self, member: str, reported: int) -> int:
        """How many this member has, that has last reported so many."""
        return max(0, reported + self._since[member] + self._holds[member])
