"""Placement: which member a newcomer is sent to, and why.

Pure functions of newcomer, fleet, policy and now: the same values give the same answer, with the
score of every member. The caller registers the choice (`fleet.placed`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clientmigration.core.fleet.columns import Columns, Flags
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.member import CLOSED
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.scores import Ranking, Score, Scores

REACH = 2
"""Half of the candidates are drawn from this many times the number of candidates."""

Ground = Literal["ping", "load", "position", "group", "lot"]
"""What a placement was decided by."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The answer: a member's name, or None when the newcomer has to wait.

    `reasons` holds every member's score: the chosen one, the others that could be, best first, and
    those that could not.
    """

    member: str | None
    reasons: Sequence[Score]


def place(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> Placement:
    """The best member for this newcomer.

    Among those that are as good as the best but for `policy.placement.tie` it is the better of two
    that the player's name draws: routers that do not know of each other spread their newcomers.
    When there is none, one that players could not reach is tried now and then.
    """
    columns = fleet.columns(policy)
    scores = Scores(newcomer, columns, now)
    if not scores.open.any():
        scores.let_in(_triable(newcomer, columns, now))
    ranked = scores.order()
    if not scores.open.any():
        return Placement(None, Ranking(scores, ranked))
    enough = scores.total[ranked[0]] + policy.placement.tie
    near = np.flatnonzero(scores.open & (scores.total <= enough))
    best = ranked[0]
    if len(near) > 1:
        drawn = near[np.argsort(columns.draws(newcomer.player, near))[:2]]
        best = int(drawn[scores.total[drawn].argmin()])
    ranked.remove(best)
    return Placement(columns.names[best], Ranking(scores, (best, *ranked)))


def _triable(newcomer: Newcomer, columns: Columns, now: float) -> Flags:
    """The members that players, or this one, could not reach, and that it may try now."""
    unreached = now < columns["shut"]
    if newcomer.avoids:
        unreached |= columns.among(newcomer.avoids)
    if not unreached.any():
        return unreached
    closed = columns.closed(now)
    otherwise_open = (closed == 0) | (closed == CLOSED.index("unreachable"))
    again_at = np.maximum(columns["trial_at"], columns.of(newcomer.avoids, 0.0))
    return np.asarray(otherwise_open & unreached & (now >= again_at))


def decided(placement: Placement, policy: Policy) -> Ground:
    """The signal by which the chosen member was most ahead of the best other one; `lot` when there
    was no other one, or it was ahead in nothing."""
    best, *second = placement.reasons[:2]
    if not second or second[0].excluded:
        return "lot"
    (other,), p = second, policy.placement
    ahead: dict[Ground, float] = {
        "ping": p.ping_weight * (other.ping - best.ping),
        "load": p.load_weight * (other.load - best.load),
        "position": p.position_weight * (other.position - best.position),
        "group": p.group_weight * (other.group - best.group),
    }
    most = max(ahead, key=ahead.__getitem__)
    return most if ahead[most] > 0 else "lot"


def candidates(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> tuple[str, ...]:
    """The few members worth pinging, one of each zone, the best by all that is known.

    The first half are the best, the others are drawn by the player's name from those that come
    next: a burst of newcomers does not all ask the same few. Members whose ping is already known to
    be too high are left out, so asking again with the pings measured so far names others.
    """
    columns = fleet.columns(policy)
    scores = Scores(newcomer, columns, now)
    asked, total = scores.open | _triable(newcomer, columns, now), scores.total
    if newcomer.pings:
        asked |= scores.excluded("unpinged")
        total = np.where(scores.open, total, scores.unpinged())
    rows = np.flatnonzero(asked)
    worth = total[rows]
    steps = worth / policy.placement.tie if policy.placement.tie else worth * 1e9
    draws = columns.draws(newcomer.player, rows)
    ranked = np.lexsort((draws, steps.astype(np.int64)))
    few, best = policy.limits.candidates, dict[int, int]()
    for at, zone in zip(ranked.tolist(), columns.zone[rows[ranked]].tolist(), strict=True):
        if best.setdefault(zone, at) == at and len(best) == few * REACH:  # the first of each zone
            break
    listed = [*best.values()]
    first, others = listed[: (few + 1) // 2], listed[(few + 1) // 2 :]
    drawn = sorted(others, key=lambda at: int(draws[at]))[: few // 2]
    return tuple(columns.names[rows[at]] for at in (*first, *drawn))
