"""Planned moves, begun a few at a time at the policy's pace, so that no decision becomes a burst.

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


TOGETHER_S = 0.04
"""Moves of so long are begun together: they share their ways through kernel and ledger. At the pace
of the default policy that is one."""


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
        """Begin the next moves, and those after them a moment later."""
        if self._waits() or not self._planned:
            return
        per_s = max(1.0, self._per_s())
        count = min(len(self._planned), max(1, int(per_s * TOGETHER_S)))
        for move in [self._planned.popleft() for _ in range(count)]:
            starting = self._start(move.player, move.source, move.target, move.reason)
            self._beats.spawn("a planned move", starting)
        self._next = self._clock.callLater(count / per_s, self._begin)

    def _waits(self) -> bool:
        return self._next is not None and self._next.active()

    def stop(self) -> None:
        """Begin nothing more."""
        self._planned.clear()
        if self._next is not None and self._next.active():
            self._next.cancel()
