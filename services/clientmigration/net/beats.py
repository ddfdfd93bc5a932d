"""What comes again in a daemon (a report, a decision, a tick), and what nobody waits for.

Nothing of it ends because it failed once: a failure is logged, counted by name, and the next beat
comes all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

log = Logger()


class Beats:
    """The beats of one daemon on its clock. `failed` counts failures by the name of what failed.

    A beat whose action answers with a Deferred begins again only when that has ended.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._loops: list[tuple[LoopingCall, float]] = []
        self.failed: Counter[str] = Counter()
        self._reported = 0

    def every(self, seconds: float, name: str, act: Callable[[], object]) -> None:
        """Do it every so many seconds, from `start` on; the first time after one interval."""
        loop = LoopingCall(self.attempt, name, act)
        loop.clock = self._clock
        self._loops.append((loop, seconds))

    def start(self) -> None:
        """Begin all of them, in the order in which they were named."""
        for loop, seconds in self._loops:
            loop.start(seconds, now=False)

    def stop(self) -> None:
        """No beat comes any more. What is under way ends by itself."""
        for loop, _ in self._loops:
            if loop.running:
                loop.stop()

    def attempt(self, name: str, act: Callable[[], object]) -> object:
        """Do it now. If it fails the answer is None, and the failure has been told."""
        try:
            answer = act()
        except Exception:
            self._failed(Failure(), name)
            return None
        return answer.addErrback(self._failed, name) if isinstance(answer, Deferred) else answer

    def spawn(self, name: str, work: Coroutine[Deferred[Any], Any, object]) -> None:
        """Begin what nobody waits for."""
        Deferred.fromCoroutine(work).addErrback(self._failed, name)

    def measures(self) -> dict[str, float]:
        """Of the catalogue: how often something failed since this was asked last."""
        total = self.failed.total()
        before, self._reported = self._reported, total
        return {"failures": float(total - before)}

    def _failed(self, failure: Failure, name: str) -> None:
        self.failed[name] += 1
        log.failure("{name} failed, and goes on", failure, name=name)


MakeBeats = Callable[[IReactorTime], Beats]
