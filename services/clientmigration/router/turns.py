"""Turns: what is ordered of one player is done one after the other."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred, DeferredLock


class Turns:
    """A lock for each player of whom anything is done now."""

    def __init__(self) -> None:
        self._locks: dict[str, DeferredLock] = {}

    async def run(self, player: str, work: Coroutine[Deferred[Any], Any, None]) -> None:
        """Do it when all that was ordered before is done. Raises what it raises."""
        lock = self._locks.setdefault(player, DeferredLock())
        await lock.acquire()
        try:
            await work
        except Exception:  # not `finally`: what is thrown away with all of us lets nobody go on
            self._over(player, lock)
            raise
        self._over(player, lock)

    def _over(self, player: str, lock: DeferredLock) -> None:
        lock.release()
        if not lock.locked and self._locks.get(player) is lock:
            del self._locks[player]
