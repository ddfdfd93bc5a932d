"""Measures what a daemon costs and may cost: CPU, its limits, memory, and how late its reactor is.

What cannot be measured now has no value this second; nothing here raises because of it.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

import psutil
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from clientmigration.core.measures.allowance import Allowance, CpuLimits
from clientmigration.net.beats import Beats
from clientmigration.net.limits import limits, read_file

log = Logger()

BEAT_S = 0.1
"""Time between two beats of the timer whose delay is the reactor lag."""


T = TypeVar("T")


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

    A stall is seen from the beat that it delays, so up to `BEAT_S` of it stays unseen. `allowance`
    is what the process was allowed in the last interval. `read` answers the text of a file: those
    of the kernel for the running process, none for a `process` of somebody else's making.
    """

    def __init__(
        self,
        clock: IReactorTime,
        process: Process | None = None,
        read: Callable[[str], str] | None = None,
    ) -> None:
        self._clock = clock
        self._process: Process = psutil.Process() if process is None else process
        self._read = read or (read_file if process is None else _nothing)
        self._lag = Lag()
        self._failing = False
        self._limits = limits(self._read, clock.seconds())
        self.allowance = Allowance.between(self._limits, self._limits)
        self._before = self._cpu()
        self._beats = Beats(clock)
        self._beats.every(BEAT_S, "seeing the reactor's lag", self._see)

    def sample(self) -> dict[str, float]:
        """`reactor_lag_ms`, `cpu_percent`, `rss_bytes` and what may be used: the last interval's,
        since this call. Without those that cannot be measured now."""
        self._lag.saw(self._clock.seconds())
        values = {"reactor_lag_ms": 1000.0 * self._lag.take(), **self._costs()}
        self._allow(limits(self._read, self._clock.seconds()))
        return values | self.allowance.measures()

    def startService(self) -> None:
        super().startService()
        self._beats.start()
        self._lag.expect(self._clock.seconds() + BEAT_S)

    def stopService(self) -> None:
        super().stopService()
        self._lag.expect(None)
        self._beats.stop()

    def _costs(self) -> dict[str, float]:
        after, values = self._cpu(), dict[str, float]()
        if after is not None:
            if self._before is not None:
                values["cpu_percent"] = cpu_percent(self._before, after)
            self._before = after
        memory = self._asked(self._process.memory_info)
        if memory is not None:
            values["rss_bytes"] = float(memory.rss)
        self._failing = after is None or memory is None
        return values

    def _cpu(self) -> Reading | None:
        times = self._asked(self._process.cpu_times)
        return None if times is None else Reading(times.user + times.system, self._clock.seconds())

    def _asked(self, ask: Callable[[], T]) -> T | None:
        """None when there is no answer, as while all descriptors are used up."""
        try:
            return ask()
        except (psutil.Error, OSError, ValueError) as why:
            if not self._failing:
                log.warn("cannot measure this process, which goes on: {why}", why=why)
            self._failing = True
            return None

    def _allow(self, now: CpuLimits) -> None:
        """A file that cannot be read now says nothing: then what was known last goes on."""
        if now.host.spent or not self._limits.host.spent:
            self._limits, before = now, self._limits
            self.allowance = Allowance.between(before, now)

    def _see(self) -> None:
        now = self._clock.seconds()
        self._lag.saw(now)
        self._lag.expect(now + BEAT_S)


def _nothing(path: str) -> str:
    raise FileNotFoundError(path)
