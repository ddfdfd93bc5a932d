"""Counts what the game does wrong, and says so in the log: at once, and then not too often.

A game that fails fails at every tick, for every player; the log has to stay readable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.measures.meter import Meter
from clientmigration.errors import GameFault

log = Logger()

AGAIN_S = 10.0  # of one method it is said so often at most


@dataclass
class Said:
    """When a method's fault was logged last, and how many came since."""

    at: float
    more: int = 0


class GameFaults:
    """The faults of one server's game."""

    def __init__(self, meter: Meter, now: Callable[[], float]) -> None:
        self._meter, self._now = meter, now
        self._said: dict[str, Said] = {}

    def tell(self, fault: GameFault, cause: Exception) -> None:
        """One more. The log has the place in the game's code where it was raised."""
        self._meter.count("game_faults")
        now, said = self._now(), self._said.get(fault.method)
        if said is not None and 0 <= now - said.at < AGAIN_S:
            said.more += 1
            return
        self._said[fault.method] = Said(now)
        log.failure(
            "the game failed: {fault} ({more} more of this method since it was said last)",
            Failure(cause), fault=str(fault), more=said.more if said else 0,
        )  # fmt: skip
