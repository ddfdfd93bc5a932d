"""Listening and connecting, and the order in which the parts of a daemon start and stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import random
from typing import Any

from twisted.application.internet import (
    ClientService,
    StreamServerEndpointService,
    backoffPolicy,
)
from twisted.application.service import IService, MultiService
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    TCP6ClientEndpoint,
    TCP6ServerEndpoint,
)
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from clientmigration.errors import NotTrusted
from clientmigration.net.addresses import EVERYWHERE, SCHEMES, Whereabouts, host_and_port, place_of
from clientmigration.net.encryption import Encryption, SecureWay
from clientmigration.net.guests import Guests
from clientmigration.net.line import Line, described, host_of
from clientmigration.net.trust import Trust

log = Logger()

Dial = Callable[[str], IStreamClientEndpoint]  # from an address, as `place_of` reads it
INNER = "{inner}"
BACKLOG = 4096  # players of a killed server come all at once; whom the kernel has no room for tries
# again after a full second (TCP's first retransmission). Twisted's own default is 50.
CONNECT_S = 5  # to one address; who waits for it gives it up before
WITH_BACKLOG = ("tcp", "ssl", "unix")


def with_backlog(description: str) -> str:
    """An endpoint's description, with room for a crowd that comes all at once."""
    if description.partition(":")[0] in WITH_BACKLOG and "backlog=" not in description:
        return f"{description}:backlog={BACKLOG}"
    return description


def listening(
    reactor: IReactorTime,
    description: str,
    encryption: Encryption | None = None,
    demanding: bool = False,
) -> IStreamServerEndpoint:
    """The endpoint of this description, with room for a crowd that comes all at once; by TLS if
    there is a certificate, `demanding` one of who comes where that is asked for."""
    described = with_backlog(description)
    return (encryption or Encryption()).listening(reactor, described, demanding)


class Lines(Factory):
    """Makes one line (or what becomes one) per connection, each with a listener of its own; without
    one the connection is closed at once."""

    noisy = False

    def __init__(self, make: Callable[[], Protocol | None]) -> None:
        self.make = make

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:  # noqa: ARG002
        """One line."""
        return self.make()


class GuestLines(Lines):
    """The same, for a door that counts its guests: what it makes has a `guest`, and gets it. Whom
    nothing is made for is closed at once; the socket itself does so for none, where it is `bare` of
    any other protocol around ours."""

    def __init__(self, make: Callable[[], Any], guests: Guests, bare: bool) -> None:
        super().__init__(make)
        self._guests, self._bare = guests, bare

    def buildProtocol(self, addr: IAddress | None) -> Protocol | None:
        """One line, if this address may have one more."""
        guest = self._guests.admit(host_of(addr))
        if guest is not None:
            made: Any = self.make()
            if made is not None:
                made.guest = guest
                return made  # type: ignore[no-any-return]
            guest.left()
        return None if self._bare else Closed()


class Closed(Protocol):
    """Nobody is let in."""

    def makeConnection(self, transport: Any) -> None:
        """It is over."""
        transport.abortConnection()


class SiteDoor(StreamServerEndpointService):
    """Listens for a factory of Twisted's own. A port that is taken ends the program with its
    reason, as `strports.service` does."""

    _raiseSynchronously = True


class Door(SiteDoor):
    """Listens, and tells `opened` the address as host:port."""

    def __init__(
        self,
        endpoint: IStreamServerEndpoint,
        make: Callable[[], Protocol | None],
        opened: Callable[[str], None] = lambda _address: None,
        guests: Guests | None = None,
    ) -> None:
        bare = isinstance(endpoint, TCP4ServerEndpoint | TCP6ServerEndpoint)
        super().__init__(endpoint, GuestLines(make, guests, bare) if guests else Lines(make))
        self.opened = opened

    def privilegedStartService(self) -> None:
        """Listen."""
        super().privilegedStartService()
        assert self._waitingForPort is not None
        self._waitingForPort.addCallback(self._listening)

    def _listening(self, port: IListeningPort) -> IListeningPort:
        self.opened(described(port.getHost()))
        return port


