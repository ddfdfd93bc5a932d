"""What a game server owes to its routers: it obeys, says who is here, and asks others without them.

Several routers are equals. What belongs to a migration is obeyed whoever orders it, for the seat
lets in one at a time; of what is about the whole server, one word is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from clientmigration.core.player.reconcile import ADOPT_S
from clientmigration.gameserver.askers import Asker
from clientmigration.gameserver.orders import RouterOrders
from clientmigration.gameserver.rosters import RosterRounds
from clientmigration.gameserver.seats import Seats
from clientmigration.net.attachment import Attachment
from clientmigration.net.line import Line
from clientmigration.wire.messages import Neighbours, Noted

log = Logger()


class RouterDuties:
    """The `Duties` of every uplink. `date` is told the date when a router says it, `alone` is
    called when a router is gone."""

    def __init__(
        self,
        attachment: Attachment,
        seats: Seats,
        orders: RouterOrders,
        rosters: RosterRounds,
        date: Callable[[float | None], None],
        alone: Callable[[], None],
    ) -> None:
        self._attachment, self._seats, self._orders = attachment, seats, orders
        self._rosters, self._date, self._alone = rosters, date, alone
        self._introduced: dict[Asker, Neighbours] = {}
        self._pressed: set[str] = set()

    def obey(self, message: Any, asker: Asker) -> None:
        """It orders this, over this link."""
        match message:
            case Noted():
                if self._attachment.keeps_time(asker):
                    self._orders.obey(message, asker)
            case Neighbours():
                self._introduced[asker] = message
                self._orders.obey(self._all_neighbours(message), asker)
            case _:
                self._orders.obey(message, asker)

    def _all_neighbours(self, message: Neighbours) -> Neighbours:
        """Whom any router knows, for a server may not have come to all of them yet."""
        self._introduced = {by: said for by, said in self._introduced.items() if not by.over}
        if len(self._introduced) < 2:
            return message
        every = (each for said in self._introduced.values() for each in said.neighbours)
        known = {each.name: each for each in (*every, *message.neighbours)}
        return Neighbours(owner=message.owner, neighbours=list(known.values()))

    def attached(self, line: Line, now: float | None) -> None:
        """We are in the fleet, at this date: say who is here."""
        if self._attachment.keeps_time(line):
            self._date(now)
        name, players = self._attachment.member, len(self._seats)
        log.info("attached to the router as {name}, with {n} players", name=name, n=players)
        self._rosters.tell(line)

    def detached(self, line: Line) -> None:
        """Who is frozen must not wait for the next router. Another that is there hears at once whom
        this one has left; what it had only begun is void."""
        if self._attachment.lines:
            self._seats.void(line)
            self._rosters.lost()
        else:
            self._alone()

    def press(self, now: float) -> None:
        """Say so when somebody has stood still for too long: another router is to see to it."""
        if not self._attachment.life:
            return
        late = {
            each.player
            for each in self._seats.everything()
            if each.held and now - each.held_at > ADOPT_S
        }
        if late - self._pressed:
            self._rosters.tell_all()
        self._pressed = late
