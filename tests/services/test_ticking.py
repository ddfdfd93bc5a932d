"""The world of a server goes on whatever happens, one tick after the other, each at its time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent

from clientmigration.core.measures.meter import Meter
from clientmigration.gameserver.load import Load
from clientmigration.gameserver.ticks import PATIENCE_S, Clocks, Ticks
from clientmigration.net.beats import Beats
from clientmigration.net.worldclock import WorldClock
from clientmigration.testing import Arena

RATE = 20
NOW = 1_700_000_000.0
FIRST = int(NOW * RATE)


class World:
    """What ticks are for: `steps` are those that were begun."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.rightNow = NOW
        self.meter, self.beats = Meter(("skipped_ticks",)), Beats(self.clock)
        self.load = Load(lambda: 0.0, lambda: 1.0, self.clock.seconds)
        clocks = Clocks(self.clock, WorldClock(self.clock))
        self.looks: Callable[[], None] = lambda: None
        self.ticks = Ticks(clocks, RATE, self.meter, self.load, self.beats, lambda: self.looks())
        self.steps: list[int] = []
        self.does: Callable[[int], object] = lambda _tick: None

    def step(self, tick: int, now: float) -> None:
        assert now == self.clock.seconds()
        self.steps.append(tick)
        self.does(tick)

    def stand_still(self, seconds: float) -> None:
        """The process is stopped, or something in it takes that long: no timer comes in time."""
        self.clock.rightNow += seconds

    def go_on(self, ticks: int) -> None:
        for _ in range(ticks):
            self.clock.advance(1 / RATE)
            self.clock.advance(1e-5)  # a clock's seconds are not exact


@pytest.fixture
def world() -> World:
    world = World()
    world.ticks.start(world.step)
    return world


def test_ticks_come_one_after_the_other(world: World) -> None:
    world.go_on(5)
    assert world.steps == list(range(FIRST, FIRST + 6))
    assert world.ticks.tick == FIRST + 5


def test_who_stood_still_for_a_moment_catches_up_and_leaves_nothing_out(world: World) -> None:
    world.stand_still(0.9)
    world.go_on(1)
    assert world.steps == list(range(FIRST, FIRST + 20))
    assert world.meter.take()["skipped_ticks"] == 0


def test_who_stood_still_for_long_skips_ticks_and_counts_them(world: World) -> None:
    world.stand_still(3.0)
    world.go_on(1)
    assert world.steps == [FIRST, *range(FIRST + 42, FIRST + 62)]
    assert world.meter.take()["skipped_ticks"] == 41
    world.go_on(2)
    assert world.steps[-2:] == [FIRST + 62, FIRST + 63]
    assert world.meter.take()["skipped_ticks"] == 0


def test_whoever_is_late_still_listens_between_two_ticks(world: World) -> None:
    heard: list[int] = []
    world.stand_still(0.5)
    for _ in range(3):
        world.clock.callLater(0, lambda: heard.append(len(world.steps)))
    world.does = lambda _tick: world.clock.callLater(0, lambda: heard.append(len(world.steps)))
    world.clock.advance(0)
    assert len(world.steps) == 11
    assert {3, 5, 7, 9} <= {*heard}


def test_a_tick_that_fails_is_told_and_counted_and_the_next_comes(
    world: World, no_logged_errors: list[LogEvent]
) -> None:
    def fail(tick: int) -> None:
        if tick == FIRST + 2:
            raise OSError("the world is broken")

    world.does = fail
    world.go_on(4)
    assert world.steps == list(range(FIRST, FIRST + 5))
    assert world.beats.failed == {"tick": 1}
    assert "the world is broken" in str(no_logged_errors.pop()["log_failure"])


def test_what_is_looked_at_beside_the_ticks_may_fail_at_each_of_them(
    world: World, no_logged_errors: list[LogEvent]
) -> None:
    def fail() -> None:
        raise OSError("nobody is here")

    world.looks = fail
    world.go_on(3)
    assert world.steps == list(range(FIRST, FIRST + 4))
    assert world.beats.failed == {"looking for a standstill": 3}
    no_logged_errors.clear()


def test_what_waits_for_the_end_of_a_tick_comes_in_order_also_if_one_fails(
    world: World, no_logged_errors: list[LogEvent]
) -> None:
    done: list[str] = []
    world.ticks.after("ada", lambda: done.append("freeze"))
    world.ticks.after("ada", lambda: done.append(f"{1 / 0}"))
    world.ticks.after("ada", lambda: done.append("cancel"), at_once=True)
    world.ticks.after("bob", lambda: done.append("bob, at once"), at_once=True)
    assert done == ["bob, at once"]
    world.go_on(1)
    assert done == ["bob, at once", "freeze", "cancel"]
    assert world.beats.failed == {"order": 1}
    no_logged_errors.clear()


def test_who_is_always_late_does_not_let_orders_wait_for_ever(world: World) -> None:
    done: list[float] = []

    def slow(_tick: int) -> None:
        if not done:
            world.stand_still(0.06)

    world.does = slow
    asked = world.clock.seconds()
    world.ticks.after("ada", lambda: done.append(world.clock.seconds()))
    world.stand_still(0.2)
    world.clock.advance(0)
    assert PATIENCE_S < done[0] - asked < 2 * PATIENCE_S


def test_no_tick_comes_after_the_last(world: World) -> None:
    world.ticks.stop()
    world.go_on(3)
    assert world.steps == [FIRST]


def test_skipped_ticks_are_reported_and_their_players_play_on() -> None:
    arena = Arena()
    arena.start_router()
    eu = arena.start_server("eu")
    ada = arena.start_player()
    arena.run(2.0)
    eu.measures()
    arena.hosts["eu"].skew += 2.5
    arena.run(0.2)
    assert eu.measures()["skipped_ticks"] == pytest.approx(30, abs=2)
    arena.run(1.0)
    assert arena.home_of(ada) == "eu"
    assert ada.tally.lost == 0
