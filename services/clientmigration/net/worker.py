"""One thread that does one thing after the other, for what would have the reactor wait.

Twisted's pools of threads hand a thing through five objects on its way; with one thread there is
nothing to hand out. A thing that was begun is done: nobody can call it off.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


class Worker:
    """It begins with the first thing to do, and ends with `close`, or with its `reactor`. `last` is
    what it does then."""

    def __init__(self, reactor: Any, name: str, last: Callable[[], None]) -> None:
        self._reactor, self._name, self._last = reactor, name, last
        self._asked: SimpleQueue[tuple[Callable[[], Any], Deferred[Any]] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._ending: Any = None

    def do(self, job: Callable[[], T]) -> Deferred[T]:
        """Do it there, after all that was asked before; answers here what it answers or raises."""
        if self._thread is None:
            self._ending = self._reactor.addSystemEventTrigger("during", "shutdown", self._end)
            self._thread = Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        answer: Deferred[T] = Deferred()
        self._asked.put((job, answer))
        return answer

    def close(self) -> None:
        """Wait until all is done that was asked. Nothing can be asked any more."""
        if self._thread is not None:
            self._reactor.removeSystemEventTrigger(self._ending)
            self._end()

    def _end(self) -> None:
        thread, self._thread = self._thread, None
        self._asked.put(None)
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            job, answer = asked
            tell: Callable[[Any], None] = answer.callback
            try:
                came: Any = job()
            except BaseException:
                tell, came = answer.errback, Failure()
            self._reactor.callFromThread(tell, came)
            del asked, job, answer, tell, came  # while it waits it keeps nothing
        self._last()
