"""Simulated time: one line of events for everything, and a clock of its own for each host.

Events at the same time happen in the order in which they were asked for. A host that was killed
does nothing more: what it had planned is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from zope.interface import implementer


class Timeline(Clock):
    """Twisted's `Clock` for many thousand events: a heap instead of a sorted list. Never goes back.

    `at` takes an absolute time, so that what is due at the same time stays in order.
    """

    def __init__(self, now: float = 0.0) -> None:
        super().__init__()
        self.rightNow = now
        self._heap: list[tuple[float, int, DelayedCall, HostClock | None]] = []
        self._asked = 0

    def at(
        self, when: float, host: HostClock | None, func: Callable[..., Any], *args: Any, **kw: Any
    ) -> DelayedCall:
        """Call `func` at `when`, unless `host` is dead by then."""
        call = DelayedCall(when, func, args, kw, _nothing, _nothing, self.seconds)
        call._host = host  # type: ignore[attr-defined]
        call.resetter = self._earlier
        self._push(call, host)
        return call

    def _push(self, call: DelayedCall, host: HostClock | None, when: float | None = None) -> None:
        self._asked += 1
        heappush(self._heap, (call.time if when is None else when, self._asked, call, host))

    def _earlier(self, call: DelayedCall) -> None:
        """It was reset to an earlier time: its later entry will find it called."""
        self._push(call, call._host)  # type: ignore[attr-defined]

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> DelayedCall:
        """Call it so many seconds from now, whoever is dead by then."""
        return self.at(self.rightNow + delay, None, callable, *args, **kw)

    def getDelayedCalls(self) -> list[DelayedCall]:
        """All calls that are still to come, the next one first."""
        return [entry[2] for entry in sorted(self._heap, key=lambda e: e[:2]) if entry[2].active()]

    def step(self, until: float) -> bool:
        """Let the next event happen, if it is due by `until`; False: none is."""
        while self._heap and self._heap[0][0] <= until:
            when, _, call, host = heappop(self._heap)
            if call.called or call.cancelled or (host is not None and not host.alive):
                continue
            if host is not None and host.thaws_at > when:
                self._push(call, host, host.thaws_at)
                continue
            if call.time > when:  # it was reset to an earlier time and then delayed: not this entry
                continue
            if call.delayed_time:
                call.activate_delay()
                self._push(call, host)
                continue
            self.rightNow = max(self.rightNow, when)
            call.called = 1
            call.func(*call.args, **call.kw)
            return True
        return False

    def advance(self, amount: float) -> None:
        """Everything that is due within `amount` seconds happens, each at its time."""
        until = self.rightNow + amount
        while self.step(until):
            pass
        self.rightNow = max(self.rightNow, until)


def _nothing(_call: DelayedCall) -> None:
    """The heap finds out by itself."""


@implementer(IReactorTime)
class HostClock:
    """The time as one host sees it: `skew` seconds ahead of the timeline, until it is killed. Its
    wall clock can be set to anything, and its timers do not care.

    A host that is frozen (SIGSTOP) does nothing until `thaws_at` on the timeline; then everything
    that was due meanwhile happens at once, in order, while its time has gone on.
    """

    def __init__(self, timeline: Timeline, skew: float = 0.0) -> None:
        self.timeline, self.skew = timeline, skew
        self.alive = True
        self.thaws_at = 0.0
        self._frozen_s = 0.0  # in all, what is still to come of it included
        self._jumped = 0.0

    @property
    def frozen(self) -> bool:
        """Whether it does nothing now."""
        return self.alive and self.thaws_at > self.timeline.rightNow

    @property
    def frozen_s(self) -> float:
        """For how many seconds it was frozen so far: CPU time does not pass then."""
        return self._frozen_s - max(0.0, self.thaws_at - self.timeline.rightNow)

    def freeze(self, seconds: float) -> None:
        """Do nothing for so long. Who is frozen longer already stays so."""
        now = self.timeline.rightNow
        until = max(self.thaws_at, now + seconds)
        self._frozen_s += until - max(self.thaws_at, now)
        self.thaws_at = until

    def stop(self) -> None:
        """The host is dead: nothing that it had planned happens any more."""
        self.alive = False

    def seconds(self) -> float:
        """The time by this host's monotonic clock, which its timers follow."""
        return self.timeline.rightNow + self.skew

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock, back when `seconds` is negative."""
        self._jumped += seconds

    def wall(self) -> float:
        """The time that this host's wall clock shows."""
        return self.seconds() + self._jumped

    def callLater(self, delay: float, callable: Any, *args: Any, **kw: Any) -> DelayedCall:
        """Call it so many seconds from now, unless this host is dead by then."""
        return self.timeline.at(self.timeline.rightNow + delay, self, callable, *args, **kw)

    def getDelayedCalls(self) -> list[DelayedCall]:
        """All calls that are still to come, of all hosts."""
        return self.timeline.getDelayedCalls()
