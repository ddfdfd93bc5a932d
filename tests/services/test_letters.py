"""A coin for a player on another server arrives, once, whoever is moved or killed meanwhile."""

from __future__ import annotations

from random import Random

import pytest

from clientmigration.client.player import Player
from clientmigration.core.player.mailbox import OVER_S
from clientmigration.games.meadow import wire as meadow
from clientmigration.games.meadow.game import COINS, Meadow
from clientmigration.testing import Arena


def arena_of(*names: str, seed: int = 1, delay_s: float = 0.001) -> Arena:
    """A router and servers that know each other."""
    arena = Arena(seed=seed, delay_s=delay_s)
    arena.start_router()
    for name in names:
        arena.start_server(name)
    arena.run(3.0)
    return arena


def players_at(arena: Arena, *homes: str) -> list[Player]:
    """One player at each of these, all within one cell."""
    players = [arena.start_player() for _ in homes]
    arena.run_until(lambda: all(arena.home_of(each) for each in players))
    for player, home in zip(players, homes, strict=True):
        send(arena, player, home)
        game = arena.servers[home].game
        assert isinstance(game, Meadow)
        game.at[game.rows[player.name]] = (505.0, 505.0)
    arena.run(1.5)
    return players


def send(arena: Arena, player: Player, target: str) -> None:
    """Be at this server, by a move if need be."""
    arena.run_until(lambda: player.name not in arena.router.moves.by_player)
    if arena.home_of(player) != target:
        arena.move(player, target)
        arena.run_until(lambda: arena.homes_of(player) == [target])


def purse(arena: Arena, player: Player) -> int:
    """What it has in its pocket."""
    state = arena.servers[arena.home_of(player)].game.state(player.name)
    return int(state["coins"])


def purses(arena: Arena, players: list[Player]) -> list[int]:
    return [purse(arena, player) for player in players]


def watch_coins(arena: Arena, count: int) -> list[int]:
    """From now on the coins add up at every single step. Answers what ever was under way."""
    seen: list[int] = []

    def watch() -> None:
        assert arena.coins() == count
        seen.append(len(arena.letters()))

    arena.watchers.append(watch)
    return seen


@pytest.mark.parametrize("homes", ["ab", "aa"])
def test_a_coin_arrives_once_and_its_letter_is_forgotten(homes: str) -> None:
    arena = arena_of("a", "b")
    ada, bob = players = players_at(arena, *homes)
    under_way = watch_coins(arena, 2 * COINS)
    ada.act(meadow.give(bob.name))
    arena.run(1.0)
    assert purses(arena, players) == [COINS - 1, COINS + 1]
    assert max(under_way) == 1
    assert not arena.letters()
    assert all(not seat.mailbox.outbox for seat in arena.seats())
    assert sum(server.mail.waiting() for server in arena.servers.values()) == 0


@pytest.mark.parametrize("homes", ["ab", "aa"])
def test_a_receiver_hears_that_it_may_forget_a_sender_and_does_so_later(homes: str) -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, *homes)
    ada.act(meadow.give(bob.name))
    arena.run(3.0)
    seat = arena.servers[homes[1]].seats.find(bob.name)
    assert seat is not None
    assert seat.mailbox.got == {ada.name: 1}
    soon = seat.mailbox.until[ada.name] - arena.servers["a"].ticks.date()
    assert OVER_S - 4 < soon < OVER_S
    seat.mailbox.forget(arena.servers["a"].ticks.date() + OVER_S, 1e9)
    ada.act(meadow.give(bob.name))
    arena.run(1.0)
    assert purses(arena, [ada, bob]) == [COINS - 2, COINS + 2]


def test_a_coin_takes_no_longer_than_a_moment() -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, "a", "b")
    ada.act(meadow.give(bob.name))
    arena.run_until(lambda: purse(arena, bob) == COINS + 1, within=0.15)
    assert purse(arena, ada) == COINS - 1


def test_who_has_none_gives_none_and_who_is_far_away_gets_none() -> None:
    arena = arena_of("a", "b")
    ada, bob = players = players_at(arena, "a", "b")
    for _ in range(COINS + 5):
        ada.act(meadow.give(bob.name))
    arena.run(1.0)
    assert purses(arena, players) == [0, 2 * COINS]
    game = arena.servers["b"].game
    assert isinstance(game, Meadow)
    game.at[game.rows[bob.name]] = (705.0, 505.0)
    arena.run(0.2)
    bob.act(meadow.give(ada.name))
    arena.run(1.0)
    assert purses(arena, players) == [0, 2 * COINS]