def dialer(reactor: IReactorTime, trust: Trust | None = None, scheme: str = "") -> Dial:
    """Connects to host:port, whichever of the host's addresses answers first. An address is
    not looked up: that would cost a thread's turn, and some fifty objects, at every move.

    `scheme` is that of addresses which say none. Where it is one of TLS, nothing is dialled without
    TLS, whatever an address says: what began encrypted stays so."""
    trusted, usual = trust or Trust(), Whereabouts(scheme, "", 0)

    def dial(address: str) -> IStreamClientEndpoint:
        if not scheme and "://" not in address:
            return _plain(reactor, *host_and_port(address))
        try:
            place = place_of(address)
        except ValueError as error:
            return NoWay(reactor, ConnectError(string=str(error)))
        secure = (place if place.scheme else usual).secure
        if usual.secure and not secure:
            return NoWay(reactor, NotTrusted(f"{address} is not encrypted, and the way there is"))
        plain = _plain(reactor, place.host, place.port or SCHEMES[place.scheme or scheme])
        return SecureWay(plain, trusted, place.host, reactor) if secure else plain

    return dial


def _plain(reactor: IReactorTime, host: str, port: int) -> IStreamClientEndpoint:
    if isIPAddress(host):
        return TCP4ClientEndpoint(reactor, host, port, CONNECT_S)
    if isIPv6Address(host):
        return TCP6ClientEndpoint(reactor, host, port, CONNECT_S)
    return HostnameEndpoint(reactor, host, port, CONNECT_S)


def reachable(listening: str, here: str) -> str:
    """Where others find who listens at `listening` (host:port, perhaps with a scheme). If that is
    everywhere: at the address from which it talks to them, `here`."""
    place = place_of(listening)
    if place.host not in EVERYWHERE:
        return listening
    return str(replace(place, host=host_and_port(here)[0]))


def told_as(address: str, inner: str, here: str) -> tuple[str, str]:
    """What players, and what other servers, are told of who is found at `address` (and if that is
    not empty, otherwise at `inner`) and calls from `here`. `{inner}` in the first is the second."""
    address, inner = reachable(address, here), reachable(inner, here) if inner else ""
    if INNER not in address:
        return address, inner
    return address.replace(INNER, str(replace(place_of(inner), scheme=""))), inner


def steady(
    endpoint: IStreamClientEndpoint,
    make: Callable[[], Line],
    clock: IReactorTime,
    jitter: Callable[[], float] = random,
) -> ClientService:
    """A connection that comes back: after 0.2 s, then longer, at most 3 s, and never in step with
    others (jitter), for that is how long a member may be away before its players notice."""
    policy = backoffPolicy(initialDelay=0.2, maxDelay=3.0, factor=1.6, jitter=jitter)
    return ClientService(NamedEndpoint(endpoint), Lines(make), retryPolicy=policy, clock=clock)


@implementer(IStreamClientEndpoint)
class NoWay:
    """An endpoint that leads nowhere, for the reason `why`."""

    def __init__(self, clock: IReactorTime, why: Exception) -> None:
        self._clock, self._why = clock, why

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: ARG002
        """Fail, soon."""

        def fail() -> IProtocol:
            raise self._why

        return deferLater(self._clock, 0, fail)


@implementer(IStreamClientEndpoint)
class NamedEndpoint:
    """An endpoint that logs can name: by where it dials, not by an address in memory."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return self._endpoint.connect(protocolFactory)

    def __repr__(self) -> str:
        return dialled(self._endpoint)


def dialled(endpoint: object) -> str:
    """host:port of an endpoint, or its path. Twisted's keep that to themselves."""
    if isinstance(endpoint, SecureWay):
        return f"{dialled(endpoint.plain)} by TLS"
    if (path := getattr(endpoint, "_path", None)) is not None:
        return str(path)
    host = getattr(endpoint, "_host", None) or getattr(endpoint, "_hostText", None)
    port = getattr(endpoint, "_port", None)
    return f"{host}:{port}" if host and port else type(endpoint).__name__


class InOrder(MultiService):
    """Starts its parts in order and stops them in the opposite one, each when the last has ended:
    who talks to the others while it stops comes last."""

    def __init__(self, *parts: IService) -> None:
        super().__init__()
        for part in parts:
            part.setServiceParent(self)

    def stopService(self) -> Deferred[None]:
        """Stop the parts one by one, the last first; fires when all have stopped."""
        self.running = 0
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for part in reversed(list(self)):
            try:
                stopping = part.stopService()
                if stopping is not None:
                    await stopping
            except Exception:  # the others are to stop all the same
                log.failure("stopping a part failed, and the others stop")
