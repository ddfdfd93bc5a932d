"""Writes straight to a socket while Twisted has nothing queued for it.

Twisted's write queue costs more than the kernel call itself (1.7 times at 2,000 players: see
design/anchors.md), and a view is worth nothing late. Only what is here knows Twisted's queue by its
private names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from twisted.internet.tcp import Connection as Socket

Wrap = Callable[[bytes], bytes]


class Straight:
    """The way from a line to the kernel: its socket's own `send`, and what becomes of a frame on
    the way, for a WebSocket. `closed` says that nothing may be sent by it any more, `carried` how
    many bytes of frames were."""

    __slots__ = ("carried", "closed", "to_kernel", "transport", "wrap", "write")

    def __init__(self, transport: Any, wrap: Wrap | None = None) -> None:
        self.transport, self.wrap = transport, wrap
        self.to_kernel: Callable[[bytes], int] = transport.socket.send
        self.write: Callable[[bytes], None] = transport.write
        self.closed, self.carried = False, 0

    def close(self) -> None:
        """Nothing is sent by it from now on."""
        self.closed = True

    def take_carried(self) -> int:
        """How many bytes were sent by it since this was asked last."""
        carried, self.carried = self.carried, 0
        return carried


class ShownLine(Protocol):
    """A line, as far as this goes: `straight` is None where everything has to be queued."""

    straight: Straight | None
    choked: bool
    over: bool

    def show(self, frame: bytes) -> bool:
        """Send it by itself."""


def show_all(frames: Iterable[tuple[ShownLine, bytes]]) -> tuple[int, int]:
    """Send each line its frame now, or not at all, as its `show` does; no line comes twice. Answers
    how many were sent, and how many left out.

    A call into the kernel leaves the CPU's caches cold, so all is looked up before the first.
    """
    ready: list[tuple[Callable[[bytes], int], bytes, Straight]] = []
    sent = left_out = 0
    for line, frame in frames:
        if line.choked or line.over:
            left_out += 1
            continue
        way = line.straight
        if way is not None and not way.closed:
            socket = way.transport
            if not socket._tempDataLen and len(socket.dataBuffer) <= socket.offset:
                way.carried += len(frame)
                ready.append((way.to_kernel, way.wrap(frame) if way.wrap else frame, way))
                continue
        shown = line.show(frame)
        sent, left_out = sent + shown, left_out + (not shown)
    for to_kernel, frame, way in ready:
        try:
            taken = to_kernel(frame)
        except OSError:  # full, or gone: the queue's own write finds out which
            taken = 0
        if taken < len(frame):
            way.write(frame[taken:])
    return sent + len(ready), left_out


def _queued(transport: Any) -> bool:
    """Whether something waits there already, and has to be sent first."""
    return transport._tempDataLen or len(transport.dataBuffer) > transport.offset  # type: ignore[no-any-return]


def straight_to(transport: Any, wrap: Wrap | None = None) -> Straight | None:
    """The way through this transport, if there is one: to a plain TCP socket, or through what says
    itself which it is. None for any other (TLS, memory)."""
    if _is_plain(transport):
        return Straight(transport, wrap)
    return getattr(transport, "straight", None)


def _is_plain(transport: Any) -> bool:
    return isinstance(transport, Socket) and not transport.TLS  # TLS passes on what a socket has


def directly(transport: Any) -> Callable[[bytes], int] | None:
    """A function that writes to a plain TCP socket at once and answers how many bytes it took, or
    None for any other transport (TLS, WebSocket, memory)."""
    if not _is_plain(transport):
        return None
    socket = transport.socket

    def send(frame: bytes) -> int:
        if _queued(transport):
            return 0
        try:
            return int(socket.send(frame))
        except OSError:  # full, or gone: the queue's own write finds out which
            return 0

    return send


def unread(transport: Any) -> int:
    """Bytes that Twisted keeps until the other side reads, as far as it can be told."""
    while hasattr(transport, "transport"):  # a WebSocket, on its socket
        transport = transport.transport
    if not hasattr(transport, "_tempDataLen"):
        return 0
    return int(transport._tempDataLen + len(transport.dataBuffer) - transport.offset)


def sender(transport: Any) -> Callable[[bytes], object]:
    """A function that sends bytes: as `directly` does, and what that did not take by the queue. It
    is one function and not two, for it is called often."""
    direct, write = directly(transport), transport.write
    if direct is None:
        to_queue: Callable[[bytes], object] = write
        return to_queue
    to_kernel = transport.socket.send

    def send(data: bytes) -> None:
        taken = 0
        if not transport._tempDataLen and len(transport.dataBuffer) <= transport.offset:
            try:
                taken = to_kernel(data)
            except OSError:  # full, or gone: the queue's own write finds out which
                taken = 0
        if taken < len(data):
            write(data[taken:])

    return send
