"""Load estimate: what is believed of a member behind noise, late reports and moves under way.

A pure function of datapoints, earlier decisions, policy and now. It judges; it decides nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.health import Grade, Health, believed, grade
from clientmigration.core.fleet.member import Closed, Member, usual_cost
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.release import GameRelease
from clientmigration.core.fleet.split import Split
from clientmigration.core.fleet.world import Position


@dataclass(frozen=True, slots=True)
class LoadEstimate:
    """What is believed of one member once all earlier decisions are carried out."""

    name: str
    load: float  # without noise and spikes
    doubt: float  # how far off that may be: two standard errors; 0 for an empty member
    pressure: float  # load and seats together, see Health.pressure
    players: int
    seats: int  # free ones, on the safe side
    cost: float  # pressure that one player brings
    load_cost: float  # load that one player brings
    grade: Grade
    sure: bool  # there were reports enough to judge it
    changing: bool  # players are coming or going by earlier decisions
    closed: Closed
    failing: bool  # it has not kept up for long, and does not recover: everybody should leave
    on_trial: bool  # it was unhealthy just now
    health: float  # as it can be believed
    centre: Position | None  # where its players are; None without any
    split: Split  # who of its players sees whom on other servers
    zone: str  # where it stands
    release: GameRelease  # the game that it runs
    vain: frozenset[str]  # members with which it could exchange nobody just now


JUDGED_S = 14
"""Seconds of reports that a judgement looks back on, for load and for its memory of a grade."""


VAIN_S = 20.0
"""Seconds in which two members do not exchange again who found nobody for it."""


def judged(policy: Policy, now: float) -> range:
    """The seconds by which members are judged: the latest that are over everywhere.

    They follow from `now` alone, so whoever has the reports of these seconds judges the same.
    """
    end = math.floor(now - policy.rebalance.lag_s) + 1
    return range(end - JUDGED_S, end)


def estimates(fleet: Fleet, policy: Policy, now: float) -> tuple[LoadEstimate, ...]:
    """Every member that has reported, by name, judged by seconds that are over everywhere."""
    seconds = judged(policy, now)
    known = [member.during(seconds) for member in fleet.members()]
    usual = usual_cost(m for m in known if not m.failing(policy))
    return tuple(_estimate(m, m.newest, usual, policy, now) for m in known if m.newest)


def _estimate(
    member: Member, newest: Health, usual: float, policy: Policy, now: float
) -> LoadEstimate:
    r, weight = policy.rebalance, policy.health.seats_weight
    coming = newest.plus(member.coming(r.settle_s), usual)
    settled = member.settled(r, usual)
    sure = len(_held(settled, r.hold_s)) >= r.datapoints
    samples = settled if sure else (coming,)
    loads = _smoothed(samples, r.hold_s)
    judged = replace(samples[-1], load=loads[-1])
    cost = judged.careful_cost(usual) if policy.health.unhealthy_s else judged.cost(usual)
    return LoadEstimate(
        name=member.name,
        load=judged.load,
        doubt=_doubt(_held(samples, r.hold_s)) if judged.players else 0.0,
        pressure=judged.pressure(weight),
        players=judged.players,
        seats=newest.capacity - max(judged.players, coming.players),
        cost=cost + judged.seat(weight),
        load_cost=cost,
        grade=reduce(lambda g, load: grade(g, load, policy), loads, Grade.FIT),
        sure=sure,
        changing=any(c.at + r.settle_s > now - r.lag_s for c in member.changes if not c.exchanged),
        closed=member.closed(policy, now),
        failing=member.failing(policy) and not member.recovering(policy),
        on_trial=member.on_trial(policy),
        health=believed([h.health for h in _held(member.history, r.hold_s)]),
        centre=newest.centre if newest.players else None,
        split=newest.split,
        zone=member.zone,
        release=member.release,
        vain=frozenset(name for at, name in member.vain if at > now - VAIN_S),
    )


def _held(samples: Sequence[Health], hold_s: float) -> list[Health]:
    """The last `hold_s` seconds' worth of these samples."""
    return [h for h in samples if h.timestamp > samples[-1].timestamp - hold_s]


def _smoothed(samples: Sequence[Health], hold_s: float) -> list[float]:
    """Load as it could be believed at each of these samples: one spike is not load."""
    held = (_held(samples[: n + 1], hold_s) for n in range(len(samples)))
    return [believed([h.load for h in some]) for some in held]


def _doubt(samples: Sequence[Health]) -> float:
    """Two standard errors of the load that these samples tell."""
    loads = [h.load for h in samples]
    if len(loads) < 2:
        return 0.0
    mean = math.fsum(loads) / len(loads)
    variance = math.fsum((load - mean) ** 2 for load in loads) / (len(loads) - 1)
    return 2 * math.sqrt(variance / len(loads))
