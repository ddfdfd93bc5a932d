"""One port for two kinds of players: those who speak frames over TCP, and WebSocket from browsers.

The first bytes tell which it is. The `Line` behind does not know: to a line, a WebSocket is a
transport that takes whole frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.interfaces import IAddress, IDelayedCall, IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure

from clientmigration.errors import PeersFault, TooSlow
from clientmigration.net.complaints import complaints
from clientmigration.net.descriptors import always
from clientmigration.net.guests import WELCOME, Guest
from clientmigration.net.line import GREETING_WAIT_S, Line, described, host_of
from clientmigration.net.straight import Straight, straight_to
from clientmigration.wire.connection import PLAYER_TO_SERVER
from clientmigration.wire.web import Origins, WebSocket, messaged, sniff

SURPLUS = 2**20  # bytes that a browser may send after our goodbye: what was under way


@dataclass(frozen=True)
class Reception:
    """Makes a `Doorway` for each connection. `make` makes the line behind it; `blame` hears why
    somebody was refused; `room` answers whether there is a descriptor for one more."""

    make: Callable[[], Line]
    origins: Origins
    clock: IReactorTime
    blame: Callable[[PeersFault], None]
    room: Callable[[], bool] = always

    def __call__(self) -> Doorway | None:
        """A doorway for one connection, or None: it is closed at once."""
        return Doorway(self) if self.room() else None

    def soon(self, otherwise: Callable[[], None]) -> IDelayedCall:
        """Whoever connects has to say something soon: unless the timer is cancelled, do that."""
        return self.clock.callLater(GREETING_WAIT_S, otherwise)


class Doorway(TwistedProtocol):
    """A connection until it is known what it speaks; then it hands everything on."""

    transport: Any
    guest: Guest = WELCOME  # as the door counts it

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self._first = b""
        self._inside: Line | BrowserConnection | None = None

    def connectionMade(self) -> None:
        """Wait for the first bytes."""
        self._waiting = self.reception.soon(self._silent)

    def dataReceived(self, data: bytes) -> None:
        """Decide, or hand on."""
        self._first += data
        browser = sniff(self._first)
        if browser is not None:
            # A proxy's own protocol may have said meanwhile for whom it comes.
            self.guest.comes_from(host_of(self.transport.getPeer()))
            if browser:
                self._hand_on(BrowserConnection(self.reception))
                return
            line = self.reception.make()
            line.gather()  # its greeting, and what is answered to what is there already
            self._hand_on(line)
            line.let_go()

    def _hand_on(self, inside: Line | BrowserConnection) -> None:
        self._enter(inside)
        inside.dataReceived(self._first)

    def _enter(self, inside: Line | BrowserConnection) -> None:
        if self._waiting.active():
            self._waiting.cancel()
        self._inside, inside.guest = inside, self.guest
        self.dataReceived = inside.dataReceived  # type: ignore[method-assign]
        inside.makeConnection(self.transport)

    def _silent(self) -> None:
        line = self.reception.make()
        self._enter(line)
        line.fail(TooSlow("said nothing for too long"))

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Pass it on to whatever was made of the connection."""
        inside, self._inside = self._inside, None
        vars(self).pop("dataReceived", None)
        self.guest.left()
        if inside is not None:
            inside.connectionLost(reason)
        elif self._waiting.active():
            self._waiting.cancel()
        del self._waiting


class BrowserConnection(TwistedProtocol):
    """A WebSocket: to its socket the protocol, to its line the transport. The line begins when the
    HTTP request was good."""

    transport: Any
    guest: Guest = WELCOME

    def __init__(self, reception: Reception) -> None:
        self.reception = reception
        self.socket = WebSocket(reception.origins, PLAYER_TO_SERVER.limit)
        self.unwrap = self.socket.only
        self.line: Line | None = None
        self.straight: Straight | None = None
        self._over = False
        self._surplus = 0

    def connectionMade(self) -> None:
        """The whole request has to be here soon."""
        self.straight = way = straight_to(self.transport, messaged)
        self._send = way.send if way is not None else self.transport.write
        self._waiting = self.reception.soon(self._silent)

    def dataReceived(self, data: bytes) -> None:
        """The request, and then messages."""
        if self._over:
            self._ignore(data)
            return
        if self.line is not None:
            if self.line.takes(data):
                return
            payload = self.unwrap(data)
            if payload is not None:
                self.line.payload_received(payload, len(data))
                return
            self.socket.feed(data)
        elif not self._shaken(data):
            return
        assert self.line is not None
        self.line.payloads_received(self.socket.payloads(), len(data))
        self._flush()

    def _ignore(self, data: bytes) -> None:
        """We are done, and the browser is not: wait for its end, for a while and for so much."""
        self._surplus += len(data)
        if self._surplus > SURPLUS:
            self.abortConnection()
        elif self.line is not None:
            self.socket.feed(data)
            self._flush()

    def _shaken(self, data: bytes) -> bool:
        """Whether the request is complete and good. Then the line begins."""
        try:
            self.socket.shake(data)
        except PeersFault as fault:
            self._refuse(fault)
        if not self.socket.open:
            return False
        self._relax()
        self._flush()
        if self.socket.forwarded:
            self.guest.comes_from(host_of(self.transport.getPeer()), self.socket.forwarded)
        self.line = self.reception.make()
        self.line.guest = self.guest
        self.line.makeConnection(self)
        return True

    def _refuse(self, fault: PeersFault) -> None:
        """End it because of the browser, as `Line.fail` does, while it still speaks HTTP."""
        peer, told = described(self.transport.getPeer()), complaints(self.reception.clock)
        told.say(("browser", fault.code), peer, fault.code, str(fault))
        self.reception.blame(fault)
        self._flush()
        self._end()
        self.transport.loseConnection()

    def _silent(self) -> None:
        if not self._over:
            self._refuse(TooSlow("said nothing for too long"))
        self.abortConnection()

    def _flush(self) -> None:
        """Send what the WebSocket owes: its answer, a pong, the end."""
        for each in self.socket.owed():
            if each:
                self._send(each)
            else:
                self._end()
                self.transport.loseConnection()

    def _end(self) -> None:
        """Nothing more is sent, by whichever way."""
        self._over = True
        if self.straight is not None:
            self.straight.close()

    def _relax(self) -> None:
        if self._waiting.active():
            self._waiting.cancel()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """End the line, if it has begun."""
        self._end()
        self._relax()
        line, self.line = self.line, None
        if line is not None:
            line.connectionLost(reason)
        self.socket.drop()
        self.straight = None
        del self._waiting, self._send

    # What a line needs of a transport.

    def write(self, frame: bytes) -> None:
        """One whole frame."""
        if not self._over:
            self._send(messaged(frame))

    def loseConnection(self) -> None:
        """Nothing more is written; the connection ends when the browser has said so too."""
        self.socket.close()
        self._flush()
        self._end()

    def abortConnection(self) -> None:
        """Close the socket at once."""
        self.transport.abortConnection()

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """Tell the line when the socket's queue is full, and when it is empty again."""
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """Tell the line nothing more of the queue."""
        self.transport.unregisterProducer()

    def getPeer(self) -> IAddress:
        """The browser's address."""
        return self.transport.getPeer()  # type: ignore[no-any-return]

    def getHost(self) -> IAddress:
        """This side's address."""
        return self.transport.getHost()  # type: ignore[no-any-return]

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Send small frames at once, where the transport can."""
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(enabled)
