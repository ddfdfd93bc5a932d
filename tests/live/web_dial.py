"""A way for the reference player to come as a browser does: the same lines over WebSockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri
from zope.interface import implementer

from clientmigration.net.line import Line

HERE = IPv4Address("TCP", "127.0.0.1", 0)
PASSED_ON = ("registerProducer", "unregisterProducer", "abortConnection", "getPeer", "getHost")


class Socket(Protocol):
    """The browser's side: a protocol to its socket, a transport to its line."""

    transport: Any

    def __init__(self, uri: str, make: Callable[[], Line], opened: Deferred[IProtocol]) -> None:
        self.browser = ClientProtocol(parse_uri(uri))
        self.make, self.opened = make, opened
        self.line: Line | None = None

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self.browser.send_request(self.browser.connect())
        self._flush()

    def dataReceived(self, data: bytes) -> None:
        self.browser.receive_data(data)
        frames = [each for each in self.browser.events_received() if isinstance(each, Frame)]
        if self.line is None and self.browser.handshake_exc is None:
            self.line = self.make()
            self.line.makeConnection(self)
            self.opened.callback(self.line)
        if self.line is not None:
            binary = [bytes(each.data) for each in frames if each.opcode is Opcode.BINARY]
            self.line.payloads_received(iter(binary), len(data))
        self._flush()

    def _flush(self) -> None:
        for each in self.browser.data_to_send():
            if each:
                self.transport.write(each)
            else:
                self.transport.loseConnection()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        if self.line is not None:
            self.line.connectionLost(reason)
        else:
            self.opened.errback(reason)

    def write(self, frame: bytes) -> None:
        self.browser.send_binary(frame[4:])
        self._flush()

    def loseConnection(self) -> None:
        self.browser.send_close(1000)
        self._flush()

    def __getattr__(self, name: str) -> Any:
        if name not in PASSED_ON:
            raise AttributeError(name)
        return getattr(self.transport, name)


@implementer(IStreamClientEndpoint)
class WebEndpoint:
    """An endpoint that connects by WebSocket."""

    def __init__(self, reactor: Any, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.uri = f"ws://{address}/"
        self.endpoint = HostnameEndpoint(reactor, host, int(port), timeout=5)

    def connect(self, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """See `IStreamClientEndpoint`."""
        opened: Deferred[IProtocol] = Deferred()

        def make() -> Line:
            return cast(Line, factory.buildProtocol(HERE))

        plain = Factory.forProtocol(lambda: Socket(self.uri, make, opened))
        self.endpoint.connect(plain).addErrback(opened.errback)
        return opened


def web_dialer(reactor: Any) -> Callable[[str], IStreamClientEndpoint]:
    """As `net.door.dialer`."""
    return lambda address: WebEndpoint(reactor, address)
