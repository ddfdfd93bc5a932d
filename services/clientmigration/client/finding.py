"""Finds a game's router by name: looks up its SRV records, then tries one router after the other,
and the next one beside it when one does not answer soon.

`clientmigration://play.example.org` asks for `_clientmigration._tcp.play.example.org`, and
`clientmigrations://` (by TLS) for `_clientmigrations._tcp`. Where there is no such record, no
answer, or no DNS at all, the name itself is the router's. It never takes longer than a player waits
for its router anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random, SystemRandom
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.names import client, dns
from zope.interface import implementer

from clientmigration.client.web import WebWay
from clientmigration.errors import ConfigurationError
from clientmigration.net.addresses import place_of
from clientmigration.net.door import Dial
from clientmigration.net.door import dialer as plain_dialer
from clientmigration.net.encryption import SecureWay
from clientmigration.net.trust import Trust

log = Logger()

__all__ = ["Target", "dialer", "parse_url"]

PORT = 4100
PLAIN, SECURE = "clientmigration", "clientmigrations"
SERVICE, SECURE_SERVICE = f"_{PLAIN}._tcp", f"_{SECURE}._tcp"
_URLS = (
    "clientmigration://host[:port], nor clientmigrations://host[:port] or wss://host[:port][/path]"
)
LOOKUP_S = 2.0  # a DNS server that has not answered by then is as good as none
TARGET_S = 3.0  # for one target to let us in, if there are not many
SOON_S = 0.3  # a target that has not let us in by then is not the only one that is tried
ALL_S = 6.0  # for all targets together; a player waits 10 s for a redirect
RESOLV = "/etc/resolv.conf"
NOWHERE = "."  # the target of a name that decidedly has no service
MOST = 12  # targets that are tried


@dataclass(frozen=True)
class Target:
    """One router, as an SRV record names it. Lower priorities come first; among equals one of twice
    the weight is first twice as often."""

    priority: int
    weight: int
    host: str
    port: int


def parse_url(url: str) -> str:
    """What to dial for `clientmigration://host[:port]`, or ConfigurationError: host:port if that is
    explicit (a port, an IP address, a name without a dot), otherwise the name to look up. What is
    spoken there stands before it, unless it is the plain protocol: clientmigrations://, wss://. Of
    several URLs with commas between them it is all that, with commas between; all are of one
    scheme."""
    if "," in url:
        if len({each.partition("://")[0] for each in url.split(",")}) > 1:
            raise ConfigurationError(f"{url!r}: all must be of one scheme")
        return ",".join(parse_url(each) for each in url.split(","))
    try:
        place = place_of(url)
    except ValueError as error:
        raise ConfigurationError(f"{url!r} is not {_URLS}") from error
    if not place.scheme:
        raise ConfigurationError(f"{url!r} is not {_URLS}")
    host = place.host
    if not place.port and ("." not in host or isIPAddress(host) or isIPv6Address(host)):
        place = replace(place, port=PORT)
    return str(replace(place, scheme="") if place.scheme == PLAIN else place)


def scheme_of(url: str) -> str:
    """How the addresses are dialled that the router of this URL tells, where they do not say."""
    scheme = place_of(url.partition(",")[0]).scheme
    return "" if scheme == PLAIN else scheme


def ordered(targets: Iterable[Target], random: Random) -> list[Target]:
    """In the order in which they are tried: RFC 2782."""
    left = sorted(targets, key=lambda each: (each.priority, each.weight, each.host, each.port))
    found: list[Target] = []
    while left:
        equals = [each for each in left if each.priority == left[0].priority]
        found.append(_drawn(equals, random))
        left.remove(found[-1])
    return found


def _drawn(targets: list[Target], random: Random) -> Target:
    """One of them, by weight. Those of weight 0 come first in the list and are drawn rarely."""
    mark = random.randint(0, sum(each.weight for each in targets))
    for each in targets:
        mark -= each.weight
        if mark <= 0:
            return each
    raise AssertionError("the mark lies within the sum of weights")


def dialer(
    reactor: Any,
    resolver: Any = None,
    random: Random | None = None,
    trust: Trust | None = None,
    scheme: str = "",
) -> Dial:
    """Connects to host:port, whichever of the host's addresses answers first; and to a name without
    a port, whichever of its routers is the first to answer. `resolver` is twisted.names'; None: the
    system's DNS servers. `trust`, `scheme`: as of `net.door.dialer`; here `ws` and `wss` too."""
    trusted, dice = trust or Trust(), random or SystemRandom()
    plain = plain_dialer(reactor, trusted, scheme)
    known = [resolver] if resolver else []

    def resolve() -> Any:
        if not known:
            known.append(client.Resolver(resolv=RESOLV, reactor=reactor))
        return known[0]

    def dial(address: str) -> IStreamClientEndpoint:
        try:
            place = place_of(address)
        except ValueError:
            return plain(address)
        spoken = place.scheme or scheme
        if not place.port and "." in place.host:
            believed = trusted if spoken == SECURE else None
            return Finding(reactor, place.host, resolve, dice, believed)
        if spoken not in ("ws", "wss"):
            return plain(address)
        place = replace(place, scheme=spoken)
        return WebWay(plain(str(place)), place)

    return dial


