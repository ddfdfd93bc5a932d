"""The meadow: players walk where they want within the hedge, and see exactly who is there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientmigration.games.meadow import wire
from clientmigration.games.meadow.game import (
    COINS,
    FASTEST_M_PER_S,
    SIZE_M,
    STALE_TICKS,
    Meadow,
    newborn,
)
from clientmigration.games.meadow.interest import Drawn, pack_sight
from clientmigration.games.meadow.wire import CELL_M, STEPS

RATE = 20
EDGE = SIZE_M - 1e-6
ADA, BOB, EVE = "ada" + "0" * 13, "b0b" + "0" * 13, "e" * 16


def named(n: int) -> str:
    return f"{n:016x}"


def state(x: float, y: float, vx: float = 0.0, vy: float = 0.0, coins: int = 3) -> dict[str, Any]:
    return {"x": x, "y": y, "vx": vx, "vy": vy, "coins": coins}


def meadow_with(**players: dict[str, Any]) -> Meadow:
    """A meadow with ADA, BOB and EVE at the given states."""
    meadow = Meadow(RATE)
    for name, given_state in players.items():
        meadow.enter({"ada": ADA, "bob": BOB, "eve": EVE}[name], given_state, 0)
    return meadow


def coins(meadow: Meadow, *players: str) -> list[int]:
    return [meadow.state(each)["coins"] for each in players]


def walk(meadow: Meadow, ticks: int) -> None:
    for tick in range(ticks):
        meadow.step(tick)


def cell(at: tuple[float, float]) -> tuple[int, int]:
    return int(at[0] // CELL_M), int(at[1] // CELL_M)


Sight = tuple[str, int, int, int]


def seen(meadow: Meadow, player: str) -> list[Sight]:
    """Name, place (in whole steps) and coins of everyone in a player's view, sorted."""
    meadow.draw(1)
    return sorted(
        (bytes(each["player"]).hex(), _step(each["x"]), _step(each["y"]), int(each["coins"]))
        for each in wire.look(meadow.view(player)).others
    )


def _step(metres: float) -> int:
    return round(float(metres) / CELL_M * STEPS)


def near(meadow: Meadow, player: str) -> list[str]:
    return [name for name, *_ in seen(meadow, player)]


def brute(meadow: Meadow, player: str) -> list[Sight]:
    """The same, worked out one player after the other."""
    column, line = cell(meadow.position(player))
    sights = []
    for other in meadow.rows:
        x, y = meadow.position(other)
        across, along = cell((x, y))
        if abs(across - column) <= 1 and abs(along - line) <= 1:
            right = across * STEPS + int((x / CELL_M - across) * STEPS)
            down = along * STEPS + int((y / CELL_M - along) * STEPS)
            sights.append((other, right, down, min(255, *coins(meadow, other))))
    return sorted(sights)


# Coming and going.


def test_a_newcomer_stands_where_its_name_says_and_has_its_coins() -> None:
    meadow = Meadow(RATE)
    meadow.enter("80000000" + "40000000", None, 0)
    assert meadow.state("80000000" + "40000000") == state(500.0, 250.0, coins=COINS)


@pytest.mark.parametrize("name", ["0" * 16, "f" * 16, "ffffffff00000000", "00000000ffffffff"])
def test_every_newcomer_stands_on_the_meadow(name: str) -> None:
    meadow = Meadow(RATE)
    meadow.enter(name, None, 0)
    assert all(0 <= part < SIZE_M for part in meadow.position(name))
    assert near(meadow, name) == [name]


@given(
    st.floats(0, EDGE), st.floats(0, EDGE), st.floats(-20, 20), st.floats(-20, 20),
    st.integers(0, 10**9),
)  # fmt: skip
def test_a_player_enters_another_meadow_exactly_as_it_left_this_one(
    x: float, y: float, vx: float, vy: float, purse: int
) -> None:
    there = meadow_with(ada=state(x, y, vx, vy, purse))
    left = there.state(ADA)
    assert left == state(x, y, vx, vy, purse)
    here = meadow_with(bob=state(1, 1), ada=left)
    assert here.state(ADA) == left
    assert brute(meadow_with(ada=left), ADA) == seen(there, ADA)


