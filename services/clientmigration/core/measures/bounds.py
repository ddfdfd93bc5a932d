"""Bounds: how much of a door one address may have, and all addresses together.

Told who comes, who goes and when; answers whether somebody may come in, or why not. It knows no
socket and no clock, and remembers a bounded number of addresses. So a flood costs its author: what
one address may have is little beside what there is, and less the less is left.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Literal

from clientmigration.core.measures.bucket import TokenBucket

Rate = tuple[float, float]  # per second, and at once
Refusal = Literal["", "connects", "connections", "strangers", "joins"]
"""What there is too much of; "" = nothing."""

ADDRESSES = 10_000
"""Addresses whose rates are remembered; those heard longest ago are forgotten first."""

HOST_BITS = 64
"""Bits of an IPv6 address that its host chooses for itself: it has a whole /64."""


def source_of(host: str) -> str:
    """The address that a host counts as: an IPv4 address in IPv6 clothes is the IPv4 address, an
    IPv6 address its /64, and what is no address itself."""
    address = _address(host)
    if isinstance(address, IPv6Address):
        return str(IPv6Address(int(address) >> HOST_BITS << HOST_BITS))
    return host if address is None else str(address)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@dataclass(frozen=True)
class Trusted:
    """Networks that are not bounded, such as this machine's own, and whose word counts when they
    say for whom they come: proxies."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Trusted:
        """`127.0.0.1, 10.0.0.0/8, ::1`; "" names none. ValueError says what is no network."""
        named = [each.strip() for each in text.split(",") if each.strip()]
        return cls(tuple(ip_network(each) for each in named))

    def __contains__(self, host: str) -> bool:
        address = _address(host)
        return address is not None and any(
            address.version == network.version and address in network for network in self.networks
        )

    def forwarded(self, peer: str, chain: str) -> str:
        """Whose connection it is that a `peer` hands on with this X-Forwarded-For: the last one of
        the chain that is not trusted itself. Who is not trusted speaks for nobody else."""
        for host in reversed([each.strip() for each in chain.split(",")]):
            if peer not in self or _address(bare := _without_port(host)) is None:
                break
            peer = bare
        return peer


def _without_port(host: str) -> str:
    """Some proxies write `1.2.3.4:5678` or `[2001:db8::1]:5678`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


@dataclass(frozen=True)
class Bounds:
    """What is allowed: connections open at a time, those of them that have not said who they are,
    connects and joins; each of one address, and of all."""

    connections: int
    all_connections: int
    strangers: int
    all_strangers: int
    connects: Rate
    all_connects: Rate
    joins: Rate
    all_joins: Rate


@dataclass
class _Rates:
    """Token buckets by address, of a bounded number of them, and one for all."""

    each: Rate
    all: TokenBucket
    by_source: OrderedDict[str, TokenBucket] = field(default_factory=OrderedDict)

    def allows(self, source: str, now: float) -> bool:
        """Whether one more of this address is within its limit, and then within that of all: who is
        over its own takes nothing of the others'."""
        bucket = self.by_source.pop(source, None) or TokenBucket(*self.each)
        self.by_source[source] = bucket
        if len(self.by_source) > ADDRESSES:
            self.by_source.popitem(last=False)
        return bucket.allows(now) and self.all.allows(now)


class Occupancy:
    """Who is at a door now, and how fast they came lately. `source` is always `source_of`."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._here, self._strange = Counter[str](), Counter[str]()
        self._all_here = self._all_strange = 0
        self._connects = _Rates(bounds.connects, TokenBucket(*bounds.all_connects))
        self._joins = _Rates(bounds.joins, TokenBucket(*bounds.all_joins))

    def come(self, source: str, now: float) -> Refusal:
        """A stranger of this address wants in. It is in unless there is a refusal."""
        refusal = self._refusal(source, now)
        if not refusal:
            self._here[source] += 1
            self._strange[source] += 1
            self._all_here += 1
            self._all_strange += 1
        return refusal

    def _refusal(self, source: str, now: float) -> Refusal:
        bounds = self.bounds
        if not self._connects.allows(source, now):
            return "connects"
        # Nobody gets more than what is left for all: the fuller it is, the less has one address,
        # and who has nothing yet gets in last of all.
        room = min(bounds.connections, bounds.all_connections - self._all_here)
        if self._here[source] >= room:
            return "connections"
        room = min(bounds.strangers, bounds.all_strangers - self._all_strange)
        return "strangers" if self._strange[source] >= room else ""

    def join(self, source: str, now: float) -> Refusal:
        """Somebody of this address wants to play."""
        return "" if self._joins.allows(source, now) else "joins"

    def known(self, source: str) -> None:
        """A stranger of this address has said who it is."""
        self._all_strange -= 1
        _less(self._strange, source)

    def gone(self, source: str) -> None:
        """Somebody of this address who is no stranger has left, or is not counted any more."""
        self._all_here -= 1
        _less(self._here, source)

    @property
    def sources(self) -> int:
        """Addresses that are remembered: bounded, whoever comes."""
        rates = len(self._connects.by_source) + len(self._joins.by_source)
        return rates + len(self._here) + len(self._strange)


def _less(counts: Counter[str], source: str) -> None:
    counts[source] -= 1
    if counts[source] <= 0:
        del counts[source]
