"""The link to the router, as the game server hears it. It proves itself, reports, and obeys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.errors import OutOfTurn
from clientmigration.gameserver.mail import stored
from clientmigration.net.door import reachable
from clientmigration.net.line import MEMBER_SILENCE_S, Line
from clientmigration.wire.connection import ROUTER_TO_MEMBER
from clientmigration.wire.messages import (
    Attach,
    Attached,
    Cancel,
    Challenge,
    Copy,
    Declined,
    Direct,
    Drain,
    Freeze,
    Goodbye,
    Neighbours,
    Noted,
    Own,
    Prepare,
    Release,
    Reserve,
    Reserved,
    Retain,
    Roster,
    Stored,
    Waived,
)

if TYPE_CHECKING:
    from clientmigration.gameserver.seat import Seat
    from clientmigration.gameserver.service import GameServer

log = Logger()

ROSTER_CUT = 500  # entries per message: about 50 kB
ROUTER_PACE = (20_000.0, 100_000.0)  # a router may talk fast, and still not without limit


class Uplink:
    """The `Listener` of one connection to the router; a new one for each connection."""

    def __init__(self, server: GameServer) -> None:
        self.server = server
        self.nonce = server.entropy(16).hex()
        self.challenge = ""
        self.attached = False
        self.line = Line(
            "gameserver",
            ROUTER_TO_MEMBER,
            self,
            server.clock,
            TokenBucket(*ROUTER_PACE),
            server.blame,
            MEMBER_SILENCE_S,
        )

    def opened(self, line: Line) -> None:
        """The router speaks first: its challenge."""

    def heard(self, message: Any) -> None:
        """See `Listener`."""
        if isinstance(message, Challenge):
            self._prove(message)
        elif isinstance(message, Attached):
            self._attached(message)
        elif isinstance(message, Goodbye):
            log.warn("the router closed: {code}: {text}", code=message.code, text=message.text)
            self.line.hang_up("bye", "")
        elif not self.attached:
            raise OutOfTurn(f"{type(message).__name__} before the link is attached")
        else:
            self._obey(message)

    def _obey(self, message: Any) -> None:
        """A freeze waits for the end of a tick: then there is nearly a whole one for the target to
        take over. A release does, for the player gets its views from here until it is another's.
        What comes later for the same player comes after them."""
        act = partial(_OBEY[type(message)], self.server, message)
        snapshot = getattr(message, "snapshot", None)
        player = getattr(message, "player", "") or (snapshot.player if snapshot else "")
        self.server.after_tick(player, act, at_once=not isinstance(message, Freeze | Release))

    def _prove(self, message: Challenge) -> None:
        server, self.challenge = self.server, message.nonce
        role, address = "gameserver", reachable(server.address, self.line.here)
        proof = server.seals.proof(
            "member", self.challenge, self.nonce, server.member, role, address
        )
        self.line.say(
            Attach(
                name=server.member,
                role=role,
                address=address,
                nonce=self.nonce,
                proof=proof,
                zone=server.setting.zone,
            )
        )

    def _attached(self, message: Attached) -> None:
        self.server.seals.proven(message.proof, "router", self.challenge, self.nonce, message.name)
        self.attached = True
        self.server.attached(self, message.name)

    def send_roster(self) -> None:
        """The whole list of who is here, in parts."""
        entries = [seat.entry() for seat in self.server.seats.values()]
        for start in range(0, max(1, len(entries)), ROSTER_CUT):
            part = entries[start : start + ROSTER_CUT]
            self.line.say(Roster(entries=part, last=start + ROSTER_CUT >= len(entries)))

    def closed(self, reason: str) -> None:
        """See `Listener`."""
        if self.attached:
            log.warn("lost the router: {reason}; everybody plays on", reason=reason)
        self.server.detached(self)


def _reserve(server: GameServer, message: Reserve) -> None:
    seat = server.seats.get(message.player)
    state = seat.session.state() if seat else ""
    refusal = server.refusal() if seat is None else _unsettled(seat)
    if refusal:
        server.tell(Declined(migration=message.migration, player=message.player, reason=refusal))
        return
    if seat is None:
        seat = server.seats[message.player] = server.make_seat(message.player)
    seat.ticket = (message.migration, message.epoch)
    seat.reserved_until = server.now() + message.ttl_s
    if state in ("", "arriving"):
        seat.migration = message.migration
        seat.expires_at = seat.reserved_until
    plays = state in ("playing", "frozen")
    server.tell(Reserved(migration=message.migration, player=message.player, plays=plays))


def _unsettled(seat: Seat) -> str:
    """Why the player cannot be taken anew: the ledger does not have its last state yet."""
    if seat.waived:
        return "just waived"
    return "just leaving" if seat.session.state() == "departed" else ""


def _prepare(server: GameServer, message: Prepare) -> None:
    seat = server.seats.get(message.snapshot.player)
    if seat is not None and seat.migration == message.migration:
        seat.learn(message.snapshot.progress)
        seat.coming = (message.snapshot.x, message.snapshot.y)
        server.neighbours.look()
        seat.session.prepare()


def _own(server: GameServer, message: Own) -> None:
    seat = server.seats.get(message.player)
    if message.migration in server.waivers.promised:
        server.tell(Waived(migration=message.migration, player=message.player))
        return
    if seat is None:  # our reservation is over, but the ledger says that the player is ours
        seat = server.seats[message.player] = server.make_seat(message.player)
    seat.migration, seat.group = message.migration, message.group
    if seat.line is None:
        seat.holder = message.holder
    seat.session.own(message.epoch, message.snapshot)


def _copy(server: GameServer, message: Copy) -> None:
    _session_of(server, message, lambda seat: seat.session.copy(message.migration))


def _direct(server: GameServer, message: Direct) -> None:
    _session_of(
        server, message, lambda seat: seat.session.direct(message.migration, message.redirect)
    )


def _freeze(server: GameServer, message: Freeze) -> None:
    _session_of(server, message, lambda seat: seat.session.freeze(message.migration))


def _session_of(server: GameServer, message: Copy | Direct | Freeze, act: Any) -> None:
    seat = server.seats.get(message.player)
    if seat is not None:
        act(seat)
    else:
        server.tell(Declined(migration=message.migration, player=message.player, reason="not here"))


def _release(server: GameServer, message: Release) -> None:
    seat = server.seats.get(message.player)
    if seat is None or (seat.waived and message.epoch == seat.epoch + 1):
        return  # by the ledger it is whose claim was waived: that will be settled with our roster
    if message.epoch >= seat.expected_epoch:
        seat.session.release(message.epoch)


def _retain(server: GameServer, message: Retain) -> None:
    seat = server.seats.get(message.player)
    if seat is not None and seat.waived == message.migration:
        seat.retain(message.epoch)


def _cancel(server: GameServer, message: Cancel) -> None:
    seat = server.seats.get(message.player)
    if seat is None:
        return
    if seat.waived == message.migration:
        seat.waived = ""
    if seat.ticket[0] == message.migration:
        seat.reserved_until = 0.0
    if seat.migration == message.migration:
        seat.session.cancel(message.migration)


def _noted(server: GameServer, message: Noted) -> None:
    """That it came is all it says."""


def _stored(server: GameServer, message: Stored) -> None:
    stored(server, server.checkpoints.stored(message.n), message.refused)


def _neighbours(server: GameServer, message: Neighbours) -> None:
    server.neighbours.learn(message)


def _drain(server: GameServer, message: Drain) -> None:
    server.drain(message.on)


_OBEY: dict[type, Any] = {
    Reserve: _reserve,
    Prepare: _prepare,
    Own: _own,
    Copy: _copy,
    Direct: _direct,
    Freeze: _freeze,
    Release: _release,
    Retain: _retain,
    Cancel: _cancel,
    Stored: _stored,
    Noted: _noted,
    Neighbours: _neighbours,
    Drain: _drain,
}
