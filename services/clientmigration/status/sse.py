"""Server-sent events (SSE): each event is encoded once and sent to every open event stream.

A reader that does not keep up misses events, and after a while its connection is closed. It never
holds more memory here than the rest of one event, and nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any, Literal

from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import Request
from zope.interface import implementer

from clientmigration.net.straight import directly

CHOKED_S = 10.0
"""A stream whose reader took nothing for so long is closed."""

QUEUED = 32_768
"""Bytes that the kernel may keep for a stream; left alone it keeps megabytes for a slow reader."""

EventKind = Literal["status", "world"]


class EncodedEvent:
    """One event as bytes: chunked for HTTP/1.1, plain for HTTP/1.0."""

    __slots__ = ("chunked", "kind", "plain")

    def __init__(self, kind: EventKind, event: bytes) -> None:
        self.kind = kind
        self.plain = event
        self.chunked = b"%x\r\n%s\r\n" % (len(event), event)


@implementer(IPushProducer)
class EventStream:
    """One open stream; `ended` is called once when it is over, whoever ended it."""

    def __init__(
        self, request: Request, kinds: frozenset[EventKind], ended: Callable[[EventStream], None]
    ) -> None:
        self.kinds = kinds
        self.skipped = 0
        self._request, self._ended = request, ended
        self._chunked = False
        self._paused = False
        self._since: float | None = None  # when it took nothing for the first time
        self._direct: Callable[[bytes], int] | None = None

    def open(self, latest: tuple[EncodedEvent, ...]) -> None:
        """Answer with the headers and the latest event of each kind."""
        request = self._request
        request.notifyFinish().addBoth(self._finished)
        request.registerProducer(self, True)
        request.write(b"retry: 2000\n\n")
        self._chunked = bool(request.chunked)
        for event in latest:
            if event.kind in self.kinds:
                request.write(event.plain)
        if hasattr(self._transport, "setTcpNoDelay"):
            self._transport.setTcpNoDelay(True)
            self._transport.getHandle().setsockopt(SOL_SOCKET, SO_SNDBUF, QUEUED)
        self._direct = directly(self._transport)

    @property
    def _transport(self) -> Any:
        return self._request.channel.transport

    def send(self, event: EncodedEvent, now: float) -> None:
        """Send one event now, or not at all."""
        if event.kind not in self.kinds:
            return
        data = event.chunked if self._chunked else event.plain
        if self._sent(data):
            self._since = None
            return
        self.skipped += 1
        if self._since is None:
            self._since = now
        elif now - self._since > CHOKED_S:
            self.close()

    def _sent(self, data: bytes) -> bool:
        if self._direct is None:
            if not self._paused:
                self._request.channel.write(data)
            return not self._paused
        taken = self._direct(data)
        if 0 < taken < len(data):
            self._transport.write(data[taken:])
        return taken > 0

    def close(self) -> None:
        """End it, now."""
        self._transport.abortConnection()

    def _finished(self, _result: Failure | None) -> None:
        self._direct = None
        self._paused = True
        self._ended(self)

    def pauseProducing(self) -> None:
        """The queue is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The queue is empty again."""
        self._paused = False

    def stopProducing(self) -> None:
        """The connection is going; `ended` follows."""


class EventStreams:
    """All open streams, and the latest event of each kind for whoever opens one."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._open: set[EventStream] = set()
        self._latest: dict[EventKind, EncodedEvent] = {}
        self._skipped = 0

    def __len__(self) -> int:
        return len(self._open)

    def open(self, request: Request, kinds: frozenset[EventKind], left: Callable[[], None]) -> None:
        """Open one more stream; `left` is called when it has ended."""

        def ended(stream: EventStream) -> None:
            self._open.discard(stream)
            self._skipped += stream.skipped
            left()

        stream = EventStream(request, kinds, ended)
        self._open.add(stream)
        stream.open(tuple(self._latest.values()))

    def send(self, kind: EventKind, event: bytes, keep: bool = True) -> None:
        """Send it to every stream of this kind, and with `keep` to each that is opened later."""
        encoded, now = EncodedEvent(kind, event), self._clock.seconds()
        if keep:
            self._latest[kind] = encoded
        for stream in tuple(self._open):
            stream.send(encoded, now)

    @property
    def skipped(self) -> int:
        """How many events were not sent because a reader did not keep up."""
        return self._skipped + sum(stream.skipped for stream in self._open)

    def close(self) -> None:
        """End all streams."""
        for stream in tuple(self._open):
            stream.close()
