"""A connection under TLS: nothing goes in or out before both sides have agreed and believe it.

What is inside sees a transport like any other. A handshake has so long, fails with a reason in
words, and is logged as other faults of peers are: one line a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from typing import Protocol as Port

from OpenSSL import SSL
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import (
    IAddress,
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
)
from twisted.internet.protocol import Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer, providedBy

from clientmigration.errors import HandshakeFailed, PeersFault
from clientmigration.net.complaints import complaints
from clientmigration.net.line import described
from clientmigration.net.straight import sender
from clientmigration.net.trust import fault_of

SILENTLY = "the connection ended before its handshake"
HANDSHAKE_S = 5.0  # as long as a greeting may take


class Side(Port):
    """One side of connections: a connection creator of Twisted's, and what it checks at last."""

    def check(self, connection: SSL.Connection) -> None:
        """Raise a `PeersFault` unless the other side is who was meant."""


@implementer(IHandshakeListener)
class Handshake(Protocol):
    """A connection until the handshake is over; then it hands everything on to `inside`. `ended`
    is told how that went: None, or the fault; and a fault of TLS that comes later."""

    transport: Any

    def __init__(
        self,
        side: Side,
        inside: IProtocol,
        clock: IReactorTime,
        ended: Callable[[PeersFault | None], object],
    ) -> None:
        self._side, self._inside, self._clock, self._ended = side, inside, clock, ended
        self._through = False

    def connectionMade(self) -> None:
        """The handshake begins."""
        self._waiting = self._clock.callLater(HANDSHAKE_S, self._late)

    def _late(self) -> None:
        fault = HandshakeFailed(f"no TLS handshake within {HANDSHAKE_S:g} s")
        self.transport.failVerification(Failure(fault))

    def handshakeCompleted(self) -> None:
        """Both have agreed on their keys, and certificates are good."""
        self._relax()
        try:
            self._side.check(self.transport.getHandle())
        except PeersFault as fault:
            self.transport.failVerification(Failure(fault))
        else:
            self._through = True
            self._inside.makeConnection(self.transport)
            self._ended(None)

    def dataReceived(self, data: bytes) -> None:
        """Hand on."""
        self._inside.dataReceived(data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """It is over, for a reason that can be read."""
        self._relax()
        fault = fault_of(reason, self.transport.doubts)
        if not self._through:
            self._ended(fault or HandshakeFailed(f"{SILENTLY}: {reason.getErrorMessage()}"))
        else:
            if fault is not None:
                self._ended(fault)
            self._inside.connectionLost(Failure(ConnectionLost(str(fault))) if fault else reason)
        del self._inside, self._ended

    def _relax(self) -> None:
        if self._waiting.active():
            self._waiting.cancel()


class _Direct:
    """A transport that writes straight to its socket while nothing is queued for it."""

    def __init__(self, transport: Any) -> None:
        self._transport, self.write = transport, sender(transport)
        directlyProvides(self, providedBy(transport))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Encrypted(TLSMemoryBIOProtocol):
    """Each write becomes a record at once: what is written here are whole frames. `doubts` are
    what OpenSSL found wrong with the other side's certificate, first of all."""

    doubts = ""

    def doubt(self, why: str) -> None:
        """Something is wrong with it."""
        self.doubts = self.doubts or why

    def makeConnection(self, transport: Any) -> None:
        """Begin."""
        super().makeConnection(_Direct(transport))


class Handshakes(TLSMemoryBIOFactory):
    """Puts a handshake before whatever `wrapped` makes."""

    protocol = Encrypted

    def __init__(
        self,
        side: Any,
        dials: bool,
        wrapped: IProtocolFactory,
        clock: Any,
        ended: Callable[[IProtocol, PeersFault | None, str], object],
    ) -> None:
        super().__init__(side, dials, wrapped, clock)
        self._side, self._told = side, ended

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """One connection, or None, if there is no room for it."""
        inside = self.wrappedFactory.buildProtocol(addr)
        if inside is None:
            return None
        peer = described(addr)

        def ended(fault: PeersFault | None) -> None:
            self._told(inside, fault, peer)

        return self.protocol(self, Handshake(self._side, inside, self._clock, ended))


def complaining(clock: IReactorTime) -> Callable[[IProtocol, PeersFault | None, str], None]:
    """What the dialled side does when a handshake ends: nothing, or one line in the log."""

    def ended(_inside: IProtocol, fault: PeersFault | None, peer: str) -> None:
        if fault is not None and not str(fault).startswith(SILENTLY):
            complaints(clock).say(("door", fault.code), peer, fault.code, str(fault))

    return ended
