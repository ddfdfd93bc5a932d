"""The line: players for whom there is no place yet, first come, first served.

A value that is told the time. Whoever loses its connection keeps its place for a while; it holds up
nobody meanwhile.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

LATELY_S = 300.0
"""How far back it is remembered how fast the line went."""
ENOUGH = 2
"""Players that must have been served before anything is foretold."""
MEMORY = 50
"""Players served that are remembered for it."""


@dataclass(order=True)
class Waiter:
    """A player in line, since when, and since when it is away (None: it is here)."""

    since: float
    player: str
    away: float | None = field(default=None, compare=False)


class JoinQueue:
    """See the module. Times are seconds of any one clock."""

    def __init__(self, kept_s: float) -> None:
        self.kept_s = kept_s
        self._waiters: list[Waiter] = []
        self._known: dict[str, Waiter] = {}
        self._served: deque[float] = deque(maxlen=MEMORY)

    def __len__(self) -> int:
        return len(self._waiters)

    def enter(self, player: str, since: float) -> Waiter:
        """Stand in line as one who came then; who has a place already stands there. `since` may be
        long ago: for who was sent to a server that had no seat after all."""
        waiter = self._known.get(player)
        if waiter is None:
            waiter = self._known[player] = Waiter(since, player)
            insort(self._waiters, waiter)
        waiter.away = None
        return waiter

    def away(self, player: str, now: float) -> None:
        """Its connection is gone. It may come back."""
        if player in self._known:
            self._known[player].away = now

    def serve(self, player: str, now: float) -> None:
        """It has waited, and has a place to play at now."""
        self._served.append(now)
        self.leave(player)

    def leave(self, player: str) -> None:
        """It does not wait."""
        if player in self._known:
            self._drop(self._known[player])

    def forget(self, now: float) -> None:
        """Whoever is away for too long has no place any more."""
        for waiter in list(self._waiters):
            if waiter.away is not None and now - waiter.away > self.kept_s:
                self._drop(waiter)

    def _drop(self, waiter: Waiter) -> None:
        self._waiters.remove(waiter)
        del self._known[waiter.player]

    def here(self) -> Iterator[tuple[int, Waiter]]:
        """Those who are here, in order, each with its position: 1 is next."""
        for position, waiter in enumerate(tuple(self._waiters), 1):
            if waiter.away is None:
                yield position, waiter

    def estimate_s(self, position: int, now: float) -> float | None:
        """Seconds until whoever stands there is served, if it goes on as it went lately; None when
        there is nothing to tell it from. A line that stands still says more with each second."""
        lately = [at for at in self._served if now - at <= LATELY_S]
        if len(lately) < ENOUGH:
            return None
        return position * (now - lately[0]) / (len(lately) - 1)
