"""Whom the router above has banned: they may not play here either, while it is away, too.

What is known came over the link, all of it whenever that is made anew. After a start nothing is
known until the one above is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clientmigration.core.player.bans import Ban
from clientmigration.router.expulsions import Expulsions
from clientmigration.wire.base import Expel, Pardon
from clientmigration.wire.zones import Bars


class BansAbove:
    """`now` is the date."""

    def __init__(self, expulsions: Expulsions, now: Callable[[], float]) -> None:
        self._expulsions, self._now = expulsions, now
        self._known: dict[str, Ban] = {}

    def of(self, player: str) -> Ban | None:
        """The ban of this player by a router above, if there is one that is not over."""
        ban = self._known.get(player)
        return ban if ban is not None and ban.holds(self._now()) else None

    def listed(self) -> list[Ban]:
        """All that are not over."""
        now = self._now()
        return [ban for ban in self._known.values() if ban.holds(now)]

    def obey(self, message: Any) -> None:
        """The one above puts somebody out, or has changed its mind."""
        match message:
            case Bars():
                self._bar(message)
            case Pardon(player=player):
                if self._known.pop(player, None) is not None:
                    self._expulsions.unbanned(player)
            case Expel():
                self._expulsions.hand_on(message)

    def _bar(self, message: Bars) -> None:
        before = self._known
        told = {ban.player: ban for ban in message.bans}
        self._known = told if message.first else before | told
        for player, ban in told.items():
            if before.get(player) != ban:
                self._expulsions.banned(ban)
