"""The join queue: who is next, who keeps its place, and how long it will take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.fleet.queue import LATELY_S, NEW_S, JoinQueue


def names(queue: JoinQueue) -> list[tuple[int, str]]:
    return [(position, waiter.player) for position, waiter in queue.here()]


def queue_of(*players: str) -> JoinQueue:
    queue = JoinQueue(kept_s=30.0)
    for second, player in enumerate(players):
        queue.enter(player, float(second))
    return queue


def test_first_come_first_served() -> None:
    assert names(queue_of("ada", "bob", "cyd")) == [(1, "ada"), (2, "bob"), (3, "cyd")]


def test_who_comes_again_stands_where_it_stood() -> None:
    queue = queue_of("ada", "bob")
    queue.away("ada", 5.0)
    assert names(queue) == [(2, "bob")]
    queue.enter("ada", 20.0)
    assert names(queue) == [(1, "ada"), (2, "bob")]


def test_a_place_is_kept_for_so_long_and_no_longer() -> None:
    queue = queue_of("ada", "bob")
    queue.away("ada", 5.0)
    queue.forget(35.0)
    assert len(queue) == 2
    queue.forget(35.1)
    assert names(queue) == [(1, "bob")]
    queue.enter("ada", 40.0)
    assert names(queue) == [(1, "bob"), (2, "ada")]


def test_who_goes_away_at_once_has_no_place_any_more() -> None:
    queue = queue_of("ada", "bob")
    queue.away("bob", 1.0 + NEW_S - 0.1)
    assert names(queue) == [(1, "ada")]
    assert len(queue) == 1


def test_who_was_served_and_turned_away_says_when_it_came_and_stands_there_again() -> None:
    queue = queue_of("ada", "bob")
    queue.serve("ada", 9.0)
    queue.enter("ada", 0.0)
    assert names(queue) == [(1, "ada"), (2, "bob")]


def test_the_estimate_is_as_fast_as_it_went_lately() -> None:
    queue = queue_of(*(f"p{n}" for n in range(20)))
    assert queue.estimate_s(1, 20.0) is None
    for n in range(6):
        queue.serve(f"p{n}", 20.0 + 2 * n)
    assert queue.estimate_s(1, 30.0) == pytest.approx(2.0)
    assert queue.estimate_s(5, 30.0) == pytest.approx(10.0)
    assert queue.estimate_s(1, 40.0) == pytest.approx(4.0)
    assert queue.estimate_s(1, 40.0 + LATELY_S) is None


steps = st.lists(
    st.tuples(st.sampled_from(["enter", "away", "serve"]), st.sampled_from("abcde")), max_size=40
)


@given(steps)
def test_nobody_who_came_later_stands_before_who_came_earlier(steps: list[tuple[str, str]]) -> None:
    queue = JoinQueue(kept_s=10.0, new_s=0.0)
    came: dict[str, float] = {}
    for now, (what, player) in enumerate(map(tuple, steps)):
        if what == "enter":
            came.setdefault(player, float(now))
            queue.enter(player, float(now))
        elif what == "away":
            queue.away(player, float(now))
        else:
            queue.serve(player, float(now))
            came.pop(player, None)
        order = [came[waiter.player] for _, waiter in queue.here()]
        assert order == sorted(order)
    assert len(queue) == len(came)