def test_all_of_a_state_can_be_written_as_json() -> None:
    kinds = {name: type(value) for name, value in meadow_with(ada=state(1, 2)).state(ADA).items()}
    assert kinds == {"x": float, "y": float, "vx": float, "vy": float, "coins": int}


def test_who_left_is_not_seen_and_cannot_be_given_anything() -> None:
    meadow = meadow_with(ada=state(5, 5), bob=state(6, 6))
    meadow.leave(BOB)
    meadow.apply(ADA, wire.give(BOB))
    assert near(meadow, ADA) == [ADA]
    assert coins(meadow, ADA) == [3]


def test_a_place_that_is_used_again_keeps_nothing_of_the_one_before() -> None:
    meadow = meadow_with(ada=state(5, 5, 9, 9, coins=77))
    meadow.hold(ADA)
    meadow.leave(ADA)
    walk(meadow, STALE_TICKS + 1)
    meadow.enter(BOB, state(1, 2, 20, 0, coins=4), 0)
    meadow.step(1)
    assert meadow.state(BOB) == state(2, 2, 20, 0, coins=4)
    assert near(meadow, BOB) == [BOB]


def test_more_players_than_there_were_places_for_lose_nothing() -> None:
    meadow = Meadow(RATE)
    for n in range(1000):
        meadow.enter(named(n), state(n / 2, n / 4, vx=n / 100, coins=n), 0)
        if n % 3 == 0:
            meadow.hold(named(n))
    meadow.step(1)
    for n in range(1000):
        x = n / 2 + n / 100 / RATE
        assert meadow.state(named(n)) == pytest.approx(state(x, n / 4, vx=n / 100, coins=n))
    for n in (0, 255, 256, 257, 511, 512, 999):
        assert seen(meadow, named(n)) == brute(meadow, named(n))
    assert meadow.measures()["coins"] == sum(range(1000))


# Walking.


def test_a_player_walks_on_at_the_speed_it_asked_for() -> None:
    meadow = meadow_with(ada=state(100, 100))
    meadow.apply(ADA, wire.move(3.0, -4.0))
    walk(meadow, RATE)
    assert meadow.position(ADA) == pytest.approx((103.0, 96.0))


def test_nobody_walks_faster_than_the_fastest_and_the_direction_stays() -> None:
    meadow = meadow_with(ada=state(100, 100))
    meadow.apply(ADA, wire.move(300.0, 400.0))
    speed = meadow.state(ADA)
    assert (speed["vx"], speed["vy"]) == pytest.approx((12.0, 16.0))
    assert math.hypot(speed["vx"], speed["vy"]) == pytest.approx(FASTEST_M_PER_S)


def test_a_player_may_stop() -> None:
    meadow = meadow_with(ada=state(100, 100, 5, 5))
    meadow.apply(ADA, wire.move(0.0, 0.0))
    walk(meadow, 5)
    assert meadow.position(ADA) == (100, 100)


ODD = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, 3.4e38, -3.4e38]),
    st.floats(width=32),
)


@given(st.lists(st.tuples(ODD, ODD), min_size=1, max_size=5))
def test_no_speed_however_odd_takes_a_player_out_of_the_world(
    moves: list[tuple[float, float]],
) -> None:
    meadow = meadow_with(ada=state(990, 10), bob=state(500, 500))
    for vx, vy in moves:
        meadow.apply(ADA, wire.move(vx, vy))
        walk(meadow, 15)
        told = meadow.state(ADA)
        assert math.hypot(told["vx"], told["vy"]) <= FASTEST_M_PER_S + 1e-9
        assert 0 <= told["x"] < SIZE_M
        assert 0 <= told["y"] < SIZE_M
    assert seen(meadow, ADA) == brute(meadow, ADA)
    assert meadow.state(BOB) == state(500, 500)


