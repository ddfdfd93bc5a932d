"""Rebalancing: how many players should leave which member for which (`flows`), and who (`choose`).

`flows` is a pure function of datapoints, earlier decisions, policy and now: it knows no player, and
a replay from Graphite decides the same. `choose` is a pure function of the roster. Nothing here
remembers, and nothing exceeds a capacity or the budget of moves.
"""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

import numpy as np

from clientmigration.core.fleet import Fleet, Flow
from clientmigration.core.health import Grade
from clientmigration.core.policy import Policy
from clientmigration.core.standing import Standing, standings
from clientmigration.core.world import Cell, Position, around, cell_of

__all__ = ["Flow", "Move", "Resident", "choose", "flows"]

Array = np.ndarray[tuple[int], np.dtype[np.float64]]
Word = Literal["", "draining", "overloaded", "high", "low"]
"""Why one member gives to another: the giver empties itself, is overloaded, is clearly above the
fleet's mean, or the taker is clearly below it; "" = it does not."""
NOTHING = 1e-9
"""Load so small that nobody notices it."""


def flows(fleet: Fleet, policy: Policy, now: float) -> tuple[Flow, ...]:
    """How many players should move from where to where now; empty when all is well.

    Together at most `policy.budget` players. Givers are those that drain (everybody, as far as
    there is room), are overloaded, or are clearly above the mean pressure; takers are below the
    mean and stay below it. Register the answer with `fleet.decided` before asking again.
    """
    known = [s for s in standings(fleet, policy, now) if s.closed != "silent"]
    takers = [s for s in known if not s.closed]
    if not takers:
        return ()
    staying = [s for s in known if s.closed != "draining"]
    mean = math.fsum(s.pressure for s in known) / len(staying)
    return tuple(_plan(known, [_Room(s, mean, policy) for s in takers], mean, policy))


class _Room:
    """What one taker can still take, while a plan is made."""

    def __init__(self, taker: Standing, mean: float, policy: Policy) -> None:
        self.taker, self.pressure = taker, taker.pressure
        self.hard = min(taker.seats, _times(policy.limits.full_load - taker.load, taker.load_cost))
        self.gentle = _times(policy.rebalance.damping * (mean - taker.pressure), taker.cost)

    def left(self, word: Word) -> int:
        """Players it still takes for this reason: a drain may lift it above the mean."""
        return self.hard if word == "draining" else min(self.hard, self.gentle)

    def take(self) -> None:
        self.hard, self.gentle = self.hard - 1, self.gentle - 1
        self.pressure += self.taker.cost


def _times(span: float, each: float) -> int:
    """How often `each` fits into `span`."""
    return max(0, int(span / max(each, NOTHING)))


def _plan(
    givers: Iterable[Standing], rooms: Sequence[_Room], mean: float, policy: Policy
) -> Iterator[Flow]:
    budget = policy.budget
    for giver in sorted(givers, key=_urgency):
        words = {room: _word(giver, room.taker, mean, policy) for room in rooms}
        poured = _pour(min(budget, _wish(giver, mean, policy)), words)
        budget -= poured.total()
        for room in rooms:
            if poured[room]:
                reason = _reason(words[room], giver, room.taker, mean)
                yield Flow(giver.name, room.taker.name, poured[room], reason)


def _urgency(giver: Standing) -> tuple[bool, int, float, str]:
    return giver.closed != "draining", -giver.grade, -giver.pressure, giver.name


def _wish(giver: Standing, mean: float, policy: Policy) -> int:
    if giver.closed == "draining":
        return giver.players
    above = policy.rebalance.damping * (giver.pressure - mean)
    return min(giver.players, _times(above, giver.cost))


def _pour(count: int, words: Mapping[_Room, Word]) -> Counter[_Room]:
    """Players by room: one after the other to whoever is lowest and still takes some."""
    poured: Counter[_Room] = Counter()
    heap = [(room.pressure, room.taker.name, room) for room, word in words.items() if word]
    heapq.heapify(heap)
    while heap and poured.total() < count:
        _, name, room = heapq.heappop(heap)
        if room.left(words[room]) > 0:
            room.take()
            poured[room] += 1
            heapq.heappush(heap, (room.pressure, name, room))
    return poured


def _word(giver: Standing, taker: Standing, mean: float, policy: Policy) -> Word:
    if giver.name == taker.name:
        return ""
    if giver.closed == "draining":
        return "draining"
    if not (giver.sure and taker.sure and giver.pressure > mean > taker.pressure):
        return ""
    doubt = max(giver.doubt, taker.doubt)
    hot = giver.grade is Grade.OVERLOADED and giver.pressure - doubt > mean
    if hot and taker.grade is Grade.FIT:
        return "overloaded"
    if _clear(giver, mean, doubt, policy):
        return "high"
    return "low" if _clear(taker, mean, doubt, policy) else ""


def _clear(standing: Standing, mean: float, doubt: float, policy: Policy) -> bool:
    """Whether this is far enough from the mean to act; nearer will do to end what has begun."""
    r = policy.rebalance
    share = r.finish if standing.changing else 1.0
    times, apart = 1 + (r.imbalance - 1) * share, abs(standing.pressure - mean)
    outside = standing.pressure > mean * times or standing.pressure * times < mean
    return outside and apart > (r.margin + doubt) * share


