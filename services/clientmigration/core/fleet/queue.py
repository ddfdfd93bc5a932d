"""Join queue: players for whom there is no place yet, first come, first served.

A value that is told the time. Whoever loses its connection keeps its place for a while, and holds
up nobody meanwhile.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

LATELY_S = 300.0
"""How far back it is remembered how fast the queue went."""
ENOUGH = 2
"""Players that must have been served before anything is foretold."""
NEW_S = 1.0
"""Who goes away sooner than this loses its place: it has waited for little yet."""
MEMORY = 50
"""Players served that are remembered for it."""


@dataclass(order=True)
class Waiter:
    """A player in the queue, since when, and since when it is away (None: it is here)."""

    since: float
    player: str
    away: float | None = field(default=None, compare=False)


class JoinQueue:
    """Who waits, in order. `kept_s` is how long a place is kept for a player that is away, unless
    it came less than `new_s` before.

    Times are seconds of any one clock.
    """

    def __init__(self, kept_s: float, new_s: float = NEW_S) -> None:
        self.kept_s, self.new_s = kept_s, new_s
        self._waiters: list[Waiter] = []
        self._known: dict[str, Waiter] = {}
        self._served: deque[float] = deque(maxlen=MEMORY)

    def __len__(self) -> int:
        return len(self._waiters)

    def enter(self, player: str, since: float) -> Waiter:
        """Queue up as one who came then; who has a place already keeps it. `since` may be long ago:
        for a player that was sent to a server which had no seat after all."""
        waiter = self._known.get(player)
        if waiter is None:
            waiter = self._known[player] = Waiter(since, player)
            insort(self._waiters, waiter)
        waiter.away = None
        return waiter

    def away(self, player: str, now: float) -> None:
        """A player's connection is gone. It may come back; its place is kept unless it is new."""
        waiter = self._known.get(player)
        if waiter is not None:
            waiter.away = now
            if now - waiter.since < self.new_s:
                self._drop(waiter)

    def serve(self, player: str, now: float) -> None:
        """A player has waited, and has a server to play at now."""
        self._served.append(now)
        self.leave(player)

    def leave(self, player: str) -> None:
        """A player does not wait any more, or never did."""
        if player in self._known:
            self._drop(self._known[player])

    def forget(self, now: float) -> None:
        """Take out those who are away for too long."""
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
        there is nothing to tell it from. While the queue stands still the estimate grows."""
        lately = [at for at in self._served if now - at <= LATELY_S]
        if len(lately) < ENOUGH:
            return None
        return position * (now - lately[0]) / (len(lately) - 1)
