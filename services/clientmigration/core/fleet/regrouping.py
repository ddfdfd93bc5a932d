"""Regrouping: who is exchanged between members, so that those who see each other play together.

A pure function of roster, flows, policy and now. As many come to each member as leave it, but for
those by whom the flows differ; nothing here exceeds a flow.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

import numpy as np

from clientmigration.core.fleet.cells import CellSight, Floats, Ints
from clientmigration.core.fleet.circulation import Party, Way, circulated
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.parties import PartyTerms, Wish
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.fleet.territory import Crowds, Marks, divided

FEW = 4
"""Parties of one cell and one member that are one vertex, at most: so that sizes can be exact."""
ASKED = 20_000
"""Residents of whom it is wished where they go when members get fuller, at most."""

Found = tuple[Resident, Flow, int, int]
"""Who goes, for which flow, how many neighbours it will have there, and has here."""


def regrouped(
    there: Mapping[str, Sequence[Resident]], flows: Sequence[Flow], terms: PartyTerms, most: int
) -> Iterator[Found]:
    """Who goes for these exchanges, at most so many, of the residents of the members between which
    they are.

    In an order in which all stay as full as they are. Nobody who is locked or busy, nobody who was
    moved within `rest_s`; a group goes as a whole or not at all; nobody's ping gets worse by more
    than `worse_ms`. Nobody goes for whom it does not pay.
    """
    bounds: dict[Way, int] = {(flow.source, flow.target): flow.players for flow in flows}
    by_way = {(flow.source, flow.target): flow for flow in flows}
    grown = _grown(flows)
    crowd = _Regrouping(there, terms, terms.policy.together.rest_s)
    if not crowd.parties:
        return
    sizes = crowd.sizes()
    limits = sizes + np.array([max(0, grown[name]) for name in crowd.names])
    crowd.divide(sizes, limits, forced=False)
    for party in circulated(crowd.wanted(), bounds, grown, most):
        for row in party.rows:
            yield crowd.residents[row], by_way[party.way], *crowd.neighbours(row)


def wished(
    there: Mapping[str, Sequence[Resident]], flows: Sequence[Flow], terms: PartyTerms
) -> dict[str, Wish]:
    """Who should go where, by name, if these flows are carried out: so that those who see each
    other play together afterwards, and a member that gets many gets a part of the world. Of too
    many residents to ask nothing is wished."""
    if not 0 < sum(map(len, there.values())) <= ASKED:
        return {}
    crowd = _Regrouping(there, terms, terms.policy.limits.cooldown_s)
    present = dict(zip(crowd.names, crowd.sizes().tolist(), strict=True))
    grown, times = _grown(flows), _times(flows, present)
    then = [present[name] + round(times * grown[name]) for name in crowd.names]
    sizes = np.maximum(0, np.array(then, np.int64))
    crowd.divide(sizes, sizes + FEW, forced=True)
    return {
        crowd.residents[row].player: Wish(party.way[1], crowd.keeps(row))
        for party in crowd.wanted()
        for row in party.rows
    }


def _grown(flows: Sequence[Flow]) -> Mapping[str, int]:
    """By how many players each member grows."""
    grown: dict[str, int] = defaultdict(int)
    for flow in flows:
        grown[flow.source] -= flow.players
        grown[flow.target] += flow.players
    return grown


def _times(flows: Sequence[Flow], present: Mapping[str, int]) -> float:
    """How often flows like these would have to be decided until all is even, or who is emptied is
    empty: a part of the world is chosen for all who will come, not for the first of them."""
    grown = _grown(flows)
    spans = [
        present[flow.source] / -min(-1, grown[flow.source])
        if flow.empties
        else (present[flow.source] - present[flow.target])
        / max(1, grown[flow.target] - grown[flow.source])
        for flow in flows
    ]
    return max(1.0, min(spans))


class _Regrouping:
    """Everybody at some members, as rows, and where each should be once that is divided. Nobody may
    go who was moved within `rest_s`."""

    def __init__(
        self, there: Mapping[str, Sequence[Resident]], terms: PartyTerms, rest_s: float
    ) -> None:
        self.terms, self.names, self._since = terms, sorted(there), terms.now - rest_s
        self.residents = [
            each for name in self.names for each in sorted(there[name], key=attrgetter("player"))
        ]
        counts = [len(there[name]) for name in self.names]
        self.home = np.repeat(np.arange(len(self.names)), counts)
        cell_m = terms.policy.rebalance.cell_m
        self.sight, self.cells = CellSight.of([r.position for r in self.residents], cell_m)
        self.parties = self._parties()

    def sizes(self) -> Ints:
        """How many are at each member."""
        return np.bincount(self.home, minlength=len(self.names)).astype(np.int64)

    def divide(self, sizes: Ints, limits: Ints, forced: bool) -> None:
        """Find where each should be, when members shall have so many players and may have so
        many."""
        first = np.array([rows[0] for rows in self.parties], np.int64)
        heads = np.array([len(rows) for rows in self.parties], np.int64)
        allowed, kind = self._allowed(first)
        keys = self.cells[first] * len(self.names) + self.home[first]
        for more in (kind, self._few(first)):
            keys = keys * (int(more.max()) + 1) + more
        _, one, vertex = np.unique(keys, return_index=True, return_inverse=True)
        self._first, self._vertex = first, vertex
        self._crowds = Crowds.of(
            np.bincount(self._vertex, heads).astype(np.int64),
            self.home[first[one]],
            allowed[one],
            self.cells[first[one]],
            self.sight,
        )
        worth = self.terms.policy.together.worth
        self._goal = divided(self._crowds, sizes, limits, worth, forced)

    def wanted(self) -> Iterator[Party]:
        """The parties that should be elsewhere, those who win most first."""
        crowds, goal, rows = self._crowds, self._goal, np.arange(len(self._goal))
        here, then = crowds.near(crowds.home), crowds.near(goal)
        self._there = then[rows, goal] / crowds.heads
        self._left = then[rows, crowds.home] / crowds.heads
        self._here = here[rows, crowds.home] / crowds.heads
        won = here[rows, goal] - here[rows, crowds.home] + then[rows, goal]
        won = (won - then[rows, crowds.home]) / crowds.heads
        going = np.flatnonzero((goal != crowds.home)[self._vertex])
        order = going[np.lexsort((self._first[going], -won[self._vertex[going]]))]
        self._of_row: dict[int, int] = {}
        for rank, party in enumerate(order.tolist()):
            vertex = int(self._vertex[party])
            self._of_row |= dict.fromkeys(self.parties[party], vertex)
            way = self.names[int(crowds.home[vertex])], self.names[int(goal[vertex])]
            yield Party(rank, tuple(self.parties[party]), way)

    def neighbours(self, row: int) -> tuple[int, int]:
        """How many a row has where it should be, when all are there, and has now where it is."""
        vertex = self._of_row[row]
        with_it = int(self._crowds.heads[vertex]) - 1
        return round(self._there[vertex]) + with_it, round(self._here[vertex]) + with_it

    def keeps(self, row: int) -> float:
        """How many neighbours more a row has where it should be than where it is, when all are
        where they should be."""
        vertex = self._of_row[row]
        return float(self._there[vertex] - self._left[vertex])

    def _few(self, first: Ints) -> Ints:
        """A number for each party, by which not many of one cell are one vertex."""
        keys = self.cells[first] * len(self.names) + self.home[first]
        order = np.argsort(keys, kind="stable")
        begin = np.concatenate(([True], keys[order][1:] != keys[order][:-1]))
        nth = np.arange(len(keys)) - np.maximum.accumulate(np.where(begin, np.arange(len(keys)), 0))
        few = np.empty(len(keys), np.int64)
        few[order] = nth // FEW
        return few

    def _parties(self) -> list[list[int]]:
        """Whole groups, and everybody else alone."""
        limit = self.terms.policy.limits.group
        groups: dict[tuple[int, str], list[int]] = defaultdict(list)
        alone: list[list[int]] = []
        for row, (each, home) in enumerate(zip(self.residents, self.home.tolist(), strict=True)):
            if each.group:
                groups[home, each.group].append(row)
            else:
                alone.append([row])
        for rows in groups.values():
            alone += [rows] if len(rows) <= limit else [[row] for row in rows]
        return alone

    def _allowed(self, first: Ints) -> tuple[Marks, Ints]:
        """Where each party may be, (parties, members), and a number for each kind of answer."""
        policy, members = self.terms.policy, np.arange(len(self.names))
        stays = [
            each.locked or each.busy or (each.moved_at is not None and each.moved_at > self._since)
            for each in self.residents
        ]
        may = np.repeat(~np.array(stays, bool)[:, None], len(members), axis=1)
        if any(each.ping_ms for each in self.residents):
            pings = self._pings()
            own = pings[np.arange(len(may)), self.home]
            with np.errstate(invalid="ignore"):
                may &= ~(pings - own[:, None] > policy.together.worse_ms)
        may[np.arange(len(may)), self.home] = True
        allowed = may[first]
        for n, rows in enumerate(self.parties):
            if len(rows) > 1:
                allowed[n] = may[rows].all(axis=0)
        kinds: dict[bytes, int] = {}
        packed = np.packbits(allowed, axis=1)
        kind = [kinds.setdefault(row.tobytes(), len(kinds)) for row in packed]
        return allowed, np.array(kind, np.int64)

    def _pings(self) -> Floats:
        """Everybody's ping to every member in ms; not a number where it is not known."""
        zones = [self.terms.zone(name) for name in self.names]
        known = {
            zone: np.array([each.ping_ms.get(zone, math.nan) for each in self.residents])
            for zone in set(zones)
        }
        return np.stack([known[zone] for zone in zones], axis=1)
