"""A toy fleet: servers that report, a router that decides, moves that take a second."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from msgspec.structs import replace

from clientmigration.core.fleet.choice import Move, choose
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.health import Grade, Health, health_of
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.metrics import Measurement, measurements

POLICY = Policy()


@dataclass
class Server:
    cost: float  # load of one player
    capacity: int = 200
    draining: bool = False
    base: float = 0.02  # load of nobody
    starved: bool = False  # something else has its CPU: it hardly ticks, whoever is there

    def load(self, players: int) -> float:
        return max(self.base + self.cost * players, 1.0 if self.starved else 0.0)


@dataclass
class Toy:
    """Servers that report each second, a router that decides every other, moves that take one."""

    seed: int = 1
    noise: float = 0.2
    unbounded: bool = True  # loads above 1 are told as they are
    refuse: Callable[[Move], bool] = lambda _: False
    second: int = 1000
    fleet: Fleet = field(default_factory=Fleet)
    servers: dict[str, Server] = field(default_factory=dict)
    roster: dict[str, Resident] = field(default_factory=dict)
    moving: tuple[Move, ...] = ()
    moves: list[Move] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def attach(self, name: str, players: int, server: Server) -> None:
        self.servers[name] = server
        self.fleet.attach(name, "gameserver", f"{name}:4000")
        for n in range(players):
            where = Position(self.rng.uniform(0, 999), self.rng.uniform(0, 999))
            self.roster[f"{name}-{n:04}"] = Resident(f"{name}-{n:04}", name, where, {})

    def players(self, name: str) -> int:
        return sum(resident.member == name for resident in self.roster.values())

    def load(self, name: str) -> float:
        return self.servers[name].load(self.players(name))

    def run(self, seconds: int) -> "Toy":
        for _ in range(seconds):
            self.second += 1
            self.arrive()
            for name in self.servers:
                self.fleet.observe(self.report(name), self.second + 0.2)
            if self.second % 2 == 0:
                self.decide(self.second + 0.5)
        return self

    def arrive(self) -> None:
        for move in self.moving:
            stays = replace(self.roster[move.player], locked=False)
            goes = replace(stays, member=move.target, moved_at=float(self.second))
            self.roster[move.player] = stays if self.refuse(move) else goes
        self.moving = ()

    def report(self, name: str) -> Sequence[Measurement]:
        server = self.servers[name]
        load = self.load(name) * (1 + self.rng.uniform(-self.noise, self.noise))
        health = Health(
            load=load if self.unbounded else min(1.0, load),
            health=0.0 if server.starved else health_of(min(1.0, load), 0.0, 0.0, 50.0),
            grade=Grade.FIT,
            players=self.players(name),
            capacity=server.capacity,
            draining=server.draining,
            centre=Position(0, 0),
            spread_m=0.0,
            timestamp=self.second,
        )
        return measurements("gameserver", name, health.measures(), self.second)

    def decide(self, now: float) -> None:
        plan = flows(self.fleet, POLICY, now)
        self.fleet.decided(plan, now)
        self.moving = choose(list(self.roster.values()), plan, POLICY, now, POLICY.budget)
        self.moves += self.moving
        for move in self.moving:
            self.roster[move.player] = replace(self.roster[move.player], locked=True)


def toy_of(players: Iterable[int], cost: float, seed: int = 1, noise: float = 0.2) -> Toy:
    toy = Toy(seed, noise)
    for n, some in enumerate(players):
        toy.attach(f"gs-{n}", some, Server(cost))
    return toy


def oscillations(moves: Sequence[Move]) -> int:
    """How often somebody was moved back to where it came from."""
    paths: dict[str, list[str]] = {}
    for move in moves:
        paths.setdefault(move.player, [move.source]).append(move.target)
    return sum(a == c for path in paths.values() for (a, _), (_, c) in pairwise(pairwise(path)))
