"""Autoscaling: how many game servers there should be, judged by load, seats and the join queue.

Values and functions. Nothing here starts or stops a server, or remembers an earlier question: who
asks keeps the needs of the last minutes. Without fresh health nothing is wanted, so that a router
that is away never costs a server.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from clientmigration.core.fleet.policy import AutoscalePolicy


class ServerSample(Protocol):
    """The part of a server's newest health that matters here: core.health.Health has it."""

    @property
    def load(self) -> float:
        """Share of a tick spent working."""

    @property
    def players(self) -> int:
        """Who plays there."""

    @property
    def capacity(self) -> int:
        """Players at most."""


@dataclass(frozen=True, slots=True)
class Need:
    """How many servers the fleet would have filled well, at one moment (Unix seconds).

    By `load`, by `seats`, and as a whole. `fewer` is how many it could do with if it had to give
    some away: they must stay a `slack` below what is aimed at.
    """

    at: float
    load: int
    seats: int
    fewer: int

    @property
    def servers(self) -> int:
        """The larger of the two."""
        return max(self.load, self.seats)

    @classmethod
    def of(
        cls,
        fleet: Iterable[ServerSample],
        waiting: int,
        policy: AutoscalePolicy,
        at: float,
        cut_off: Iterable[ServerSample] = (),
    ) -> Self | None:
        """The need of servers with these newest samples and so many players in the join queue.

        A server that drains counts with the load and players that it still has, because others
        will have to take them. One that players cannot reach (`cut_off`) is there, but only for
        those who play on there: it is one more than is needed for everybody else. None when nobody
        has reported: then nothing is known.
        """
        samples, alone = tuple(fleet), tuple(cut_off)
        room = [sample.capacity for sample in (*samples, *alone) if sample.capacity]
        if not room:
            return None
        load = sum(sample.load for sample in samples) / policy.load
        players = waiting + sum(sample.players for sample in samples)
        seats = players / (policy.seats * sum(room) / len(room))
        fewer = max(load, seats) / (1 - policy.slack)
        return cls(at, *(_whole(servers) + len(alone) for servers in (load, seats, fewer)))


def _whole(servers: float) -> int:
    """That many servers, without one more for the last bit of a sum."""
    return math.ceil(servers - 1e-9)


@dataclass(frozen=True, slots=True)
class Wanted:
    """So many game servers, and why. The reason begins with one word: load, seats, idle, enough,
    or unknown (nothing has been heard lately)."""

    servers: int
    reason: str


def wanted(needs: Sequence[Need], running: int, policy: AutoscalePolicy, now: float) -> Wanted:
    """How many there should be when `running` are, by the needs so far.

    More at once, as soon as they were needed throughout the last `rise_s`; fewer one by one, when
    they were not needed at any moment of the last `fall_s`.
    """
    lately = [need for need in needs if now - policy.rise_s <= need.at]
    if not lately:
        return Wanted(max(running, policy.least), "unknown: no game server has reported lately")
    least = min(lately, key=lambda need: need.servers)
    most = max(need.fewer for need in needs if now - policy.fall_s <= need.at)
    if least.servers > running:
        word = "load" if least.load >= least.seats else "seats"
        return _within(least.servers, policy, f"{word}: {least.servers} were needed throughout")
    if most < running and _long(needs, policy, now):
        return _within(running - 1, policy, f"idle: never more than {most} were needed")
    return _within(running, policy, f"enough: {least.servers} needed")


def _long(needs: Sequence[Need], policy: AutoscalePolicy, now: float) -> bool:
    """Whether it has been watched for long enough to take one away."""
    return needs[0].at <= now - policy.fall_s


def _within(servers: int, policy: AutoscalePolicy, reason: str) -> Wanted:
    bounded = min(policy.most, max(policy.least, servers))
    return Wanted(bounded, reason if bounded == servers else f"{reason}, kept within bounds")


def remembered(needs: Iterable[Need], policy: AutoscalePolicy, now: float) -> tuple[Need, ...]:
    """Those that can still decide: of the last `fall_s`, and the one before them."""
    kept = sorted(needs, key=lambda need: need.at)
    old = [need for need in kept if need.at <= now - policy.fall_s]
    return (*old[-1:], *kept[len(old) :])
