"""The server's clock: it lets the world go on by one tick after the other, each at its time.

A tick that fails is logged and counted, and the next comes all the same. Nothing here knows what a
tick does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from clientmigration.core.measures.meter import Meter
from clientmigration.core.measures.ticks import due, gone_back, lateness_ms, until_next
from clientmigration.gameserver.load import Load
from clientmigration.net.beats import Beats

PATIENCE_S = 0.25  # what waits for the end of a late tick waits no longer than this


class WorldDate(Protocol):
    """What date it is in the world: the same on every server."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def waits(self, world_s: float) -> float:
        """The seconds of the clock that so many seconds of the world take."""


@dataclass(frozen=True)
class Clocks:
    """A clock for waits, which nobody sets, and the date in the world."""

    clock: IReactorTime
    world: WorldDate


class Ticks:
    """`tick` is the newest that was begun, 0 before the first; `rate` how many there are a second.

    `awake` is called each time before it looks for ticks that are due. `after` keeps what has to
    wait for the end of a tick, in order.
    """

    def __init__(
        self,
        clocks: Clocks,
        rate: int,
        meter: Meter,
        load: Load,
        beats: Beats,
        awake: Callable[[], None],
    ) -> None:
        self.rate, self.tick = rate, 0
        self._ended = 0.0  # when the last tick ended that did not fail
        self._clock, self._world = clocks.clock, clocks.world
        self._meter, self._load, self._beats, self._awake = meter, load, beats, awake
        self._step: Callable[[int, float], None]
        self._waiting: list[tuple[str, Callable[[], None], float]] = []
        self._beat: IDelayedCall | None = None

    def now(self) -> float:
        """Seconds of a clock that nobody sets: for waits. It is no date."""
        return self._clock.seconds()

    def since_tick_s(self) -> float:
        """How long ago the last tick ended that did not fail, or the first was begun."""
        return self.now() - self._ended

    def date(self) -> float:
        """World time, seconds since the epoch: the same on every server."""
        return self._world.now()

    def start(self, step: Callable[[int, float], None]) -> None:
        """Begin; `step` is told each tick and the time at which it begins."""
        self._step, self._ended = step, self.now()
        self._load.start()
        self._run()

    def stop(self) -> None:
        """No tick comes any more."""
        if self._beat is not None and self._beat.active():
            self._beat.cancel()

    def after(self, player: str, act: Callable[[], None], at_once: bool = False) -> None:
        """Do this when no tick is due any more, or `at_once` if nothing waits for this player."""
        if at_once and all(player != waiting for waiting, _, _ in self._waiting):
            act()
        else:
            self._waiting.append((player, act, self.now()))

    def _run(self) -> None:
        self._beats.attempt("looking for a standstill", self._awake)
        self._act(none_due=self._run_due())
        self._beats.attempt("weighing the load", self._load.weigh)
        ahead = until_next(self.tick, self.date(), self.rate)
        self._beat = self._clock.callLater(self._world.waits(ahead), self._run)

    def _run_due(self) -> bool:
        """Simulate what is due; answers whether nothing is due after it."""
        date = self.date()
        if gone_back(self.tick, date, self.rate):
            self.tick = 0
        now_due = due(self.tick, date, self.rate)
        if now_due.skipped:
            self._meter.count("skipped_ticks", now_due.skipped)
        for tick in now_due.ticks:
            self.tick = tick
            self._beats.attempt("tick", partial(self._simulate, tick))
        return self.tick == now_due.newest

    def _simulate(self, tick: int) -> None:
        started = self.now()
        self._meter.sample("lateness_ms", lateness_ms(tick, self.date(), self.rate))
        self._step(tick, started)
        self._ended = self.now()
        self._meter.sample("tick_ms", (self._ended - started) * 1000)

    def _act(self, none_due: bool) -> None:
        """What waited for the end of a tick; a server that is always late does not wait on."""
        if self._waiting and (none_due or self.now() - self._waiting[0][2] > PATIENCE_S):
            acts, self._waiting = self._waiting, []
            for _, act, _ in acts:
                self._beats.attempt("order", act)
