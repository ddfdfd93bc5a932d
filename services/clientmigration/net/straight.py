"""Writes straight to a socket while Twisted has nothing queued for it.

Twisted's write queue costs more than the kernel call itself (1.7 times at 2,000 players: see
design/anchors.md), and a view is worth nothing late. Only what is here knows Twisted's queue by its
private names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, cast

from twisted.internet.tcp import Connection as Socket

from clientmigration.net.polling import Taker, ask_first

Wrap = Callable[[bytes], bytes]
Send = Callable[[bytes], int]


class Straight:
    """The way to the kernel of one socket: its own `send` while nothing is queued, and Twisted's
    queue. Whoever writes to that socket has to write here. `wrap` makes a message of a frame, for
    a WebSocket.

    `clear` says that nothing can be queued, so that nobody has to look; `closed` that no frame is
    sent any more.
    """

    __slots__ = (
        "_ask_no_more", "_owner", "_queue", "_told",
        "clear", "closed", "to_kernel", "transport", "wrap",
    )  # fmt: skip

    def __init__(self, transport: Any, wrap: Wrap | None = None) -> None:
        self.transport, self.wrap = transport, wrap
        self._ask_no_more = self._told = self._owner = _nobody
        self.to_kernel: Send = transport.socket.send
        self._queue: Callable[[bytes], None] = transport.write
        self.clear = not _queued(transport)
        self.closed = False

    def close(self) -> None:
        """No frame is sent by it from now on, and nobody takes what comes."""
        self.closed = True
        self._block()
        self._ask_no_more()

    def belongs(self, owner: Callable[[], None]) -> None:
        """Call this whenever it is not clear any more: its line's."""
        self._owner = owner

    def tell(self, told: Callable[[], None]) -> None:
        """And this, which may be another's each time."""
        self._told = told

    def _block(self) -> None:
        self.clear = False
        self._owner()
        self._told()

    def ask_first(self, clock: Any, taker: Taker) -> None:
        """Ask this one first when something comes, until it is closed."""
        self._ask_no_more = ask_first(clock, self.transport, taker)

    def write(self, frame: bytes) -> None:
        """One frame, in order."""
        if not self.closed:
            self.send(self.wrap(frame) if self.wrap is not None else frame)

    def send(self, data: bytes) -> None:
        """These very bytes, in order."""
        if self.clear or not _queued(self.transport):
            self.clear = not self.closed
            try:
                taken = self.to_kernel(data)
            except OSError:  # full, or gone: the queue's own write finds out which
                taken = 0
            data = data[taken:]
        if data:
            self.queue(data)

    def queue(self, data: bytes) -> None:
        """What the kernel did not take."""
        self._block()
        self._queue(data)


class ShownLine(Protocol):
    """A line, as far as this goes."""

    straight: Straight | None

    def show(self, frame: bytes) -> bool:
        """Send it by itself."""


class SentAll(NamedTuple):
    """How many frames were sent, how many left out, and the bytes of those that went straight."""

    sent: int
    left_out: int
    carried: int


class Rows:
    """Lines that are shown something time and again, for as long as each has the way that it has
    now and no other `Rows`. What it takes lies side by side here: a call into the kernel leaves the
    CPU's caches cold, so nothing is looked up between two of them."""

    def __init__(self, lines: Sequence[ShownLine]) -> None:
        self._lines = lines
        self._ways = [line.straight for line in lines]
        self._straight = [way for way in self._ways if way is not None]
        self._sends = [way.to_kernel for way in self._straight]
        self._wraps = [way.wrap for way in self._straight]
        for way in self._straight:
            way.tell(self._blocked)
        self._look()

    def _look(self) -> None:
        self._clear = len(self._straight) == len(self._lines) and all(
            way.clear for way in self._straight
        )

    def _blocked(self) -> None:
        self._clear = False

    def show(self, frames: Sequence[bytes | None], missing: Callable[[int], None]) -> SentAll:
        """Send each line its frame now, or not at all, as its own `show` does. Where there is no
        frame `missing` is told the row."""
        if not (self._clear and all(frames)):
            return self._show_some(frames, missing)
        known = cast("Sequence[bytes]", frames)
        _send(self._straight, self._sends, self._wraps, known)
        return SentAll(len(known), 0, sum(map(len, known)))

    def _show_some(self, frames: Sequence[bytes | None], missing: Callable[[int], None]) -> SentAll:
        ways, clear, sent, left_out = list[Straight](), list[bytes](), 0, 0
        for row, (line, way, frame) in enumerate(zip(self._lines, self._ways, frames, strict=True)):
            if frame is None:
                missing(row)
            elif way is not None and way.clear:
                ways.append(way)
                clear.append(frame)
            elif line.show(frame):
                sent += 1
            else:
                left_out += 1
        _send(ways, [way.to_kernel for way in ways], [way.wrap for way in ways], clear)
        self._look()
        return SentAll(sent + len(clear), left_out, sum(map(len, clear)))


def _send(
    ways: Sequence[Straight],
    sends: Sequence[Send],
    wraps: Sequence[Wrap | None],
    frames: Sequence[bytes],
) -> None:
    said = [wrap(frame) if wrap else frame for wrap, frame in zip(wraps, frames, strict=True)]
    for way, send, data in zip(ways, sends, said, strict=True):
        try:
            taken = send(data)
        except OSError:  # full, or gone: the queue's own write finds out which
            taken = 0
        if taken < len(data):
            way.queue(data[taken:])


def _nobody() -> None:
    """Nobody has to be told, or asked."""


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


def directly(transport: Any) -> Send | None:
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
    """A function that sends bytes: straight to a plain socket, or as the transport does."""
    if _is_plain(transport):
        return Straight(transport).send
    to_queue: Callable[[bytes], object] = transport.write
    return to_queue
