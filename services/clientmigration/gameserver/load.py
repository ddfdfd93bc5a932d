"""How much of the time this process works: the load, smoothed, as its reports tell it."""

from __future__ import annotations

from collections.abc import Callable

from clientmigration.core.measures.ticks import smoothed

SMOOTHING_S = 2.0  # load follows a change within about this time


class Load:
    """`share` is the load: CPU seconds per second. `cpu` answers the CPU seconds that this process
    has used so far, `now` the time in seconds."""

    def __init__(self, cpu: Callable[[], float], now: Callable[[], float]) -> None:
        self._cpu, self._now = cpu, now
        self._before = (0.0, 0.0)
        self.share = 0.0

    def start(self) -> None:
        """What was spent until now does not count."""
        self._before = (self._cpu(), self._now())

    def weigh(self) -> None:
        """Count what was spent since the last time."""
        cpu, now = self._cpu(), self._now()
        spent, passed = cpu - self._before[0], now - self._before[1]
        self.share = smoothed(self.share, spent, passed, SMOOTHING_S)
        self._before = (cpu, now)
