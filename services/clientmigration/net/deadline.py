"""One wait after the other with one timer: when it is due, it looks whether there is still time."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Deadline:
    """Does `otherwise` once nothing has come for as long as was said last. A new wait is two
    numbers; only one that ends earlier than the timer needs another timer."""

    __slots__ = ("_at", "_clock", "_due", "_otherwise", "_timer")

    def __init__(self, clock: IReactorTime, otherwise: Callable[[], object]) -> None:
        self._clock, self._otherwise = clock, otherwise
        self._timer: IDelayedCall | None = None
        self._at = self._due = inf

    def within(self, seconds: float) -> None:
        """Something has to come within so many seconds from now; what was said before is over."""
        self._at = at = self._clock.seconds() + seconds
        if self._timer is not None and at < self._due:
            self.stop()
            self._at = at
        if self._timer is None:
            self._due, self._timer = at, self._clock.callLater(seconds, self._look)

    def whenever(self) -> None:
        """What comes next may take as long as it takes."""
        self._at = inf

    def stop(self) -> None:
        """Nothing is waited for any more."""
        self._at = inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        left = self._at - self._clock.seconds()
        if left <= 0:
            self._otherwise()
        elif left < inf:
            self._due, self._timer = self._at, self._clock.callLater(left, self._look)
