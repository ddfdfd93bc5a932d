"""Planned moves, begun one by one at the policy's pace, so that a decision never becomes a burst.

Whom and where to is decided elsewhere. A new plan takes the place of what is left of the last one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from clientmigration.core.fleet.choice import Move
from clientmigration.net.beats import Beats

Start = Callable[[str, str, str, str], Coroutine[Deferred[Any], Any, object]]
"""Begins a move: player, source, target, and why."""


class Departures:
    """Begins moves with `start`, at most `per_s` a second."""

    def __init__(
        self, clock: IReactorTime, start: Start, per_s: Callable[[], float], beats: Beats
    ) -> None:
        self._clock, self._start, self._beats = clock, start, beats
        self._per_s = per_s
        self._planned: deque[Move] = deque()
        self._next: IDelayedCall | None = None

    def plan(self, moves: Iterable[Move]) -> None:
        """Begin these, and nothing of what was planned before."""
        self._planned = deque(moves)
        self._begin()

    def more(self, move: Move) -> None:
        """Begin this one too, after what is planned."""
        self._planned.append(move)
        self._begin()

    def _begin(self) -> None:
        """Begin the next move, and the one after it a moment later."""
        if self._waits() or not self._planned:
            return
        move = self._planned.popleft()
        starting = self._start(move.player, move.source, move.target, move.reason)
        self._beats.spawn("a planned move", starting)
        self._next = self._clock.callLater(1.0 / max(1.0, self._per_s()), self._begin)

    def _waits(self) -> bool:
        return self._next is not None and self._next.active()

    def stop(self) -> None:
        """Begin nothing more."""
        self._planned.clear()
        if self._next is not None and self._next.active():
            self._next.cancel()