def _reason(word: Word, giver: Standing, taker: Standing, mean: float) -> str:
    return f"{word}: {giver.pressure:.2f} to {taker.pressure:.2f}, mean {mean:.2f}"


@dataclass(frozen=True, slots=True)
class Resident:
    """One player of the roster. `ping_ms` by member name as far as measured; `moved_at` in Unix
    seconds, None if never; `locked` by its game or by a move under way."""

    player: str
    member: str
    position: Position | None
    ping_ms: Mapping[str, float]
    moved_at: float | None = None
    locked: bool = False

    def movable(self, policy: Policy, now: float) -> bool:
        """Neither locked nor moved within the cooldown."""
        rested = self.moved_at is None or now - self.moved_at >= policy.limits.cooldown_s
        return rested and not self.locked


@dataclass(frozen=True, slots=True)
class Move:
    """One player should move from `source` to `target`. The reason is the flow's, then its own."""

    player: str
    source: str
    target: str
    reason: str


def choose(
    roster: Sequence[Resident], flows: Sequence[Flow], policy: Policy, now: float, budget: int
) -> tuple[Move, ...]:
    """Who moves for each flow: at most its players, at most `budget` together, each at most once.

    First those with the most neighbours at the target and the fewest at the source; a worse ping
    counts against them. Each choice draws its neighbours after it, so groups stay together. Nobody
    who is locked or was moved within the cooldown. The order of the roster does not matter.
    """
    crowd = _Crowd(roster, flows, policy, now)
    moves: list[Move] = []
    for flow in flows:
        moves += crowd.leave(flow, min(flow.players, budget - len(moves)))
    return tuple(moves)


class _Crowd:
    """Who is where while choices are made; choosing changes it."""

    def __init__(
        self, roster: Iterable[Resident], flows: Sequence[Flow], policy: Policy, now: float
    ) -> None:
        self._policy = policy
        self._headcount: dict[str, Counter[Cell]] = {}
        self._movable: dict[str, list[Resident]] = {flow.source: [] for flow in flows}
        for flow in flows:
            self._headcount |= {flow.source: Counter(), flow.target: Counter()}
        for resident in sorted(roster, key=attrgetter("player")):
            if resident.member in self._headcount:
                self._count(resident.member, self._cell(resident), 1)
            if resident.member in self._movable and resident.movable(policy, now):
                self._movable[resident.member].append(resident)

    def leave(self, flow: Flow, count: int) -> Iterator[Move]:
        """The next `count` players for this flow, or as many as there are."""
        here = self._movable[flow.source]
        cells = [self._cell(resident) for resident in here]
        gains, rows = self._gains(here, cells, flow), _rows(cells)
        taken: set[int] = set()
        while len(taken) < min(count, len(here)):
            row = int(np.argmax(gains))
            yield self._move(here[row], cells[row], flow)
            gains[row] = -math.inf
            for cell in _sight(cells[row]):
                gains[rows.get(cell, [])] += 2  # one more neighbour there, one less here
            taken.add(row)
        self._movable[flow.source] = [r for row, r in enumerate(here) if row not in taken]

    def _gains(self, here: Sequence[Resident], cells: Sequence[Cell | None], flow: Flow) -> Array:
        near = {c: self._near(flow.target, c) - self._near(flow.source, c) for c in {*cells}}
        worth_ms = self._policy.rebalance.neighbour_ms
        return np.array(
            [
                near[cell] - _worse_ms(r, flow) / worth_ms
                for r, cell in zip(here, cells, strict=True)
            ]
        )

    def _move(self, resident: Resident, cell: Cell | None, flow: Flow) -> Move:
        self._count(flow.source, cell, -1)
        there, here = self._near(flow.target, cell), self._near(flow.source, cell)
        self._count(flow.target, cell, 1)
        reason = f"{flow.reason}; {there} neighbours there, {here} here"
        return Move(resident.player, flow.source, flow.target, reason)

    def _cell(self, resident: Resident) -> Cell | None:
        at = resident.position
        return None if at is None else cell_of(at, self._policy.rebalance.cell_m)

    def _count(self, member: str, cell: Cell | None, by: int) -> None:
        if cell is not None:
            self._headcount[member][cell] += by

    def _near(self, member: str, cell: Cell | None) -> int:
        return sum(self._headcount[member][c] for c in _sight(cell))


def _sight(cell: Cell | None) -> tuple[Cell, ...]:
    return () if cell is None else around(cell)


def _rows(cells: Iterable[Cell | None]) -> dict[Cell, list[int]]:
    rows: dict[Cell, list[int]] = defaultdict(list)
    for row, cell in enumerate(cells):
        if cell is not None:
            rows[cell].append(row)
    return rows


def _worse_ms(resident: Resident, flow: Flow) -> float:
    """How much worse its ping would be; 0 when that is not known."""
    ping_ms = resident.ping_ms
    if flow.source not in ping_ms or flow.target not in ping_ms:
        return 0.0
    return ping_ms[flow.target] - ping_ms[flow.source]
