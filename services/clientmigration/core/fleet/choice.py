"""The choice: which players carry out a flow.

A pure function of roster, flows, policy and now. Neighbours and groups stay together as far as the
flows allow; nothing here exceeds a flow or the budget of moves.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import msgspec
import numpy as np
from numpy.typing import NDArray

from clientmigration.core.fleet.fleet import Flow
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.world import Position

ROWS = 2**31
"""Cells are numbered: column times this, plus row."""
SIGHT = np.array([column * ROWS + row for column in (-1, 0, 1) for row in (-1, 0, 1)])
"""From a cell to those that its players see."""
NOWHERE = -(2**62)
"""The cell of a player without a position."""
NO_PLACE = Position(0.0, 0.0)
"""Stands for the position of a player that has none."""
LAST = 1e6
"""Neighbours that whoever asked not to be moved counts as leaving behind."""


class Resident(msgspec.Struct, frozen=True, gc=False):
    """One player of the roster. `ping_ms` by zone as far as known; `moved_at` in Unix seconds, None
    if never; `locked` while a move is under way; `busy` when its game or a workload asks to leave
    it where it is; `group` "" for none."""

    player: str
    member: str
    position: Position | None
    ping_ms: Mapping[str, float]
    moved_at: float | None = None
    locked: bool = False
    busy: bool = False
    group: str = ""

    def movable(self, policy: Policy, now: float) -> bool:
        """Neither locked nor moved within the cooldown."""
        rested = self.moved_at is None or now - self.moved_at >= policy.limits.cooldown_s
        return rested and not self.locked


class Move(msgspec.Struct, frozen=True, gc=False):
    """One player should move from `source` to `target`. The reason is the flow's, then its own."""

    player: str
    source: str
    target: str
    reason: str


def choose(
    roster: Sequence[Resident],
    flows: Sequence[Flow],
    policy: Policy,
    now: float,
    budget: int,
    zones: Mapping[str, str] | None = None,
) -> tuple[Move, ...]:
    """Who moves for each flow: at most its players, at most `budget` together, each at most once.

    First those with the most neighbours at the target and the fewest at the source; a worse ping
    counts against them. Each choice draws its neighbours after it. A group moves as a whole or not
    at all; only a drain splits one that fits nowhere, and only a drain moves who is busy, last.
    Nobody who is locked or was moved within the cooldown. The order of the roster does not matter.
    `zones` says where members stand; who is not in it has a zone of its own, called like itself.
    """
    crowd = _Crowd(roster, flows, policy, now, zones or {})
    moves: list[Move] = []
    for flow in flows:
        count = min(flow.players, budget - len(moves))
        if count > 0:
            moves += crowd.leave(flow, count)
    return tuple(moves)


Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass
class _Place:
    """Who is at one member while choices are made: the residents that began here, each with its
    cell and whether it is still here; the cells of those who came; how many of each group."""

    residents: list[Resident]
    cells: Ints
    here: NDArray[np.bool_]
    came: list[int] = field(default_factory=list)
    mates: Counter[str] = field(default_factory=Counter)

    def heads(self, cells: int) -> Ints:
        """How many there are now in each of so many cells."""
        there = np.append(self.cells[self.here], np.array(self.came, np.int64))
        return np.asarray(np.bincount(there, minlength=cells))


class _Crowd:
    """Who is where while choices are made; choosing changes it.

    Cells are numbered anew, in the order of all that there are; the last number is nowhere.
    """

    def __init__(
        self,
        roster: Iterable[Resident],
        flows: Sequence[Flow],
        policy: Policy,
        now: float,
        zones: Mapping[str, str],
    ) -> None:
        self.policy, self.now, self.zones = policy, now, zones
        members = {flow.source for flow in flows} | {flow.target for flow in flows}
        sources = {flow.source for flow in flows}
        there: dict[str, list[Resident]] = {name: [] for name in members}
        for each in roster:
            if each.member in members:
                there[each.member].append(each)
        for name in sources:
            there[name].sort(key=attrgetter("player"))
        names, lists = list(there), list(there.values())
        codes = _codes([each for residents in lists for each in residents], policy)
        known, cells = np.unique(codes, return_inverse=True)
        self.sight = _sight(known)
        cells[codes == NOWHERE] = self.nowhere = len(known)
        ends = np.cumsum([0, *(len(residents) for residents in lists)])
        self.places = {
            name: _Place(residents, cells[a:b], np.ones(b - a, bool))
            for name, residents, a, b in zip(names, lists, ends, ends[1:], strict=False)
        }
        for place in self.places.values():
            place.mates.update(map(attrgetter("group"), place.residents))
        self._ready: dict[tuple[str, bool], _Parties] = {}

    def leave(self, flow: Flow, count: int) -> Iterator[Move]:
        """The next `count` players for this flow, or as many as there are."""
        drain = flow.reason.startswith("draining")
        key = flow.source, drain
        if key not in self._ready:
            self._ready[key] = _Parties(self, self.places[flow.source], drain)
        source, target = self.places[flow.source], self.places[flow.target]
        for row, there, here in self._ready[key].leave(flow, target, count):
            resident = source.residents[row]
            source.here[row] = False
            target.came.append(int(source.cells[row]))
            source.mates[resident.group] -= 1
            target.mates[resident.group] += 1
            reason = f"{flow.reason}; {there} neighbours there, {here} here"
            yield Move(resident.player, flow.source, flow.target, reason)

    def near(self, place: _Place, cells: Ints) -> Ints:
        """How many players of a place those who stand in these cells see."""
        heads = place.heads(self.nowhere + 1)
        heads[self.nowhere] = 0
        return np.asarray(heads[self.sight[cells]].sum(axis=1))


