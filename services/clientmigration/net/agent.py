"""An HTTP client for graphite-web, and Agones: http and https, and no line in the log for each
connection.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import (
    IConsumer,
    IProtocol,
    IProtocolFactory,
    IReactorTCP,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HTTPConnectionPool, ResponseDone
from twisted.web.error import SchemeNotSupported
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from clientmigration.net.encryption import SecureWay
from clientmigration.net.trust import Trust

CONNECT_S = 5.0


@implementer(IStreamClientEndpoint)
class _QuietEndpoint:
    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        cast(Factory, protocolFactory).noisy = False
        return self._endpoint.connect(protocolFactory)


@implementer(IAgentEndpointFactory)
class _QuietEndpoints:
    def __init__(self, reactor: Any, trust: Trust) -> None:
        self._reactor, self._trust = reactor, trust

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        if uri.scheme not in (b"http", b"https"):
            raise SchemeNotSupported(f"http and https are spoken, not {uri.scheme.decode()}")
        host = uri.host.decode("ascii")
        plain = HostnameEndpoint(self._reactor, host, uri.port, timeout=CONNECT_S)
        if uri.scheme == b"http":
            return _QuietEndpoint(plain)
        return _QuietEndpoint(SecureWay(plain, self._trust, host, self._reactor, aloud=False))


def agent_for(reactor: IReactorTCP, kept: int = 0, trust: Trust | None = None) -> Agent:
    """An agent that keeps so many connections open from one request to the next. By https whoever
    answers has to prove that it was meant: to `trust`, or as the system's authorities say."""
    pool = HTTPConnectionPool(reactor, persistent=kept > 0)
    pool.maxPersistentPerHost = kept
    endpoints = _QuietEndpoints(reactor, trust or Trust())
    return cast(Agent, Agent.usingEndpointFactory(reactor, endpoints, pool))


@implementer(IBodyProducer)
class _Bytes:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None: ...

    def resumeProducing(self) -> None: ...

    def stopProducing(self) -> None: ...


async def sent(agent: IAgent, method: bytes, url: bytes, body: bytes) -> int:
    """Send JSON; the status of the answer, whose body is read to its end and thrown away."""
    headers = Headers({b"Content-Type": [b"application/json"]})
    response = await agent.request(method, url, headers, _Bytes(body))
    await body_of(response, keep=False)
    return int(response.code)


def body_of(response: IResponse, keep: bool = True) -> Deferred[bytes]:
    """The whole body of an answer; fails if it breaks off. Cancelling closes the connection.

    Without `keep` the body is read to its end and thrown away.
    """
    body = _Body(keep)
    response.deliverBody(body)
    return body.whole


class _Body(Protocol):
    """Collects a body. readBody could not close an Agent's connection when it is cancelled."""

    def __init__(self, keep: bool) -> None:
        self._keep = keep
        self._parts: list[bytes] = []
        self.whole: Deferred[bytes] = Deferred(self._hang_up)

    def _hang_up(self, _whole: Deferred[bytes]) -> None:
        if self.transport is not None:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        if self._keep:
            self._parts.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.whole.called:
            return
        # Without a length nobody can tell whether this was all, which matters only if it is kept.
        if reason.check(ResponseDone) or (reason.check(PotentialDataLoss) and not self._keep):
            self.whole.callback(b"".join(self._parts))
        else:
            self.whole.errback(reason)
