"""What the router orders: each message is one input of one session, or one call of one room.

A freeze waits for the end of a tick: then there is nearly a whole one for the target to take over.
A release does too, for the player gets its views from here until it is another's. What comes later
for the same player comes after them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from clientmigration.core.player.standing import Claim, Reservation
from clientmigration.errors import OutOfTurn
from clientmigration.gameserver.askers import Asker
from clientmigration.gameserver.seats import Seats
from clientmigration.wire import base
from clientmigration.wire import messages as wire


class AfterTick(Protocol):
    """Time, and what has to wait for the end of a tick."""

    def now(self) -> float:
        """Seconds."""

    def after(self, player: str, act: Callable[[], None], at_once: bool = False) -> None:
        """Do it when no tick is due any more, or now if nothing waits for this player."""


class RouterOrders:
    """Obeys a router. `stored`, `learn`, `drain` and `date` are told what is not about one
    player."""

    def __init__(
        self,
        seats: Seats,
        ticks: AfterTick,
        stored: Callable[[wire.Stored], None],
        learn: Callable[[wire.Neighbours], None],
        drain: Callable[[bool, bool], None],
        date: Callable[[float | None], None],
    ) -> None:
        self._seats, self._ticks = seats, ticks
        self._stored, self._learn, self._drain, self._date = stored, learn, drain, date

    def obey(self, message: Any, asker: Asker) -> None:
        """One order, and over which link it came; OutOfTurn for what is none."""
        match message:
            case wire.Stored():
                self._stored(message)
            case wire.Noted():
                self._date(message.now)
            case wire.Neighbours():
                self._learn(message)
            case wire.Drain():
                self._drain(message.on, message.stop)
            case base.Expel(player=player):
                self._seats.expel(player, message.code, message.text, message.bars)
            case base.Pardon(player=player):
                self._seats.barred.pardon(player)
            case base.Stays(player=player, reason=reason):
                self._seats.stays(player, reason)
            case wire.Prepare():
                self._player(message.snapshot.player, lambda: self._act(message, asker))
            case wire.Freeze() | wire.Release():
                self._ticks.after(message.player, lambda: self._act(message, asker))
            case _:
                self._player(message.player, lambda: self._act(message, asker))

    def _player(self, player: str, act: Callable[[], None]) -> None:
        self._ticks.after(player, act, at_once=True)

    def _act(self, message: Any, asker: Asker) -> None:
        """Whoever has the player's seat when the turn comes is meant."""
        seats = self._seats
        match message:
            case wire.Reserve(player=player):
                until = self._ticks.now() + message.ttl_s
                reservation = Reservation(message.migration, message.epoch, until)
                seats.reserve(player, reservation, asker)
            case wire.Prepare():
                snapshot = message.snapshot
                session = seats.asked(snapshot.player, message.migration, asker)
                session.prepare(message.migration, snapshot)
            case wire.Own(player=player):
                seats.own(player, claim(message), asker)
            case wire.Copy(player=player):
                seats.asked(player, message.migration, asker).copy(message.migration)
            case wire.Direct(player=player, redirect=redirect):
                session = seats.asked(player, message.migration, asker)
                session.direct(message.migration, redirect.member, redirect)
            case wire.Freeze(player=player):
                seats.asked(player, message.migration, asker).freeze(message.migration)
            case wire.Release():
                self._release(message, asker)
            case wire.Retain(player=player):
                seats.session(player).retain(message.migration, message.epoch)
            case wire.Cancel(player=player):
                seats.session(player).cancel(message.migration)
            case _:
                raise OutOfTurn(f"{type(message).__name__} is no order")

    def _release(self, release: wire.Release, asker: Asker) -> None:
        if self._seats.heeds(release.player, asker):
            self._seats.session(release.player).release(release.epoch, self._ticks.now())


def claim(own: wire.Own) -> Claim:
    """What the message says of the ledger."""
    return Claim(own.migration, own.epoch, own.snapshot, own.holder, own.group)
