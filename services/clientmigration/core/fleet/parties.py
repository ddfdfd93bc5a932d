"""Parties: the players who can leave a member, whole groups together, and who of them goes first.

Arrays over the residents of one member, since ten thousand are chosen from within a few ms. A party
is chosen by how many neighbours its players win by going, and draws its neighbours after it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clientmigration.core.fleet.cells import CellSight, Floats, Ints
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.resident import Resident

LAST = 1e6
"""Neighbours that whoever asked not to be moved counts as leaving behind."""
RECENT = 1e3
"""Neighbours that whoever was moved a moment ago counts as leaving behind."""
WISHED = 200.0
"""Neighbours that it is worth to be at the member at which a player should be, beside those whom it
will have there: so that a place that is begun is ended before another is begun."""


class Wish(NamedTuple):
    """At which member a player should be, and how many neighbours more it has there than where it
    is, once all are where they should be."""

    member: str
    more: float


NOWHERE = Wish("", 0.0)
"""No wish."""


@dataclass(frozen=True, slots=True)
class PartyTerms:
    """What a choice is made by. `zones` says where members stand; who is not in it has a zone of
    its own, called like itself. `wishes` says of players where they should be."""

    policy: Policy
    now: float
    zones: Mapping[str, str]
    wishes: Mapping[str, Wish] = field(default_factory=dict)

    def zone(self, member: str) -> str:
        """Where a member stands."""
        return self.zones.get(member, member)


@dataclass
class Place:
    """Who is at one member while choices are made: the residents that began here, each with its
    cell and whether it is still here; the cells of those who came; how many of each group."""

    residents: list[Resident]
    cells: Ints
    here: NDArray[np.bool_]
    came: list[int] = field(default_factory=list)
    mates: Counter[str] = field(default_factory=Counter)

    def near(self, sight: CellSight, cells: Ints) -> Ints:
        """How many players of this place those see who stand in these cells."""
        there = np.append(self.cells[self.here], np.array(self.came, np.int64))
        heads = np.bincount(there, minlength=sight.nowhere + 1)
        return sight.near(heads, cells)

    def give(self, row: int, target: "Place") -> Resident:
        """The resident of this row goes to another place."""
        resident = self.residents[row]
        self.here[row] = False
        target.came.append(int(self.cells[row]))
        self.mates[resident.group] -= 1
        target.mates[resident.group] += 1
        return resident


class Parties:
    """Those of one place who can leave: whole groups together, everybody else alone.

    A party stands in the cell of its first player. `cells` are those in which anybody stands, and
    `around` says for each which of them it sees; the one after the last is for all that are not.
    """

    def __init__(self, place: Place, sight: CellSight, terms: PartyTerms, drain: bool) -> None:
        self.place, self.sight, self.terms, self.drain = place, sight, terms, drain
        self.rows = _rows(place, terms, drain)
        self.left = np.ones(len(self.rows), bool)
        self.cells, self.cell_of = np.unique(place.cells, return_inverse=True)
        self.around = sight.among(self.cells)
        self.first = np.array([rows[0] for rows in self.rows], np.int64)
        busy = np.array([place.residents[row].busy for row in self.first], bool)
        self.groups = [n for n, rows in enumerate(self.rows) if len(rows) > 1]
        wishes = [terms.wishes.get(place.residents[row].player, NOWHERE) for row in self.first]
        self.goals = np.array([wish.member for wish in wishes], object)
        self.wished = WISHED + np.array([wish.more for wish in wishes])
        self.fixed = -LAST * busy - RECENT * self._recent()
        self._pinged: dict[str, Floats] = {}

    def _recent(self) -> NDArray[np.bool_]:
        """Which parties have been moved so lately that nobody would exchange them."""
        since = self.terms.now - self.terms.policy.together.rest_s
        moved = [self.place.residents[row].moved_at for row in self.first]
        return np.array([at is not None and at > since for at in moved], bool)

    def leave(self, flow: Flow, target: Place, count: int) -> Iterator[tuple[int, int, int]]:
        """The best of them, `count` players in all: each one's row, and how many neighbours it will
        have there and has here. A party that is too large stays, unless there are none but those:
        then a drain splits it."""
        near_there = target.near(self.sight, self.cells)
        near_here = self.place.near(self.sight, self.cells)
        won = near_there - near_here
        queues = _Queues(won, self._offsets(flow, target, won), self)
        there, here = near_there.tolist(), near_here.tolist()
        large: list[int] = []
        drawn = np.zeros(len(self.cells) + 1, np.int64)
        while count and (party := queues.next()) is not None:
            rows = self.rows[party]
            if len(rows) > count:
                large.append(party)
                continue
            count -= len(rows)
            self.left[party] = False
            for row in rows:
                cell = int(self.cell_of[row])
                more = int(drawn[cell])
                yield row, there[cell] + more, here[cell] - more - 1
                drawn[self.around[cell]] += 1
                queues.draw(cell)
        for party in large if self.drain else ():
            rows, self.rows[party] = self.rows[party][:count], self.rows[party][count:]
            count -= len(rows)
            for row in rows:
                cell = int(self.cell_of[row])
                yield row, there[cell], here[cell] - 1

    def _offsets(self, flow: Flow, target: Place, near: Ints) -> Floats:
        """What each party wins per head beyond its neighbours, in neighbours."""
        zone, policy = self.terms.zone, self.terms.policy
        offsets = self.fixed - self._worse(zone(flow.source), zone(flow.target))
        offsets += self.wished * (self.goals == flow.target)
        for party in self.groups:
            rows = self.rows[party]
            if not self.left[party] or not rows:
                continue
            mates = target.mates[self.place.residents[rows[0]].group]
            stands = near[self.cell_of[rows]]
            offsets[party] += float(stands.mean() - stands[0]) + len(rows) - 1
            offsets[party] += policy.rebalance.mate * mates if mates < policy.limits.group else 0.0
        return offsets

    def _worse(self, source: str, target: str) -> Floats:
        """How much worse each party's ping would be, in neighbours; 0 where that is not known."""
        worse_ms = np.nan_to_num(self._pings(target) - self._pings(source))
        worse = worse_ms[self.first]
        for party in self.groups:
            if self.rows[party]:
                worse[party] = worse_ms[self.rows[party]].mean()
        return np.asarray(worse / self.terms.policy.rebalance.neighbour_ms)

    def _pings(self, zone: str) -> Floats:
        """Everybody's ping to a zone in ms; not a number where it is not known."""
        if zone not in self._pinged:
            pings = [each.ping_ms.get(zone, math.nan) for each in self.place.residents]
            self._pinged[zone] = np.array(pings)
        return self._pinged[zone]


