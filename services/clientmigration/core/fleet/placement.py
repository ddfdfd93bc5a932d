"""Placement: which member a newcomer is sent to, and why.

Pure functions of newcomer, fleet, policy and now: the same values give the same answer, with the
score of every member. Four signals, each 0 (best) to 1 (worst): ping, predicted load, position,
group. The caller registers the choice (`fleet.placed`).
"""

import math
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import msgspec

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.health import Health
from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.world import Position, distance

NEUTRAL = 0.5
"""The signal of something that is not known."""
REACH = 2
"""Half of the candidates are drawn from this many times the number of candidates."""

Excluded = Literal[
    "", "silent", "draining", "unhealthy", "unreachable", "full", "far", "unpinged", "refused"
]
"""Why a member was not chosen from: no fresh datapoints, it is emptying itself, it does not keep
up, players cannot connect to it, no seat is free, the ping is above the cap, no ping is known
though others' are, it has not taken this player in lately; "" = it was."""

Ground = Literal["ping", "load", "position", "group", "lot"]
"""What a placement was decided by."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A player without a server. `pings`: ms by zone, as far as known; `mates`: players of its
    group by member. `stranded` is who was playing and lost its server: it does not wait for a
    better ping than it can have now; `refused_by` are members that did not take it in lately.
    `avoids` are members that it could not reach lately, and from when on (Unix seconds) it may try
    each again if it can go nowhere else.

    ValueError for a ping or a waiting time that is negative or not finite.
    """

    player: str
    position: Position | None
    pings: Mapping[str, float]
    waited_s: float = 0.0
    mates: Mapping[str, int] = field(default_factory=dict)
    stranded: bool = False
    refused_by: frozenset[str] = frozenset()
    avoids: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not all(0 <= value < math.inf for value in (self.waited_s, *self.pings.values())):
            raise ValueError("pings and waiting times must be 0 or more, and finite")


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


@dataclass(frozen=True, slots=True)
class Placement:
    """The answer: a member's name, or None when the newcomer has to wait.

    `reasons` holds every member's score: the chosen one, the others that could be, best first, and
    those that could not.
    """

    member: str | None
    reasons: tuple[Score, ...]


