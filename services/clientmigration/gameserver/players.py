"""A player's connection, as the game server hears it. Everything it says ends up at its seat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.errors import OutOfTurn, TicketRefused, TooFast
from clientmigration.gameserver.neighbours import Link
from clientmigration.gameserver.seat import Seat
from clientmigration.net.line import Line
from clientmigration.wire.connection import PLAYER_TO_SERVER
from clientmigration.wire.messages import Felt, Goodbye, Input, Join, Leave, Ping, Pong

if TYPE_CHECKING:
    from clientmigration.gameserver.service import GameServer

PER_S, BURST = 60.0, 600.0  # inputs at 20 Hz and pings; a burst is what a crossing sends again
STRANGER_PINGS = 20  # enough to measure a round trip; who wants more has to join


class PlayerLine:
    """The `Listener` of one player's line."""

    def __init__(self, server: GameServer) -> None:
        self.server = server
        self.seat: Seat | None = None
        self.pings = 0
        self.line = Line(
            "gameserver",
            PLAYER_TO_SERVER,
            self,
            server.clock,
            TokenBucket(PER_S, BURST),
            server.blame,
        )

    def opened(self, line: Line) -> None:
        """A greeting alone entitles to nothing but a few pings. Another server comes in by the same
        door, and proves itself first."""
        if line.peer_role == "gameserver":
            self.server.lines.discard(line)
            Link(self.server, line=line).opened(line)

    def heard(self, message: Any) -> None:
        """See `Listener`."""
        if isinstance(message, Input):
            self._input(message)
        elif isinstance(message, Ping):
            self._ping(message)
        elif isinstance(message, Join):
            self._join(message)
        elif isinstance(message, Felt):
            seat = self._seated()
            self.server.tell(
                Felt(
                    missed=message.missed,
                    gap_ms=message.gap_ms,
                    stall_ms=message.stall_ms,
                    player=seat.player,
                )
            )
        elif isinstance(message, Leave | Goodbye):
            self._leave()

    def _seated(self) -> Seat:
        if self.seat is None:
            raise OutOfTurn("no ticket was shown on this connection")
        return self.seat

    def _input(self, message: Input) -> None:
        inbox = self._seated().inbox
        if not inbox.offer(message.seq, message.body, self.server.now()):
            raise TooFast("too many inputs wait for one that is missing")

    def _ping(self, message: Ping) -> None:
        self.pings += 1
        if self.seat is not None:
            self.seat.ping_ms = message.rtt_ms
        elif self.pings > STRANGER_PINGS:
            raise TooFast("more pings than a stranger may send")
        self.line.say(Pong(n=message.n))

    def _join(self, message: Join) -> None:
        if self.seat is not None:
            raise OutOfTurn("a ticket was shown on this connection already")
        ticket = self.server.seals.redeemed(
            message.ticket, self.server.member, message.secret, self.server.now()
        )
        seat = self.server.seats.get(ticket.player)
        if seat is None or seat.ticket != (ticket.migration, ticket.epoch):
            raise TicketRefused("nobody is expected here with this ticket")
        self.seat = seat
        seat.sit(self.line, ticket.holder, message.oldest)

    def _leave(self) -> None:
        if self.seat is not None:
            self.seat.rise(self.line, home=True)
            self.server.sweep()
        self.line.hang_up("bye", "")

    def closed(self, reason: str) -> None:  # noqa: ARG002
        """See `Listener`."""
        self.server.count_bytes(self.line)
        if self.seat is not None:
            self.seat.rise(self.line, home=False)
