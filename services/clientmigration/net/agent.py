"""An HTTP client for graphite-web: plain http, and no line in the log for each connection."""

from typing import cast

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IReactorTCP,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.error import SchemeNotSupported
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

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
    def __init__(self, reactor: IReactorTCP) -> None:
        self._reactor = reactor

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        if uri.scheme != b"http":
            raise SchemeNotSupported(f"only http is spoken here, not {uri.scheme.decode()}")
        host = uri.host.decode("ascii")
        return _QuietEndpoint(HostnameEndpoint(self._reactor, host, uri.port, timeout=CONNECT_S))


def agent_for(reactor: IReactorTCP, kept: int = 0) -> Agent:
    """An agent that keeps so many connections open from one request to the next."""
    pool = HTTPConnectionPool(reactor, persistent=kept > 0)
    pool.maxPersistentPerHost = kept
    return cast(Agent, Agent.usingEndpointFactory(reactor, _QuietEndpoints(reactor), pool))
