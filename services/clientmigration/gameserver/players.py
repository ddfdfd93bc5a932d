"""A player's connection, as the game server hears it. Everything it says ends up at its seat.

Who has shown no ticket is entitled to nothing but a few pings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clientmigration.errors import OutOfTurn, TicketRefused, TooFast
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.seats import Seats
from clientmigration.gameserver.traffic import Traffic
from clientmigration.net.attachment import Attachment
from clientmigration.net.line import Line, LineTerms
from clientmigration.net.tickets import Ticket
from clientmigration.wire.connection import PLAYER_TO_SERVER
from clientmigration.wire.messages import Felt, Goodbye, Input, Join, Leave, Ping, Pong

RATE = (60.0, 600.0)  # inputs at 20 Hz and pings; a burst is what a crossing sends again
PER_TICK = (3.0, 30.0)  # the same at a server that ticks faster, for each tick in a second
STRANGER_PINGS = 20  # enough to measure a round trip; who wants more has to join


def terms_at(rate: int) -> LineTerms:
    """How players are heard at a server of so many ticks a second: one that sends an input for each
    tick is never too fast."""
    per_s, at_once = (max(least, rate * each) for least, each in zip(RATE, PER_TICK, strict=True))
    return LineTerms(PLAYER_TO_SERVER, (per_s, at_once))


@dataclass(frozen=True)
class Gate:
    """What all players' lines of one server have in common. `redeem` answers what a ticket says
    that is shown by one who knows a secret, or raises `TicketRefused`; `sweep`
    ends at once what has nothing to wait for any more."""

    seats: Seats
    redeem: Callable[[str, str], Ticket]
    attachment: Attachment
    traffic: Traffic
    sweep: Callable[[], None]


class PlayerLine:
    """The `Listener` of one player's line."""

    __slots__ = ("_gate", "_line", "_pings", "_seat")

    def __init__(self, line: Line, gate: Gate) -> None:
        self._line, self._gate = line, gate
        self._seat: Seat | None = None
        self._pings = 0
        gate.traffic.player(line)

    def opened(self, line: Line) -> None:
        """A greeting alone entitles to nothing but a few pings."""

    def heard(self, message: Any) -> None:
        """Whatever there is to say. Inputs come here only with others, or in parts."""
        match message:
            case Input():
                said = self._seated(), message.seq, message.body, self._line.heard_at
                self._gate.seats.inputs.heard.append(said)
            case Ping():
                self._ping(message)
            case Join():
                self._join(message)
            case Felt(missed=missed, gap_ms=gap_ms, stall_ms=stall_ms):
                self._seated().felt(missed, gap_ms, stall_ms)
            case Leave() | Goodbye():
                self._leave()

    def _seated(self) -> Seat:
        if self._seat is None:
            raise OutOfTurn("no ticket was shown on this connection")
        return self._seat

    def _ping(self, message: Ping) -> None:
        self._pings += 1
        if self._seat is not None:
            self._seat.pinged(message.rtt_ms)
        elif self._pings > STRANGER_PINGS:
            raise TooFast("more pings than a stranger may send")
        self._line.say(Pong(n=message.n))

    def _join(self, message: Join) -> None:
        if self._seat is not None:
            raise OutOfTurn("a ticket was shown on this connection already")
        gate = self._gate
        ticket = gate.redeem(message.ticket, message.secret)
        if (barred := gate.seats.barred.of(ticket.player)) is not None:
            self._line.hang_up(*barred)
            return
        seat = gate.seats.find(ticket.player)
        if seat is None or not seat.admits(ticket.migration, ticket.epoch):
            raise TicketRefused("nobody is expected here with this ticket")
        self._seat = seat
        self._line.hand_inputs(gate.seats.inputs.heard, seat)
        seat.sit(self._line, ticket.holder, message.oldest)
        self._line.guest.known()

    def _leave(self) -> None:
        if self._seat is not None:
            self._seat.rise(self._line, home=True)
            self._gate.sweep()
        self._line.hang_up("bye", "")

    def closed(self, reason: str) -> None:  # noqa: ARG002
        """The connection is over, and the player may come back on another."""
        if self._seat is not None:
            self._seat.rise(self._line, home=False)
