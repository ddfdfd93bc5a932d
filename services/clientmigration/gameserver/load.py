"""How much of what this process may use it does use, or how late its ticks are: the load, smoothed.

A server whose ticks come late is loaded, whatever its CPU says: something holds it back.
"""

from __future__ import annotations

from collections.abc import Callable

from clientmigration.core.measures.ticks import smoothed

SMOOTHING_S = 2.0  # load follows a change within about this time


class Load:
    """CPU seconds per second that may be used, and what late ticks are worth. `cpu` answers the CPU
    seconds that this process has used so far, `allowed` the share of a core that it may use (above
    0), `now` the time in seconds."""

    def __init__(
        self, cpu: Callable[[], float], allowed: Callable[[], float], now: Callable[[], float]
    ) -> None:
        self._cpu, self._allowed, self._now = cpu, allowed, now
        self._before, self._judged = (0.0, 0.0), 0.0
        self._used = self._behind = 0.0

    @property
    def share(self) -> float:
        """The load: the larger of the two."""
        return max(self._used, self._behind)

    def start(self) -> None:
        """What was spent until now does not count."""
        self._before, self._judged = (self._cpu(), self._now()), self._now()

    def weigh(self) -> None:
        """Count what was spent since the last time."""
        cpu, now = self._cpu(), self._now()
        spent, passed = cpu - self._before[0], now - self._before[1]
        self._used = smoothed(self._used, spent / self._allowed(), passed, SMOOTHING_S)
        self._before = (cpu, now)

    def judge(self, behind: float) -> None:
        """Ticks were late since the last time, and that is worth so much load."""
        now = self._now()
        passed = now - self._judged
        self._behind = smoothed(self._behind, behind * passed, passed, SMOOTHING_S)
        self._judged = now
