"""Tree: routers under routers over simulated time, with the real decisions of every one of them.

Pure, given a generator of chance. Players are counted, not named: what is tried is whether routers
above routers come to rest, and how large a tree one decision can see. A router reports to the one
above it what a real one does (`Fleet.summary`), and hands on who is wanted elsewhere (`handing`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from clientmigration.core.fleet.estimate import estimates
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.handing import giving, taking
from clientmigration.core.fleet.health import Health, health_of
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.metrics import Measurement, measurements
from clientmigration.core.simulation.server import SimulatedServer
from clientmigration.core.simulation.tree_scenario import (
    BranchAttaches,
    BranchDrains,
    BranchFills,
    TreeScenario,
)

Decide = Callable[[Fleet, Policy, float], Sequence[Flow]]
"""What a router decides of its fleet by its policy, at a time (Unix seconds): `rebalance.flows`."""
START = 1_000_000
"""Unix second at which every simulation begins."""
ABOVE = "above"
"""Where players go to and come from who cross to another router, as their own one notes it."""
NOWHERE = Position(0.0, 0.0)
TICK_MS = 50.0


@dataclass
class CountedServer:
    """A game server at the end of a branch, and how many players it has."""

    server: SimulatedServer
    cost: float
    players: int = 0
    role = "gameserver"

    @property
    def name(self) -> str:
        """As it is called in its router's fleet."""
        return self.server.name

    @property
    def load(self) -> float:
        """The real one, without noise."""
        return self.server.load

    def settle(self) -> None:
        """It has had its players for long: what it reports is what they cost."""
        self.server.settle(self.cost * self.players)

    def report(self, noise: Iterator[float], policy: Policy, second: int) -> Health:
        """One second of work, and what it says of it."""
        server = self.server
        server.work(self.cost * self.players)
        load = server.tells(next(noise), policy)
        return Health(
            load=load,
            health=health_of(load, 0.0, 0.0, TICK_MS),
            grade=server.grade,
            players=self.players,
            capacity=server.kind.capacity,
            draining=server.draining,
            centre=NOWHERE,
            spread_m=0.0,
            timestamp=second,
        )

    def give(self, players: int, now: float) -> int:  # noqa: ARG002
        """So many leave; how many of them there were."""
        left = min(players, self.players)
        self.players -= left
        return left

    def take(self, players: int, now: float) -> int:  # noqa: ARG002
        """So many come; for how many of them there was room."""
        come = min(players, max(0, self.server.seats(self.players)))
        self.players += come
        return come


@dataclass
class CountedRouter:
    """A router with its members: game servers, or other routers, all alike."""

    name: str
    policy: Policy
    decide: Decide
    members: dict[str, CountedRouter | CountedServer] = field(default_factory=dict)
    fleet: Fleet = field(default_factory=Fleet)
    draining: bool = False
    flows: list[tuple[int, Flow]] = field(default_factory=list)
    moves: list[tuple[int, int]] = field(default_factory=list)  # at a second, so many
    role = "router"
    _planned: deque[Flow] = field(default_factory=deque)

    @property
    def load(self) -> float:
        """The mean of the real loads below."""
        return float(np.mean([each.load for each in self.members.values()]))

    @property
    def players(self) -> int:
        """All below."""
        return sum(each.players for each in self.members.values())

    def attach(self, member: CountedRouter | CountedServer) -> None:
        """It is one of ours."""
        self.members[member.name] = member
        self.fleet.attach(member.name, member.role, f"{member.name}:4000")

    def routers(self, level: int = 0) -> Iterator[tuple[int, CountedRouter]]:
        """Itself and all below, each with how deep it is."""
        yield level, self
        for member in self.members.values():
            if isinstance(member, CountedRouter):
                yield from member.routers(level + 1)

    def report(self, noise: Iterator[float], policy: Policy, second: int) -> Health:
        """What all members say of this second, as one; `policy` is the router's above."""
        told: list[Measurement] = []
        for member in self.members.values():
            health = member.report(noise, self.policy, second)
            told += measurements(member.role, member.name, health.measures(), second)
        self.fleet.observe(told, second + 0.2)
        return replace(self.fleet.summary(policy, second + 0.3), draining=self.draining)

    def plan(self, second: int) -> None:
        """Decide, as every router does for itself."""
        flows = self.decide(self.fleet, self.policy, second + 0.5)
        self._planned = deque(flows)
        if flows:
            self.fleet.decided(flows, second + 0.5)
            self.flows += [(second, flow) for flow in flows]

    def carry(self, second: int) -> None:
        """One second's moves, at the policy's pace."""
        pace = math.ceil(self.policy.limits.moves_per_second)
        while self._planned and pace > 0:
            flow = self._planned.popleft()
            some = min(pace, flow.players)
            pace -= some
            self._move(flow, some, second)
            if flow.players > some:
                self._planned.appendleft(replace(flow, players=flow.players - some))

    def _move(self, flow: Flow, players: int, second: int) -> None:
        source, target, now = self.members[flow.source], self.members[flow.target], second + 0.1
        left = source.give(players, now)
        came = target.take(left, now)
        source.take(left - came, now)
        self.moves.append((second, came))

    def give(self, players: int, now: float) -> int:
        """So many leave for members of another router; how many of them there were."""
        shares = giving(estimates(self.fleet, self.policy, now), players)
        self.fleet.decided([Flow(name, ABOVE, n, "above") for name, n in shares.items()], now)
        return sum(self.members[name].give(n, now) for name, n in shares.items())

    def take(self, players: int, now: float) -> int:
        """So many come from there; for how many of them there was room."""
        shares = taking(estimates(self.fleet, self.policy, now), players, self.policy)
        self.fleet.decided([Flow(ABOVE, name, n, "above") for name, n in shares.items()], now)
        return sum(self.members[name].take(n, now) for name, n in shares.items())


