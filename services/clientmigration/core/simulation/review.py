"""Review: how a simulation went, in a few numbers, from its log. Arithmetic only."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.simulation.log import Apart, Log
from clientmigration.core.simulation.scenario import Scenario

BACK_S = 60
"""Seconds within which going back is swinging."""
LEVEL, MARGIN = 1.25, 0.05
"""A fleet is level while its highest load is at most so many times the mean, and so much more."""
CALM_S = 10
"""Seconds for which it has to be level before it counts as settled."""
MARKS = 6
"""Points in time at which the imbalance is told."""


class Review(msgspec.Struct, frozen=True):
    """How one brain did. Imbalance is the highest load over the mean load, 1 at best."""

    brain: str
    marks: tuple[tuple[int, float], ...]
    """Imbalance over time: at a second, the mean of the time since the mark before."""
    imbalance: float
    """Its mean over the whole time."""
    settled_s: float | None
    """Longest time from something that happened until the fleet was level; None: it never was."""
    moves: int
    moves_per_player_hour: float
    back: int
    """Players moved back within BACK_S to where they came from."""
    turned: int
    """Flows from A to B within BACK_S of one from B to A."""
    steady_moves: int | None
    """Moves in the time in which nothing happens; None when the scenario has none."""
    cut: float
    """Share of the pairs who see each other that are on two servers."""
    apart: tuple[Apart, ...]
    """The same beside METIS, if it was asked: at a second, the mean of the time since the mark
    before."""
    ping_ms: float
    overloaded: float
    """Share of the time that players spend on servers that do not keep up."""
    waited: float
    """Share of the time that players spend waiting for a place."""


def review(brain: str, scenario: Scenario, log: Log, start: int) -> Review:
    """The review of a log that begins at second `start`."""
    played_s = sum(log.players)
    steady = scenario.steady_from_s
    after = [at for at, _ in log.moves if steady is not None and at - start > steady]
    return Review(
        brain=brain,
        marks=_marks(log.imbalance),
        imbalance=_mean(log.imbalance),
        settled_s=_settled(scenario, log),
        moves=len(log.moves),
        moves_per_player_hour=3600 * len(log.moves) / played_s if played_s else 0.0,
        back=_back(log.moves),
        turned=turned(log.flows),
        steady_moves=None if steady is None else len(after),
        cut=_mean(log.cut),
        apart=tuple(_apart(log.apart, len(log.imbalance))),
        ping_ms=_mean(log.ping_ms),
        overloaded=sum(log.overloaded) / played_s if played_s else 0.0,
        waited=sum(log.waiting) / played_s if played_s else 0.0,
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def _marks(imbalance: Sequence[float]) -> tuple[tuple[int, float], ...]:
    edges = [len(imbalance) * n // MARKS for n in range(MARKS + 1)]
    return tuple((b, _mean(imbalance[a:b])) for a, b in pairwise(edges) if b > a)


def _apart(looks: Sequence[Apart], seconds: int) -> Iterator[Apart]:
    edges = [seconds * n // MARKS for n in range(MARKS + 1)]
    for a, b in pairwise(edges):
        some = [each for each in looks if a < each.at <= b]
        if some:
            shares = ([each[n] for each in some] for n in (1, 2, 3))
            yield Apart(b, *map(_mean, shares))


def _settled(scenario: Scenario, log: Log) -> float | None:
    """The longest of the times from an event, or the start, until level and before the next."""
    level = [
        high <= LEVEL * mean + MARGIN for high, mean in zip(log.highest, log.mean, strict=True)
    ]
    starts = sorted({0, *(int(event.at_s) for event in scenario.events)})
    ends = [*starts[1:], len(level)]
    took = [_until_level(level[a:b]) for a, b in zip(starts, ends, strict=True) if b > a]
    return None if None in took else max(each for each in took if each is not None)


def _until_level(level: Sequence[bool]) -> float | None:
    calm = 0
    for second, even in enumerate(level):
        calm = calm + 1 if even else 0
        if calm >= min(CALM_S, len(level)):
            return float(second + 1 - calm)
    return None


def _back(moves: Sequence[tuple[int, Move]]) -> int:
    last: dict[str, tuple[int, Move]] = {}
    back = 0
    for at, move in moves:
        before = last.get(move.player)
        if before is not None and at - before[0] <= BACK_S:
            back += before[1].source == move.target
        last[move.player] = (at, move)
    return back


def turned(flows: Sequence[tuple[int, Flow]]) -> int:
    """Exchanges go both ways, and turn nothing."""
    last: dict[tuple[str, str], int] = {}
    count = 0
    for at, flow in flows:
        if flow.exchanges:
            continue
        count += at - last.get((flow.target, flow.source), -BACK_S - 1) <= BACK_S
        last[flow.source, flow.target] = at
    return count
