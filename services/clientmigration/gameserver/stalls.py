"""Says in the log when this server stood still, and how many players it lost by that.

It only looks and says: whom the server lets go the router tells it, as ever.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

log = Logger()

STALLED_S = 1.0  # without a tick: the process, or its host, stood still
RECKON_S = 2.0  # after that the router has said who was taken up elsewhere meanwhile


class Stalls:
    """`name` answers the server's name in the fleet, `players` who is in its game now."""

    def __init__(
        self,
        clock: IReactorTime,
        name: Callable[[], str],
        players: Callable[[], Collection[str]],
    ) -> None:
        self._clock, self._name, self._players = clock, name, players
        self._ran_at = math.inf

    def ran(self) -> None:
        """It is awake, and about to look for ticks that are due."""
        now = self._clock.seconds()
        if now - self._ran_at > STALLED_S:
            self._stalled(now - self._ran_at)
        self._ran_at = now

    def _stalled(self, seconds: float) -> None:
        players = self._players()
        log.warn(
            "{name} stood still for {seconds} s, with {n} players",
            name=self._name(), seconds=round(seconds, 1), n=len(players),
        )  # fmt: skip
        self._clock.callLater(RECKON_S, self._reckon, players)

    def _reckon(self, before: Collection[str]) -> None:
        gone = len(set(before) - set(self._players()))
        if gone:
            log.warn(
                "{name} let go of {n} of {of} players since it stood still",
                name=self._name(), n=gone, of=len(before),
            )  # fmt: skip
