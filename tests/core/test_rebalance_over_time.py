"""A toy fleet over time: what becomes of servers, players and loads under the real decisions."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from msgspec.structs import replace

from clientmigration.core.fleet.choice import Move, choose
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.health import Grade, Health
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


@dataclass
class Toy:
    """Servers that report each second, a router that decides every other, moves that take one."""

    seed: int = 1
    noise: float = 0.2
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
        return self.servers[name].base + self.servers[name].cost * self.players(name)

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
            load=load,
            health=1.0,
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


@pytest.mark.parametrize("load", [0.1, 0.3, 0.5, 0.7, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_a_steady_balanced_world_with_noisy_loads_moves_nobody(load: float, seed: int) -> None:
    assert toy_of([100, 100, 100], load / 100, seed).run(180).moves == []


@pytest.mark.parametrize("load", [0.02, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_a_new_server_has_its_share_within_15_seconds_and_then_all_is_quiet(
    load: float, seed: int
) -> None:
    toy = toy_of([100, 100, 100], load / 100, seed).run(20)
    toy.attach("new", 0, Server(load / 100))
    toy.run(15)
    assert 52 <= toy.players("new") <= 78
    assert {move.target for move in toy.moves} == {"new"}
    assert oscillations(toy.moves) == 0
    made = len(toy.moves)
    assert len(toy.run(120).moves) - made <= 15


def test_an_overloaded_server_is_relieved_without_overshooting() -> None:
    toy = toy_of([150, 60, 60], 0.006)
    assert toy.load("gs-0") > 0.9
    toy.run(20)
    assert toy.load("gs-0") < 0.7
    assert min(toy.players("gs-1"), toy.players("gs-2")) > 75
    toy.run(100)
    assert {move.source for move in toy.moves} == {"gs-0"}
    assert oscillations(toy.moves) == 0


def test_a_crowd_that_gathers_on_one_server_is_spread() -> None:
    toy = toy_of([100, 100, 100], 0.003).run(20)
    toy.servers["gs-1"].cost = 0.006
    toy.run(40)
    loads = [toy.load(name) for name in toy.servers]
    assert max(loads) < 1.35 * sum(loads) / 3
    assert oscillations(toy.moves) == 0


def test_slow_and_fast_machines_end_up_equally_loaded_with_different_players() -> None:
    toy = toy_of([], 0.0)
    toy.attach("slow", 100, Server(0.008))
    toy.attach("fast", 100, Server(0.002, capacity=400))
    toy.run(90)
    assert toy.players("fast") > 130
    assert toy.load("slow") < 1.5 * toy.load("fast")
    assert {move.source for move in toy.moves} == {"slow"}
    made = len(toy.moves)
    assert len(toy.run(90).moves) - made <= 3


def test_a_drain_empties_the_server_and_the_others_stay_even() -> None:
    toy = toy_of([100, 100, 100], 0.003).run(20)
    toy.servers["gs-1"].draining = True
    toy.run(10)
    assert toy.players("gs-1") == 0
    assert abs(toy.players("gs-0") - toy.players("gs-2")) < 20
    assert len(toy.run(60).moves) == 100


def test_a_drain_larger_than_the_room_fills_every_seat_and_none_more() -> None:
    toy = toy_of([190, 190, 190], 0.003).run(20)
    toy.servers["gs-1"].draining = True
    for _ in range(40):
        toy.run(1)
        assert max(toy.players("gs-0"), toy.players("gs-2")) <= 200
    assert toy.players("gs-1") == 170


def test_a_long_drain_never_pauses() -> None:
    toy = Toy()
    for name in ("gs-0", "gs-1", "gs-2"):
        toy.attach(name, 600, Server(0.0004, capacity=1000))
    toy.run(10)
    toy.servers["gs-1"].draining = True
    toy.run(600 // 25 + 4)
    assert toy.players("gs-1") == 0


def test_moves_that_are_all_refused_are_asked_for_again_but_not_piled_up() -> None:
    toy = toy_of([100, 100], 0.004)
    toy.refuse = lambda _: True
    toy.run(10)
    toy.attach("new", 0, Server(0.004))
    toy.run(20)
    asked = len(toy.moves)
    toy.refuse = lambda _: False
    toy.run(20)
    assert asked > 0
    assert toy.players("new") >= 45
    assert toy.players("new") <= 70


def oscillations(moves: Sequence[Move]) -> int:
    """How often somebody was moved back to where it came from."""
    paths: dict[str, list[str]] = {}
    for move in moves:
        paths.setdefault(move.player, [move.source]).append(move.target)
    return sum(a == c for path in paths.values() for (a, _), (_, c) in pairwise(pairwise(path)))