@pytest.mark.parametrize(
    ("start", "speed", "after"),
    [
        ((0.5, 500.0), (-20.0, 0.0), (0.0, 500.0)),
        ((999.5, 500.0), (20.0, 0.0), (EDGE, 500.0)),
        ((500.0, 0.5), (0.0, -20.0), (500.0, 0.0)),
        ((500.0, 999.5), (0.0, 20.0), (500.0, EDGE)),
    ],
)
def test_at_the_hedge_a_player_turns_round(
    start: tuple[float, float], speed: tuple[float, float], after: tuple[float, float]
) -> None:
    meadow = meadow_with(ada=state(*start, *speed))
    meadow.step(1)
    assert meadow.position(ADA) == after
    assert (meadow.state(ADA)["vx"], meadow.state(ADA)["vy"]) == (-speed[0], -speed[1])
    walk(meadow, 2)
    assert all(1.0 < part < SIZE_M - 1.0 for part in meadow.position(ADA))


@given(st.integers(0, 60), st.floats(-20, 20), st.floats(-20, 20))
def test_a_player_that_comes_late_stands_where_it_would_have_walked(
    ticks: int, vx: float, vy: float
) -> None:
    stayed = meadow_with(ada=state(500, 500, vx, vy))
    walk(stayed, ticks)
    moved = Meadow(RATE)
    moved.enter(ADA, state(500, 500, vx, vy), ticks)
    assert moved.state(ADA) == pytest.approx(stayed.state(ADA))


def test_a_player_that_was_away_for_ages_is_still_on_the_meadow() -> None:
    meadow = Meadow(RATE)
    meadow.enter(ADA, state(500, 500, 20, -20), 10**9)
    assert all(0 <= part < SIZE_M for part in meadow.position(ADA))
    assert seen(meadow, ADA) == brute(meadow, ADA)


# Being held.


def test_a_player_that_is_held_keeps_what_it_has() -> None:
    meadow = meadow_with(ada=state(100, 100), bob=state(101, 101))
    meadow.hold(ADA)
    meadow.apply(BOB, wire.give(ADA))
    assert coins(meadow, ADA, BOB) == [3, 3]


def test_a_player_that_is_held_is_still_seen_and_still_sees() -> None:
    meadow = meadow_with(ada=state(100, 100), bob=state(101, 101))
    meadow.hold(ADA)
    assert near(meadow, ADA) == near(meadow, BOB) == [ADA, BOB]


@given(st.integers(0, 60), st.floats(-20, 20), st.floats(-20, 20))
def test_a_player_that_is_held_walks_on_as_it_does_where_it_is_going(
    ticks: int, vx: float, vy: float
) -> None:
    """So that what it sees neither stands still nor jumps when the other server takes over."""
    source, target = meadow_with(ada=state(500, 500, vx, vy)), Meadow(RATE)
    source.hold(ADA)
    final = source.state(ADA)
    walk(source, ticks)
    target.enter(ADA, final, ticks)
    assert source.state(ADA) == pytest.approx(target.state(ADA))


def test_a_player_that_is_let_go_goes_on_from_where_it_is() -> None:
    meadow = meadow_with(ada=state(100, 100, 5, -5), bob=state(100, 100))
    meadow.hold(ADA)
    walk(meadow, 7)
    before = meadow.state(ADA)
    meadow.resume(ADA)
    assert meadow.state(ADA) == before
    meadow.apply(BOB, wire.give(ADA))
    walk(meadow, 1)
    assert meadow.state(ADA) == state(before["x"] + 0.25, before["y"] - 0.25, 5, -5, coins=4)


def test_letting_go_of_somebody_who_is_not_held_changes_nothing() -> None:
    meadow = meadow_with(ada=state(100, 100, 5, 5), bob=state(100, 100))
    meadow.resume(ADA)
    meadow.apply(BOB, wire.give(ADA))
    assert meadow.state(ADA) == state(100, 100, 5, 5, coins=4)


# Seeing.


def test_a_player_sees_itself_as_it_is() -> None:
    meadow = meadow_with(ada=state(12.5, 987.25, coins=70_000))
    meadow.draw(1)
    assert wire.own(meadow.view(ADA)) == (12.5, 987.25, 70_000)


def test_a_rich_player_looks_no_richer_than_a_byte_can_say() -> None:
    meadow = meadow_with(ada=state(10, 10, coins=256), bob=state(10, 10, coins=255))
    assert [purse for *_, purse in seen(meadow, BOB)] == [255, 255]


