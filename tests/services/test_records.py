"""Records: what is no player's has one owner, survives its server, and goes where it is wanted.

`Weather` is a meadow with one record, which everybody who plays wants: it counts its own ticks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from clientmigration.core.player.standing import Claim
from clientmigration.games.meadow import Meadow
from clientmigration.gameserver.records import RecordSeat
from clientmigration.testing import Arena, Parts
from clientmigration.testing.record_checks import RecordChecker


class Weather(Meadow):
    """`days` is the record "weather" while this server has it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.days: int | None = None
        self.heard: list[tuple[str, dict[str, Any]]] = []

    def records(self) -> Mapping[str, int]:
        return {"weather": len(self.rows)} if self.rows else {}

    def open(self, _name: str, state: dict[str, Any] | None, _ticks: int) -> None:
        assert self.days is None
        self.days = state["days"] if state else 0

    def stored(self, _name: str) -> dict[str, Any]:
        assert self.days is not None
        return {"days": self.days}

    def close(self, _name: str) -> None:
        assert self.days is not None
        self.days = None

    def step(self, tick: int) -> None:
        super().step(tick)
        if self.days is not None:
            self.days += 1

    def receive(self, player: str, sender: str, body: dict[str, Any]) -> None:
        if player.startswith("record-"):
            assert self.days is not None
            self.heard.append((sender, body))
        else:
            super().receive(player, sender, body)


def arena(seed: int = 1, **more: Any) -> Arena:
    made = Arena(seed=seed, parts=Parts(game=Weather), **more)
    made.start_router()
    made.start_server("a")
    made.start_server("b")
    made.run(2.0)
    return made


def owners(arena: Arena) -> dict[str, int]:
    """Which servers have the weather, and for how many days it has been."""
    games: dict[str, Any] = {name: server.game for name, server in arena.servers.items()}
    return {name: game.days for name, game in games.items() if game.days is not None}


def test_a_record_is_opened_where_it_is_wanted_and_goes_into_the_ledger_when_nobody_does() -> None:
    world = arena()
    assert owners(world) == {}
    ada = world.start_player()
    world.run(2.0)
    assert list(owners(world)) == [world.home_of(ada)]
    ada.stop()
    world.run(30.0)
    assert owners(world) == {}
    record = world.ledger.records["record-weather"]
    assert record.owner == ""
    assert record.snapshot is not None
    days = record.snapshot.game["days"]
    assert days > 20
    world.start_player()
    world.run(2.0)
    assert sum(owners(world).values()) > days


def test_a_record_survives_its_server_with_a_state_at_most_a_second_old() -> None:
    world = arena()
    players = [world.start_player() for _ in range(4)]
    world.run(12.0)
    ((home, _),) = owners(world).items()
    before = owners(world)[home]
    world.kill(home)
    world.run_until(lambda: bool(owners(world)), within=5.0)
    ((now, days),) = owners(world).items()
    assert now != home
    assert days >= before - 20 - 1  # a second and a tick
    assert players


def test_a_record_moves_with_its_players_and_loses_not_a_tick() -> None:
    world = arena()
    ada = world.start_player()
    world.run(8.0)
    home = world.home_of(ada)
    other = "b" if home == "a" else "a"
    before = owners(world)[home]
    assert list(owners(world)) == [home]
    world.move(ada, other)
    world.run(1.0)
    assert world.home_of(ada) == other
    world.run_until(lambda: other in owners(world), within=4.0)
    assert list(owners(world)) == [other]
    passed = owners(world)[other] - before
    assert passed >= 15
    world.run(2.0)
    assert owners(world)[other] >= before + 15 + 38


def test_a_server_that_stops_hands_its_records_over() -> None:
    world = arena()
    ada = world.start_player()
    world.run(6.0)
    home = world.home_of(ada)
    before = owners(world)[home]
    world.drain(home)
    world.run(6.0)
    assert home not in world.servers
    ((now, days),) = owners(world).items()
    assert now == world.home_of(ada) != home
    assert days >= before


