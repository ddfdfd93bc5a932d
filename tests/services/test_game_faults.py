"""A game may fail: what it costs, and whom."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from math import inf, nan
from typing import Any

import pytest
from twisted.logger import LogEvent

from clientmigration.client.player import Player
from clientmigration.core.measures.metrics import measures
from clientmigration.errors import GameFault, PeersFault
from clientmigration.games.meadow.game import COINS, Meadow
from clientmigration.games.meadow.wire import drop, give, move
from clientmigration.gameserver.game import LETTER_LIMIT, STATE_LIMIT, VIEW_LIMIT
from clientmigration.gameserver.guard import GuardedGame, WrongValue, posting
from clientmigration.gameserver.tap import GAME_FAILED
from clientmigration.gameserver.world import PATIENCE
from clientmigration.testing import Arena
from clientmigration.testing.arena import Parts
from clientmigration.testing.frail import METHODS, Broken, Flaw, Frailty


@pytest.fixture(autouse=True)
def faults_are_logged(no_logged_errors: list[LogEvent]) -> Iterator[list[LogEvent]]:
    """Only of the game: any other fails the test."""
    yield no_logged_errors
    mine = [each for each in no_logged_errors if _of_the_game(each)]
    for each in mine:
        no_logged_errors.remove(each)


def _of_the_game(event: LogEvent) -> bool:
    return str(event["log_format"]).startswith(("the game failed", "{name} ends"))


def arena_with(*servers: str) -> tuple[Arena, Frailty]:
    frailty = Frailty()
    arena = Arena(parts=Parts(game=frailty.make))
    arena.start_router()
    for name in servers:
        arena.start_server(name)
    arena.run(2.0)
    return arena, frailty


def players_in(arena: Arena, n: int) -> list[Player]:
    players = [arena.start_player() for _ in range(n)]
    arena.run_until(lambda: all(arena.home_of(each) for each in players))
    arena.run(1.0)
    return players


def faults(arena: Arena) -> int:
    return int(sum(p.value for p in arena.sink.seen if p.path.endswith(".game_faults")))


def missed(players: list[Player]) -> int:
    return sum(each.counts.missed for each in players)


def alive(arena: Arena, players: list[Player]) -> bool:
    """Whether everybody gets views and has its inputs applied."""
    views = [each.counts.views for each in players]
    arena.run(1.0)
    homes = [arena.homes_of(each) for each in players]
    return all(len(home) == 1 for home in homes) and all(
        each.counts.views > seen + 10 for each, seen in zip(players, views, strict=True)
    )


# What one player's input or view raises.


@pytest.mark.parametrize("method", ["apply", "view", "receive", "resume"])
@pytest.mark.parametrize("times", [1, 3])
def test_what_one_player_raises_costs_it_its_connection_and_nobody_else_anything(
    method: str, times: int
) -> None:
    arena, frailty = arena_with("a", "b")
    ada, bob, *others = players = players_in(arena, 8)
    for game in frailty.games:
        game.at[:] = 505.0  # all within reach of each other
    arena.run(1.0)
    heard: list[Any] = []
    ada.on("lost", heard.append)
    before = missed([bob, *others])
    frailty.flaws[method] = Flaw(times, ada.name)
    for _ in range(times):
        if method == "apply":
            ada.act(move(1.0, 0.0))
        elif method == "receive":
            bob.act(give(ada.name))
        elif method == "resume":
            frailty.flaws["hold"] = Flaw(1, ada.name)
            arena.move(ada, "b" if arena.home_of(ada) == "a" else "a")
        arena.run(3.0)
    assert {each.code for each in heard} == {"game_fault"}
    assert frailty.flaws[method].left == 0
    assert alive(arena, players)
    assert missed([bob, *others]) == before
    ada.act(move(0.0, 1.0))
    arena.run(1.0)
    assert (ada.counts.lost, ada.counts.doubled) == (0, 0)
    assert faults(arena) >= times


def test_a_player_whose_view_always_fails_disturbs_nobody() -> None:
    arena, frailty = arena_with("a", "b")
    ada, *others = players_in(arena, 8)
    before = missed(others)
    frailty.flaws["view"] = Flaw(player=ada.name)
    arena.run(20.0)
    assert frailty.flaws["view"].done < 60  # it comes back less and less
    assert alive(arena, others)
    assert missed(others) == before
    frailty.flaws.clear()
    arena.run(10.0)
    assert alive(arena, [ada, *others])


# What concerns the server and not one player.


@pytest.mark.parametrize(
    "method", ["busy", "seen", "look", "sight", "lend", "measures", "numbered"]
)
def test_what_only_the_server_asks_is_left_out_while_it_fails(method: str) -> None:
    arena, frailty = arena_with("a", "b")
    players = players_in(arena, 8)
    before = missed(players)
    frailty.flaws[method] = Flaw()
    if method == "numbered":
        arena.start_server("c")
    arena.run(5.0)
    assert frailty.flaws[method].done
    assert alive(arena, players)
    assert missed(players) == before
    assert faults(arena) >= frailty.flaws[method].done - 20
    reported = [p.timestamp for p in arena.sink.seen if p.path.endswith("gameserver.a.health")]
    assert max(reported) >= arena.clock.seconds() - 2


@pytest.mark.parametrize("method", ["state", "position"])
@pytest.mark.parametrize("wrong", [Broken, None, nan, (nan, 0.0), {"x": inf}, {"x": "y" * 70_000}])
def test_who_has_no_state_is_not_moved_and_plays_on_and_others_are_stored(
    method: str, wrong: Any
) -> None:
    arena, frailty = arena_with("a", "b")
    ada, *others = players_in(arena, 6)
    before = missed([ada, *others])
    home = arena.home_of(ada)
    frailty.flaws[method] = Flaw(player=ada.name, value=wrong)
    arena.run(3.0)
    moved = arena.move(ada, "b" if home == "a" else "a")
    arena.run(3.0)
    assert moved.result == "refused"
    assert arena.home_of(ada) == home
    assert alive(arena, [ada, *others])
    assert missed([ada, *others]) == before
    age = [p.value for p in arena.sink.seen if p.path.endswith("checkpoint_age_ms")]
    assert max(age[-6:]) < 2000
    frailty.flaws.clear()
    moved = arena.move(ada, "b" if home == "a" else "a")
    arena.run(3.0)
    assert moved.result == "settled"


def test_a_state_that_fails_only_at_the_freeze_leaves_the_player_where_it_is() -> None:
    arena, frailty = arena_with("a", "b")
    (ada,) = players_in(arena, 1)
    home = arena.home_of(ada)
    seat = arena.servers[home].seats[ada.name]
    moved = arena.move(ada, "b" if home == "a" else "a")
    arena.run_until(lambda: seat.session.state() == "playing" and bool(seat.life.now.bound_for))
    frailty.flaws["state"] = Flaw(player=ada.name)
    arena.run(2.0)
    assert moved.result == "refused"
    assert arena.homes_of(ada) == [home]
    assert alive(arena, [ada])


def test_who_goes_home_without_a_state_comes_back_as_it_was_last() -> None:
    arena, frailty = arena_with("a", "b")
    (ada,) = players_in(arena, 1)
    ada.act(drop())
    arena.run(2.0)
    frailty.flaws["state"] = Flaw(player=ada.name)
    ada.act(drop())
    arena.run(1.0)
    ada.stop()
    arena.run(3.0)
    record = arena.ledger.records[ada.name]
    assert record.owner == ""
    assert record.snapshot is not None
    assert record.snapshot.game["coins"] == COINS - 1
    frailty.flaws.clear()
    again = arena.start_player(token=ada.token)
    arena.run(2.0)
    assert alive(arena, [again])


def test_who_never_had_a_state_goes_home_and_comes_back_as_new() -> None:
    arena, frailty = arena_with("a", "b")
    frailty.flaws["state"] = Flaw()
    (ada,) = players_in(arena, 1)
    ada.stop()
    arena.run(3.0)
    assert arena.ledger.records[ada.name].owner == ""
    frailty.flaws.clear()
    again = arena.start_player(token=ada.token)
    arena.run(2.0)
    assert alive(arena, [again])
    assert arena.coins() == COINS


# Who is not taken in.


def test_a_newcomer_whom_one_game_does_not_take_plays_on_another_server() -> None:
    arena, frailty = arena_with("a", "b", "c")
    frailty.flaws["enter"] = Flaw(server=0)
    players = [arena.start_player() for _ in range(9)]
    arena.run(15.0)
    assert alive(arena, players)
    assert {arena.home_of(each) for each in players} == {"b", "c"}
    assert len(arena.servers["a"].seats) == 0
    assert frailty.flaws["enter"].done <= len(players)  # none came to it twice


def test_a_player_whom_the_target_of_its_move_does_not_take_is_not_locked_out() -> None:
    arena, frailty = arena_with("a", "b")
    players = players_in(arena, 6)
    ada = next(each for each in players if arena.home_of(each) == "a")
    ada.act(drop())
    arena.run(1.0)
    frailty.flaws["enter"] = Flaw(server=1)
    moved = arena.move(ada, "b")
    arena.run(5.0)
    assert moved.result == "refused"
    assert arena.homes_of(ada) == ["a"]
    assert alive(arena, players)
    assert arena.servers["a"].game.state(ada.name)["coins"] == COINS - 1
    assert ada.counts.lost == 0
    assert frailty.flaws["enter"].done == 1


def test_a_player_whom_no_game_takes_is_told_so_and_holds_up_nobody() -> None:
    arena, frailty = arena_with("a", "b")
    ada, bob = arena.start_player(), None
    arena.run_until(lambda: bool(ada.name))
    heard: list[Any] = []
    ada.on("lost", heard.append)
    frailty.flaws["enter"] = Flaw(player=ada.name)
    arena.run(10.0)
    bob = arena.start_player()
    arena.run(3.0)
    assert alive(arena, [bob])
    assert not arena.home_of(ada)
    assert "no game server could take you in; try again later" in {each.text for each in heard}
    assert frailty.flaws["enter"].done <= 2
    frailty.flaws.clear()
    arena.run(45.0)
    assert alive(arena, [ada, bob])


# The world.


@pytest.mark.parametrize("method", ["step", "draw"])
def test_a_world_that_fails_for_a_moment_goes_on(method: str) -> None:
    arena, frailty = arena_with("a", "b")
    players = players_in(arena, 6)
    frailty.flaws[method] = Flaw(PATIENCE - 1, server=0)
    arena.run(3.0)
    assert alive(arena, players)
    assert set(arena.servers) == {"a", "b"}
    if method == "step":  # a world that stands still can be seen
        assert missed(players) == 0


@pytest.mark.parametrize("method", ["step", "draw"])
def test_a_world_that_fails_for_good_hands_its_players_over_and_ends(method: str) -> None:
    arena, frailty = arena_with("a", "b", "c")
    players = players_in(arena, 9)
    frailty.flaws[method] = Flaw(server=0)
    arena.run(2.0)
    assert "a" not in arena.servers or arena.servers["a"].draining
    newcomers = [arena.start_player() for _ in range(4)]
    arena.run(3.0)
    assert "a" not in {arena.home_of(each) for each in newcomers}
    arena.run(25.0)
    assert "a" not in arena.servers
    assert alive(arena, [*players, *newcomers])
    if method == "step":
        assert missed(players) == 0
    assert all(each.counts.lost == 0 for each in players)


def test_a_world_that_fails_where_nobody_can_be_moved_away_leaves_the_last_checkpoint() -> None:
    arena, frailty = arena_with("a", "b")
    players = players_in(arena, 6)
    frailty.flaws["step"] = Flaw(server=0)
    arena.run(1.5)
    frailty.flaws["state"] = Flaw(server=0)
    arena.run(40.0)
    assert "a" not in arena.servers
    assert alive(arena, players)
    assert arena.coins() == COINS * len(players)


def test_a_process_whose_world_fails_ends_with_a_last_line_and_a_code() -> None:
    program = """
