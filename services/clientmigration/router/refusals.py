"""Refusals: which members did not take which player in lately, so that it is sent elsewhere.

Kept by player and not by visit: who is turned away comes back on another connection.
"""

from __future__ import annotations

from collections.abc import Callable

KEPT_S = 30.0  # a game may be repaired, and a player has to be somewhere


class Refusals:
    """When each member refused each player last, Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._at: dict[tuple[str, str], float] = {}

    def note(self, player: str, member: str) -> None:
        """This member does not take this player in."""
        now = self._now()
        self._at = {who: at for who, at in self._at.items() if now - at < KEPT_S}
        self._at[player, member] = now

    def of(self, player: str) -> frozenset[str]:
        """The members that have refused this player lately."""
        if not self._at:
            return frozenset()
        since = self._now() - KEPT_S
        return frozenset(
            name for (who, name), at in self._at.items() if who == player and at > since
        )
