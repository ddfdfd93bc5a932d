"""Measures what a daemon costs: CPU, memory, and how late its reactor is."""

from typing import NamedTuple, Protocol

import psutil
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from clientmigration.net.beats import Beats

BEAT_S = 0.1
"""Time between two beats of the timer whose delay is the reactor lag."""


class _CpuTimes(Protocol):
    """CPU seconds used since the process started."""

    @property
    def user(self) -> float: ...
    @property
    def system(self) -> float: ...


class _MemoryInfo(Protocol):
    @property
    def rss(self) -> int: ...


class Process(Protocol):
    """The part of psutil.Process that a probe reads."""

    def cpu_times(self) -> _CpuTimes: ...
    def memory_info(self) -> _MemoryInfo: ...


class Reading(NamedTuple):
    """CPU seconds used by the process until `now` seconds of a clock."""

    used_s: float
    now: float


def cpu_percent(before: Reading, after: Reading) -> float:
    """Share of one core used between two readings, in percent: 200 is two cores kept busy.

    0 when no time passed, or when the clock was set back.
    """
    elapsed = after.now - before.now
    if elapsed <= 0:
        return 0.0
    return max(0.0, 100.0 * (after.used_s - before.used_s) / elapsed)


class Lag:
    """How late a timer is, in seconds, at worst, since the last `take`. Knows no timer itself."""

    def __init__(self) -> None:
        self._due: float | None = None
        self._worst = 0.0

    def expect(self, due: float | None) -> None:
        """The next beat is due then; None when there will be no next."""
        self._due = due

    def saw(self, now: float) -> None:
        """It is now; a beat that is due and has not come is late already."""
        if self._due is not None:
            self._worst = max(self._worst, now - self._due)

    def take(self) -> float:
        """The worst so far; the next is counted from nothing."""
        worst, self._worst = self._worst, 0.0
        return worst


class Probe(Service):
    """Samples the running process; while started, beats every `BEAT_S` to see the reactor's lag.

    A stall is seen from the beat that it delays, so up to `BEAT_S` of it stays unseen.
    """

    def __init__(self, clock: IReactorTime, process: Process | None = None) -> None:
        self._clock = clock
        self._process: Process = psutil.Process() if process is None else process
        self._lag = Lag()
        self._before = self._read()
        self._beats = Beats(clock)
        self._beats.every(BEAT_S, "seeing the reactor's lag", self._see)

    def sample(self) -> dict[str, float]:
        """`cpu_percent`, `rss_bytes` and `reactor_lag_ms`: the last interval's, since this call."""
        after = self._read()
        percent, self._before = cpu_percent(self._before, after), after
        self._lag.saw(after.now)
        return {
            "cpu_percent": percent,
            "rss_bytes": float(self._process.memory_info().rss),
            "reactor_lag_ms": 1000.0 * self._lag.take(),
        }

    def startService(self) -> None:
        super().startService()
        self._beats.start()
        self._lag.expect(self._clock.seconds() + BEAT_S)

    def stopService(self) -> None:
        super().stopService()
        self._lag.expect(None)
        self._beats.stop()

    def _read(self) -> Reading:
        times = self._process.cpu_times()
        return Reading(times.user + times.system, self._clock.seconds())

    def _see(self) -> None:
        now = self._clock.seconds()
        self._lag.saw(now)
        self._lag.expect(now + BEAT_S)
