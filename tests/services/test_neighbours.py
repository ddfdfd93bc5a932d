"""Players on different servers see each other, through moves too, and nobody is seen twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clientmigration.client.player import Player
from clientmigration.games.meadow import wire as meadow
from clientmigration.games.meadow.game import STALE_TICKS, Meadow
from clientmigration.gameserver.service import GameServer
from clientmigration.net.taking import ByteCounts
from clientmigration.testing import Arena
from clientmigration.wire.messages import View

Sights = dict[str, list[tuple[int, Counter[str]]]]


def arena_of(*names: str, delay_s: float = 0.001, seed: int = 1) -> Arena:
    """A router and servers that know each other."""
    arena = Arena(seed=seed, delay_s=delay_s)
    arena.start_router()
    for name in names:
        arena.start_server(name)
    arena.run(3.0)
    return arena


def world(server: GameServer) -> Meadow:
    assert isinstance(server.game, Meadow)
    return server.game


def put(arena: Arena, player: Player, x: float, y: float) -> None:
    """Stand somewhere."""
    game = world(arena.servers[arena.home_of(player)])
    game.at[game.rows[player.name]] = (x, y)


def send(arena: Arena, player: Player, target: str) -> None:
    """Be at this server, by a move if need be."""
    arena.run_until(lambda: player.name not in arena.router.moves.by_player)
    if arena.home_of(player) != target:
        arena.move(player, target)
        arena.run_until(lambda: arena.homes_of(player) == [target])


def players_at(arena: Arena, *homes: str) -> list[Player]:
    """One player at each of these, all within one cell."""
    players = [arena.start_player() for _ in homes]
    arena.run_until(lambda: all(arena.home_of(each) for each in players))
    for n, (player, home) in enumerate(zip(players, homes, strict=True)):
        send(arena, player, home)
        put(arena, player, 505.0 + n, 505.0)
    arena.run(1.0)
    return players


def watched(players: list[Player]) -> Sights:
    """From now on, what each sees: tick and how often each name is there."""
    sights: Sights = {player.name: [] for player in players}

    def watch(player: Player) -> Callable[[View], None]:
        def see(view: View) -> None:
            names = [bytes(each).hex() for each in meadow.look(view.body).others["player"]]
            sights[player.name].append((view.tick, Counter(names)))

        return see

    for player in players:
        player.on("view", watch(player))
    return sights


def owners_seen(player: Player) -> dict[str, int]:
    """The owner of everyone in the next view."""
    found: dict[str, int] = {}

    def see(view: View) -> None:
        others = meadow.look(view.body).others
        for who, owner in zip(others["player"], others["owner"], strict=True):
            found[bytes(who).hex()] = int(owner)

    player.on("view", see)
    return found


def test_every_two_servers_have_one_link() -> None:
    arena = arena_of("a", "b", "c")
    for name, server in arena.servers.items():
        assert sorted(server.neighbours.links) == sorted({"a", "b", "c"} - {name})
        assert server.measures()["neighbours"] == 2


def test_players_on_different_servers_see_each_other_and_by_whom_each_is_played() -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, "a", "b")
    seen = [owners_seen(each) for each in (ada, bob)]
    arena.run(0.1)
    by_home = {name: int(vars(server.game)["owner"]) for name, server in arena.servers.items()}
    assert len({*by_home.values()} - {0}) == 2
    assert seen == [{ada.name: by_home["a"], bob.name: by_home["b"]}] * 2


def test_a_player_further_away_is_not_shown() -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, "a", "b")
    put(arena, bob, 700.0, 505.0)
    arena.run(0.2)
    sights = watched([ada, bob])
    arena.run(0.2)
    for player in (ada, bob):
        assert {*sights[player.name][-1][1]} == {player.name}


def test_nobody_is_missed_who_walks_into_sight() -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, "a", "b")
    put(arena, ada, 430.0, 505.0)
    put(arena, bob, 540.0, 505.0)
    arena.run(0.5)
    sights = watched([ada])
    ada.act(meadow.move(20.0, 0.0))
    game = world(arena.servers["a"])
    at: list[tuple[int, float]] = []
    arena.watchers.append(
        lambda: at.append((arena.servers["a"].ticks.tick, game.position(ada.name)[0]))
    )
    arena.run(3.0)
    into = next(tick for tick, x in at if x >= 450.0)
    for tick, names in sights[ada.name]:
        assert (bob.name in names) == (tick >= into), (tick, into)


SERVERS, B_AND_C = {"a", "b", "c"}, {"b", "c"}
DELAYS: list[Any] = [
    pytest.param(lambda _: 0.001, id="near"),
    pytest.param(lambda _: 0.02, id="20 ms"),
    pytest.param(lambda ways: 0.03 if ways <= SERVERS else 0.001, id="slow neighbours"),
    pytest.param(lambda _: 0.075, id="150 ms round trip"),
    pytest.param(lambda ways: 0.12 if ways == B_AND_C else 0.002, id="one slow pair"),
]


@pytest.mark.parametrize("delay", DELAYS)
def test_around_a_move_everyone_sees_everyone_exactly_once(
    delay: Callable[[set[str]], float],
) -> None:
    arena = arena_of("a", "b", "c")
    ada, *others = players = players_at(arena, "a", "a", "b", "c")
    arena.network.delay = lambda a, b: delay({a, b})
    arena.run(1.0)
    sights = watched(players)
    everyone = Counter(player.name for player in players)
    for n, target in enumerate(("b", "c", "a", "c", "b", "a")):
        ada.act(meadow.move(1.0, 1.0 - n % 3))
        send(arena, ada, target)
        arena.run((0.05, 0.6, 0.1)[n % 3])
    arena.run(1.0)
    assert ada.moves >= 6
    for player in players:
        assert len(sights[player.name]) > 40
        ticks = [tick for tick, _ in sights[player.name]]
        assert ticks == list(range(ticks[0], ticks[-1] + 1))
        wrong = {tick: names for tick, names in sights[player.name] if names != everyone}
        assert not wrong, (player.name, ada.name)
    assert others


def test_who_is_moved_to_where_nobody_is_sees_whom_it_saw_before() -> None:
    arena = arena_of("a", "b", "c")
    ada, bob, eve = players_at(arena, "a", "a", "c")
    sights = watched([ada])
    everyone = Counter(player.name for player in (ada, bob, eve))
    for target in "baba":
        send(arena, ada, target)
        arena.run(0.7)
    assert ada.member == "a"
    assert all(names == everyone for _, names in sights[ada.name])


def test_around_a_move_a_player_is_seen_where_it_is() -> None:
    """Not where it would be, had it not turned since."""
    arena = arena_of("a", "b", "c")
    ada, *others = players = players_at(arena, "a", "a", "b", "c")
    at: dict[int, dict[str, float]] = {}

    def watch(player: Player) -> Callable[[View], None]:
        def see(view: View) -> None:
            seen = meadow.look(view.body).others
            (found,) = seen[seen["player"] == np.void(bytes.fromhex(ada.name))]
            at.setdefault(view.tick, {})[player.name] = float(found["x"])

        return see

    for player in players:
        player.on("view", watch(player))
    before = ada.moves
    for n, target in enumerate("bcacba"):
        ada.act(meadow.move((-20.0, 20.0)[n % 2], 0.0))
        arena.move(ada, target)
        for turn in range(8):
            arena.run(0.05)
            ada.act(meadow.move((-20.0, 20.0)[(turn // 4 + n) % 2], 0.0))
        arena.run_until(lambda: ada.name not in arena.router.moves.by_player)
    assert ada.moves == before + 6
    off = {
        tick: {name: round(x - places[ada.name], 2) for name, x in places.items()}
        for tick, places in at.items()
        if ada.name in places
    }
    assert max(abs(each) for places in off.values() for each in places.values()) < 2.1, off
    assert others


def test_what_a_dead_neighbour_showed_is_shown_no_longer_than_it_is_fresh() -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, "a", "b")
    bob.stop()
    sights = watched([ada])
    arena.kill("b")
    arena.run(1.5)
    last = max(tick for tick, names in sights[ada.name] if bob.name in names)
    assert last - sights[ada.name][0][0] <= STALE_TICKS
    assert arena.servers["a"].measures()["neighbours"] == 0


def test_a_neighbour_that_comes_back_is_seen_again() -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, "a", "b")
    arena.kill("b")
    arena.start_server("b")
    arena.run_until(lambda: bool(arena.home_of(bob)))
    send(arena, bob, "b")
    arena.run(2.0)
    sights = watched([ada])
    arena.run(0.2)
    assert sights[ada.name][-1][1] == Counter([ada.name, bob.name])


def test_while_the_router_is_away_neighbours_are_seen() -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, "a", "b")
    sights = watched([ada])
    arena.kill("router")
    arena.run(5.0)
    arena.start_router()
    arena.run(5.0)
    assert {*map(len, (names for _, names in sights[ada.name]))} == {2}
    assert bob.name in sights[ada.name][-1][1]


def test_a_slow_neighbour_misses_sights_and_nothing_is_queued_for_it() -> None:
    arena = arena_of("a", "b")
    players_at(arena, "a", "b")
    link = arena.servers["a"].neighbours.links["b"]
    link.line.choked = True
    counts = ByteCounts()
    link.line.count_in(counts)
    arena.run(0.9)
    assert counts.take()[0] == 0
    link.line.choked = False
    arena.run(0.2)
    assert counts.take()[0] > 0


def test_bytes_of_neighbours_are_counted() -> None:
    arena = arena_of("a", "b")
    players_at(arena, "a", "b")
    points = {
        point.path.rsplit(".", 1)[1]: point.value
        for point in arena.sink.seen
        if ".gameserver.a." in point.path
    }
    assert points["neighbours"] == 1
    assert points["neighbour_sent_bytes_per_s"] > 20 * 30
    assert points["neighbour_received_bytes_per_s"] > 20 * 30
    assert points["mail_waiting"] == 0
