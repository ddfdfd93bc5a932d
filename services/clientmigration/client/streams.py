"""What a player downloads and subscribes to: asked for once, complete across moves and crashes.

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

from twisted.internet.defer import Deferred, fail

from clientmigration.client.told import TopicEntry
from clientmigration.core.player.feeds import FeedReader
from clientmigration.core.player.transfer import Download
from clientmigration.errors import BadInput, NotOffered, PlayerStopped
from clientmigration.wire import work
from clientmigration.wire.messages import Chunk, Denied, Item, Offered

__all__ = ["Fetched", "Subscription"]

FILES, FEEDS = 4, 8  # at a time: what a server allows; what is asked beyond it waits
GOT_EVERY_S = 0.03  # acknowledgements are inputs, and inputs are limited
AGAIN_S = 5.0  # a file of which nothing has come for so long is asked for again
LAZY_S = 1.0  # a feed is acknowledged this often, or
LAZY = 16  # when so many entries have come
STRANGE = 64  # streams of a former program that are stopped; more are only ignored


@dataclass(frozen=True)
class Fetched:
    """A file that is complete and is what was offered. `body` is empty where a sink took it."""

    name: str
    size: int
    sha256: str
    body: bytes = b""


class Subscription:
    """A topic that is followed until `stop()`. `denied` says why nothing comes, if nothing does."""

    def __init__(self, topic: str, forget: Callable[[], None]) -> None:
        self.topic = topic
        self.denied = ""
        self._forget = forget

    def stop(self) -> None:
        """No entry is handed on any more."""
        self._forget()


@dataclass
class _Following:
    subscription: Subscription
    on_entry: Callable[[TopicEntry], object]
    on_denied: Callable[[str], object]
    reading: FeedReader = field(default_factory=FeedReader)
    got: int = 0


@dataclass
class _Fetching:
    download: Download
    ended: Deferred[Fetched]
    parts: list[bytes]
    got: int
    moved_at: float = 0.0


class Streams:
    """All streams of one player. `act` sends an input; `now` is a steady clock, seconds.

    What is asked for before there is a server, or beyond what a server allows, waits for its turn.
    """

    def __init__(
        self, act: Callable[[bytes], object], now: Callable[[], float], random: Random
    ) -> None:
        self.act, self.now = act, now
        self.files: dict[int, _Fetching] = {}
        self.feeds: dict[int, _Following] = {}
        self.waiting: deque[tuple[int, Any]] = deque()
        # Ids that no former program of this player has used: what it left is stopped, not mixed up.
        self.first = self.next = random.getrandbits(31)
        self.foreign: set[int] = set()
        self.finished = self.bad = self.bytes = self.entries = self.gaps = self.duplicates = 0
        self.tick = 0
        self._over = False
        self._got_at = self._lazy_at = 0.0

    # For the program.

    def fetch(
        self,
        name: str,
        sink: Callable[[bytes], object] | None = None,
        have: int = 0,
        digest: Any = None,
    ) -> Deferred[Fetched]:
        """Download a file: see `Player.fetch` for what is answered, and how it may fail."""
        if wrong := _too_long(name) or (self._over and _stopped(name)):
            return fail(wrong)
        parts: list[bytes] = []
        stream, self.next = self.next, self.next + 1
        ended: Deferred[Fetched] = Deferred(lambda _: self._forget(stream))
        download = Download(name, sink or parts.append, have, digest or sha256())
        self.waiting.append((stream, _Fetching(download, ended, parts, have)))
        self._begin()
        return ended

    def subscribe(
        self,
        topic: str,
        on_entry: Callable[[TopicEntry], object],
        on_denied: Callable[[str], object] = lambda _reason: None,
    ) -> Subscription:
        """Follow a topic from now on. Raises BadInput when its name is too long."""
        if too_long := _too_long(topic):
            raise too_long
        stream, self.next = self.next, self.next + 1
        subscription = Subscription(topic, lambda: self._forget(stream))
        self.waiting.append((stream, _Following(subscription, on_entry, on_denied)))
        self._begin()
        return subscription

    def end(self) -> None:
        """The player goes home: what is not complete will never be."""
        asked = [*self.files.values(), *(each for _, each in self.waiting)]
        self.files, self.feeds, self.waiting, self._over = {}, {}, deque(), True
        for each in asked:
            if isinstance(each, _Fetching):
                each.ended.errback(_stopped(each.download.name))

    def _begin(self) -> None:
        """Ask for what waits, as far as the limits allow."""
        for _ in range(len(self.waiting) if self.tick else 0):
            stream, each = self.waiting.popleft()
            if isinstance(each, _Fetching) and len(self.files) < FILES:
                self.files[stream] = each
                self._ask(stream, each)
            elif isinstance(each, _Following) and len(self.feeds) < FEEDS:
                self.feeds[stream] = each
                self.act(work.follow(stream, self.tick, each.subscription.topic))
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
        if not known and message.id not in self.foreign and len(self.foreign) < STRANGE:
            self.foreign.add(message.id)
            self.act(work.stop(message.id))
        feed, file = self.feeds.get(message.id), self.files.get(message.id)
        if isinstance(message, Item):
            if feed is not None:
                self._item(feed, message)
        elif file is not None:
            self._filed(message.id, file, message)
        elif feed is not None and isinstance(message, Denied):
            self._denied(message.id, feed, message.reason)

    def _filed(self, stream: int, file: _Fetching, message: Chunk | Offered | Denied) -> None:
        try:
            if isinstance(message, Denied):
                raise NotOffered(f"{file.download.name!r}: {message.reason}")
            self._took(file.download, message)
            file.moved_at = self.now()
            done = file.download.done()
        except Exception as error:  # its sink's too: who asked for it is told
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

    def _denied(self, stream: int, feed: _Following, reason: str) -> None:
        feed.subscription.denied = reason
        self._forget(stream)
        feed.on_denied(reason)

    def _item(self, feed: _Following, message: Item) -> None:
        gaps, duplicates = feed.reading.gaps, feed.reading.duplicates
        new = feed.reading.take(message.seq)
        missed = feed.reading.gaps - gaps
        self.gaps += missed
        self.duplicates += feed.reading.duplicates - duplicates
        if new:
            self.entries += 1
            feed.on_entry(TopicEntry(message.seq, message.body, missed))

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
        """Topics of which something new is here, and which entry of each is due."""
        places = {}
        for stream, feed in self.feeds.items():
            if feed.reading.next is not None and feed.reading.next > feed.got:
                places[stream] = feed.got = feed.reading.next
        return places


def _too_long(name: str) -> BadInput | None:
    """What is wrong with a name that a server would not read."""
    if len(name.encode()) <= work.NAME_LIMIT:
        return None
    return BadInput(f"{name[:20]!r}…: a name has at most {work.NAME_LIMIT} bytes")


def _stopped(name: str) -> PlayerStopped:
    return PlayerStopped(f"{name!r}: the player has stopped")


def _due(feed: _Following) -> bool:
    """Whether a topic should be acknowledged before its time: many entries have come."""
    due = feed.reading.next
    return due is not None and bool(feed.got) and due - feed.got >= LAZY