from clientmigration.gameserver import tap
class Reactor:
    def stop(self):
        print("stopped as by a signal")
tap.end(Reactor(), "the world has failed")
print("twistd puts everything away")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == GAME_FAILED == 70
    assert done.stdout == "stopped as by a signal\ntwistd puts everything away\n"
    assert done.stderr == "clientmigration: the world has failed\n"


# What a game may give.


class Faults:
    def __init__(self) -> None:
        self.told: list[str] = []

    def tell(self, fault: GameFault, cause: Exception) -> None:  # noqa: ARG002
        self.told.append(str(fault))


ADA = "aa" * 8


def guarded() -> tuple[GuardedGame, Any, Faults]:
    meadow, faults = Frailty().make(20, lambda *_: True), Faults()
    game = GuardedGame(meadow, faults)
    game.enter(ADA, None, 0)
    return game, meadow, faults


@pytest.mark.parametrize(
    ("method", "wrong", "why"),
    [
        ("view", None, "a value of type NoneType, not bytes"),
        ("view", "text", "a value of type str, not bytes"),
        ("view", bytes(VIEW_LIMIT + 1), "262,124 bytes; 262,123 are allowed"),
        ("state", None, "a value of type NoneType is no JSON object"),
        ("state", {"at": [1.0, nan]}, "it['at'][1] is nan, which JSON does not have"),
        ("state", {"at": {"x": -inf}}, "it['at']['x'] is -inf, which JSON does not have"),
        ("state", {1: 2}, "it has a value of type int as a key, not a string"),
        ("state", {"seen": {1, 2}}, "it['seen'] is a value of type set, which JSON does not have"),
        ("state", {"of": object()}, "it['of'] is a value of type object, which JSON does not have"),
        ("state", {"x": "y" * STATE_LIMIT}, "65,544 bytes of JSON; 65,536 are allowed"),
        ("position", (nan, 0.0), "nan is no finite number"),
        ("position", (0.0, inf), "inf is no finite number"),
        ("position", ("1", 0.0), "'1' is no finite number"),
        ("sight", None, "a value of type NoneType, not bytes"),
    ],
)
def test_a_wrong_value_is_named_with_the_games_class_and_method(
    method: str, wrong: Any, why: str
) -> None:
    game, meadow, faults = guarded()
    setattr(meadow, method, lambda *_: wrong)
    game = GuardedGame(meadow, faults)
    with pytest.raises(GameFault) as caught:
        getattr(game, method)(ADA if method != "sight" else b"")
    who = "" if method == "sight" else f" of {ADA}"
    assert faults.told == [str(caught.value)] == [f"Meadow.{method}{who}: {why}"]


