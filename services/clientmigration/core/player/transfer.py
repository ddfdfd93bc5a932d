"""A file on its way to a player: how many bytes may be under way, and how the parts become a file.

Pure; times are seconds of one steady clock of whoever calls.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from clientmigration.errors import Corrupted

CHUNK = 16_384  # bytes of a file in one frame, and for one player in one tick
LEAST, MOST = 512, 262_144  # bytes that may be under way to one player
LATE_S = 0.05  # so much later than the soonest, and the line is queueing: a tick at 20 Hz
SOONEST_S = 5.0  # the soonest is that of the last 5 to 10 s: ways change


class _Sent(NamedTuple):
    stream: int
    place: int
    size: int
    at: float


@dataclass(slots=True)
class Window:
    """How many bytes may be under way on one connection, so that views are not late behind them.

    What is under way stands in the same queues as the views. So the window does not wait for
    losses, as TCP does: it shrinks as soon as acknowledgements take longer than they can.
    """

    size: int = LEAST
    under_way: int = 0
    _soonest: tuple[float, float] = (math.inf, math.inf)
    _since: float = -math.inf
    _growing: bool = True
    _cut_at: float = -math.inf
    _sent: list[_Sent] = field(default_factory=list)

    def room(self) -> int:
        """Bytes that may be sent now: at most one chunk, and no crumbs."""
        room = self.size - self.under_way
        return min(CHUNK, room) if room >= LEAST else 0

    def send(self, stream: int, place: int, size: int, now: float) -> None:
        """`size` bytes of `stream` are sent: they end at `place`."""
        self._sent.append(_Sent(stream, place, size, now))
        self.under_way += size

    def got(self, stream: int, place: int, now: float) -> None:
        """The receiver has everything of `stream` before `place`."""
        there = [each for each in self._sent if each.stream == stream and each.place <= place]
        if there:
            size, newest = sum(each.size for each in there), there[-1].at
            self._keep(lambda each: each.stream != stream or each.place > place)
            self._judge(newest, now, size)

    def drop(self, stream: int) -> None:
        """The receiver wants no more of `stream`: what is under way does not count any more."""
        self._keep(lambda each: each.stream != stream)

    def _keep(self, still: Callable[[_Sent], bool]) -> None:
        self._sent = [each for each in self._sent if still(each)]
        self.under_way = sum(each.size for each in self._sent)

    def _judge(self, sent_at: float, now: float, size: int) -> None:
        took = max(0.0, now - sent_at)
        if took - self._soonest_of(took, now) <= LATE_S:
            more = size if self._growing else max(LEAST, self.size // 8)
            self.size = min(MOST, self.size + more)
        elif sent_at >= self._cut_at:  # once for all that was sent before a cut
            self.size, self._growing = max(LEAST, self.size // 2), False
            self._cut_at = now

    def _soonest_of(self, took: float, now: float) -> float:
        before, lately = self._soonest
        if now - self._since > SOONEST_S:
            before, lately, self._since = lately, math.inf, now
        self._soonest = (before, min(lately, took))
        return min(self._soonest)


@dataclass
class Download:
    """One file as it comes in: chunks in any order of servers, each byte handed on once.

    `have` bytes are there already, and `digest` has hashed them.
    """

    name: str
    sink: Callable[[bytes], object]
    have: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    size: int | None = None
    sha256: str = ""

    def offered(self, size: int, sha256: str) -> None:
        """What a server says of the file. Raises Corrupted when it is not the same as before."""
        if self.size is not None and (size, sha256) != (self.size, self.sha256):
            raise Corrupted(f"{self.name!r} is another file now")
        self.size, self.sha256 = size, sha256

    def take(self, offset: int, body: bytes) -> None:
        """A chunk. What is there already is dropped; Corrupted when something is left out."""
        if offset > self.have:
            raise Corrupted(f"{self.name!r}: {offset - self.have} bytes are missing")
        new = body[self.have - offset :]
        if new:
            self.have += len(new)
            self.digest.update(new)
            self.sink(new)

    def done(self) -> bool:
        """Whether it is complete. Raises Corrupted when it is, and is not what was offered."""
        if self.size is None or self.have < self.size:
            return False
        if self.have > self.size or self.digest.hexdigest() != self.sha256:
            raise Corrupted(f"{self.name!r} does not have the SHA-256 that was offered")
        return True
