"""A deadline that is set again and again is one timer, which looks when it is due."""

from __future__ import annotations

import random

from twisted.internet.task import Clock

from clientmigration.net.deadline import Deadline


def deadline() -> tuple[Clock, Deadline, list[float]]:
    clock, over = Clock(), list[float]()
    return clock, Deadline(clock, lambda: over.append(clock.seconds())), over


def test_it_is_over_when_the_last_wait_is_over_and_takes_one_timer() -> None:
    clock, wait, over = deadline()
    for _ in range(5):
        wait.within(3.0)
        clock.advance(2.0)
        assert len(clock.getDelayedCalls()) == 1
    clock.advance(0.75)
    assert over == []
    clock.advance(0.25)
    assert over == [11.0]
    assert clock.getDelayedCalls() == []


def test_a_shorter_wait_ends_sooner() -> None:
    clock, wait, over = deadline()
    wait.within(6.0)
    wait.within(1.0)
    clock.pump([0.5] * 20)
    assert over == [1.0]


def test_what_may_take_as_long_as_it_takes_is_never_late_until_something_is_due_again() -> None:
    clock, wait, over = deadline()
    wait.within(1.0)
    wait.whenever()
    clock.advance(50.0)
    assert (over, clock.getDelayedCalls()) == ([], [])
    wait.within(1.0)
    clock.advance(1.0)
    assert over == [51.0]


def test_nothing_is_left_of_one_that_was_stopped() -> None:
    clock, wait, over = deadline()
    wait.within(1.0)
    wait.stop()
    wait.stop()
    assert clock.getDelayedCalls() == []
    clock.advance(9.0)
    assert over == []


def test_it_ends_as_a_timer_for_each_wait_would() -> None:
    for seed in range(200):
        chance, (clock, wait, over) = random.Random(seed), deadline()
        expected, at = list[float](), float("inf")
        for _ in range(30):
            step, wait_s = chance.random(), chance.choice((0.1, 0.7, 2.0))
            if chance.random() < 0.6:
                wait.within(wait_s)
                at = clock.seconds() + wait_s
            if at <= clock.seconds() + step:
                expected.append(at)
                at = float("inf")
            for _ in range(40):
                clock.advance(step / 40)
        assert len(over) == len(expected)
        assert all(0 <= when - due < 1 / 39 for when, due in zip(over, expected, strict=True))
