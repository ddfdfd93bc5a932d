"""Vicinity: how many players of each member stand around a place, with those just sent there.

It is told rosters, and placements, which count until a roster shows them. It decides nothing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clientmigration.core.fleet.cells import TOUCHING, coded
from clientmigration.core.fleet.groups import RECENT_S
from clientmigration.core.fleet.world import Position

AROUND: list[int] = TOUCHING.tolist()


@dataclass(frozen=True, slots=True)
class _OnItsWay:
    """Somebody is on its way to a member, and will stand in that cell."""

    member: str
    cell: int
    at: float


class Vicinity:
    """Who is where, by cells of the policy's `cell_m`. Times are seconds of any one clock."""

    def __init__(self, cell_m: float) -> None:
        self._cell_m = cell_m
        self._cells: dict[int, Counter[str]] = {}  # by cell, the players of each member
        self._listed: dict[str, Counter[int]] = {}  # of those, by member, the ones on its roster
        self._sent: dict[str, _OnItsWay] = {}  # the others, by player; who was sent last is last

    def listed(self, member: str, places: Mapping[str, Sequence[float]]) -> None:
        """A member sent its roster: where (metres) each player stands who plays there."""
        for player in self._sent.keys() & places.keys():
            self._forget(player)
        self.lost(member)
        cells = Counter(self._coded(list(places.values())))
        self._listed[member] = cells
        for cell, players in cells.items():
            self._count(member, cell, players)

    def lost(self, member: str) -> None:
        """A member is gone, and with it all that its roster said."""
        for cell, players in self._listed.pop(member, Counter()).items():
            self._count(member, cell, -players)

    def sent(self, player: str, position: Position | None, member: str, now: float) -> None:
        """A player was sent to a member, and will stand there, if it is known where."""
        if player in self._sent:
            self._forget(player)
        if position is not None:
            (cell,) = self._coded([(position.x, position.y)])
            self._sent[player] = _OnItsWay(member, cell, now)
            self._count(member, cell, 1)

    def near(self, position: Position | None, now: float) -> dict[str, int]:
        """How many players of each member are around a place; members with none left out."""
        while self._sent and now - self._sent[first := next(iter(self._sent))].at > RECENT_S:
            self._forget(first)
        if position is None:
            return {}
        (cell,) = self._coded([(position.x, position.y)])
        found: Counter[str] = Counter()
        for step in AROUND:
            found.update(self._cells.get(cell + step, {}))
        return dict(found)

    def _coded(self, places: Sequence[Sequence[float]]) -> list[int]:
        cells: list[int] = coded(np.array(places, float), self._cell_m).tolist()
        return cells

    def _forget(self, player: str) -> None:
        sent = self._sent.pop(player)
        self._count(sent.member, sent.cell, -1)

    def _count(self, member: str, cell: int, more: int) -> None:
        here = self._cells.setdefault(cell, Counter())
        here[member] += more
        if not here[member]:
            del here[member]
        if not here:
            del self._cells[cell]
