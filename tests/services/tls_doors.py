"""Doors with certificates for tests, and who knocks at them; what is logged meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from authority import Authority, Given
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.net.encryption import Encryption
from clientmigration.net.renewed import Renewable
from clientmigration.net.straight import directly


@implementer(ILogObserver)
class Said:
    """What was logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        self.lines.append(formatEvent(event))


@pytest.fixture
def said() -> Any:
    """What is logged meanwhile."""
    observer = Said()
    globalLogPublisher.addObserver(observer)
    yield observer.lines
    globalLogPublisher.removeObserver(observer)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def looked(renewed: Renewable) -> None:
    """Three looks: the change is seen, it is left alone, and nothing more comes."""
    for _ in range(3):
        renewed.look()


class Echo(Protocol):
    """Says what it hears; `lost` is why it ended."""

    lost = ""

    def __init__(self, direct: list[Any]) -> None:
        self.direct = direct

    def connectionMade(self) -> None:
        self.direct.append(directly(self.transport))

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[union-attr]


class Asker(Protocol):
    """Says hello, and keeps the answer."""

    def __init__(self) -> None:
        self.heard = b""
        self.answered: Deferred[bytes] = Deferred()
        self.lost: Deferred[str] = Deferred()

    def connectionMade(self) -> None:
        self.transport.write(b"hello")  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        if self.heard == b"hello":
            self.answered.callback(self.heard)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(reason.getErrorMessage())


class Silent(Asker):
    """Says nothing."""

    def connectionMade(self) -> None:
        pass


class Doors:
    """Doors on loopback, and ways to them."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.ports: list[IListeningPort] = []
        self.direct: list[Any] = []

    async def open(
        self, encryption: Encryption, kind: str = "tcp:0", demanding: bool = False
    ) -> int:
        endpoint = encryption.listening(
            self.reactor, f"{kind}:interface=127.0.0.1", demanding=demanding
        )
        port = await endpoint.listen(Factory.forProtocol(lambda: Echo(self.direct)))
        self.ports.append(port)
        return int(port.getHost().port)  # type: ignore[attr-defined]

    async def ask(self, endpoint: Any) -> bytes:
        asker: Any = await endpoint.connect(Factory.forProtocol(Asker))
        answer: bytes = await asker.answered.addTimeout(20, self.reactor)
        asker.transport.loseConnection()
        await asker.lost.addTimeout(20, self.reactor)
        return answer

    async def close(self) -> None:
        for port in self.ports:
            await port.stopListening()  # type: ignore[misc]
        await deferLater(self.reactor, 0.05)


@pytest_twisted.async_yield_fixture()
async def doors() -> Any:
    opened = Doors()
    yield opened
    await opened.close()


def trusting(authority: Authority, **more: str) -> Encryption:
    return Encryption.of({"tls-ca": str(authority.file), **more})


def showing(given: Given, **more: str) -> Encryption:
    return Encryption.of({"tls-cert": str(given.certificate), "tls-key": str(given.key), **more})