def test_values_at_the_limits_are_good() -> None:
    game, meadow, faults = guarded()
    meadow.view = lambda _: bytes(VIEW_LIMIT)
    meadow.state = lambda _: {"x": "y" * (STATE_LIMIT - 8), "t": (1, [None, True])}
    meadow.state = lambda _: {"x": "y" * (STATE_LIMIT - 8)}
    game = GuardedGame(meadow, faults)
    assert len(game.view(ADA)) == VIEW_LIMIT
    assert game.state(ADA)
    meadow.state = lambda _: {"place": (1, [None, True])}
    assert game.state(ADA) == {"place": (1, [None, True])}
    assert not faults.told


def test_a_wrong_measure_is_left_out_and_named_and_the_others_are_said() -> None:
    game, meadow, faults = guarded()
    right = {"centre_x_m": 1.0, "centre_y_m": 2.0, "spread_m": 3.0, "coins": 4.0}
    meadow.measures = lambda: right
    assert game.measures() == right
    meadow.measures = lambda: {"centre_x_m": nan, "spread_m": 5.0, "coins": "many", "fun": 1.0}
    assert game.measures() == {"centre_x_m": 1.0, "centre_y_m": 2.0, "spread_m": 5.0}
    assert faults.told == [
        "Meadow.measures: centre_x_m: nan is no finite number",
        "Meadow.measures: coins: 'many' is no finite number",
        "Meadow.measures: 'fun' is no measure of the catalogue",
        "Meadow.measures: centre_y_m is missing",
    ]
    meadow.measures = lambda: None
    assert game.measures() == {"centre_x_m": 1.0, "centre_y_m": 2.0, "spread_m": 5.0}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (None, "TypeError: cannot unpack non-iterable NoneType object"),
        ((1.5, {}), "1.5 is no count"),
        ((1, {2: -1}), "-1 is no count"),
        ((True, {}), "True is no count"),
        ((1, {"b": 1}), "'b' is no number of a server"),
        ((1, {256: 1}), "256 is no number of a server"),
        ((1, [2]), "AttributeError: 'list' object has no attribute 'values'"),
    ],
)
def test_a_game_that_cannot_count_sees_nobody(wrong: Any, why: str) -> None:
    game, meadow, faults = guarded()
    meadow.seen = lambda: (3, {2: 1})
    assert game.seen() == (3, {2: 1})
    meadow.seen = lambda: wrong
    assert game.seen() == (0, {})
    assert faults.told == [f"Meadow.seen: {why}"]


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"leave"}))
def test_every_method_that_raises_makes_one_fault(method: str) -> None:
    _, meadow, faults = guarded()

    def broken(*_: Any) -> Any:
        raise Broken("so")

    setattr(meadow, method, broken)
    game: Any = GuardedGame(meadow, faults)
    arguments: dict[str, tuple[Any, ...]] = {
        "numbered": (1,), "enter": (ADA, None, 0), "apply": (ADA, b""), "step": (1,),
        "draw": (1,), "measures": (), "seen": (), "look": ([],), "sight": (b"",),
        "lend": ("b", 1, b""), "receive": (ADA, ADA, {}),
    }  # fmt: skip
    with suppress(GameFault):
        getattr(game, method)(*arguments.get(method, (ADA,)))
    of = f" of {ADA}" if arguments.get(method, (ADA,))[:1] == (ADA,) else ""
    assert faults.told[0] == f"Meadow.{method}{of}: Broken: so"


def test_what_a_game_says_of_its_players_peers_is_no_fault_of_the_game() -> None:
    game, _, faults = guarded()
    for call in (lambda: game.apply(ADA, b"rubbish"), lambda: game.lend("b", 1, b"rubbish")):
        with pytest.raises(PeersFault):
            call()
    assert not faults.told


def test_a_letter_that_cannot_be_sent_raises_where_it_is_posted() -> None:
    sent: list[str] = []

    def keep(_: str, to: str, __: dict[str, Any]) -> bool:
        sent.append(to)
        return True

    post = posting(keep)
    assert post(ADA, "bb" * 8, {"coins": 1})
    for to, body in ((3, {}), ("bb" * 8, {"x": nan}), ("bb" * 8, {"x": "y" * LETTER_LIMIT})):
        with pytest.raises(WrongValue):
            post(ADA, to, body)  # type: ignore[arg-type]
    assert sent == ["bb" * 8]


def test_every_measure_that_every_game_has_is_in_the_catalogue() -> None:
    assert set(Meadow(20).measures()) <= set(measures("gameserver"))
