"""Member: one game server or child router of a fleet, and what its last seconds say of it.

Values and arithmetic. A member knows its samples, and the promises that they may not show yet:
newcomers who were sent to it, and moves that were planned. Nothing here decides anything.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self, get_args

import msgspec
from msgspec.structs import replace

from clientmigration.core.fleet.health import Health, believed
from clientmigration.core.fleet.policy import Policy, RebalancePolicy
from clientmigration.core.fleet.release import GameRelease

Closed = Literal["", "silent", "draining", "unhealthy", "unreachable"]
"""Why nobody is sent to a member: no fresh datapoints, it empties itself, it does not keep up,
players cannot connect to it."""
CLOSED: tuple[Closed, ...] = get_args(Closed)
"""All of these words, the first for who is open."""


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """A decision as one of its two members sees it: players coming (+) or going (-)."""

    at: float  # Unix seconds
    players: int
    exchanged: bool = False  # beside an exchange: so few that reports are believed meanwhile


class Member(msgspec.Struct, frozen=True):
    """A game server or child router, with its samples of the last seconds, oldest first.

    `zone` says where it stands: members of one zone are equally far from any player. A member that
    names none has a zone of its own, called like itself. `placed` are the Unix times of
    placements, in order, and `changes` the decisions that reports may not show yet. It is `shut`
    until then (Unix seconds), because players could not reach it; from `trial_at` on one may be
    sent there to try. `vain` are exchanges that found nobody: when, and with whom. Players are told
    its `address`, other members `inner`, if that is another. `release` is the game that it runs.
    """

    name: str
    role: str
    address: str
    zone: str
    history: tuple[Health, ...] = ()
    placed: tuple[float, ...] = ()
    changes: tuple[PlannedChange, ...] = ()
    shut: float = 0.0
    trial_at: float = 0.0
    vain: tuple[tuple[float, str], ...] = ()
    inner: str = ""
    release: GameRelease = GameRelease()

    @property
    def newest(self) -> Health | None:
        """The latest sample; None before the first."""
        return self.history[-1] if self.history else None

    def during(self, seconds: range) -> Self:
        """This member as if it had reported for these seconds only."""
        return replace(self, history=tuple(h for h in self.history if h.timestamp in seconds))

    def reported(self, samples: Iterable[Health]) -> Self:
        """With these samples too. As many placements as players grew by have arrived."""
        merged = {h.timestamp: h for h in (*self.history, *samples)}
        history = tuple(merged[second] for second in sorted(merged))
        grown = history[-1].players - self.newest.players if self.newest else 0
        return replace(self, history=history, placed=self.placed[max(0, grown) :])

    def since(self, second: float) -> Self:
        """Without what was before `second` (Unix seconds)."""
        return replace(
            self,
            history=tuple(h for h in self.history if h.timestamp >= second),
            placed=tuple(at for at in self.placed if at >= second),
            changes=tuple(c for c in self.changes if c.at >= second),
            vain=tuple(each for each in self.vain if each[0] >= second),
        )

    def settled(self, policy: RebalancePolicy, usual: float) -> tuple[Health, ...]:
        """The samples that can be believed, as they would be had all decisions been carried out.

        A sample older than a decision is corrected by it, with `usual` load per player where the
        member's own is not known; one of the `settle_s` after it is left out; later ones stand.
        What an exchange brings to one side is little: of the samples after it the first half are
        corrected, and none is left out.
        """

        def unsure(sample: Health) -> bool:
            second = sample.timestamp
            return any(
                c.at - policy.lag_s < second < c.at + policy.settle_s
                for c in self.changes
                if not c.exchanged
            )

        def owed(sample: Health) -> int:
            latest, half = sample.timestamp + policy.lag_s, policy.settle_s / 2
            return sum(
                c.players for c in self.changes if latest <= c.at + (half if c.exchanged else 0.0)
            )

        return tuple(h.plus(owed(h), usual) for h in self.history if not unsure(h))

    def coming(self, settle_s: float) -> int:
        """Players that decisions send here and that the latest sample may not show yet."""
        if not self.changes:
            return 0
        seen = self.newest.timestamp if self.newest else -math.inf
        return sum(c.players for c in self.changes if c.players > 0 and c.at + settle_s > seen)

    def on_the_way(self, policy: Policy) -> int:
        """Players who were sent here and whom the latest sample may not show yet."""
        if self.newest is None:
            return 0
        horizon = self.newest.timestamp - policy.placement.arrival_s
        placed = len(self.placed) - bisect_right(self.placed, horizon)
        return placed + self.coming(policy.rebalance.settle_s)

    def fresh(self, policy: Policy, now: float) -> bool:
        """Whether its latest datapoints are young enough to decide by."""
        return self.newest is not None and now - self.newest.timestamp <= policy.health.fresh_s

    def failing(self, policy: Policy) -> bool:
        """Whether it has been unhealthy for the policy's time: nobody comes, everybody shall leave.

        One good second does not end that, nor does one bad second begin it; a member that has not
        reported for so long yet is not judged.
        """
        if self.newest is None or not policy.health.unhealthy_s:
            return False
        since = self.newest.timestamp - policy.health.unhealthy_s
        lately = [h.health for h in self.history if h.timestamp > since]
        watched = len(lately) >= policy.rebalance.datapoints and self.history[0].timestamp <= since
        return watched and believed(lately) < policy.health.unhealthy

    def recovering(self, policy: Policy) -> bool:
        """Whether it has kept up in most of its last few reports, whatever was before."""
        last = [h.health for h in self.history[-policy.rebalance.datapoints :]]
        return bool(last) and believed(last) >= policy.health.unhealthy

    def on_trial(self, policy: Policy) -> bool:
        """Whether it was unhealthy just now, so that it has to show first what it can carry."""
        bad = sum(h.health < policy.health.unhealthy for h in self.history)
        return bool(policy.health.unhealthy_s) and bad >= policy.rebalance.datapoints

    def closed(self, policy: Policy, now: float) -> Closed:
        """Why nobody at all may be sent there; "" when it is open."""
        if self.newest is None or not self.fresh(policy, now):
            return "silent"
        if self.newest.draining:
            return "draining"
        if self.failing(policy) or now - self.well_at(policy) > policy.health.fresh_s:
            return "unhealthy"
        return "unreachable" if now < self.shut else ""

    def well_at(self, policy: Policy) -> float:
        """The latest second in which it kept up; -inf when it is in none of its samples."""
        well = (h for h in reversed(self.history) if h.health >= policy.health.unhealthy)
        return next((h.timestamp for h in well), -math.inf)


def usual_cost(members: Iterable[Member]) -> float:
    """Load per player over the latest samples of these members; 0 when nobody plays."""
    samples = [m.newest for m in members if m.newest is not None]
    players = sum(h.players for h in samples)
    return sum(h.load for h in samples if h.players) / players if players else 0.0
