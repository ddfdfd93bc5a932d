"""Moves of one player, when all is well and when something fails at each step."""

from collections.abc import Callable
from typing import Any

import pytest

from clientmigration.client.player import Player
from clientmigration.core.player.migration import Outcome
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.line import Line
from clientmigration.testing import Arena
from clientmigration.wire.messages import (
    Arrived,
    Copied,
    Direct,
    Freeze,
    Frozen,
    Own,
    Prepare,
    Prepared,
    Reserve,
    Reserved,
)


def playing(delay_s: float = 0.001, seed: int = 1) -> tuple[Arena, Player, str, str]:
    """An arena with two servers and one player; answers where it is and where it is not."""
    arena = Arena(seed=seed, delay_s=delay_s)
    arena.start_router()
    arena.start_server("eu")
    arena.start_server("us")
    arena.run(2.0)
    ada = arena.start_player()
    arena.run_until(lambda: ada.state == "playing")
    arena.watchers.append(lambda: check_one_home(arena, ada))
    home = arena.home_of(ada)
    return arena, ada, home, "us" if home == "eu" else "eu"


def check_one_home(arena: Arena, player: Player) -> None:
    assert len(arena.homes_of(player)) <= 1


def move(arena: Arena, player: Player, target: str) -> list[Any]:
    """The outcome appears in the list that this answers."""
    ended: list[Any] = []
    arena.move(player, target).addCallback(ended.append)
    return ended


def act_for(arena: Arena, player: Player, seconds: float) -> None:
    """Inputs at 10 Hz."""
    for n in range(round(seconds * 10)):
        player.act(meadow.move(1.0 + n % 3, 0.5))
        arena.run(0.1)


def assert_nothing_lost(arena: Arena, player: Player) -> None:
    arena.run(1.0)
    tally = player.tally
    assert (tally.lost, tally.doubled, tally.acked) == (0, 0, tally.seq)


@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.02, 0.075])
def test_a_move_costs_no_tick_and_no_input_at_any_distance(delay_s: float) -> None:
    arena, ada, home, target = playing(delay_s)
    ticks: list[int] = []
    ada.on("view", lambda view: ticks.append(view.tick))
    for _ in range(4):
        home, target = arena.home_of(ada), "us" if arena.home_of(ada) == "eu" else "eu"
        ended = move(arena, ada, target)
        act_for(arena, ada, 2.0)
        assert ended == [Outcome.SETTLED]
        assert arena.home_of(ada) == target
        assert ada.name not in arena.servers[home].seats
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))
    assert ada.moves == 4
    assert_nothing_lost(arena, ada)


def test_walking_goes_on_in_a_straight_line_across_a_move() -> None:
    arena, ada, home, target = playing()
    seen: list[tuple[int, float]] = []
    ada.on("view", lambda view: seen.append((view.tick, meadow.own(view.body)[0])))
    game: Any = arena.servers[home].game
    game.at[game.rows[ada.name]] = (100.0, 500.0)
    ada.act(meadow.move(10.0, 0.0))
    arena.run(0.5)
    first = len(seen)
    ended = move(arena, ada, target)
    arena.run(1.0)
    assert ended == [Outcome.SETTLED]
    steps = [b[1] - a[1] for a, b in zip(seen[first:], seen[first + 1 :], strict=False)]
    assert min(steps) >= 0.0
    assert max(steps) < 0.51  # half a metre a tick, every tick
    ticks, way = seen[-1][0] - seen[first][0], seen[-1][1] - seen[first][1]
    assert abs(way - 0.5 * ticks) < 0.01


def test_a_target_that_drains_declines_and_nothing_has_happened() -> None:
    arena, ada, home, target = playing()
    arena.servers[target].seats.drain(True)
    ended = move(arena, ada, target)
    act_for(arena, ada, 1.0)
    assert ended == [Outcome.REFUSED]
    assert arena.home_of(ada) == home
    assert ada.name not in arena.servers[target].seats
    assert_nothing_lost(arena, ada)


def test_a_player_that_can_not_reach_the_target_stays() -> None:
    arena, ada, home, target = playing()
    del arena.network.doors[f"{target}:1"]
    ended = move(arena, ada, target)
    act_for(arena, ada, 8.0)
    assert ended == [Outcome.TIMED_OUT]
    assert arena.home_of(ada) == home
    assert ada.tally.missed == 0
    assert ada.name not in arena.servers[target].seats
    assert_nothing_lost(arena, ada)


