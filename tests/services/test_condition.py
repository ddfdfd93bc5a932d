"""How well a server does is what its players feel: late ticks are load; without ticks it is 0."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent

from clientmigration.core.fleet.health import Grade, Health
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.split import UNSEEN, Split
from clientmigration.core.measures.meter import Meter
from clientmigration.gameserver.condition import Condition
from clientmigration.gameserver.load import Load
from clientmigration.gameserver.ticks import Clocks, Ticks
from clientmigration.net.beats import Beats
from clientmigration.net.worldclock import WorldClock

RATE = 20
GAME = {"centre_x_m": 0.0, "centre_y_m": 0.0, "spread_m": 0.0}


class Host:
    """A server that ticks on a host which does with it what a test wants. `cpu` is CPU time so far,
    `allowed` the share of a core that it may use."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.rightNow = 1_700_000_000.0
        self.cpu, self.allowed, self.split = 0.0, 1.0, UNSEEN
        self.meter, self.beats = Meter(("skipped_ticks",)), Beats(self.clock)
        load = Load(lambda: self.cpu, lambda: self.allowed, self.clock.seconds)
        clocks = Clocks(self.clock, WorldClock(self.clock))
        self.ticks = Ticks(clocks, RATE, self.meter, load, self.beats, lambda: None)
        seats = cast(Any, SimpleNamespace(count=lambda: 30, capacity=200, draining=False))
        self.condition = Condition(load, seats, self.ticks, Policy(), lambda: self.split)
        self.does: Callable[[], None] = lambda: None
        self.ticks.start(lambda _tick, _now: self.does())

    def second(self, turn_s: float = 1 / RATE, late_s: float = 0.0, cpu: float = 0.0) -> Health:
        """A second in which the server gets its turn so often, so late, and uses so much CPU."""
        begun, turns = round(self.clock.seconds()), round(1 / turn_s)
        for n in range(1, turns + 1):
            self.cpu += cpu / turns
            self.clock.rightNow = begun + n * turn_s + late_s
            for _ in range(RATE):
                self.clock.advance(1e-5)
        return self.report()

    def report(self) -> Health:
        return self.condition.health(self.meter.take(), {"reactor_lag_ms": 0.0}, GAME)


@pytest.fixture
def host() -> Host:
    return Host()


def test_a_quarter_of_a_core_is_all_load_for_who_may_use_no_more(host: Host) -> None:
    before = [host.second(cpu=0.25) for _ in range(10)][-1]
    assert before.load == pytest.approx(0.25, abs=0.02)
    assert before.health > 0.9
    host.allowed = 0.25
    after = [host.second(cpu=0.25) for _ in range(10)][-1]
    assert after.load == pytest.approx(1, abs=0.02)
    assert after.health < 0.05
    assert after.grade is Grade.OVERLOADED


def test_ticks_that_come_late_are_load_whatever_the_cpu_says(host: Host) -> None:
    late = [host.second(turn_s=0.2, cpu=0.25) for _ in range(10)][-1]
    assert late.load > 0.95
    assert late.health == 0
    assert late.grade is Grade.OVERLOADED
    again = [host.second(cpu=0.25) for _ in range(10)][-1]
    assert again.load == pytest.approx(0.25, abs=0.02)
    assert again.health > 0.9


def test_ticks_that_are_a_little_late_are_no_load(host: Host) -> None:
    late = [host.second(late_s=0.02, cpu=0.25) for _ in range(10)][-1]
    assert late.load == pytest.approx(0.25, abs=0.02)
    assert late.health == pytest.approx(0.6, abs=0.01)


def test_a_server_that_has_not_ticked_for_a_second_has_health_0(host: Host) -> None:
    assert host.second().health > 0.99
    host.clock.rightNow += 0.9
    assert host.report().health > 0.99, "one tick may be late"
    host.clock.rightNow += 0.15
    stands = host.report()
    assert stands.health == 0
    assert stands.load > 0.05, "and its load rises"
    for _ in range(6):
        host.clock.rightNow += 1
        stands = host.report()
    assert stands.health == 0
    assert stands.load > 0.9


def test_ticks_that_fail_are_none(host: Host, no_logged_errors: list[LogEvent]) -> None:
    def fail() -> None:
        raise RuntimeError("the game is broken")

    host.second()
    host.does = fail
    assert host.second().health == 0
    host.does = lambda: None
    assert host.second().health > 0
    no_logged_errors.clear()


def test_without_a_reactor_lag_a_report_goes_out_all_the_same(host: Host) -> None:
    host.second()
    assert host.condition.health(host.meter.take(), {}, GAME).health > 0.99


def test_a_report_says_whom_players_see_elsewhere(host: Host) -> None:
    host.split = Split.of(3, 90, {7: 10})
    told = host.second()
    assert told.split == host.split
    assert told.measures()["pairs_split"] == 10