def test_while_the_router_is_away_letters_wait_and_then_arrive_once() -> None:
    arena = arena_of("a", "b")
    ada, bob = players = players_at(arena, "a", "b")
    arena.kill("router")
    arena.run(1.0)
    ada.act(meadow.give(bob.name))
    arena.run(3.0)
    assert purses(arena, players) == [COINS - 1, COINS]
    assert arena.coins() == 2 * COINS
    arena.start_router()
    arena.run(6.0)
    assert purses(arena, players) == [COINS - 1, COINS + 1]


def test_a_letter_waits_for_a_player_that_went_home() -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, "a", "b")
    ada.act(meadow.give(bob.name))
    bob.stop()
    arena.run(2.0)
    assert purse(arena, ada) == COINS - 1
    assert arena.servers["a"].measures()["mail_waiting"] == 1
    again = arena.start_player(bob.token)
    arena.run(3.0)
    assert purse(arena, again) == COINS + 1
    assert arena.servers["a"].measures()["mail_waiting"] == 0


@pytest.mark.parametrize("seed", range(6))
def test_coins_add_up_at_every_step_while_giver_and_receiver_are_moved(seed: int) -> None:
    arena = arena_of("a", "b", "c", seed=seed, delay_s=(0.001, 0.03)[seed % 2])
    players = players_at(arena, "a", "b", "c", "a")
    under_way = watch_coins(arena, len(players) * COINS)
    random = Random(seed)
    for _ in range(60):
        for player in players:
            player.act(meadow.give(random.choice(players).name))
        mover = random.choice(players)
        arena.move(mover, random.choice(sorted({*"abc"} - {arena.home_of(mover)})))
        arena.run(random.choice((0.02, 0.1, 0.3)))
    arena.run(5.0)
    assert sum(purses(arena, players)) == len(players) * COINS
    assert sum(player.moves for player in players) > 15
    assert max(under_way) > 3
    assert under_way[-1] == 0


@pytest.mark.parametrize("killed", ["a", "b"])
@pytest.mark.parametrize("after", [0.0, 0.01, 0.03, 0.05, 0.052, 0.055, 0.06, 0.08, 0.1, 0.11, 0.3])
def test_a_server_that_is_killed_neither_loses_nor_doubles_a_coin(
    killed: str, after: float
) -> None:
    arena = arena_of("a", "b", "c")
    ada, bob = players = players_at(arena, "a", "b")
    ada.act(meadow.give(bob.name))
    arena.run(after)
    arena.kill(killed)
    arena.run(5.0)
    assert all(arena.home_of(player) for player in players)
    assert purses(arena, players) in ([COINS, COINS], [COINS - 1, COINS + 1])
    assert not arena.letters()


@pytest.mark.parametrize("seed", range(4))
def test_coins_add_up_however_many_servers_are_killed(seed: int) -> None:
    arena = arena_of("a", "b", "c", seed=seed)
    players = players_at(arena, *"abcabc")
    random = Random(seed)
    for n in range(80):
        for player in players:
            player.act(meadow.give(random.choice(players).name))
        arena.move(random.choice(players), random.choice("abc"))
        arena.run(random.uniform(0.01, 0.2))
        if n % 20 == 10:
            name = random.choice("abc")
            arena.kill(name)
            arena.run(random.uniform(0.0, 3.0))
            arena.start_server(name)
            arena.run(random.uniform(0.0, 3.0))
    arena.run(8.0)
    assert all(arena.home_of(player) for player in players)
    assert sum(purses(arena, players)) == len(players) * COINS
    assert not arena.letters()


def test_numbers_are_kept_only_while_they_are_needed() -> None:
    arena = arena_of("a", "b")
    ada, bob = players_at(arena, "a", "b")
    for _ in range(40):
        ada.act(meadow.give(bob.name))
        bob.act(meadow.give(ada.name))
        arena.run(0.2)
    assert sum(purses(arena, [ada, bob])) == 2 * COINS
