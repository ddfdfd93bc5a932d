"""What a game server owes to its router: it obeys, says who is here, and asks others without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from clientmigration.gameserver.askers import Asker
from clientmigration.gameserver.attachment import Attachment
from clientmigration.gameserver.orders import RouterOrders
from clientmigration.gameserver.seats import Seats
from clientmigration.wire.messages import Roster

log = Logger()

ROSTER_CUT = 500  # entries per message: about 50 kB


class RouterDuties:
    """The `Duties` of every uplink. `date` is told the date when a router says it, `alone` is
    called when the router is gone."""

    def __init__(
        self,
        attachment: Attachment,
        seats: Seats,
        orders: RouterOrders,
        date: Callable[[float | None], None],
        alone: Callable[[], None],
    ) -> None:
        self._attachment, self._seats, self._orders = attachment, seats, orders
        self._date, self._alone = date, alone

    def obey(self, message: Any, asker: Asker) -> None:
        """It orders this, over this link."""
        self._orders.obey(message, asker)

    def attached(self, now: float | None) -> None:
        """We are in the fleet, at this date: say who is here."""
        self._date(now)
        name, players = self._attachment.member, len(self._seats)
        log.info("attached to the router as {name}, with {n} players", name=name, n=players)
        self.list()

    def detached(self) -> None:
        """Who is frozen must not wait for the next router."""
        self._alone()

    def list(self) -> None:
        """Say who is here, in parts, and again who has left."""
        if self._attachment.line is None:
            return
        entries = self._seats.roster()
        for start in range(0, max(1, len(entries)), ROSTER_CUT):
            part = entries[start : start + ROSTER_CUT]
            last = start + ROSTER_CUT >= len(entries)
            self._attachment.tell(Roster(entries=part, last=last))
        self._seats.tell_left()
