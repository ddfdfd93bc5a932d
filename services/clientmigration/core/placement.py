"""Placement: which member a newcomer is sent to, and why.

Pure functions of newcomer, fleet, policy and now: the same values give the same answer, with the
score of every member. Three signals, each 0 (best) to 1 (worst): ping, predicted load, position.
Registering the choice (`fleet.placed`) is the caller's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clientmigration.core.fleet import Fleet, Member
from clientmigration.core.health import Health
from clientmigration.core.policy import Policy
from clientmigration.core.world import Position, distance

NEUTRAL = 0.5
"""The signal of something that is not known."""

Excluded = Literal["", "silent", "draining", "unhealthy", "full", "far", "unpinged"]
"""Why a member was not chosen from: no fresh datapoints, it is emptying itself, it does not keep
up, no seat is free, the ping is above the cap, no ping is known though others' are; "" = it was."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A player without a server. `pings`: ms by member name, as far as measured.

    ValueError for a ping or a waiting time that is negative or not finite.
    """

    player: str
    position: Position | None
    pings: Mapping[str, float]
    waited_s: float = 0.0

    def __post_init__(self) -> None:
        if not all(0 <= value < math.inf for value in (self.waited_s, *self.pings.values())):
            raise ValueError("pings and waiting times must be 0 or more, and finite")


@dataclass(frozen=True, slots=True)
class Score:
    """One member in the eyes of one newcomer: signals and their weighted mean, all 0..1, 0 best.

    A member that was excluded before it was scored (`silent`) has neutral parts and total 1.
    """

    member: str
    ping: float
    load: float
    position: float
    total: float
    excluded: Excluded = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """The answer: a member's name, or None when the newcomer has to wait.

    `reasons` holds every member's score: those that could be chosen, best first, then the others.
    """

    member: str | None
    reasons: tuple[Score, ...]


def place(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> Placement:
    """The best member for this newcomer. Ties go to the first by name."""
    scores = _scores(newcomer, fleet, policy, now)
    ranked = sorted(scores, key=lambda s: (bool(s.excluded), s.total, s.member))
    best = ranked[0].member if ranked and not ranked[0].excluded else None
    return Placement(best, tuple(ranked))


def candidates(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> tuple[str, ...]:
    """The few members worth pinging, best first by load and position.

    Members whose ping is already known to be too high are left out, so asking again with the pings
    measured so far names others.
    """
    scores = _scores(newcomer, fleet, policy, now)
    worth = [s for s in scores if s.excluded in ("", "unpinged")]
    worth.sort(key=lambda s: (_total(NEUTRAL, s.load, s.position, policy), s.member))
    return tuple(s.member for s in worth[: policy.limits.candidates])


def _scores(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> list[Score]:
    usual = fleet.usual()
    return [_score(newcomer, member, usual, policy, now) for member in fleet.members()]


def _score(newcomer: Newcomer, member: Member, usual: float, policy: Policy, now: float) -> Score:
    reported, health = member.newest, member.predicted(policy, usual)
    if reported is None or health is None:
        return Score(member.name, NEUTRAL, NEUTRAL, NEUTRAL, 1.0, "silent")
    ping = _ping(newcomer, member.name, policy)
    load = _dear(health.pressure(policy.health.seats_weight), policy)
    position = _position(newcomer.position, reported, policy)
    total = _total(ping, load, position, policy)
    excluded = _excluded(newcomer, member, health, policy, now)
    return Score(member.name, ping, load, position, total, excluded)


def _excluded(
    newcomer: Newcomer, member: Member, health: Health, policy: Policy, now: float
) -> Excluded:
    closed = member.closed(policy, now)
    if closed:
        return closed
    if health.players >= health.capacity:
        return "full"
    cap = _ping_cap(newcomer.waited_s, policy)
    if not newcomer.pings or cap == math.inf:
        return ""
    if member.name not in newcomer.pings:
        return "unpinged"
    return "far" if newcomer.pings[member.name] > cap else ""


def _ping_cap(waited_s: float, policy: Policy) -> float:
    caps, patience = policy.placement.ping_caps_ms, policy.placement.ping_patience_s
    step = int(waited_s / patience) if patience > 0 else len(caps)
    return caps[step] if step < len(caps) else math.inf


def _ping(newcomer: Newcomer, name: str, policy: Policy) -> float:
    if not newcomer.pings:
        return NEUTRAL
    return min(1.0, newcomer.pings.get(name, math.inf) / policy.placement.worst_ping_ms)


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


def _total(ping: float, load: float, position: float, policy: Policy) -> float:
    p = policy.placement
    weighted = p.ping_weight * ping + p.load_weight * load + p.position_weight * position
    return weighted / (p.ping_weight + p.load_weight + p.position_weight)