def test_a_record_counts_as_nobody() -> None:
    world = arena()
    ada = world.start_player()
    world.run(4.0)
    home = world.home_of(ada)
    server = world.servers[home]
    measures = server.measures()
    assert len(server.seats) == 1
    assert measures["records"] == 1
    assert measures["players"] == 1
    link = world.router.members[home]
    assert list(link.roster) == [ada.name]
    assert list(link.records) == ["record-weather"]
    assert world.router.fleet.players(home) == 1
    assert world.router.moves.count() == 0


def test_a_record_is_sent_letters_and_sends_some_wherever_it_is() -> None:
    world = arena()
    ada, bob = world.start_player(), world.start_player()
    world.run(3.0)
    for player, server in ((ada, "a"), (bob, "b")):
        if world.home_of(player) != server:
            world.move(player, server)
            world.run(2.0)
    world.run(4.0)
    ((home, _),) = owners(world).items()
    far = bob if home == "a" else ada
    game: Any = world.servers[world.home_of(far)].game
    here: Any = world.servers[home].game
    assert game.post(far.name, "record-weather", {"coins": 0})
    world.run(3.0)
    assert here.heard == [(far.name, {"coins": 0})]
    assert here.post("record-weather", far.name, {"coins": 3})
    seats = world.servers[world.home_of(far)].seats
    coins = game.state(far.name)["coins"]
    world.run(3.0)
    assert game.state(far.name)["coins"] == coins + 3
    assert seats.find("record-weather") is None


# Many seeds, with whatever can break, and a checker that is not blind.


def held(game: Any) -> dict[str, int]:
    """The record that this game has now."""
    return {} if game.days is None else {"weather": game.days}


def tried(seed: int, **more: Any) -> RecordChecker:
    """Half a minute with players who are moved, and servers and a router that come and go."""
    world = Arena(seed=seed, parts=Parts(game=Weather, **more))
    world.start_router()
    for name in ("a", "b", "c"):
        world.start_server(name)
    world.run(2.0)
    players = [world.start_player() for _ in range(3)]
    checker = RecordChecker(world, held)
    world.run(5.0)
    for _ in range(8):
        trouble(world, checker, players)
    world.run(12.0)
    if len(owners(world)) != 1:
        checker.broken.append(f"in the end {', '.join(owners(world))} have weather")
    return checker


def trouble(world: Arena, checker: RecordChecker, players: list[Any]) -> None:
    """One thing happens, and what it breaks is repaired after a while."""
    random, names = world.random, sorted(world.servers)
    name = random.choice(names)
    match random.choice(("move", "move", "move", "kill", "router", "cut", "freeze")):
        case "move":
            for player in players:
                if world.home_of(player) not in ("", name):
                    world.move(player, name)
        case "kill" if len(names) > 1:
            checker.crash(name)
            world.kill(name)
            world.run(random.uniform(0.5, 4.0))
            world.start_server(name)
        case "router":
            world.kill("router")
            world.run(random.uniform(0.1, 3.0))
            world.start_router()
        case "cut":
            checker.crash(name)
            world.network.cut(name, "router")
            world.run(random.uniform(0.1, 4.0))
            world.network.heal(name, "router")
        case "freeze":
            checker.crash(name)
            world.freeze(name, random.uniform(0.1, 3.0))
    world.run(random.choice((0.02, 0.3, 1.0, 4.0)))


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_record_has_one_owner_and_never_goes_back_whatever_breaks(seed: int) -> None:
    checker = tried(seed)
    assert not checker.broken, checker.broken[:3]
    assert checker.opened


class Clinging(RecordSeat):
    """Planted: the game goes on with a record whose final state is out."""

    def hold(self) -> bool:
        self.held, self.held_at = True, self.hall.time.now()
        return True

    def leave(self) -> None:
        self.entered = self.held = False


class Oblivious(RecordSeat):
    """Planted: whatever comes is begun anew."""

    def enter(self, claim: Claim) -> bool:
        return super().enter(replace(claim, snapshot=None))


@pytest.mark.parametrize(("planted", "words"), [(Clinging, "have weather"), (Oblivious, "back")])
def test_a_planted_bug_is_found_at_seed_2(planted: type[RecordSeat], words: str) -> None:
    assert any(words in each for each in tried(2, record=planted).broken)