@implementer(IStreamClientEndpoint)
class Finding:
    """The routers of one name, looked up anew for each connection; by TLS if there is `trust`. Then
    each has to prove that it is of this name, whatever DNS calls it."""

    def __init__(
        self,
        reactor: Any,
        name: str,
        resolve: Callable[[], Any],
        random: Random,
        trust: Trust | None = None,
    ) -> None:
        self.reactor, self.name, self.resolve, self.random = reactor, name, resolve, random
        self.trust = trust

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect to the first router that answers. Cancel it to give up."""
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        targets = (await self.targets())[:MOST]
        within = min(TARGET_S, ALL_S / len(targets))
        turns = [Deferred[None]() for _ in targets]
        why: list[str] = []
        tries = [
            Deferred.fromCoroutine(self._try(target, within, factory, turns[n:], why))
            for n, target in enumerate(targets)
        ]
        tries.reverse()  # they are given up from the last one on, so that nobody's turn comes then
        first = DeferredList(tries, fireOnOneCallback=True, consumeErrors=True)
        turns[0].callback(None)
        try:
            ended: Any = await first
        finally:
            for each in tries:
                each.cancel()
        if isinstance(ended, tuple):
            connected: IProtocol = ended[0]
            return connected
        raise ConnectError(
            string=f"none of {len(targets)} routers of {self.name} answers; {why[-1]}"
        )

    async def _try(
        self,
        target: Target,
        within: float,
        factory: IProtocolFactory,
        turns: list[Deferred[None]],
        why: list[str],
    ) -> IProtocol:
        """Connect to this one once it is its turn. The next one's comes when this one has failed,
        or does not answer soon: a machine that is off says nothing."""
        await turns[0]
        following = self.reactor.callLater(SOON_S, _begin, turns[1:])
        try:
            connecting = self._way(target, within).connect(factory)
            return await connecting.addTimeout(within, self.reactor)
        except Exception as error:
            if not isinstance(error, CancelledError):
                why.append(f"{target.host}:{target.port}: {error or 'no answer'}")
                log.info("no router at {why}", why=why[-1])
                _begin(turns[1:])
            raise
        finally:
            if following.active():
                following.cancel()

    def _way(self, target: Target, within: float) -> IStreamClientEndpoint:
        plain = HostnameEndpoint(self.reactor, target.host, target.port, timeout=within)
        return SecureWay(plain, self.trust, self.name, self.reactor) if self.trust else plain

    async def targets(self) -> list[Target]:
        """The routers of this name, in the order in which they are tried. Never none: a name whose
        only target is "." says itself that there is none (RFC 2782), and that is a ConnectError."""
        known = await self._looked_up()
        found = ordered((each for each in known if each.host != NOWHERE), self.random)
        if known and not found:
            raise ConnectError(string=f"{self.name} says that there is no router")
        return found or [Target(0, 0, self.name, PORT)]

    async def _looked_up(self) -> list[Target]:
        service = SECURE_SERVICE if self.trust else SERVICE
        asked = self.resolve().lookupService(f"{service}.{self.name}", timeout=(LOOKUP_S,))
        try:
            answers, _, _ = await asked.addTimeout(LOOKUP_S, self.reactor)
        except CancelledError:
            raise
        except Exception as error:
            log.info("no SRV record of {name}: {why}", name=self.name, why=repr(error))
            return []
        records = [each.payload for each in answers if each.type == dns.SRV]
        return [_target(each) for each in records]


def _begin(turns: list[Deferred[None]]) -> None:
    """It is the next one's turn, unless it was already, or there is none."""
    if turns and not turns[0].called:
        turns[0].callback(None)


def _target(record: Any) -> Target:
    host = record.target.name.decode("ascii", "replace") or NOWHERE
    return Target(record.priority, record.weight, host, record.port)