@pytest.mark.parametrize(("x", "y", "sees"), [(99.9, 99.9, True), (100.0, 99.9, False)])
def test_a_player_sees_the_cells_that_touch_its_own_and_no_more(
    x: float, y: float, sees: bool
) -> None:
    meadow = meadow_with(ada=state(49.9, 49.9), bob=state(x, y))
    assert (BOB in near(meadow, ADA)) == sees
    assert (ADA in near(meadow, BOB)) == sees


def test_a_place_within_a_cell_is_exact_to_a_millimetre() -> None:
    meadow = meadow_with(ada=state(123.456, 789.012))
    meadow.draw(1)
    (found,) = wire.look(meadow.view(ADA)).others
    assert (float(found["x"]), float(found["y"])) == pytest.approx((123.456, 789.012), abs=1e-3)


def test_views_of_many_are_those_of_each() -> None:
    meadow = Meadow(RATE)
    names = [named(n) for n in range(300)]
    for n, name in enumerate(names):
        meadow.enter(name, state(n % 37 * 27.0, n % 23 * 43.0), 0)
    meadow.draw(1)
    asked = names[::-2]
    assert meadow.views(asked) == [meadow.view(each) for each in asked]
    assert len({len(view) for view in meadow.views(names) if view}) > 1


def test_everyone_in_one_cell_gets_the_same_bytes_about_the_others() -> None:
    meadow = meadow_with(ada=state(10, 10), bob=state(20, 20), eve=state(60, 60))
    meadow.draw(1)
    ada, bob, eve = (meadow.view(each)[wire.SELF.size :] for each in (ADA, BOB, EVE))
    assert ada == bob
    assert len(eve) == len(ada)


def test_an_empty_meadow_can_be_drawn_and_measured() -> None:
    meadow = Meadow(RATE)
    meadow.step(1)
    meadow.draw(1)
    assert meadow.measures() == {"centre_x_m": 0, "centre_y_m": 0, "spread_m": 0, "coins": 0}


CORNERS = [0.0, 49.999999999999996, 50.0, 149.99999999999997, 150.0, 950.0, 999.0, EDGE]
PLACES = st.one_of(st.sampled_from(CORNERS), st.floats(0, EDGE), st.floats(400, 520))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(PLACES, PLACES, st.integers(0, 300)), min_size=1, max_size=40), st.data())
def test_what_a_player_sees_is_who_is_there(
    places: list[tuple[float, float, int]], data: st.DataObject
) -> None:
    meadow = Meadow(RATE)
    for n, (x, y, purse) in enumerate(places):
        meadow.enter(named(n), state(x, y, coins=purse), 0)
    some = st.sets(st.integers(0, len(places) - 1))
    held = data.draw(some)
    for n in held:
        meadow.hold(named(n))
    for n in data.draw(some) - held - {0}:
        meadow.leave(named(n))
    for player in meadow.rows:
        assert seen(meadow, player) == brute(meadow, player)


def test_every_tick_is_drawn_anew() -> None:
    meadow = meadow_with(ada=state(10, 10), bob=state(40, 40))
    assert near(meadow, ADA) == [ADA, BOB]
    meadow.leave(BOB)
    meadow.enter(EVE, state(11, 11), 0)
    assert near(meadow, ADA) == [ADA, EVE]


# Measuring.


def test_the_centre_and_the_spread_are_those_of_the_players() -> None:
    meadow = meadow_with(ada=state(10, 20), bob=state(30, 20))
    assert meadow.measures() == {
        "centre_x_m": 20.0,
        "centre_y_m": 20.0,
        "spread_m": 10.0,
        "coins": 6.0,
    }


def test_who_left_is_not_measured() -> None:
    meadow = meadow_with(ada=state(10, 20), bob=state(30, 20))
    meadow.leave(BOB)
    assert meadow.measures() == {"centre_x_m": 10, "centre_y_m": 20, "spread_m": 0, "coins": 3}


def test_measures_are_plain_numbers() -> None:
    assert {type(each) for each in meadow_with(ada=state(1, 1)).measures().values()} == {float}


