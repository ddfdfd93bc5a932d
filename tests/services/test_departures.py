"""Planned moves begin at the policy's pace: one by one, and some together when it is fast."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from clientmigration.core.fleet.choice import Move
from clientmigration.net.beats import Beats
from clientmigration.router.departures import Departures


def departing(per_s: float) -> tuple[Clock, Departures, list[float]]:
    clock, begun = Clock(), list[float]()

    async def start(_player: str, _source: str, _target: str, _why: str) -> None:
        begun.append(clock.seconds())

    return clock, Departures(clock, start, lambda: per_s, Beats(clock)), begun


def planned(count: int) -> list[Move]:
    return [Move(f"p{n}", "gs-1", "gs-2", "it is full") for n in range(count)]


@pytest.mark.parametrize(("per_s", "together"), [(1.0, 1), (25.0, 1), (50.0, 2), (200.0, 8)])
def test_so_many_begin_together_and_no_more_in_a_second_than_they_may(
    per_s: float, together: int
) -> None:
    clock, departures, begun = departing(per_s)
    departures.plan(planned(1000))
    assert begun == [0.0] * together
    clock.pump([1 / 1000] * 2000)
    assert len(begun) == pytest.approx(2 * per_s, abs=together + 0.1 * per_s)
    for at in begun:
        assert sum(at <= other < at + 0.999 for other in begun) <= per_s + together


def test_the_last_ones_do_not_wait_for_others() -> None:
    clock, departures, begun = departing(200.0)
    departures.plan(planned(11))
    clock.pump([0.01] * 10)
    assert len(begun) == 11


def test_a_new_plan_takes_the_place_of_the_last_one_and_keeps_its_pace() -> None:
    clock, departures, begun = departing(50.0)
    departures.plan(planned(100))
    departures.plan(planned(4))
    assert len(begun) == 2
    clock.pump([0.01] * 50)
    assert len(begun) == 2 + 4


def test_nothing_begins_after_the_end() -> None:
    clock, departures, begun = departing(50.0)
    departures.plan(planned(100))
    departures.stop()
    clock.advance(5.0)
    assert len(begun) == 2
