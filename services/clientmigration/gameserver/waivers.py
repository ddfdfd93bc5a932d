"""How a frozen player goes on when the router that froze it is gone, or its ledger silent.

Whether its claim was made, only the ledger knows, and nobody can read it now. But its target knows
whether it has begun, and it can waive: promise never to begin. Then the source goes on, and
whichever router hears of it gives it the player back, if the ledger names the target by then. If
the target has begun, the source lets go. If it does not know, the player waits for a router.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from twisted.logger import Logger

from clientmigration.core.player.standing import Arriving
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.seats import Seats
from clientmigration.net.attachment import Attachment
from clientmigration.net.line import Line
from clientmigration.wire.messages import Waived
from clientmigration.wire.neighbours import Begun, Waive

log = Logger()

PROMISES = 100_000  # all are kept, 100 bytes each; then no more are made, and players wait
SayTo = Callable[[str, Any], None]  # to the server of this name, if there is a link to it


class Later(Protocol):
    """Time, and what has to wait for the end of a tick."""

    def now(self) -> float:
        """Seconds."""

    def after(self, player: str, act: Callable[[], None]) -> None:
        """Do it when no tick is due any more."""


class Waivers:
    """Both sides of the question. `promised` are the migrations that will never begin here. `tell`
    has the router hear who was waived."""

    most = PROMISES

    def __init__(
        self,
        seats: Seats,
        attachment: Attachment,
        promised: set[str],
        say_to: SayTo,
        ticks: Later,
        tell: Callable[[], None],
    ) -> None:
        self._seats, self._attachment, self.promised = seats, attachment, promised
        self._say_to, self._ticks, self._tell = say_to, ticks, tell
        self._untold = False

    def ask(self) -> None:
        """Ask for every frozen player, if no router is there or it has stood still for too long. It
        does no harm to ask again: an answer may have been lost."""
        alone, now = self._attachment.line is None, self._ticks.now()
        for seat in self._seats.everything():
            if seat.held and seat.life.asks(now - seat.held_at, alone):
                self._say_to(
                    seat.life.now.bound_for,
                    Waive(migration=seat.migration, player=seat.player, epoch=seat.epoch),
                )

    def asked(self, message: Waive, line: Line) -> None:
        """Another server asks about a migration to here. Only of one that is still waited for is it
        certain that it has not begun, and perhaps ended, before."""
        seat = self._seats.find(message.player)
        waived = Waived(migration=message.migration, player=message.player)
        if message.migration in self.promised:
            line.say(waived)
        elif seat is None:
            return
        elif seat.entered and seat.epoch > message.epoch:
            line.say(Begun(player=message.player, epoch=seat.epoch))
        elif _awaits(seat, message.migration) and len(self.promised) < self.most:
            self._promise(message.migration)
            seat.session.cancel(message.migration)
            line.say(waived)

    def _promise(self, migration: str) -> None:
        self.promised.add(migration)
        if len(self.promised) == self.most:
            log.warn("{n} players were waived here, and no more are until a restart", n=self.most)

    def waived(self, message: Waived, target: str) -> None:
        """The target will never begin: the player goes on here, if it still waits."""
        seat = self._waiting(message.player, target)
        if seat is not None and seat.migration == message.migration:
            seat.session.waive(message.migration)
            self._tell_soon()
            log.info(
                "{player} goes on without being moved: {target} waives it",
                player=seat.player, target=target,
            )  # fmt: skip

    def _tell_soon(self) -> None:
        """Once for all who were waived in this tick."""
        if not self._untold:
            self._untold = True
            self._ticks.after("", self._tell_now)

    def _tell_now(self) -> None:
        self._untold = False
        self._tell()

    def begun(self, message: Begun, target: str) -> None:
        """The player is the target's: let go of it, after the view of this tick."""
        seat = self._waiting(message.player, target)
        if seat is not None and message.epoch > seat.epoch:
            self._ticks.after(message.player, seat.session.taken)

    def _waiting(self, player: str, target: str) -> Seat | None:
        seat = self._seats.find(player)
        return seat if seat is not None and seat.life.waits_for(target) else None


def _awaits(seat: Seat, migration: str) -> bool:
    now = seat.life.now
    return isinstance(now, Arriving) and now.migration == migration


MakeWaivers = Callable[[Seats, Attachment, set[str], SayTo, Later, Callable[[], None]], Waivers]