def test_newborns_are_spread_over_the_meadow() -> None:
    places = np.array(
        [[newborn(named(n * 2**52 + n * 2**20))[axis] for axis in "xy"] for n in range(4096)]
    )
    assert places.min() >= 0
    assert places[:, 0].std() > SIZE_M / 5


# Whom players see, and where those play.


def meadows_of(servers: int, places: list[tuple[int, float, float]]) -> list[Meadow]:
    """One meadow per server, numbered from 1, with these players (server, x, y), drawn with what
    each shows the others."""
    meadows = [Meadow(RATE) for _ in range(servers)]
    for number, meadow in enumerate(meadows, 1):
        meadow.numbered(number)
    for n, (server, x, y) in enumerate(places):
        meadows[server % servers].enter(named(n), state(x, y), 0)
    draw_all(meadows)
    return meadows


def draw_all(meadows: list[Meadow]) -> None:
    for tick in (1, 2):
        for meadow in meadows:
            meadow.draw(tick)
        for meadow in meadows:
            for other in meadows:
                if other is not meadow:
                    other.lend(str(meadow.owner), tick, meadow.sight(other.look(())))


def counted(meadow: Meadow, without: tuple[str, ...] = ()) -> tuple[int, dict[int, int]]:
    """The same as `seen`, from every view, one after the other."""
    owners: dict[int, int] = {}
    for player in set(meadow.rows) - set(without):
        for each in wire.look(meadow.view(player)).others:
            other = bytes(each["player"]).hex()
            if other != player and other not in without:
                owners[int(each["owner"])] = owners.get(int(each["owner"]), 0) + 1
    return owners.pop(meadow.owner, 0), owners


AT = st.tuples(st.integers(0, 4), st.floats(0, EDGE), st.floats(0, EDGE))
CLOSE = st.tuples(st.integers(0, 4), st.floats(850, EDGE), st.floats(0, 180))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.lists(st.one_of(AT, CLOSE), max_size=60))
def test_whom_players_see_is_counted_as_in_their_views(
    servers: int, places: list[tuple[int, float, float]]
) -> None:
    meadows = meadows_of(servers, places)
    for meadow in meadows:
        assert meadow.seen() == counted(meadow)
    apart = [meadow.seen()[1] for meadow in meadows]
    for one in range(servers):
        for other in range(servers):
            assert apart[one].get(other + 1, 0) == apart[other].get(one + 1, 0), "from both sides"


def test_who_fades_is_not_counted_and_counts_nobody() -> None:
    places = [(0, 500.0, 500.0), (0, 510.0, 500.0), (1, 520.0, 500.0), (1, 530.0, 500.0)]
    meadows = meadows_of(2, places)
    assert meadows[0].seen() == (2, {2: 4})
    meadows[0].hold(named(0))
    meadows[1].hold(named(2))
    draw_all(meadows)
    assert [meadow.seen() for meadow in meadows] == [(0, {2: 1}), (0, {1: 1})]
    assert meadows[0].seen() == counted(meadows[0], (named(0), named(2)))


def test_a_server_that_is_numbered_anew_counts_nobody_twice() -> None:
    meadows = meadows_of(2, [(0, 500.0, 500.0), (0, 510.0, 500.0), (1, 520.0, 500.0)])
    meadows[0].numbered(2)  # before its next picture, in which the other may still be 2
    assert meadows[0].seen() == (2, {2: 2})
    meadows[0].draw(3)
    assert meadows[0].seen() == (2, {2: 2})


def test_nobody_is_seen_in_a_cell_that_the_meadow_does_not_have() -> None:
    meadow = meadows_of(1, [(0, 1.0, 1.0)])[0]
    meadow.enter(EVE, state(3.0, 3.0), 0)
    sight = meadows_of(1, [(0, 2.0, 2.0)])[0].own
    for cells, seen in (([-3, 0], 0), ([22, 0], 0), ([0, 0], 1)):
        strange = Drawn(np.array([cells]), sight.packed, sight.fading)
        strange.packed["player"], strange.packed["owner"] = np.void(bytes([255] * 8)), 9
        meadow.lend("strange", 3, pack_sight(strange))
        meadow.draw(3)
        assert meadow.seen()[1].get(9, 0) == 2 * seen