class TreeSimulator:
    """One run of a scenario. `decide` is each router's brain."""

    def __init__(
        self, scenario: TreeScenario, policy: Policy, decide: Decide, rng: np.random.Generator
    ) -> None:
        self.scenario, self._decide, self._rng = scenario, decide, rng
        self._policies = scenario.policies(policy)
        self.root = self._router("root", 0)
        self._fill(self.root, scenario.players)
        self.second = START
        self.imbalance: list[list[float]] = []
        """Of each second, by level: the highest load of a member over the mean of its router's
        members, at the router where that is worst."""

    def play(self) -> None:
        """From the first second to the last."""
        for n in range(self.scenario.seconds):
            for event in self.scenario.at(n):
                self._befall(event)
            self._second()

    def _router(self, name: str, level: int) -> CountedRouter:
        made = CountedRouter(name, self._policies[level], self._decide)
        for n in range(self.scenario.levels[level].members):
            made.attach(self._member(name, n, level))
        return made

    def _member(self, router: str, n: int, level: int) -> CountedRouter | CountedServer:
        if level + 1 < len(self.scenario.levels):
            return self._router(f"{router}-{n}", level + 1)
        machine = self.scenario.servers
        return CountedServer(SimulatedServer(f"gs-{n}", machine), self.scenario.cost)

    def _fill(self, router: CountedRouter, players: int) -> None:
        uneven, members = self.scenario.uneven, [*router.members.values()]
        shares = self._rng.uniform(1 - uneven, 1 + uneven, len(members))
        for member, n in zip(members, _counts(players, shares), strict=True):
            if isinstance(member, CountedRouter):
                self._fill(member, n)
            else:
                member.take(n, START)
                member.settle()

    def _befall(self, event: object) -> None:
        root, names = self.root, [*self.root.members]
        match event:
            case BranchAttaches():
                root.attach(self._member(root.name, len(names), 0))
            case BranchDrains(member=n):
                drained = root.members[names[n]]
                if isinstance(drained, CountedRouter):
                    drained.draining = True
                else:
                    drained.server.drain()
            case BranchFills(member=n, players=players):
                root.members[names[n]].take(players, self.second)

    def _second(self) -> None:
        self.second += 1
        routers = [router for _, router in self.root.routers()]
        for router in routers:
            router.carry(self.second)
        self.root.report(self._noise(), self.root.policy, self.second)
        for router in routers:
            if self.second % max(1, round(router.policy.rebalance.period_s)) == 0:
                router.plan(self.second)
        self._note()

    def _noise(self) -> Iterator[float]:
        while True:
            yield from (self._rng.uniform(-1, 1, 1024) * self.scenario.noise).tolist()

    def _note(self) -> None:
        worst = [1.0] * len(self.scenario.levels)
        for level, router in self.root.routers():
            loads = [m.load for m in router.members.values() if not _drains(m)]
            mean = math.fsum(loads) / len(loads) if loads else 0.0
            worst[level] = max(worst[level], max(loads) / mean if mean else 1.0)
        self.imbalance.append(worst)


def _drains(member: CountedRouter | CountedServer) -> bool:
    return member.draining if isinstance(member, CountedRouter) else member.server.draining


def _counts(players: int, shares: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int]:
    """So many players, by these shares: whole ones, and none left over."""
    edges = np.round(players * np.cumsum(shares) / shares.sum()).astype(np.int64)
    return [int(n) for n in np.diff(edges, prepend=0)]
