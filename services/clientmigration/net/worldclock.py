"""Clocks of a real process: a reactor whose timers nobody can set, and the date in the world.

`clock.seconds()` is for everything that lasts: waits, timeouts, rates. It is near Unix time, but it
is no date. Dates come from a `WorldClock`: they are what ticks, datapoints and tickets go by.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from clientmigration.core.measures.worldtime import (
    HEARD_S,
    NEAR_S,
    ROUTER,
    SERVER,
    Steering,
    WorldTime,
    believed,
)

log = Logger()

FOLLOW_EVERY_S = 1.0
ADOPT_S = 6.0  # by then after a start of the router every member has come back and reported
BEHIND_S = 6.0  # seconds: a report may be late, and is dated when it was made
OFF_S = 0.25  # a router whose own clock is further off tells its members the date


def monotonic(reactor: Any) -> Any:
    """This reactor, with timers that follow the monotonic clock. Answers the same reactor.

    `seconds` is IReactorTime's method, and ReactorBase asks `self.seconds()` for each timer that it
    makes and for each that is due (Twisted 26.10, base.py), so an attribute of the instance is all
    it takes. It goes on from Unix time as it is now, so that what was planned before stays due when
    it was. One that does so already stays as it is.
    """
    if "seconds" not in vars(reactor):
        ahead = reactor.seconds() - time.monotonic()
        reactor.seconds = lambda: time.monotonic() + ahead
    return reactor


class WorldClock:
    """World time as one process has it. `wall` answers what the host's clock shows, by `clock`
    otherwise, which is then one that nobody sets."""

    def __init__(self, clock: IReactorTime, wall: Callable[[], float] | None = None) -> None:
        self._seconds, self._wall = clock.seconds, wall or clock.seconds
        self._time = WorldTime.starting(self._seconds(), self._wall())
        self._began = self._seconds()
        self._told: tuple[float, float] | None = None
        self._warned = False

    def now(self) -> float:
        """The date, Unix seconds. Never goes back while anybody plays."""
        return self._time.now(self._seconds())

    def waits(self, world_s: float) -> float:
        """The seconds of the clock that so many seconds of the world take, as things are."""
        return world_s / self._time.rate

    def off_s(self) -> float:
        """How far the host's clock is ahead of the world, seconds."""
        return self._wall() - self.now()

    def measures(self) -> dict[str, float]:
        """Of the catalogue: the same, whichever of the two is ahead, milliseconds."""
        return {"clock_off_ms": abs(self.off_s()) * 1000}

    def lead(self) -> None:
        """Follow the host's clock: what a router does, and who has none, every `FOLLOW_EVERY_S`."""
        self._steer(self._wall(), ROUTER)

    def follow(self) -> None:
        """Follow the router, and the host's clock as far as that is near."""
        seconds, told = self._seconds(), None
        if self._told is not None and seconds - self._told[0] <= HEARD_S:
            told = self._told[1] + seconds - self._told[0]
        self._steer(believed(self.now(), self._wall(), told), SERVER)

    def heard(self, date: float | None, nobody_plays: bool) -> None:
        """The router says what date it is, because we are new or ours is another, or its own clock
        is off; None: all is well. Where nobody plays, the world may step to it, and go back."""
        if date is None:
            return
        self._told = (self._seconds(), date)
        if nobody_plays and abs(date - self.now()) > NEAR_S:
            self.step(date)

    def step(self, date: float) -> None:
        """It is this date, from now on."""
        _stepped(date - self.now())
        self._time = self._time.stepped(self._seconds(), date)

    def meet(self, member: float) -> None:
        """A member that has players says that it is this date (whole seconds). A router that has
        just started goes by what its members agreed on before, if that is later."""
        if self._young() and member > self.now() + 2 * NEAR_S:
            self.step(member)

    def _young(self) -> bool:
        return self._seconds() - self._began < ADOPT_S

    def date_for_newcomer(self) -> float | None:
        """What a member is told that has just come, before anybody is sent to it. A router that has
        just started may learn the date from its members yet."""
        return None if self._young() else self.now()

    def date_for(self, member: float) -> float | None:
        """What a member is to be told that dates its report so; None while it need not be told."""
        now = self.now()
        wrong = not now - BEHIND_S <= member <= now + NEAR_S
        return now if wrong or abs(self.off_s()) > OFF_S else None

    def _steer(self, reference: float | None, how: Steering) -> None:
        """Correct it, and say what is to be said: that it had to step; and, once each, that the
        host's clock is wrong and that it is right again."""
        seconds, before = self._seconds(), self.now()
        self._time = self._time.steered(seconds, reference, how)
        if self._time.now(seconds) - before > how.step_s:
            _stepped(self._time.now(seconds) - before)
        off = self.off_s()
        if abs(off) > NEAR_S and not self._warned:
            log.warn(
                "this host's clock is {off} s off the world's time, which goes on evenly",
                off=f"{off:+.1f}",
            )
        elif abs(off) <= NEAR_S and self._warned:
            log.info("this host's clock agrees with the world's time again")
        self._warned = abs(off) > NEAR_S


def _stepped(seconds: float) -> None:
    log.warn("the world's time steps by {step} s", step=f"{seconds:+.1f}")
