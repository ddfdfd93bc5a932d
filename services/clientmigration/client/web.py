"""A player that comes by WebSocket, as browsers do: also through what speaks nothing but HTTP.

The `Line` of the connection does not know: to a line a WebSocket is a transport of whole frames.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import parse_uri
from zope.interface import implementer

from clientmigration.net.addresses import Whereabouts
from clientmigration.net.line import Line
from clientmigration.net.straight import sender
from clientmigration.wire.connection import SERVER_TO_PLAYER

_NOWHERE = IPv4Address("TCP", "0.0.0.0", 0)
_LENGTH = 4  # bytes before a frame over TCP; a message has its own


class WebConnection(Protocol):
    """To its socket the protocol, to its line the transport. The line begins when the other side
    has answered that it speaks WebSocket; `opened` fires then."""

    transport: Any

    def __init__(
        self, place: Whereabouts, factory: IProtocolFactory, opened: Deferred[IProtocol]
    ) -> None:
        self._client = ClientProtocol(parse_uri(str(place)), max_size=SERVER_TO_PLAYER.limit)
        self._factory, self._opened = factory, opened
        self.line: Line | None = None

    def connectionMade(self) -> None:
        """Ask for a WebSocket."""
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
        self._send = sender(self.transport)
        self._client.send_request(self._client.connect())
        self._flush()

    def dataReceived(self, data: bytes) -> None:
        """The answer, and then messages."""
        self._client.receive_data(data)
        events = self._client.events_received()
        line = self.line or self._begun()
        if line is None:
            return
        frames = [each for each in events if isinstance(each, Frame)]
        whole = [bytes(each.data) for each in frames if each.opcode is Opcode.BINARY]
        line.payloads_received(iter(whole), len(data))
        self._flush()

    def _begun(self) -> Line | None:
        """The line, if the answer is here, and good."""
        if (why := self._client.handshake_exc) is not None:
            self._fail(why)
        elif self._client.state is OPEN:
            line = self.line = cast(Line, self._factory.buildProtocol(_NOWHERE))
            self._flush()
            line.makeConnection(self)
            self._opened.callback(line)
        return self.line

    def _fail(self, why: Exception) -> None:
        said = f"{why.response.status_code}" if isinstance(why, InvalidStatus) else str(why)
        if not self._opened.called:
            self._opened.errback(ConnectError(string=f"no WebSocket there: {said}"))
        self.transport.abortConnection()

    def _flush(self) -> None:
        """Send what the WebSocket owes; an empty part means: and then close the connection."""
        for each in self._client.data_to_send():
            if each:
                self._send(each)
            else:
                self.transport.loseConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """End the line, if it has begun."""
        line, self.line = self.line, None
        if line is not None:
            line.connectionLost(reason)
        elif not self._opened.called:
            self._opened.errback(reason)
        self._client.parser.close()  # else it waits for a collection of garbage

    # What a line needs of a transport.

    def write(self, frame: bytes) -> None:
        """One whole frame."""
        if self._client.state is OPEN:
            self._client.send_binary(frame[_LENGTH:])
            self._flush()

    def loseConnection(self) -> None:
        """Nothing more is written; the connection ends when the other side has said so too."""
        if self._client.state is OPEN:
            self._client.send_close(1000)
            self._flush()

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
        """The other side's address."""
        return self.transport.getPeer()  # type: ignore[no-any-return]

    def getHost(self) -> IAddress:
        """This side's address."""
        return self.transport.getHost()  # type: ignore[no-any-return]


@implementer(IStreamClientEndpoint)
class WebWay:
    """Connects as `under` does, and asks for the WebSocket of this place."""

    def __init__(self, under: IStreamClientEndpoint, place: Whereabouts) -> None:
        self._under, self._place = under, place

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, and be answered. Cancel it to give up."""
        under_way: list[Any] = []
        opened: Deferred[IProtocol] = Deferred(lambda _: under_way[-1]())

        def connected(protocol: IProtocol) -> None:
            under_way.append(protocol.transport.abortConnection)  # type: ignore[attr-defined]

        def failed(failure: Failure) -> None:
            if not opened.called:
                opened.errback(failure)

        factory = Factory.forProtocol(lambda: WebConnection(self._place, protocolFactory, opened))
        factory.noisy = False
        connecting = self._under.connect(factory)
        under_way.append(connecting.cancel)
        connecting.addCallbacks(connected, failed)
        return opened