def drop(arena: Arena, kind: type) -> list[Any]:
    """From now on no message of this kind goes through on any member link; answers those lost."""
    dropped: list[Any] = []

    def filtering(say: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda message: (
            dropped.append(message) if isinstance(message, kind) else say(message)
        )

    lines: list[Line] = [member.line for member in arena.router.members.values()]
    uplinks = [server.attachment.line for server in arena.servers.values()]
    lines += [line for line in uplinks if line is not None]
    for line in lines:
        line.say = filtering(line.say)  # type: ignore[assignment,method-assign]
    return dropped


@pytest.mark.parametrize(
    "kind", [Reserve, Reserved, Copied, Prepare, Prepared, Direct, Arrived, Freeze, Frozen]
)
def test_an_answer_that_never_comes_leaves_the_player_on_its_source(kind: type) -> None:
    arena, ada, home, target = playing()
    dropped = drop(arena, kind)
    ended = move(arena, ada, target)
    act_for(arena, ada, 12.0)
    assert dropped
    waived = kind is Frozen  # its source stood still, asked its target, and says so
    assert ended == [Outcome.LOST if waived else Outcome.TIMED_OUT]
    assert arena.home_of(ada) == home
    assert ada.tally.missed == 0
    assert ada.name not in arena.servers[target].seats
    assert_nothing_lost(arena, ada)


def test_once_the_ledger_names_the_target_the_player_is_the_targets_even_if_it_dies() -> None:
    arena, ada, home, target = playing()
    dropped = drop(arena, Own)
    ended = move(arena, ada, target)
    arena.run_until(lambda: bool(dropped))
    assert arena.ledger.records[ada.name].owner == target
    for member in arena.router.members.values():
        del member.line.say  # what it dropped was the Own; all is well again
    arena.kill(target)
    act_for(arena, ada, 6.0)
    assert ended == [Outcome.LOST]
    assert arena.home_of(ada) == home
    assert arena.ledger.records[ada.name].owner == home
    assert_nothing_lost(arena, ada)


@pytest.mark.parametrize("killed_after", [0.0, 0.002, 0.004, 0.006, 0.01, 0.02, 0.05])
def test_a_target_that_dies_during_a_move_costs_nobody_its_place(killed_after: float) -> None:
    arena, ada, home, target = playing()
    move(arena, ada, target)
    arena.run(killed_after)
    arena.kill(target)
    act_for(arena, ada, 4.0)
    assert arena.home_of(ada) == home
    assert ada.state == "playing"
    assert_nothing_lost(arena, ada)


@pytest.mark.parametrize("killed_after", [0.0, 0.002, 0.004, 0.006, 0.01, 0.02, 0.05])
def test_a_source_that_dies_during_a_move_costs_at_most_a_second(killed_after: float) -> None:
    arena, ada, home, target = playing()
    act_for(arena, ada, 2.0)
    move(arena, ada, target)
    arena.run(killed_after)
    arena.kill(home)
    act_for(arena, ada, 4.0)
    assert arena.home_of(ada) == target
    assert ada.state == "playing"
    assert_nothing_lost(arena, ada)


def test_a_player_that_leaves_during_a_move_is_kept_in_the_ledger() -> None:
    arena, ada, _, target = playing()
    ended = move(arena, ada, target)
    arena.run(0.003)
    ada.stop()
    arena.run(15.0)
    assert len(ended) == 1
    assert arena.homes_of(ada) == []
    assert arena.ledger.records[ada.name].owner == ""
    assert all(ada.name not in server.seats for server in arena.servers.values())


def test_coins_add_up_while_players_are_moved_all_the_time() -> None:
    arena = Arena(seed=3)
    arena.start_router()
    for name in ("a", "b", "c"):
        arena.start_server(name)
    arena.run(2.0)
    players = [arena.start_player() for _ in range(12)]
    arena.run(2.0)
    for n in range(60):
        for player in players:
            body = (meadow.pick(), meadow.drop(), meadow.give(players[n % 12].name))[n % 3]
            player.act(body)
        mover = players[n % 12]
        arena.move(mover, "abc"[("abc".index(arena.home_of(mover)) + 1) % 3])
        arena.run(0.1)
    arena.run(1.0)
    assert arena.coins() == 12 * 10
    assert sum(player.moves for player in players) >= 55
    for player in players:
        assert player.tally.missed == 0
        assert_nothing_lost(arena, player)
