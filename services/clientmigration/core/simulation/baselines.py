"""Baselines: simple ways to place and move players, which our policy is compared with.

Each brain, ours and the three baselines, is told the same reports as a router is. They know no
clock and no chance; what they remember is in their fields.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from clientmigration.core.fleet.choice import Move, choose
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import place
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.fleet.resident import Resident


class Brain(Protocol):
    """What a simulation asks where players go. It registers what it promised, as a router does."""

    name: str

    def place(self, newcomer: Newcomer, fleet: Fleet, now: float) -> str | None:
        """The member it goes to; None: it has to wait."""

    def plan(self, fleet: Fleet, now: float) -> Sequence[Flow]:
        """Who should give how many to whom now."""

    def choose(
        self, roster: Sequence[Resident], flows: Sequence[Flow], now: float
    ) -> Sequence[Move]:
        """Who moves."""


@dataclass
class Ours:
    """The policy as the router runs it."""

    policy: Policy
    name: str = "ClientMigration"
    zones: Mapping[str, str] = field(default_factory=dict)

    def place(self, newcomer: Newcomer, fleet: Fleet, now: float) -> str | None:
        """The member that scores best, as the router would choose it."""
        placement = place(newcomer, fleet, self.policy, now)
        if placement.member is not None:
            fleet.placed(placement.member, now)
        return placement.member

    def plan(self, fleet: Fleet, now: float) -> Sequence[Flow]:
        """The flows of the policy."""
        decided = flows(fleet, self.policy, now)
        self.zones = {member.name: member.zone for member in fleet.members()}
        return decided

    def choose(
        self, roster: Sequence[Resident], flows: Sequence[Flow], now: float
    ) -> Sequence[Move]:
        """The players of the policy."""
        return choose(roster, flows, self.policy, now, self.policy.budget, self.zones)


@dataclass
class Simple:
    """What simple balancers have in common: they see the last report, drop nobody into a full or
    draining server, empty draining ones, and never move the same player within the cooldown."""

    policy: Policy
    name: str = ""

    def weight(self, member: Member) -> float:
        """How much there is already: the least gets the next player."""
        raise NotImplementedError

    def open(self, fleet: Fleet, now: float) -> list[Member]:
        """Those who may get somebody."""
        return [
            each
            for each in fleet.members()
            if not each.closed(self.policy, now) and self.players(each) < _capacity(each)
        ]

    def players(self, member: Member) -> int:
        """Those that it reported, and those sent since then."""
        reported = member.newest.players if member.newest else 0
        return reported + sum(at > _second(member) for at in member.placed)

    def place(self, newcomer: Newcomer, fleet: Fleet, now: float) -> str | None:  # noqa: ARG002
        """The member with the least, if any is open."""
        members = self.open(fleet, now)
        if not members:
            return None
        name = min(members, key=lambda each: (self.weight(each), each.name)).name
        fleet.placed(name, now)
        return name

    def plan(self, fleet: Fleet, now: float) -> Sequence[Flow]:
        """First away from those that drain, then what makes the others even."""
        return [*self._drains(fleet, now), *self.balance(fleet, now)]

    def _drains(self, fleet: Fleet, now: float) -> Iterable[Flow]:
        members = self.open(fleet, now)
        for each in fleet.members():
            if each.newest and each.newest.draining and each.newest.players and members:
                share = max(1, min(each.newest.players, self.policy.budget) // len(members))
                for target in members:
                    yield Flow.of(each.name, target.name, share, "draining", "so")

    def balance(self, fleet: Fleet, now: float) -> Iterable[Flow]:
        """Flows from the one with the most to the one with the least."""
        takers = self.open(fleet, now)
        givers = [each for each in fleet.members() if not each.closed(self.policy, now)]
        if not takers:
            return
        low = min(takers, key=lambda each: (self.weight(each), each.name))
        high = max(givers, key=lambda each: (self.weight(each), each.name))
        number = self.number(self.weight(high), self.weight(low), high)
        number = min(number, self.policy.budget, _capacity(low) - self.players(low))
        if number > 0 and high is not low:
            yield Flow.of(high.name, low.name, number, "high", "so")

    def number(self, high: float, low: float, giver: Member) -> int:  # noqa: ARG002
        """Players that make even what is not."""
        return 0

    def choose(
        self, roster: Sequence[Resident], flows: Sequence[Flow], now: float
    ) -> Sequence[Move]:
        """Whoever comes first by name."""
        moves: list[Move] = []
        taken: set[str] = set()
        free = [r for r in sorted(roster, key=_name) if r.movable(self.policy, now)]
        for flow in flows:
            here = [r for r in free if r.member == flow.source and r.player not in taken]
            for resident in here[: min(flow.players, self.policy.budget - len(moves))]:
                taken.add(resident.player)
                moves.append(Move(resident.player, flow.source, flow.target, flow.reason))
        return moves


@dataclass
class RoundRobin(Simple):
    """One after the other. It moves nobody but off draining servers."""

    name: str = "round robin"
    turn: int = 0

    def place(self, newcomer: Newcomer, fleet: Fleet, now: float) -> str | None:  # noqa: ARG002
        """The next open member in turn."""
        members = self.open(fleet, now)
        if not members:
            return None
        self.turn += 1
        name = members[self.turn % len(members)].name
        fleet.placed(name, now)
        return name

    def balance(self, fleet: Fleet, now: float) -> Iterable[Flow]:  # noqa: ARG002
        """Nothing."""
        return ()


@dataclass
class LeastPlayers(Simple):
    """The one with the fewest players gets the next; each round makes the numbers even."""

    name: str = "least players"

    def weight(self, member: Member) -> float:
        """How many players it has."""
        return float(self.players(member))

    def number(self, high: float, low: float, giver: Member) -> int:  # noqa: ARG002
        """Half of the difference in players."""
        return int(high - low) // 2


@dataclass
class LeastLoad(Simple):
    """The one that reported the least load gets the next; each round makes the loads even."""

    name: str = "least load"

    def weight(self, member: Member) -> float:
        """The load that it reported last."""
        return member.newest.load if member.newest else 0.0

    def number(self, high: float, low: float, giver: Member) -> int:
        """Half of the difference in load, in players of the giver."""
        each = high / max(1, self.players(giver))
        return int((high - low) / 2 / each) if each else 0


def _capacity(member: Member) -> int:
    return member.newest.capacity if member.newest else 0


def _second(member: Member) -> float:
    return member.newest.timestamp if member.newest else 0.0


def _name(resident: Resident) -> str:
    return resident.player
