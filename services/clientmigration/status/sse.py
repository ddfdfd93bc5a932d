"""Those who read the event stream: one fan-out of bytes that were encoded once.

A reader that does not keep up misses events, and after a while its connection; it never holds more
here than the rest of one event, and nobody waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any, Literal

from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.python.failure import Failure
from twisted.web.http import Request
from zope.interface import implementer

from clientmigration.net.line import directly

CHOKED_S = 10.0
"""A reader that took nothing for so long is let go."""

QUEUED = 32_768
"""Bytes that the kernel may keep for a reader; left alone it keeps megabytes for a slow one."""

Kind = Literal["status", "world"]


class Frame:
    """One event as it goes out: chunked for HTTP/1.1, plain for HTTP/1.0."""

    __slots__ = ("chunked", "kind", "plain")

    def __init__(self, kind: Kind, event: bytes) -> None:
        self.kind = kind
        self.plain = event
        self.chunked = b"%x\r\n%s\r\n" % (len(event), event)


@implementer(IPushProducer)
class Reader:
    """One open stream; `gone` is called once when it ends, whoever ended it."""

    def __init__(
        self, request: Request, kinds: frozenset[Kind], gone: Callable[[Reader], None]
    ) -> None:
        self.kinds = kinds
        self.skipped = 0
        self._request, self._gone = request, gone
        self._chunked = False
        self._paused = False
        self._since: float | None = None  # when it took nothing for the first time
        self._direct: Callable[[bytes], int] | None = None

    def open(self, frames: tuple[Frame, ...]) -> None:
        """Answer with headers and the first events."""
        request = self._request
        request.notifyFinish().addBoth(self._finished)
        request.registerProducer(self, True)
        request.write(b"retry: 2000\n\n")
        self._chunked = bool(request.chunked)
        for frame in frames:
            if frame.kind in self.kinds:
                request.write(frame.plain)
        if hasattr(self._transport, "setTcpNoDelay"):
            self._transport.setTcpNoDelay(True)
            self._transport.getHandle().setsockopt(SOL_SOCKET, SO_SNDBUF, QUEUED)
        self._direct = directly(self._transport)

    @property
    def _transport(self) -> Any:
        return self._request.channel.transport

    def show(self, frame: Frame, now: float) -> None:
        """Send one event now, or not at all."""
        if frame.kind not in self.kinds:
            return
        data = frame.chunked if self._chunked else frame.plain
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
        self._gone(self)

    def pauseProducing(self) -> None:
        """The queue is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The queue is empty again."""
        self._paused = False

    def stopProducing(self) -> None:
        """The connection is going; `gone` follows."""


class Readers:
    """Everybody who reads, and the latest event of each kind for those who come."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._open: set[Reader] = set()
        self._latest: dict[Kind, Frame] = {}
        self._skipped = 0

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, request: Request, kinds: frozenset[Kind], left: Callable[[], None]) -> Reader:
        """One more; `left` is called when it has ended."""

        def gone(reader: Reader) -> None:
            self._open.discard(reader)
            self._skipped += reader.skipped
            left()

        reader = Reader(request, kinds, gone)
        self._open.add(reader)
        reader.open(tuple(self._latest.values()))
        return reader

    def show(self, kind: Kind, event: bytes, keep: bool = True) -> None:
        """To everybody who wants this kind; kept for newcomers unless it is news of a moment."""
        frame, now = Frame(kind, event), self._clock.seconds()
        if keep:
            self._latest[kind] = frame
        for reader in tuple(self._open):
            reader.show(frame, now)

    @property
    def skipped(self) -> int:
        """Events that were not sent to readers that did not keep up."""
        return self._skipped + sum(reader.skipped for reader in self._open)

    def close(self) -> None:
        """Everybody goes."""
        for reader in tuple(self._open):
            reader.close()
