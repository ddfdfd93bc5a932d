"""How much one address may ask for, and all together. Told the time; knows no socket.

An IPv6 host has a whole /64 to itself, so that counts as one address.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv6Address

from clientmigration.core.measures.bucket import TokenBucket

ADDRESSES = 10_000
"""Addresses whose pace is remembered; the ones heard longest ago are forgotten first."""


@dataclass(frozen=True)
class Allowance:
    """What is allowed."""

    per_s: float = 20.0  # requests of one address
    burst: float = 100.0
    readers: int = 5_000  # event streams, all together
    readers_each: int = 30  # of one address


def origin_of(host: str) -> str:
    """Whom an address counts as."""
    try:
        address = IPv6Address(host)
    except AddressValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> 64 << 64))


@dataclass
class Turnstile:
    """Counts. `admits` is asked once per request, `enters` once per stream."""

    allowance: Allowance
    _paces: OrderedDict[str, TokenBucket] = field(default_factory=OrderedDict)
    _inside: Counter[str] = field(default_factory=Counter)

    def admits(self, origin: str, now: float) -> bool:
        """Whether this address may ask once more now."""
        pace = self._paces.pop(origin, None) or TokenBucket(
            self.allowance.per_s, self.allowance.burst
        )
        self._paces[origin] = pace
        if len(self._paces) > ADDRESSES:
            self._paces.popitem(last=False)
        return pace.allows(now)

    def enters(self, origin: str) -> bool:
        """Whether one more stream may be opened; counting it if so."""
        full = self._inside.total() >= self.allowance.readers
        if full or self._inside[origin] >= self.allowance.readers_each:
            return False
        self._inside[origin] += 1
        return True

    def leaves(self, origin: str) -> None:
        """A stream ended."""
        self._inside[origin] -= 1
        if self._inside[origin] <= 0:
            del self._inside[origin]
