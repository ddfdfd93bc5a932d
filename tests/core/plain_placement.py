"""Placement as plain functions of one member after the other, to compare the arrays with."""

import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

import msgspec

from clientmigration.core.fleet.columns import NEUTRAL, Excluded
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.health import FEW, LITTLE, Health
from clientmigration.core.fleet.member import Member, usual_cost
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import REACH
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.scores import CAUTION, Score
from clientmigration.core.fleet.world import distance


def place(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> Sequence[Score]:
    """The reasons of a placement: the chosen one first, if any can be."""
    ranked = sorted(scores(newcomer, fleet, policy, now), key=_rank)
    if ranked and ranked[0].excluded:
        ranked = sorted(_trials(ranked, newcomer, fleet, policy, now), key=_rank)
    if not ranked or ranked[0].excluded:
        return ranked
    enough = ranked[0].total + policy.placement.tie
    near = [s for s in ranked if not s.excluded and s.total <= enough]
    drawn = sorted(near, key=lambda s: draw(newcomer.player, s.member))[:2]
    best = min(drawn, key=lambda s: s.total)
    ranked.remove(best)
    return [best, *ranked]


def _rank(score: Score) -> tuple[bool, float, str]:
    return bool(score.excluded), score.total, score.member


def draw(player: str, member: str) -> int:
    """A number that only these two names decide."""
    return zlib.crc32(member.encode(), zlib.crc32(player.encode())) * 0x9E3779B1 % 2**32


def _trials(
    ranked: Sequence[Score], newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float
) -> Iterator[Score]:
    trials = _triable(newcomer, fleet, policy, now)
    for each in ranked:
        tried = each.excluded == "unreachable" and each.member in trials
        yield msgspec.structs.replace(each, excluded="") if tried else each


def _triable(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> set[str]:
    return {
        member.name
        for member in fleet.members()
        if (now < member.shut or member.name in newcomer.avoids)
        and now >= newcomer.avoids.get(member.name, 0.0)
        and now >= member.trial_at
        and member.closed(policy, now) in ("", "unreachable")
    }


def candidates(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> tuple[str, ...]:
    """The members worth pinging."""
    trials = _triable(newcomer, fleet, policy, now)
    worth = {
        s.member: s.total if not s.excluded else _total(s, NEUTRAL, policy)
        for s in scores(newcomer, fleet, policy, now)
        if s.excluded in ("", "unpinged") or s.member in trials
    }

    def rank(name: str) -> tuple[int, int]:
        steps = worth[name] / policy.placement.tie if policy.placement.tie else worth[name] * 1e9
        return int(steps), draw(newcomer.player, name)

    zones = {m.name: m.zone for m in fleet.members()}
    best: dict[str, str] = {}
    for name in sorted(worth, key=rank):
        best.setdefault(zones[name], name)
    few = policy.limits.candidates
    listed = list(islice(best.values(), few * REACH))
    drawn = sorted(listed[(few + 1) // 2 :], key=lambda name: draw(newcomer.player, name))
    return (*listed[: (few + 1) // 2], *drawn[: few // 2])


def scores(newcomer: Newcomer, fleet: Fleet, policy: Policy, now: float) -> list[Score]:
    """Every member's score, by name."""
    members = fleet.members()
    usual = usual_cost(members)
    known = predicted(members, policy, usual)
    words = {
        m.name: _excluded(newcomer, m, health, policy, now) if health else "silent"
        for m, health in ((m, known[m.name]) for m in members)
    }
    positions = _positions(newcomer, members, known, words, policy)
    found = []
    for member in members:
        health = known[member.name]
        if health is None:
            found.append(Score(member.name, *(NEUTRAL,) * 4, 1.0, "silent"))
            continue
        score = Score(
            member.name,
            _ping(newcomer, member.zone, policy),
            _dear(health.pressure(policy.health.seats_weight), policy),
            positions[member.name],
            _group(newcomer, member.name, policy),
            0.0,
            words[member.name],
        )
        total = _total(score, score.ping, policy)
        found.append(msgspec.structs.replace(score, total=total))
    return found


def predicted(members: Sequence[Member], policy: Policy, usual: float) -> dict[str, Health | None]:
    """Of each its latest sample plus everybody who is on the way there; None before the first. Of
    those that are as good as idle all have the same load."""
    later = {m.name: m.newest and m.newest.plus(m.on_the_way(policy), usual) for m in members}

    def idle(member: Member) -> bool:
        newest, health = member.newest, later[member.name]
        return bool(newest and health and newest.load < LITTLE and health.players < FEW)

    loads = [m.newest.load for m in members if m.newest and idle(m)]
    even = math.fsum(loads) / max(1, len(loads))
    return {
        m.name: replace(health, load=even) if (health := later[m.name]) and idle(m) else health
        for m in members
    }


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
        needed = patient if newcomer.avoids else cap
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
    dear = policy.placement.dear_load
    if load < dear:
        return 0.5 * load / dear
    return min(1.0, 0.5 + 0.5 * (load - dear) / (1 - dear))


def _group(newcomer: Newcomer, member: str, policy: Policy) -> float:
    mates = newcomer.mates
    most = max((n for n in mates.values() if n < policy.limits.group), default=0)
    if not most:
        return NEUTRAL
    here = mates.get(member, 0)
    return 1 - here / most if here < policy.limits.group else 1.0


def _positions(
    newcomer: Newcomer,
    members: Sequence[Member],
    known: dict[str, Health | None],
    words: dict[str, Excluded],
    policy: Policy,
) -> dict[str, float]:
    """The position signal by member."""
    position, weight = newcomer.position, policy.health.seats_weight
    if position is None:
        return {m.name: NEUTRAL for m in members}
    full = {name: health.pressure(weight) for name, health in known.items() if health}
    possible = [name for name in full if not words[name]]
    level = sum(full[name] for name in possible) / len(possible) if possible else 0.0
    r = policy.rebalance
    share = r.finish if usual_cost(members) else CAUTION
    enough = level * (1 + share * (r.imbalance - 1))
    even = [name for name in possible if full[name] <= enough]
    players = {name: health.players if health else 0 for name, health in known.items()}
    everybody, around = max(1, sum(players.values())), 0
    around = sum(n for name, n in newcomer.near.items() if name in players)
    here = {
        name: max(0.0, newcomer.near.get(name, 0) - around * (n / everybody))
        for name, n in players.items()
    }
    most = max((here[name] for name in even), default=0.0)
    found = {}
    for member in members:
        if most:
            found[member.name] = _worth(most, policy) * (1 - min(1.0, here[member.name] / most))
        elif member.newest is not None and member.newest.players:
            away = distance(position, member.newest.centre) - member.newest.spread_m
            found[member.name] = min(1.0, max(0.0, away / policy.placement.far_m))
        else:
            found[member.name] = NEUTRAL
    worst = max((found[name] for name in even), default=0.0)
    return {name: s if name in even else max(s, worst) for name, s in found.items()}


def _worth(neighbours: float, policy: Policy) -> float:
    p = policy.placement
    each = p.ping_weight * policy.rebalance.neighbour_ms
    most = p.position_weight * p.worst_ping_ms
    return min(1.0, neighbours * each / most) if each and most else 1.0


def _total(score: Score, ping: float, policy: Policy) -> float:
    p = policy.placement
    weights = p.ping_weight + p.load_weight + p.position_weight + p.group_weight
    weighted = p.ping_weight * ping + p.load_weight * score.load
    weighted += p.position_weight * score.position
    return (weighted + p.group_weight * score.group) / weights
