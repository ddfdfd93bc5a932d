"""The line at the door: who is next, who keeps its place, and how long it will take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.fleet.queue import LATELY_S, JoinQueue


def names(line: JoinQueue) -> list[tuple[int, str]]:
    return [(position, waiter.player) for position, waiter in line.here()]


def line_of(*players: str) -> JoinQueue:
    line = JoinQueue(kept_s=30.0)
    for second, player in enumerate(players):
        line.enter(player, float(second))
    return line


def test_first_come_first_served() -> None:
    assert names(line_of("ada", "bob", "cyd")) == [(1, "ada"), (2, "bob"), (3, "cyd")]


def test_who_comes_again_stands_where_it_stood() -> None:
    line = line_of("ada", "bob")
    line.away("ada", 5.0)
    assert names(line) == [(2, "bob")]
    line.enter("ada", 20.0)
    assert names(line) == [(1, "ada"), (2, "bob")]


def test_a_place_is_kept_for_so_long_and_no_longer() -> None:
    line = line_of("ada", "bob")
    line.away("ada", 5.0)
    line.forget(35.0)
    assert len(line) == 2
    line.forget(35.1)
    assert names(line) == [(1, "bob")]
    line.enter("ada", 40.0)
    assert names(line) == [(1, "bob"), (2, "ada")]


def test_who_was_served_and_turned_away_says_when_it_came_and_stands_there_again() -> None:
    line = line_of("ada", "bob")
    line.serve("ada", 9.0)
    line.enter("ada", 0.0)
    assert names(line) == [(1, "ada"), (2, "bob")]


def test_the_estimate_is_as_fast_as_it_went_lately() -> None:
    line = line_of(*(f"p{n}" for n in range(20)))
    assert line.estimate_s(1, 20.0) is None
    for n in range(6):
        line.serve(f"p{n}", 20.0 + 2 * n)
    assert line.estimate_s(1, 30.0) == pytest.approx(2.0)
    assert line.estimate_s(5, 30.0) == pytest.approx(10.0)
    assert line.estimate_s(1, 40.0) == pytest.approx(4.0)
    assert line.estimate_s(1, 40.0 + LATELY_S) is None


steps = st.lists(
    st.tuples(st.sampled_from(["enter", "away", "serve"]), st.sampled_from("abcde")), max_size=40
)


@given(steps)
def test_nobody_who_came_later_stands_before_who_came_earlier(steps: list[tuple[str, str]]) -> None:
    line = JoinQueue(kept_s=10.0)
    came: dict[str, float] = {}
    for now, (what, player) in enumerate(map(tuple, steps)):
        if what == "enter":
            came.setdefault(player, float(now))
            line.enter(player, float(now))
        elif what == "away":
            line.away(player, float(now))
        else:
            line.serve(player, float(now))
            came.pop(player, None)
        order = [came[waiter.player] for _, waiter in line.here()]
        assert order == sorted(order)
    assert len(line) == len(came)