class _Parties:
    """Those of one place who can leave: whole groups together, everybody else alone.

    A party stands in the cell of its first player. `cells` are those in which anybody stands, and
    `around` says for each which of them it sees; the one after the last is for all that are not.
    """

    def __init__(self, crowd: _Crowd, place: _Place, drain: bool) -> None:
        self.crowd, self.place, self.drain = crowd, place, drain
        self.rows = _rows(place, crowd, drain)
        self.left = np.ones(len(self.rows), bool)
        self.cells, self.cell_of = np.unique(place.cells, return_inverse=True)
        seen = crowd.sight[self.cells]
        self.around = _within(self.cells, np.where(seen == crowd.nowhere, NOWHERE, seen))
        self.first = np.array([rows[0] for rows in self.rows], np.int64)
        busy = np.array([place.residents[row].busy for row in self.first], bool)
        self.groups = [n for n, rows in enumerate(self.rows) if len(rows) > 1]
        self.fixed = -LAST * busy
        self._pinged: dict[str, Floats] = {}

    def leave(self, flow: Flow, target: _Place, count: int) -> Iterator[tuple[int, int, int]]:
        """The best of them, `count` players in all: each one's row, and how many neighbours it will
        have there and has here. A party that is too large stays, unless there are none but those:
        then a drain splits it."""
        there = self.crowd.near(target, self.cells)
        here = self.crowd.near(self.place, self.cells)
        queues = _Queues(there - here, self._offsets(flow, target, there - here), self)
        there, here = there.tolist(), here.tolist()
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

    def _offsets(self, flow: Flow, target: _Place, near: Ints) -> Floats:
        """What each party wins per head beyond its neighbours, in neighbours."""
        zones = (
            self.crowd.zones.get(flow.source, flow.source),
            self.crowd.zones.get(flow.target, flow.target),
        )
        offsets = self.fixed - self._worse(*zones)
        rebalance, limits = self.crowd.policy.rebalance, self.crowd.policy.limits
        for party in self.groups:
            rows = self.rows[party]
            if not self.left[party] or not rows:
                continue
            mates = target.mates[self.place.residents[rows[0]].group]
            stands = near[self.cell_of[rows]]
            offsets[party] += float(stands.mean() - stands[0]) + len(rows) - 1
            offsets[party] += rebalance.mate * mates if mates < limits.group else 0.0
        return offsets

    def _worse(self, source: str, target: str) -> Floats:
        """How much worse each party's ping would be, in neighbours; 0 where that is not known."""
        worse_ms = np.nan_to_num(self._pings(target) - self._pings(source))
        worse = worse_ms[self.first]
        for party in self.groups:
            if self.rows[party]:
                worse[party] = worse_ms[self.rows[party]].mean()
        return np.asarray(worse / self.crowd.policy.rebalance.neighbour_ms)

    def _pings(self, zone: str) -> Floats:
        """Everybody's ping to a zone in ms; not a number where it is not known."""
        if zone not in self._pinged:
            pings = [each.ping_ms.get(zone, math.nan) for each in self.place.residents]
            self._pinged[zone] = np.array(pings)
        return self._pinged[zone]


class _Queues:
    """The parties in each cell, best first. The best of all is next."""

    def __init__(self, near: Ints, offsets: Floats, parties: _Parties) -> None:
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


def _rows(place: _Place, crowd: _Crowd, drain: bool) -> list[list[int]]:
    """The rows of each party of a place."""
    largest = crowd.policy.limits.group
    whole = {group for group, n in place.mates.items() if group and n <= largest}
    since = crowd.now - crowd.policy.limits.cooldown_s
    free = [
        row
        for row, each in enumerate(place.residents)
        if not each.locked
        and (each.moved_at is None or each.moved_at <= since)
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


def _codes(residents: Sequence[Resident], policy: Policy) -> Ints:
    """The cell of each, as one number; NOWHERE without a position."""
    at = [each.position or NO_PLACE for each in residents]
    lost = [n for n, position in enumerate(at) if position is NO_PLACE]
    x, y = np.array([p.x for p in at]), np.array([p.y for p in at])
    cell_m = policy.rebalance.cell_m
    columns, rows = (np.floor(np.clip(v / cell_m, -(2.0**30), 2.0**30)) for v in (x, y))
    codes = np.asarray(columns.astype(np.int64) * ROWS + rows.astype(np.int64))
    codes[lost] = NOWHERE
    return codes


def _sight(known: Ints) -> Ints:
    """For each of these cells, sorted, the numbers of those that are seen from it; one more row is
    for nowhere, from which nothing is seen."""
    return _within(known, np.vstack((known[:, None] + SIGHT, np.full(9, NOWHERE - 1))))


def _within(known: Ints, wanted: Ints) -> Ints:
    """Where in `known`, sorted, each wanted one is; the number after the last where it is not."""
    at = np.searchsorted(known, wanted)
    found = at < len(known)
    found[found] = known[at[found]] == wanted[found]
    return np.where(found, at, len(known))
