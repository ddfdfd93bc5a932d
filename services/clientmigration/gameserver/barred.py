"""Who was put out for good a moment ago, and may still have a ticket: it is of no use here.

The router gives out no new ones, so each is remembered only for as long as a ticket is good.
"""

from __future__ import annotations

from collections.abc import Callable

from clientmigration.net.tickets import TICKET_TTL_S

BARRED_S = TICKET_TTL_S + 2.0
MOST = 4096  # the oldest are forgotten first


class Barred:
    """`now` is for waits."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[str, tuple[float, str, str]] = {}

    def bar(self, player: str, code: str, text: str) -> None:
        """Tickets of this player are refused with this goodbye, for a while."""
        now = self._now()
        left = {each: it for each, it in self._until.items() if it[0] > now and each != player}
        left[player] = now + BARRED_S, code, text
        self._until = dict(list(left.items())[-MOST:])

    def pardon(self, player: str) -> None:
        """They are good again."""
        self._until.pop(player, None)

    def of(self, player: str) -> tuple[str, str] | None:
        """The code and the text of the goodbye to this player, if it is barred."""
        until, code, text = self._until.get(player, (0.0, "", ""))
        return (code, text) if code and until > self._now() else None
