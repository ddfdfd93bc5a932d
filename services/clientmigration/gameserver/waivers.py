"""How a frozen player goes on when the router that froze it is gone.

Whether its claim was made, only the ledger knows, and nobody reads it now. But the claim's target
knows whether it has begun, and it can waive: promise never to begin. Then the source goes on, and
whichever router comes next gives it the player back, if the ledger names the target by then. If
the target has begun, the source lets go. If it does not know, the player waits for a router.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from twisted.logger import Logger

from clientmigration.wire.messages import Waived
from clientmigration.wire.neighbours import Begun, Waive

if TYPE_CHECKING:
    from clientmigration.gameserver.neighbours import Link
    from clientmigration.gameserver.seat import Seat
    from clientmigration.gameserver.service import GameServer

log = Logger()

PROMISES = 10_000  # kept for good, 64 bytes each; then no more are made, and players wait


class Waivers:
    """Both sides of the question. `promised` are the migrations that will never begin here."""

    def __init__(self, server: GameServer) -> None:
        self.server = server
        self.promised: set[str] = set()

    def ask(self) -> None:
        """Ask for every frozen player, as long as no router is there. It does no harm to ask again:
        an answer may have been lost."""
        if self.server.uplink is not None:
            return
        for seat in self.server.seats.values():
            link = self.server.neighbours.links.get(seat.bound_for)
            if seat.held and link is not None:
                link.line.say(Waive(migration=seat.migration, player=seat.player, epoch=seat.epoch))

    def asked(self, message: Waive, link: Link) -> None:
        """Another server asks about a migration to here. Only of one that is still waited for is it
        certain that it has not begun, and perhaps ended, before."""
        seat = self.server.seats.get(message.player)
        waived = Waived(migration=message.migration, player=message.player)
        if message.migration in self.promised:
            link.line.say(waived)
        elif seat is None:
            return
        elif seat.entered and seat.epoch > message.epoch:
            link.line.say(Begun(player=message.player, epoch=seat.epoch))
        elif (
            seat.session.state() == "arriving"
            and seat.migration == message.migration
            and len(self.promised) < PROMISES
        ):
            self.promised.add(message.migration)
            seat.session.cancel(message.migration)
            link.line.say(waived)

    def waived(self, message: Waived, target: str) -> None:
        """The target will never begin: the player goes on here, if it still waits."""
        seat = self._waiting(message.player, target)
        if seat is not None and seat.migration == message.migration:
            seat.waived = message.migration
            seat.session.cancel(message.migration)
            log.info(
                "{player} goes on without a router: {target} waives it",
                player=seat.player, target=target,
            )  # fmt: skip

    def begun(self, message: Begun, target: str) -> None:
        """The player is the target's: let go of it, after the view of this tick."""
        seat = self._waiting(message.player, target)
        if seat is not None and message.epoch > seat.epoch:
            act = partial(seat.session.release, message.epoch)
            self.server.after_tick(message.player, act)

    def _waiting(self, player: str, target: str) -> Seat | None:
        seat = self.server.seats.get(player)
        return seat if seat is not None and seat.held and seat.bound_for == target else None
