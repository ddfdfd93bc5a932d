"""The choice: which players carry out a flow.

A pure function of roster, flows, policy and now. Neighbours and groups stay together as far as the
flows allow; nothing here exceeds a flow or the budget of moves.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from clientmigration.core.fleet import Flow
from clientmigration.core.policy import Policy
from clientmigration.core.world import Position

ROWS = 2**31
"""Cells are numbered: column times this, plus row."""
SIGHT = tuple(column * ROWS + row for column in (-1, 0, 1) for row in (-1, 0, 1))
"""From a cell to those that its players see."""
NOWHERE = -(2**62)
"""The cell of a player without a position."""
LAST = 1e6
"""Neighbours that whoever asked not to be moved counts as leaving behind."""


class Resident(msgspec.Struct, frozen=True):
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


class Move(msgspec.Struct, frozen=True):
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
        moves += crowd.leave(flow, min(flow.players, budget - len(moves)))
    return tuple(moves)


Party = list[tuple[Resident, int]]
"""Players that leave together, each with its cell."""


class _Crowd:
    """Who is where while choices are made; choosing changes it."""

    def __init__(
        self,
        roster: Iterable[Resident],
        flows: Sequence[Flow],
        policy: Policy,
        now: float,
        zones: Mapping[str, str],
    ) -> None:
        self._policy, self._now, self._zones = policy, now, zones
        sources = {flow.source for flow in flows}
        members = sources | {flow.target for flow in flows}
        residents = [each for each in roster if each.member in members]
        cells = _cells(residents, policy.rebalance.cell_m)
        self._here: dict[str, list[tuple[Resident, int]]] = {name: [] for name in members}
        for each, cell in zip(residents, cells, strict=True):
            self._here[each.member].append((each, cell))
        self._headcount = {m: Counter(cell for _, cell in here) for m, here in self._here.items()}
        self._mates = {m: Counter(r.group for r, _ in here) for m, here in self._here.items()}
        for name in sources:
            self._here[name].sort(key=lambda pair: pair[0].player)

    def leave(self, flow: Flow, count: int) -> Iterator[Move]:
        """The next `count` players for this flow, or as many as there are."""
        if count < 1:
            return
        drain = flow.reason.startswith("draining")
        parties = _Parties(self._parties(flow.source, drain), self._gain(flow))
        gone: set[str] = set()
        for party in parties.leave(count, split=drain):
            for resident, cell in party:
                yield self._move(resident, cell, flow)
                gone.add(resident.player)
        here = self._here[flow.source]
        self._here[flow.source] = [pair for pair in here if pair[0].player not in gone]

    def _parties(self, source: str, drain: bool) -> list[Party]:
        """Who can leave, and with whom: a group together, everybody else alone."""
        parties: list[Party] = []
        groups: dict[str, Party] = defaultdict(list)
        whole = {g for g, n in self._mates[source].items() if g and n <= self._policy.limits.group}
        for pair in self._here[source]:
            resident = pair[0]
            if not resident.movable(self._policy, self._now) or (resident.busy and not drain):
                continue
            if resident.group in whole:
                groups[resident.group].append(pair)
            else:
                parties.append([pair])
        for group, party in groups.items():
            if drain or len(party) == self._mates[source][group]:
                parties.append(party)
        return parties

    def _gain(self, flow: Flow) -> Callable[[Party], float]:
        """What is won per head when a party leaves, in neighbours at its side."""
        rebalance, limits = self._policy.rebalance, self._policy.limits
        near: dict[int, int] = {}
        mates = self._mates[flow.target]
        zones = [self._zones.get(name, name) for name in (flow.source, flow.target)]

        def gain(party: Party) -> float:
            total = 0.0
            for resident, cell in party:
                if cell not in near:
                    near[cell] = self._near(flow.target, cell) - self._near(flow.source, cell)
                worse_ms = _worse_ms(resident, *zones)
                total += near[cell] - worse_ms / rebalance.neighbour_ms - LAST * resident.busy
            group = party[0][0].group
            if group and 0 < mates[group] < limits.group:
                total += len(party) * mates[group] * rebalance.mate
            return total / len(party) + (len(party) - 1)  # mates do not stay behind

        return gain

    def _move(self, resident: Resident, cell: int, flow: Flow) -> Move:
        self._headcount[flow.source][cell] -= 1
        there, here = self._near(flow.target, cell), self._near(flow.source, cell)
        self._headcount[flow.target][cell] += 1
        self._mates[flow.source][resident.group] -= 1
        self._mates[flow.target][resident.group] += 1
        reason = f"{flow.reason}; {there} neighbours there, {here} here"
        return Move(resident.player, flow.source, flow.target, reason)

    def _near(self, member: str, cell: int) -> int:
        if cell == NOWHERE:
            return 0
        headcount = self._headcount[member]
        return sum([headcount.get(cell + step, 0) for step in SIGHT])


class _Parties:
    """Those who may leave for one flow, and what is won by each."""

    def __init__(self, parties: Sequence[Party], gain: Callable[[Party], float]) -> None:
        self._parties = parties
        self._gains = np.array([gain(party) for party in parties])
        self._pull = np.array([2.0 / len(party) for party in parties])
        self._rows: dict[int, list[int]] = defaultdict(list)
        self._around: dict[int, NDArray[np.intp]] = {}
        for row, party in enumerate(parties):
            for _, cell in party:
                self._rows[cell].append(row)

    def leave(self, count: int, split: bool) -> Iterator[Party]:
        """The best of them, `count` players in all. Whoever is too many stays, unless there are
        none but those: then some of them go if they may be `split`."""
        left, large = count, list[Party]()
        for _ in range(len(self._parties)):
            row = int(np.argmax(self._gains))
            self._gains[row] = -math.inf
            party = self._parties[row]
            if len(party) > left:
                large.append(party)
                continue
            yield party
            left -= len(party)
            if not left:
                return
            self._draw(party)
        for party in large if split else ():
            yield party[:left]
            left -= len(party[:left])

    def _draw(self, party: Party) -> None:
        """Their neighbours have one more there now, and one less here."""
        for _, cell in party:
            if cell not in self._around:
                seen = [row for step in SIGHT for row in self._rows.get(cell + step, ())]
                self._around[cell] = np.array(seen if cell != NOWHERE else [], np.intp)
            rows = self._around[cell]
            np.add.at(self._gains, rows, self._pull[rows])


def _cells(residents: Sequence[Resident], cell_m: float) -> list[int]:
    """The number of each one's cell."""
    nowhere = Position(-1.0, -1.0)
    at = [each.position or nowhere for each in residents]
    x, y = np.array([p.x for p in at]), np.array([p.y for p in at])
    columns, rows = (np.floor(np.clip(v / cell_m, -(2**30), 2**30)) for v in (x, y))
    cells: list[int] = (columns.astype(np.int64) * ROWS + rows.astype(np.int64)).tolist()
    lost = [n for n, each in enumerate(residents) if each.position is None]
    for n in lost:
        cells[n] = NOWHERE
    return cells


def _worse_ms(resident: Resident, source: str, target: str) -> float:
    """How much worse its ping would be in the other zone; 0 when that is not known."""
    ping_ms = resident.ping_ms
    if source not in ping_ms or target not in ping_ms:
        return 0.0
    return ping_ms[target] - ping_ms[source]
