"""Rate limits: how much one address may ask of the status daemon, and all addresses together.

It is told the time and knows no socket. An IPv6 host has a whole /64 to itself, so a /64 counts as
one address.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

from clientmigration.core.measures.bucket import TokenBucket

ADDRESSES = 10_000
"""Addresses whose requests are remembered; those heard longest ago are forgotten first."""


@dataclass(frozen=True)
class Allowed:
    """What is allowed."""

    per_s: float = 20.0  # requests of one address
    burst: float = 100.0
    readers: int = 5_000  # event streams, all together
    readers_each: int = 30  # of one address


@dataclass
class RateLimits:
    """Requests by a token bucket for each address, event streams by their number."""

    allowed: Allowed
    _buckets: OrderedDict[str, TokenBucket] = field(default_factory=OrderedDict)
    _streams: Counter[str] = field(default_factory=Counter)

    def take_request(self, origin: str, now: float) -> bool:
        """Whether this address may make one more request now; counts it if so."""
        bucket = self._buckets.pop(origin, None) or TokenBucket(
            self.allowed.per_s, self.allowed.burst
        )
        self._buckets[origin] = bucket
        if len(self._buckets) > ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket.allows(now)

    def take_stream(self, origin: str) -> bool:
        """Whether this address may open one more event stream; counts it if so."""
        full = self._streams.total() >= self.allowed.readers
        if full or self._streams[origin] >= self.allowed.readers_each:
            return False
        self._streams[origin] += 1
        return True

    def free_stream(self, origin: str) -> None:
        """An event stream of this address has ended."""
        self._streams[origin] -= 1
        if self._streams[origin] <= 0:
            del self._streams[origin]