class _Queues:
    """The parties in each cell, best first. The best of all is next."""

    def __init__(self, near: Ints, offsets: Floats, parties: Parties) -> None:
        self._around = parties.around
        left = np.flatnonzero(parties.left)
        at = parties.cell_of[parties.first[left]]
        order = np.lexsort((left, -offsets[left], at))
        self._parties, self._offsets = left[order], offsets[left[order]]
        cells = np.arange(len(near))
        self._at = np.searchsorted(at[order], cells, "left")
        self._end = np.searchsorted(at[order], cells, "right")
        self._score = np.full(len(near) + 1, -math.inf)
        waiting = self._at < self._end
        self._score[:-1][waiting] = near[waiting] + self._offsets[self._at[waiting]]

    def next(self) -> int | None:
        """The best party, which leaves its queue; None when there is nobody."""
        cell = int(self._score.argmax())
        if self._score[cell] == -math.inf:
            return None
        at = int(self._at[cell])
        self._at[cell] = at + 1
        if at + 1 < self._end[cell]:
            self._score[cell] += self._offsets[at + 1] - self._offsets[at]
        else:
            self._score[cell] = -math.inf
        return int(self._parties[at])

    def draw(self, cell: int) -> None:
        """Somebody left this cell: its neighbours have one more there now, and one less here."""
        self._score[self._around[cell]] += 2.0


def _rows(place: Place, terms: PartyTerms, drain: bool) -> list[list[int]]:
    """The rows of each party of a place."""
    limits = terms.policy.limits
    whole = {group for group, n in place.mates.items() if group and n <= limits.group}
    since = terms.now - limits.cooldown_s
    free = [
        row
        for row, each in enumerate(place.residents)
        if not each.locked
        and (drain or each.moved_at is None or each.moved_at <= since)
        and (drain or not each.busy)
    ]
    if not place.here.all():
        free = [row for row in free if place.here[row]]
    if not whole:
        return [[row] for row in free]
    groups: dict[str, list[int]] = defaultdict(list)
    for row in free:
        groups[place.residents[row].group].append(row)
    parties = [[row] for name, rows in groups.items() if name not in whole for row in rows]
    parties += [
        rows
        for name, rows in groups.items()
        if name in whole and (drain or len(rows) == place.mates[name])
    ]
    return sorted(parties)
