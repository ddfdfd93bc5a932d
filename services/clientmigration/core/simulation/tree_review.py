"""Tree review: how a tree did, level by level, in a few numbers. Arithmetic only."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from clientmigration.core.simulation.review import MARKS, turned
from clientmigration.core.simulation.tree import START, TreeSimulator

LEVEL = 1.05
"""A router's members are even while the highest load is at most so many times their mean."""


class LevelReview(msgspec.Struct, frozen=True):
    """How the routers of one level did; `depth` is 0 for the root. Imbalance is the highest load of
    a member over the mean of its router's members, at the router where that is worst."""

    depth: int
    routers: int
    members: int
    marks: tuple[tuple[int, float], ...]
    """Imbalance at some seconds."""
    settled_s: float | None
    """Second from which it was at most LEVEL until the next event or the end, after each event and
    the start: the longest of these times. None: it never was."""
    moves: int
    turned: int
    """Flows from A to B within a minute of one from B to A."""
    steady_moves: int | None
    """Moves in the time in which nothing happens; None when the scenario has none."""


def tree_review(simulated: TreeSimulator) -> list[LevelReview]:
    """The review of what was played, the root's level first."""
    scenario, found = simulated.scenario, []
    for depth in range(len(scenario.levels)):
        routers = [router for at, router in simulated.root.routers() if at == depth]
        told = [each[depth] for each in simulated.imbalance]
        moves = [move for router in routers for move in router.moves]
        steady = scenario.steady_from_s
        after = [n for at, n in moves if steady is not None and at - START > steady]
        found.append(
            LevelReview(
                depth=depth,
                routers=len(routers),
                members=sum(len(router.members) for router in routers),
                marks=_marks(told),
                settled_s=_settled(told, [int(event.at_s) for event in scenario.events]),
                moves=sum(n for _, n in moves),
                turned=sum(turned(router.flows) for router in routers),
                steady_moves=None if steady is None else sum(after),
            )
        )
    return found


def _marks(imbalance: Sequence[float]) -> tuple[tuple[int, float], ...]:
    seconds = [len(imbalance) * (n + 1) // MARKS for n in range(MARKS)]
    return tuple((second, imbalance[second - 1]) for second in seconds if second)


def _settled(imbalance: Sequence[float], events: Sequence[int]) -> float | None:
    edges = sorted({0, *events, len(imbalance)})
    took = [_until_even(imbalance[a:b]) for a, b in pairwise(edges)]
    known = [each for each in took if each is not None]
    return max(known, default=0.0) if len(known) == len(took) else None


def _until_even(imbalance: Sequence[float]) -> float | None:
    """The second from which all are even."""
    uneven = [n for n, value in enumerate(imbalance) if value > LEVEL]
    last = uneven[-1] + 1 if uneven else 0
    return None if last == len(imbalance) else float(last)
