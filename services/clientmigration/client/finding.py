"""Finds a game's router by name: looks up its SRV records, then tries one router after the other.

`clientmigration://play.example.org` asks for `_clientmigration._tcp.play.example.org`. Where there
is no such record, no answer, or no DNS at all, the name itself is the router's. It never takes
longer than a player waits for its router anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.logger import Logger
from twisted.names import client, dns
from zope.interface import implementer

from clientmigration.errors import ConfigurationError
from clientmigration.net.addresses import is_host
from clientmigration.net.door import Dial
from clientmigration.net.door import dialer as plain_dialer

log = Logger()

__all__ = ["Target", "dialer", "parse_url"]

PORT = 4100
SERVICE = "_clientmigration._tcp"
LOOKUP_S = 2.0  # a DNS server that has not answered by then is as good as none
TARGET_S = 3.0  # for one target to let us in, if there are not many
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
    explicit (a port, an IP address, a name without a dot), otherwise the name to look up. Of
    several URLs with commas between them it is all that, with commas between."""
    if "," in url:
        return ",".join(parse_url(each) for each in url.split(","))
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"{url!r}: {error}") from error
    if parts.scheme != "clientmigration" or not (host and is_host(host)):
        raise ConfigurationError(f"{url!r} is not clientmigration://host[:port]")
    if isIPv6Address(host):
        return f"[{host}]:{port or PORT}"
    if port or "." not in host or isIPAddress(host):
        return f"{host}:{port or PORT}"
    return host


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


def dialer(reactor: Any, resolver: Any = None, random: Random | None = None) -> Dial:
    """Connects to host:port, whichever of the host's addresses answers first; and to a name without
    a port, whichever of its routers is the first to answer. `resolver` is twisted.names'; None: the
    system's DNS servers."""
    plain, dice = plain_dialer(reactor), random or SystemRandom()
    known = [resolver] if resolver else []

    def resolve() -> Any:
        if not known:
            known.append(client.Resolver(resolv=RESOLV, reactor=reactor))
        return known[0]

    def dial(address: str) -> IStreamClientEndpoint:
        if ":" in address:
            return plain(address)
        return Finding(reactor, address, resolve, dice)

    return dial


@implementer(IStreamClientEndpoint)
class Finding:
    """The routers of one name, looked up anew for each connection."""

    def __init__(self, reactor: Any, name: str, resolve: Callable[[], Any], random: Random) -> None:
        self.reactor, self.name, self.resolve, self.random = reactor, name, resolve, random

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect to the first router that answers. Cancel it to give up."""
        given_up: list[bool] = []

        def cancel(_: object) -> None:
            given_up.append(True)
            trying.cancel()

        connected: Deferred[IProtocol] = Deferred(cancel)
        trying = Deferred.fromCoroutine(self._connect(protocolFactory, given_up))
        trying.addBoth(connected.callback)
        return connected

    async def _connect(self, factory: IProtocolFactory, given_up: list[bool]) -> IProtocol:
        targets = (await self.targets())[:MOST]
        within = min(TARGET_S, ALL_S / len(targets))
        why = ""
        for target in targets:
            endpoint = HostnameEndpoint(self.reactor, target.host, target.port, timeout=within)
            try:
                return await endpoint.connect(factory).addTimeout(within, self.reactor)
            except Exception as error:
                if given_up:
                    raise
                why = f"{target.host}:{target.port}: {error or 'no answer'}"
                log.info("no router at {why}", why=why)
        raise ConnectError(string=f"none of {len(targets)} routers of {self.name} answers; {why}")

    async def targets(self) -> list[Target]:
        """The routers of this name, in the order in which they are tried. Never none: a name whose
        only target is "." says itself that there is none (RFC 2782), and that is a ConnectError."""
        known = await self._looked_up()
        found = ordered((each for each in known if each.host != NOWHERE), self.random)
        if known and not found:
            raise ConnectError(string=f"{self.name} says that there is no router")
        return found or [Target(0, 0, self.name, PORT)]

    async def _looked_up(self) -> list[Target]:
        asked = self.resolve().lookupService(f"{SERVICE}.{self.name}", timeout=(LOOKUP_S,))
        try:
            answers, _, _ = await asked.addTimeout(LOOKUP_S, self.reactor)
        except CancelledError:
            raise
        except Exception as error:
            log.info("no SRV record of {name}: {why}", name=self.name, why=repr(error))
            return []
        records = [each.payload for each in answers if each.type == dns.SRV]
        return [_target(each) for each in records]


def _target(record: Any) -> Target:
    host = record.target.name.decode("ascii", "replace") or NOWHERE
    return Target(record.priority, record.weight, host, record.port)
