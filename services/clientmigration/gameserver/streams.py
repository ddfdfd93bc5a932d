"""The streams of one player at this server: files and feeds, each with its exact place.

A stream's place is what the player has said that it has, in its inputs; so it is the same wherever
they are applied. What was sent beyond it is this connection's own affair, and is sent again on the
next. A stream ends when the player says so, and never by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from clientmigration.core.player.feeds import TOPICS, Topic
from clientmigration.core.player.transfer import Window
from clientmigration.gameserver.files import File, Files
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Chunk, Denied, Item, Offered
from clientmigration.wire.work import Fetch, Follow

FILES, FEEDS = 4, 8  # streams of each kind that one player may have
AHEAD = 64  # entries of a feed that may be under way
ENTRIES = 4  # entries of all its feeds that a player gets in one tick
LARGE, LAST = 2**20, 2**18  # bytes of a file that is worth ending where it is sent, and of its end


class Outlet(Protocol):
    """The connection to the player, as far as streams need it."""

    def say(self, message: Any) -> None:
        """Send a control message."""

    def show(self, frame: bytes) -> bool:
        """Send a frame now or not at all."""


@dataclass(slots=True)
class Transfer:
    """A file that is being sent. `sha256` is that of the file as it was when it began."""

    id: int
    name: str
    place: int
    sha256: str
    sent: int
    told: bool = False

    def spelled(self) -> dict[str, Any]:
        """For the snapshot."""
        place = {"id": self.id, "name": self.name, "place": self.place, "sha256": self.sha256}
        return {"kind": "file", **place}


@dataclass(slots=True)
class Feed:
    """A topic that is being followed."""

    id: int
    name: str
    place: int
    sent: int
    told: bool = False

    def spelled(self) -> dict[str, Any]:
        """For the snapshot."""
        return {"kind": "feed", "id": self.id, "name": self.name, "place": self.place}


@dataclass(slots=True)
class StreamSender:
    """All streams of one player. `sent_bytes` is told how much of files was sent."""

    files: Files
    sent_bytes: Callable[[int], None] = lambda _size: None
    transfers: dict[int, Transfer] = field(default_factory=dict)
    feeds: dict[int, Feed] = field(default_factory=dict)
    window: Window = field(default_factory=Window)

    # What the player says.

    def ask(self, ask: Fetch | Follow) -> str:
        """Begin a stream, or begin it anew. Answers why not, or nothing."""
        self.stop(ask.id)
        if isinstance(ask, Fetch):
            return self._fetch(ask)
        if len(self.feeds) >= FEEDS:
            return f"{FEEDS} feeds are allowed"
        topic = TOPICS.get(ask.name)
        place = topic.first(ask.tick) if topic else 0
        self.feeds[ask.id] = Feed(ask.id, ask.name, place, place)
        return ""

    def _fetch(self, ask: Fetch) -> str:
        if len(self.transfers) >= FILES:
            return f"{FILES} files at a time are allowed"
        file = self.files.get(ask.name)
        sha256 = file.sha256 if file else ""
        self.transfers[ask.id] = Transfer(ask.id, ask.name, ask.offset, sha256, ask.offset)
        return ""

    def got(self, stream: int, place: int, now: float) -> None:
        """The player has everything before `place`; heard at `now`."""
        known = self.transfers.get(stream) or self.feeds.get(stream)
        if known is not None:
            known.place = max(known.place, place)
            known.sent = max(known.sent, known.place)
            self.window.got(stream, place, now)

    def ending(self) -> bool:
        """Whether a large file is nearly there: better not to move the player just now."""
        for each in self.transfers.values():
            file = self.files.get(each.name)
            if (
                file is not None
                and len(file.body) >= LARGE
                and 0 < len(file.body) - each.place <= LAST
            ):
                return True
        return False

    def stop(self, stream: int) -> None:
        """The player wants no more of it."""
        self.transfers.pop(stream, None)
        self.feeds.pop(stream, None)
        self.window.drop(stream)

    # Where they stand.

    def place(self) -> list[dict[str, Any]]:
        """For the snapshot."""
        files = [each.spelled() for each in self.transfers.values()]
        return files + [each.spelled() for each in self.feeds.values()]

    def take_up(self, workloads: list[dict[str, Any]]) -> None:
        """Go on with what a snapshot says, and with nothing else."""
        self.transfers, self.feeds, self.window = {}, {}, Window()
        for each in workloads:
            stream, place = each.get("id", 0), each.get("place", 0)
            if each["kind"] == "file":
                transfer = Transfer(stream, each["name"], place, each["sha256"], place)
                self.transfers[stream] = transfer
            elif each["kind"] == "feed":
                self.feeds[stream] = Feed(stream, each["name"], place, place)

    def rewind(self) -> None:
        """There is a new connection: what the last one carried and was not heard of is lost."""
        self.take_up(self.place())

    # What the player is sent.

    def serve(self, line: Outlet, tick: int, now: float) -> None:
        """One tick's worth: the entries that are due, and one chunk of one file if there is room.

        Nothing is sent to a player that does not read.
        """
        left = ENTRIES
        for feed in self.feeds.values():
            left = self._tell(line, feed, tick, left)
        for transfer in list(self.transfers.values()):
            if self._chunk(line, transfer, now):
                break

    def _tell(self, line: Outlet, feed: Feed, tick: int, left: int) -> int:
        """Entries of one feed, at most `left`; answers how many more there may be."""
        topic: Topic | None = TOPICS.get(feed.name)
        if topic is None:
            self._deny(line, feed, "there is no such topic here")
            return left
        until = min(topic.ready(tick), feed.place + AHEAD, feed.sent + left)
        while feed.sent < until:
            frame = encode(Item(feed.id, feed.sent, topic.make(feed.sent)))
            if not line.show(frame):
                return 0
            feed.sent, left = feed.sent + 1, left - 1
        return left

    def _chunk(self, line: Outlet, transfer: Transfer, now: float) -> bool:
        """Whether a chunk was sent: then it is another file's turn next."""
        file = self.files.get(transfer.name)
        if file is None or file.sha256 != (transfer.sha256 or file.sha256):
            self._deny(line, transfer, "there is no such file here")
            return False
        self._offer(line, transfer, file)
        body = file.body[transfer.sent : transfer.sent + self.window.room()]
        if not body or not line.show(encode(Chunk(transfer.id, transfer.sent, body))):
            return False
        transfer.sent += len(body)
        self.window.send(transfer.id, transfer.sent, len(body), now)
        self.sent_bytes(len(body))
        self.transfers[transfer.id] = self.transfers.pop(transfer.id)
        return True

    def _offer(self, line: Outlet, transfer: Transfer, file: File) -> None:
        if not transfer.told:
            transfer.told, transfer.sha256 = True, file.sha256
            line.say(Offered(id=transfer.id, size=len(file.body), sha256=file.sha256))

    def _deny(self, line: Outlet, stream: Transfer | Feed, reason: str) -> None:
        if not stream.told:
            stream.told = True
            line.say(Denied(id=stream.id, reason=reason))
