"""Which ticks are due, which are skipped, how late one is, and the load."""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.measures.ticks import (
    AT_ONCE,
    behind,
    due,
    lateness_ms,
    smoothed,
    still,
    turn_of,
    until_next,
)

RATE = 20
T0 = 1_700_000_000 * RATE  # a tick
rates = st.integers(1, 1000)
behinds = st.integers(-3, 10_000)


def at(tick: float, rate: int = RATE) -> float:
    """When this tick is due, seconds."""
    return tick / rate


def test_the_first_tick_is_the_newest_that_is_due() -> None:
    now_due = due(0, at(T0 + 0.5), RATE)
    assert (list(now_due.ticks), now_due.newest, now_due.skipped) == ([T0], T0, 0)


def test_a_tick_is_due_at_its_time_and_not_before() -> None:
    assert list(due(T0, at(T0 + 0.999), RATE).ticks) == []
    assert list(due(T0, at(T0 + 1), RATE).ticks) == [T0 + 1]


def test_a_timer_that_comes_a_hair_too_soon_is_good_enough() -> None:
    assert list(due(T0, at(T0 + 1 - 2e-7), RATE).ticks) == [T0 + 1]


def test_who_is_late_simulates_a_few_ticks_at_once_and_skips_none() -> None:
    now_due = due(T0, at(T0 + RATE), RATE)
    assert (list(now_due.ticks), now_due.skipped) == ([T0 + 1, T0 + 2], 0)


def test_ticks_more_than_a_second_late_are_skipped() -> None:
    now_due = due(T0, at(T0 + RATE + 7), RATE)
    assert (list(now_due.ticks), now_due.skipped) == ([T0 + 8, T0 + 9], 7)


def test_a_clock_that_is_set_back_makes_no_tick_due_twice() -> None:
    now_due = due(T0, at(T0 - 100), RATE)
    assert (list(now_due.ticks), now_due.skipped) == ([], 0)


@given(rates, behinds)
def test_ticks_are_due_once_each_in_order_and_at_most_a_second_late(rate: int, behind: int) -> None:
    done = 1_000_000
    now_due = due(done, at(done + behind, rate), rate)
    assert now_due.newest == done + behind
    assert len(now_due.ticks) <= AT_ONCE
    assert now_due.skipped == max(0, behind - rate)
    for n, tick in enumerate(now_due.ticks):
        assert tick == done + now_due.skipped + 1 + n
        assert now_due.newest - rate < tick <= now_due.newest


@given(rates, behinds)
def test_who_catches_up_begins_every_tick_or_counts_it_as_skipped(rate: int, behind: int) -> None:
    done, newest, begun, skipped = 1_000_000, 1_000_000 + behind, 0, 0
    while (now_due := due(done, at(newest, rate), rate)).ticks:
        begun, skipped, done = (
            begun + len(now_due.ticks),
            skipped + now_due.skipped,
            now_due.ticks[-1],
        )
    assert begun + skipped == max(0, behind)


def test_lateness_is_how_long_after_its_time_a_tick_begins() -> None:
    assert lateness_ms(T0, at(T0), RATE) == 0
    assert lateness_ms(T0, at(T0) + 0.025, RATE) == pytest.approx(25, abs=1e-3)
    assert lateness_ms(T0, at(T0) - 0.025, RATE) == 0


def test_the_next_tick_is_waited_for_and_one_that_is_late_already_is_not() -> None:
    assert until_next(T0, at(T0 + 0.5), RATE) == pytest.approx(0.025, abs=1e-6)
    assert until_next(T0, at(T0 + 3), RATE) == 0


def test_load_goes_most_of_the_way_within_its_time_and_never_beyond() -> None:
    assert smoothed(0.0, 2.0, 2.0, within_s=2.0) == pytest.approx(1 - 1 / math.e)
    assert smoothed(1.0, 0.0, 2.0, within_s=2.0) == pytest.approx(1 / math.e)
    assert smoothed(0.5, 1.0, 2.0, within_s=2.0) == 0.5


def test_load_does_not_change_while_no_time_passes_and_never_gets_below_nothing() -> None:
    assert smoothed(0.7, 1.0, 0.0, within_s=2.0) == 0.7
    assert smoothed(0.7, 1.0, -1.0, within_s=2.0) == 0.7
    assert smoothed(0.0, -5.0, 1.0, within_s=2.0) == 0.0


@given(st.integers(1, 50))
def test_load_is_the_same_however_often_it_is_weighed(parts: int) -> None:
    load = 0.2
    for _ in range(parts):
        load = smoothed(load, 0.9 / parts, 1.0 / parts, within_s=2.0)
    assert load == pytest.approx(smoothed(0.2, 0.9, 1.0, within_s=2.0))


def test_late_ticks_are_worth_load_from_half_a_tick_on() -> None:
    assert [behind(late_ms, 0, 20) for late_ms in (0, 25, 37.5, 50, 1000)] == [0, 0, 0.5, 1, 1]
    assert behind(0, 20, 20) == 0.5


@given(st.floats(0, 1e6), st.integers(0, 10**6), st.integers(1, 1000))
def test_late_ticks_are_worth_a_whole_load_at_most(late: float, skipped: int, rate: int) -> None:
    assert 0 <= behind(late, skipped, rate) <= 1


def test_a_server_stands_still_after_a_second_or_two_ticks_without_one() -> None:
    assert [still(s, 20) for s in (0.06, 0.99, 1.0, 9.0)] == [False, False, True, True]
    assert [still(s, 1) for s in (1.5, 2.0)] == [False, True]


@pytest.mark.parametrize("rate", [1, 20, 60, 1000])
def test_each_player_has_one_turn_in_a_second_and_they_are_spread_over_it(rate: int) -> None:
    random = Random(1)
    turns = Counter(turn_of(f"{random.getrandbits(64):016x}", rate) for _ in range(100 * rate))
    assert set(turns) <= set(range(rate))
    assert max(turns.values()) < 2 * 100 or rate == 1