def place(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> Placement:
    """The best member for this newcomer.

    Among those that are as good as the best but for `policy.placement.tie` it is the better of two
    that the player's name draws: routers that do not know of each other spread their newcomers.
    When there is none, one that players could not reach is tried now and then.
    """
    ranked = sorted(_scores(newcomer, fleet, policy, now), key=_rank)
    if ranked and ranked[0].excluded:
        ranked = sorted(_trials(ranked, newcomer, fleet, policy, now), key=_rank)
    if not ranked or ranked[0].excluded:
        return Placement(None, tuple(ranked))
    enough = ranked[0].total + policy.placement.tie
    near = [s for s in ranked if not s.excluded and s.total <= enough]
    drawn = sorted(near, key=lambda s: _draw(newcomer.player, s.member))[:2]
    best = min(drawn, key=lambda s: s.total)
    ranked.remove(best)
    return Placement(best.member, (best, *ranked))


def _trials(
    scores: Iterable[Score], newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float
) -> Iterator[Score]:
    """The same scores, without the exclusion of those that one may try to reach now."""
    trials = _triable(newcomer, fleet, policy, now)
    for each in scores:
        tried = each.excluded == "unreachable" and each.member in trials
        yield msgspec.structs.replace(each, excluded="") if tried else each


def _triable(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> set[str]:
    """The members that players, or this one, could not reach, and that it may try now."""
    return {
        member.name
        for member in fleet.members()
        if (now < member.shut or member.name in newcomer.avoids)
        and now >= newcomer.avoids.get(member.name, 0.0)
        and member.triable(policy, now)
    }


def decided(placement: Placement, policy: Policy) -> Ground:
    """The signal by which the chosen member was most ahead of the best other one; `lot` when there
    was no other one, or it was ahead in nothing."""
    best, *others = placement.reasons
    other = next((score for score in others if not score.excluded), None)
    if other is None:
        return "lot"
    p = policy.placement
    ahead: dict[Ground, float] = {
        "ping": p.ping_weight * (other.ping - best.ping),
        "load": p.load_weight * (other.load - best.load),
        "position": p.position_weight * (other.position - best.position),
        "group": p.group_weight * (other.group - best.group),
    }
    most = max(ahead, key=ahead.__getitem__)
    return most if ahead[most] > 0 else "lot"


def _rank(score: Score) -> tuple[bool, float, str]:
    return bool(score.excluded), score.total, score.member


def _draw(player: str, member: str) -> int:
    """A number that only these two names decide. A CRC alone would put all members in the same few
    orders; the multiplication mixes it."""
    return zlib.crc32(member.encode(), zlib.crc32(player.encode())) * 0x9E3779B1 % 2**32


def candidates(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> tuple[str, ...]:
    """The few members worth pinging, one of each zone, the best by all that is known.

    The first half are the best, the others are drawn by the player's name from those that come
    next: a burst of newcomers does not all ask the same few. Members whose ping is already known to
    be too high are left out, so asking again with the pings measured so far names others.
    """
    scores = _scores(newcomer, fleet, policy, now)
    trials = _triable(newcomer, fleet, policy, now)
    worth = {
        s.member: _guess(s, policy)
        for s in scores
        if s.excluded in ("", "unpinged") or s.member in trials
    }

    def rank(name: str) -> tuple[int, int]:
        steps = worth[name] / policy.placement.tie if policy.placement.tie else worth[name] * 1e9
        return int(steps), _draw(newcomer.player, name)

    zones = {m.name: m.zone for m in fleet.members()}
    best: dict[str, str] = {}
    for name in sorted(worth, key=rank):
        best.setdefault(zones[name], name)
    few = policy.limits.candidates
    listed = list(islice(best.values(), few * REACH))
    drawn = sorted(listed[(few + 1) // 2 :], key=lambda name: _draw(newcomer.player, name))
    return (*listed[: (few + 1) // 2], *drawn[: few // 2])


def _guess(score: Score, policy: Policy) -> float:
    """The total of somebody whose ping may not be known."""
    if not score.excluded:
        return score.total
    return _total(NEUTRAL, score.load, score.position, score.group, policy)


def _scores(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> list[Score]:
    usual, most = fleet.usual(), _most(newcomer.mates, policy)
    return [_score(newcomer, member, usual, most, policy, now) for member in fleet.members()]


def _score(
    newcomer: Newcomer, member: Member, usual: float, most: int, policy: Policy, now: float
) -> Score:
    reported, health = member.newest, member.predicted(policy, usual)
    if reported is None or health is None:
        return Score(member.name, NEUTRAL, NEUTRAL, NEUTRAL, NEUTRAL, 1.0, "silent")
    ping = _ping(newcomer, member.zone, policy)
    load = _dear(health.pressure(policy.health.seats_weight), policy)
    position = _position(newcomer.position, reported, policy)
    group = _group(newcomer.mates.get(member.name, 0), most, policy)
    total = _total(ping, load, position, group, policy)
    excluded = _excluded(newcomer, member, health, policy, now)
    return Score(member.name, ping, load, position, group, total, excluded)


def _excluded(
    newcomer: Newcomer, member: Member, health: Health, policy: Policy, now: float
) -> Excluded:
    closed = member.closed(policy, now)
    if closed:
        return closed
    if member.name in newcomer.refused_by:
        return "refused"
    if member.name in newcomer.avoids:
        return "unreachable"
    if health.players >= health.capacity:
        return "full"
    if not newcomer.pings:
        return ""
    patient = _ping_cap(newcomer.waited_s, policy)
    cap = math.inf if newcomer.stranded else patient
    if member.zone not in newcomer.pings:
        needed = patient if newcomer.avoids else cap  # who failed once goes where it was answered
        return "unpinged" if needed < math.inf else ""
    return "far" if newcomer.pings[member.zone] > cap else ""


def _ping_cap(waited_s: float, policy: Policy) -> float:
    caps, patience = policy.placement.ping_caps_ms, policy.placement.ping_patience_s
    step = int(waited_s / patience) if patience > 0 else len(caps)
    return caps[step] if step < len(caps) else math.inf


def _ping(newcomer: Newcomer, zone: str, policy: Policy) -> float:
    if not newcomer.pings:
        return NEUTRAL
    return min(1.0, newcomer.pings.get(zone, math.inf) / policy.placement.worst_ping_ms)


def _dear(load: float, policy: Policy) -> float:
    """Half the signal over the cheap part of the load, the other half over the dear rest."""
    dear = policy.placement.dear_load
    if load < dear:
        return 0.5 * load / dear
    return min(1.0, 0.5 + 0.5 * (load - dear) / (1 - dear))


def _position(position: Position | None, health: Health, policy: Policy) -> float:
    if position is None or not health.players:
        return NEUTRAL
    beyond_m = distance(position, health.centre) - health.spread_m
    return min(1.0, max(0.0, beyond_m / policy.placement.far_m))


def _most(mates: Mapping[str, int], policy: Policy) -> int:
    """The most mates on one member that still takes more of the group."""
    return max((n for n in mates.values() if n < policy.limits.group), default=0)


def _group(here: int, most: int, policy: Policy) -> float:
    """0 where most of its group are, 1 where none are, and where as many are as may be together."""
    if not most:
        return NEUTRAL
    return 1 - here / most if here < policy.limits.group else 1.0


def _total(ping: float, load: float, position: float, group: float, policy: Policy) -> float:
    p = policy.placement
    weights = p.ping_weight + p.load_weight + p.position_weight + p.group_weight
    weighted = p.ping_weight * ping + p.load_weight * load + p.position_weight * position
    return (weighted + p.group_weight * group) / weights
