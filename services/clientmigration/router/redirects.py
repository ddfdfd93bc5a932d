"""Where players are sent: the address of a member with a sealed ticket for it."""

from __future__ import annotations

from clientmigration.net.tickets import Seals, Ticket
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Redirect


class SealedRedirects:
    """Seals tickets at the time at which they are asked for."""

    def __init__(self, seals: Seals, situation: Situation) -> None:
        self._seals, self._situation = seals, situation

    def to(self, ticket: Ticket, address: str = "") -> Redirect:
        """The way to the ticket's member, at this address if it is not one of our fleet; without
        an address if it has just gone."""
        member = self._situation.fleet.member(ticket.member)
        return Redirect(
            member=ticket.member,
            address=address or (member.address if member else ""),
            ticket=self._seals.ticket(ticket, self._situation.now()),
        )
