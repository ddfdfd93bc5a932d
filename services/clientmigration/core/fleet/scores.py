"""Scores: every member of a fleet in the eyes of one newcomer.

Arithmetic on the columns of the fleet. Four signals, each 0 (best) to 1 (worst): ping, predicted
load, position, group; and why a member can not be chosen. Who is chosen is placement's.
"""

import math
from collections.abc import Mapping, Sequence
from typing import overload

import msgspec
import numpy as np

from clientmigration.core.fleet.cells import Floats, Ints
from clientmigration.core.fleet.columns import (
    EXCLUDED,
    FULL,
    NEUTRAL,
    Columns,
    Excluded,
    Flags,
    Outlook,
    Vacancy,
)
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.policy import Policy, RebalancePolicy
from clientmigration.core.fleet.world import Position

FAR, UNPINGED, REFUSED, UNREACHABLE = (
    EXCLUDED.index(word) for word in ("far", "unpinged", "refused", "unreachable")
)

CAUTION = 0.1
"""Share of the imbalance that balance lets be to which a place fills a member while nobody knows
what a player costs. Else it is `rebalance.finish`."""


class Score(msgspec.Struct, frozen=True, gc=False):
    """One member in the eyes of one newcomer: signals and their weighted mean, all 0..1, 0 best.

    A member that was excluded before it was scored (`silent`) has neutral parts and total 1.
    """

    member: str
    ping: float
    load: float
    position: float
    group: float
    total: float
    excluded: Excluded = ""


class Scores:
    """The scores as arrays, a row for each member as in the columns."""

    def __init__(self, newcomer: Newcomer, columns: Columns, now: float) -> None:
        self.names, self.policy = columns.names, columns.policy
        vacancy = columns.vacancy(now)
        outlook = vacancy.outlook
        self._nothing = columns.nothing
        self._made: dict[int, Score] = {}
        self.ping, pinged = _ping(newcomer, columns)
        self._why, self.open = vacancy.why, vacancy.open  # those that can be chosen from
        if newcomer.avoids or newcomer.refused_by or pinged.any():
            self._why = _excluded(newcomer, columns, vacancy, pinged)
            self.open = self.excluded("")
        self.load = outlook.dear
        self.position = _position(newcomer, columns, outlook, self.open)
        self.group = _group(newcomer.mates, columns)
        unknown = columns.unknown()
        if len(unknown):
            self.ping, self.load, self.position, self.group = (
                np.where(unknown, NEUTRAL, signal)
                for signal in (self.ping, self.load, self.position, self.group)
            )
        self.total = self._weighed(self.ping)
        if len(unknown):
            self.total[unknown] = 1.0

    def excluded(self, word: Excluded) -> Flags:
        """Those that were not chosen from for this reason."""
        return np.asarray(self._why == EXCLUDED.index(word))

    def let_in(self, some: Flags) -> None:
        """Of those that players cannot connect to, one may try these."""
        self._why = np.where(some & self.excluded("unreachable"), 0, self._why)
        self.open = self.excluded("")

    def unpinged(self) -> Floats:
        """The totals without the ping, of which nothing is known."""
        return self._weighed(self._nothing)

    def order(self) -> list[int]:
        """The rows, those first that can be chosen from, the best first."""
        found: list[int] = np.lexsort((self.total, ~self.open)).tolist()
        return found

    def score(self, row: int) -> Score:
        """One of them as a value, made once."""
        known = self._made.get(row)
        if known is None:
            known = self._made[row] = self._score(row)
        return known

    def _score(self, row: int) -> Score:
        return Score(
            member=self.names[row],
            ping=float(self.ping[row]),
            load=float(self.load[row]),
            position=float(self.position[row]),
            group=float(self.group[row]),
            total=float(self.total[row]),
            excluded=EXCLUDED[self._why[row]],
        )

    def _weighed(self, ping: Floats) -> Floats:
        p = self.policy.placement
        weights = p.ping_weight + p.load_weight + p.position_weight + p.group_weight
        weighted = p.ping_weight * ping + p.load_weight * self.load
        weighted = weighted + p.position_weight * self.position
        return np.asarray((weighted + p.group_weight * self.group) / weights)


