"""What a player downloads and follows: asked for once, complete across moves and crashes.

Asks and acknowledgements are inputs, so they reach whichever server plays us. Each byte of a file
and each entry of a topic is handed on once, in order, whichever connection brought it. Nothing is
kept of what was handed on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any

from twisted.internet.defer import Deferred

from clientmigration.core.player.feeds import FeedReader
from clientmigration.core.player.transfer import Download
from clientmigration.errors import Corrupted, NotOffered
from clientmigration.wire import work
from clientmigration.wire.messages import Chunk, Denied, Item, Offered

FILES, FEEDS = 4, 8  # at a time: what a server allows; what is asked beyond it waits
GOT_EVERY_S = 0.03  # acknowledgements are inputs, and inputs are limited
AGAIN_S = 5.0  # a file of which nothing has come for so long is asked for again
LAZY_S = 1.0  # a feed is acknowledged this often, or
LAZY = 16  # when so many entries have come


@dataclass(frozen=True)
class Fetched:
    """A file that is complete and is what was offered. `body` is empty where a sink took it."""

    name: str
    size: int
    sha256: str
    body: bytes = b""


@dataclass
class Subscription:
    """A topic that is followed until `stop`. `denied` says why nothing comes, if nothing does."""

    topic: str
    on_item: Callable[[Item], object]
    stop: Callable[[], None] = lambda: None
    reading: FeedReader = field(default_factory=FeedReader)
    denied: str = ""
    got: int = 0


@dataclass
class _Fetching:
    download: Download
    ended: Deferred[Fetched]
    parts: list[bytes]
    got: int
    moved_at: float = 0.0


class Streams:
    """All of one player. `act` sends an input; `now` is a steady clock, seconds."""

    def __init__(
        self, act: Callable[[bytes], object], now: Callable[[], float], random: Random
    ) -> None:
        self.act, self.now = act, now
        self.files: dict[int, _Fetching] = {}
        self.feeds: dict[int, Subscription] = {}
        self.waiting: deque[tuple[int, Any]] = deque()
        # Ids that no former program of this player has used: what it left is stopped, not mixed up.
        self.first = self.next = random.getrandbits(31)
        self.foreign: set[int] = set()
        self.finished = self.bad = self.bytes = self.entries = self.gaps = self.duplicates = 0
        self.tick = 0
        self._got_at = self._lazy_at = 0.0

    # For the program.

    def fetch(
        self,
        name: str,
        sink: Callable[[bytes], object] | None = None,
        have: int = 0,
        digest: Any = None,
    ) -> Deferred[Fetched]:
        """See `Player.fetch`."""
        parts: list[bytes] = []
        stream, self.next = self.next, self.next + 1
        ended: Deferred[Fetched] = Deferred(lambda _: self._forget(stream))
        download = Download(name, sink or parts.append, have, digest or sha256())
        self.waiting.append((stream, _Fetching(download, ended, parts, have)))
        self._begin()
        return ended

    def follow(self, topic: str, on_item: Callable[[Item], object]) -> Subscription:
        """See `Player.subscribe`."""
        stream, self.next = self.next, self.next + 1
        feed = Subscription(topic, on_item, lambda: self._forget(stream))
        self.waiting.append((stream, feed))
        self._begin()
        return feed

    def _begin(self) -> None:
        """Ask for what waits, as far as the limits allow."""
        for _ in range(len(self.waiting) if self.tick else 0):
            stream, each = self.waiting.popleft()
            if isinstance(each, _Fetching) and len(self.files) < FILES:
                self.files[stream] = each
                self._ask(stream, each)
            elif isinstance(each, Subscription) and len(self.feeds) < FEEDS:
                self.feeds[stream] = each
                self.act(work.follow(stream, self.tick, each.topic))
            else:
                self.waiting.append((stream, each))

    def _ask(self, stream: int, file: _Fetching) -> None:
        file.moved_at, file.got = self.now(), file.download.have
        self.act(work.fetch(stream, file.download.have, file.download.name))

    def _forget(self, stream: int) -> None:
        """This stream is over, for whatever reason."""
        self.waiting = deque(each for each in self.waiting if each[0] != stream)
        asked = self.files.pop(stream, None) or self.feeds.pop(stream, None)
        if asked is not None:
            self.act(work.stop(stream))
        self._begin()

    # What the servers say.

    def heard(self, message: Chunk | Item | Offered | Denied) -> None:
        """Something about a stream. What was left behind by a former program is stopped."""
        known = self.first <= message.id < self.next
        if not known and message.id not in self.foreign and len(self.foreign) < 64:
            self.foreign.add(message.id)
            self.act(work.stop(message.id))
        if isinstance(message, Item):
            self._item(message)
        elif message.id in self.feeds:
            self._denied(message)
        elif message.id in self.files:
            self._filed(message.id, self.files[message.id], message)

    def _filed(self, stream: int, file: _Fetching, message: Chunk | Offered | Denied) -> None:
        try:
            if isinstance(message, Denied):
                raise NotOffered(f"{file.download.name!r}: {message.reason}")
            self._took(file.download, message)
            file.moved_at = self.now()
            done = file.download.done()
        except (Corrupted, NotOffered) as error:
            self.bad += 1
            self._forget(stream)
            file.ended.errback(error)
            return
        if done:
            self.finished += 1
            self._forget(stream)
            size, sha256 = file.download.have, file.download.sha256
            file.ended.callback(Fetched(file.download.name, size, sha256, b"".join(file.parts)))
        else:
            self._tell(self.now())

    def _took(self, download: Download, message: Chunk | Offered) -> None:
        if isinstance(message, Offered):
            download.offered(message.size, message.sha256)
        else:
            before = download.have
            download.take(message.offset, message.body)
            self.bytes += download.have - before

    def _denied(self, message: Any) -> None:
        if isinstance(message, Denied):
            self.feeds[message.id].denied = message.reason
            self._forget(message.id)

    def _item(self, message: Item) -> None:
        feed = self.feeds.get(message.id)
        if feed is None:
            return
        gaps, duplicates = feed.reading.gaps, feed.reading.duplicates
        new = feed.reading.take(message.seq)
        self.gaps += feed.reading.gaps - gaps
        self.duplicates += feed.reading.duplicates - duplicates
        if new:
            self.entries += 1
            feed.on_item(message)

    def beat(self, tick: int) -> None:
        """A view of this tick was shown."""
        self.tick = tick
        if self.waiting:
            self._begin()
        if self.files or self.feeds:
            self._tell(self.now())

    def _tell(self, now: float) -> None:
        """Say what we have, if it is time and there is something new."""
        if now - self._got_at < GOT_EVERY_S:
            return
        places = self._file_places()
        if places:
            self._got_at = now
        if now - self._lazy_at >= LAZY_S or any(_due(feed) for feed in self.feeds.values()):
            places |= self._feed_places()
            self._lazy_at = now
            self._ask_again(now)
        if places:
            self.act(work.got(places))

    def _file_places(self) -> dict[int, int]:
        """Files of which something new is here, and how much of each."""
        places = {}
        for stream, file in self.files.items():
            if file.download.have > file.got:
                places[stream] = file.got = file.download.have
        return places

    def _ask_again(self, now: float) -> None:
        for stream, file in self.files.items():
            if now - file.moved_at > AGAIN_S:
                self._ask(stream, file)

    def _feed_places(self) -> dict[int, int]:
        """The same of feeds."""
        places = {}
        for stream, feed in self.feeds.items():
            if feed.reading.next is not None and feed.reading.next > feed.got:
                places[stream] = feed.got = feed.reading.next
        return places


def _due(feed: Subscription) -> bool:
    """Whether a feed should be acknowledged before its time."""
    return (
        feed.reading.next is not None and bool(feed.got) and (feed.reading.next - feed.got >= LAZY)
    )
