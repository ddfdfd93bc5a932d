"""What comes again comes again, whatever happens; and what failed is told and counted."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent

from clientmigration.net.beats import Beats


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_beat_that_fails_once_comes_again(clock: Clock, no_logged_errors: list[LogEvent]) -> None:
    beats, done = Beats(clock), []

    def report() -> None:
        done.append(clock.seconds())
        if len(done) == 2:
            raise OSError("no descriptors are left")

    beats.every(1.0, "report", report)
    beats.start()
    clock.pump([1.0] * 4)
    assert done == [1.0, 2.0, 3.0, 4.0]
    assert beats.failed == {"report": 1}
    assert "no descriptors are left" in str(no_logged_errors.pop()["log_failure"])


def test_one_beat_that_always_fails_does_not_stop_another(
    clock: Clock, no_logged_errors: list[LogEvent]
) -> None:
    beats, done = Beats(clock), []
    beats.every(1.0, "bad", lambda: 1 / 0)
    beats.every(1.0, "good", lambda: done.append(clock.seconds()))
    beats.start()
    clock.pump([1.0] * 3)
    assert done == [1.0, 2.0, 3.0]
    assert beats.failed["bad"] == len(no_logged_errors) == 3
    no_logged_errors.clear()


def test_a_beat_waits_for_the_deferred_of_the_last_and_survives_its_failure(
    clock: Clock, no_logged_errors: list[LogEvent]
) -> None:
    beats, begun = Beats(clock), list[Deferred[None]]()

    def sweep() -> Deferred[None]:
        begun.append(Deferred())
        return begun[-1]

    beats.every(1.0, "sweep", sweep)
    beats.start()
    clock.pump([1.0] * 3)
    assert len(begun) == 1
    begun[0].errback(ValueError("the ledger is away"))
    clock.pump([1.0])
    assert len(begun) == 2
    assert beats.failed == {"sweep": 1}
    no_logged_errors.clear()


def test_nothing_comes_after_the_stop(clock: Clock) -> None:
    beats, done = Beats(clock), []
    beats.every(1.0, "tick", lambda: done.append(clock.seconds()))
    beats.start()
    clock.pump([1.0] * 2)
    beats.stop()
    beats.stop()
    clock.pump([1.0] * 2)
    assert done == [1.0, 2.0]
    assert not clock.getDelayedCalls()


def test_what_nobody_waits_for_is_told_when_it_fails(
    clock: Clock, no_logged_errors: list[LogEvent]
) -> None:
    beats = Beats(clock)

    async def settle() -> None:
        raise KeyError("nobody")

    beats.spawn("settle", settle())
    assert beats.failed == {"settle": 1}
    assert no_logged_errors.pop()["name"] == "settle"


def test_an_attempt_answers_what_it_got_or_nothing(
    clock: Clock, no_logged_errors: list[LogEvent]
) -> None:
    beats = Beats(clock)
    assert beats.attempt("count", lambda: 3) == 3
    assert beats.attempt("count", lambda: [][0]) is None
    no_logged_errors.clear()