class Ranking(Sequence[Score]):
    """Scores in the order of these rows. Each is made when it is looked at: there may be a
    thousand."""

    def __init__(self, scores: Scores, rows: Sequence[int]) -> None:
        self._scores, self._rows = scores, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Score: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Score]: ...
    def __getitem__(self, at: int | slice) -> Score | Sequence[Score]:
        if isinstance(at, slice):
            return Ranking(self._scores, self._rows[at])
        return self._scores.score(self._rows[at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


def _ping(newcomer: Newcomer, columns: Columns) -> tuple[Floats, Ints]:
    """The signal of the ping, and the numbers of the words of those that are out for it."""
    if not newcomer.pings:
        return columns.nothing, columns.zone[:0]
    why, pings = np.zeros(len(columns), np.int64), columns.by_zone(newcomer.pings, math.inf)
    patient = _ping_cap(newcomer.waited_s, columns.policy)
    cap = math.inf if newcomer.stranded else patient
    needed = patient if newcomer.avoids else cap  # who failed once goes where it was answered
    why[pings > cap] = FAR
    if needed < math.inf:
        why[pings == math.inf] = UNPINGED
    return np.minimum(1.0, pings / columns.policy.placement.worst_ping_ms), why


def _excluded(newcomer: Newcomer, columns: Columns, vacancy: Vacancy, pinged: Ints) -> Ints:
    """The numbers of the words, of several reasons that which is given last here."""
    why = pinged.copy() if len(pinged) else np.zeros(len(columns), np.int64)
    why[vacancy.why == FULL] = FULL
    if newcomer.avoids:
        why[columns.among(newcomer.avoids)] = UNREACHABLE
    if newcomer.refused_by:
        why[columns.among(newcomer.refused_by)] = REFUSED
    closed = vacancy.closed.why
    return np.where(closed > 0, closed, why)


def _ping_cap(waited_s: float, policy: Policy) -> float:
    caps, patience = policy.placement.ping_caps_ms, policy.placement.ping_patience_s
    step = int(waited_s / patience) if patience > 0 else len(caps)
    return caps[step] if step < len(caps) else math.inf


def _group(mates: Mapping[str, int], columns: Columns) -> Floats:
    """0 where most of its group are, 1 where none are, and where as many are as may be together."""
    together = columns.policy.limits.group
    most = max((n for n in mates.values() if n < together), default=0)
    if not most:
        return columns.nothing
    here = columns.of(mates, 0)
    return np.where(here < together, 1 - here / most, 1.0)


# Position.


def _position(newcomer: Newcomer, columns: Columns, outlook: Outlook, possible: Flags) -> Floats:
    """0 where most of those around it play. Where nobody is around, 0 within the circle of a
    member's players, 1 far from it. It never speaks for a member that is fuller than others."""
    if newcomer.position is None:
        return columns.nothing
    even = possible & (outlook.pressure <= _even(outlook, possible, columns.policy.rebalance))
    here = _beyond_chance(columns.of(newcomer.near, 0), outlook.players)
    most = float(here[even].max(initial=0.0))
    if most:
        position = _worth(most, columns.policy) * (1 - np.minimum(1.0, here / most))
    else:
        position = _beyond_circle(newcomer.position, columns)
    worst = position[even].max(initial=0.0)
    return np.where(even, position, np.maximum(position, worst))


def _even(outlook: Outlook, possible: Flags, r: RebalancePolicy) -> float:
    """The pressure up to which a member is as full as those that are possible: balance would not go
    on to move players away from it."""
    level = float(outlook.pressure[possible].mean()) if possible.any() else 0.0
    share = r.finish if outlook.usual else CAUTION
    return level * (1 + share * (r.imbalance - 1))


def _beyond_chance(near: Floats, players: Floats) -> Floats:
    """How many more of the players around a place are at each member than there would be if place
    meant nothing: in a game in which everybody stands at one, there are none."""
    share = players / max(1.0, float(players.sum()))
    return np.asarray(np.maximum(0.0, near - near.sum() * share))


def _worth(neighbours: float, policy: Policy) -> float:
    """What so many neighbours are worth of what position can be worth: each of them some ms of
    ping."""
    p = policy.placement
    each = p.ping_weight * policy.rebalance.neighbour_ms
    all_of_it = p.position_weight * p.worst_ping_ms
    return min(1.0, neighbours * each / all_of_it) if each and all_of_it else 1.0


def _beyond_circle(position: Position, columns: Columns) -> Floats:
    away = np.hypot(position.x - columns["x_m"], position.y - columns["y_m"])
    beyond = (away - columns["spread_m"]) / columns.policy.placement.far_m
    return np.where(columns["players"] > 0, np.clip(beyond, 0.0, 1.0), NEUTRAL)
