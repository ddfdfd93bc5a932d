"""The server's side of a WebSocket, without I/O: bytes in, payloads out.

The library knows RFC 6455. Ours is which pages may connect, that a message is binary and carries
one `kind body`, and how much of everything there may be. It never closes anything itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from clientmigration.errors import (
    ConfigurationError,
    ForeignOrigin,
    FrameTooLarge,
    MalformedFrame,
    NotOurProtocol,
    PeersFault,
    TooFast,
)

try:
    from websockets.speedups import apply_mask
except ImportError:  # its wheel is for another machine
    from websockets.utils import apply_mask

REQUEST_LIMIT = 8192  # bytes of the HTTP request: a browser's is below 1 kB, with cookies a few
ASIDES = 16  # pings and parts of messages between two messages: nobody honest sends more
ANYBODY = "*"
HERE = frozenset({"localhost", "127.0.0.1", "::1"})

_SHORT = struct.Struct("!BB")
_MIDDLE = struct.Struct("!BBH")
_LONG = struct.Struct("!BBQ")
_BINARY = 0x82  # the last (and only) frame of a binary message
_BLANK = b"\r\n\r\n"  # ends a request
_MASKED = 6  # bytes before the payload of a short message of a browser, which masks
_LENGTH = 4  # bytes of a frame's length on TCP, which a WebSocket message does not carry


def sniff(first: bytes) -> bool | None:
    """Whether a connection that begins like this is HTTP; None: one byte more is needed.

    `GE` as a length would be a first frame of 17 kB at least, and 512 bytes are allowed.
    """
    return None if first == b"G" else first[:2] == b"GE"


def messaged(frame: bytes) -> bytes:
    """One whole frame as one WebSocket message of a server, which does not mask."""
    size = len(frame) - _LENGTH
    if size < 126:
        return _SHORT.pack(_BINARY, size) + frame[_LENGTH:]
    if size < 65536:
        return _MIDDLE.pack(_BINARY, 126, size) + frame[_LENGTH:]
    return _LONG.pack(_BINARY, 127, size) + frame[_LENGTH:]


def _size_of(frame: Frame | Request | Response) -> int:
    """The bytes of a frame of a browser, if its length is not written longer than needed."""
    if not isinstance(frame, Frame):
        return 0
    size = len(frame.data)
    return size + (_MASKED if size < 126 else _MASKED + 2 if size < 65536 else _MASKED + 8)


@dataclass(frozen=True, slots=True)
class Origins:
    """Pages that may connect: those of the door's own host, and of origins that are `named`."""

    named: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Origins:
        """`https://play.example.org, http://…` or `*` for all; "" names none."""
        named = frozenset(each.strip().lower() for each in text.split(",") if each.strip())
        for each in named - {ANYBODY}:
            if each != _origin_of(each):
                raise ConfigurationError(f"{each!r} is not an origin (scheme://host[:port]) or *")
        return cls(named)

    def admit(self, origin: str | None, host: str) -> bool:
        """May a page of `origin` connect to a door that it calls `host`? Who sends no origin is no
        browser. For this machine's own pages all names of it are one host."""
        if origin is None or ANYBODY in self.named or origin.lower() in self.named:
            return True
        there, here = _host_of(origin), _host_of(f"//{host}")
        return bool(there) and (there == here or {there, here} <= HERE)


def _origin_of(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return url if scheme and _host_of(f"//{rest}") and not set(rest) & set("/?#@") else ""


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


class WebSocket:
    """The server's side of one WebSocket. `limit` is the largest message that may come."""

    def __init__(self, origins: Origins, limit: int) -> None:
        self.origins = origins
        self.limit = limit
        self.open = False
        self.forwarded = ""  # X-Forwarded-For, which anybody can write
        self._protocol = ServerProtocol(max_size=limit)
        self._parts = bytearray()
        self._asides = 0
        self._asked = b""
        self._inside = 0  # bytes of what is not complete; more if a frame was longer than needed
        self._frames: list[Any] = []
        self._ended = False
        self._between = False  # two messages that were whole, with nothing owed and no end

    def shake(self, data: bytes) -> None:
        """Bytes of the HTTP request; it is `open` once they make a good one. A bad one is the
        peer's fault, and `owed` is what to answer it."""
        self._asked += data
        if len(self._asked) > REQUEST_LIMIT:
            raise NotOurProtocol(f"an HTTP request of more than {REQUEST_LIMIT} bytes")
        self.feed(data)
        if self._frames and isinstance(self._frames[0], Request):
            self._inside -= self._asked.index(_BLANK) + len(_BLANK)
            self._answer(self._frames.pop(0))
        elif self._protocol.handshake_exc is not None:
            raise NotOurProtocol(str(self._protocol.handshake_exc))

    def _answer(self, request: Request) -> None:
        self.forwarded = ",".join(request.headers.get_all("X-Forwarded-For"))
        response = self._refusal(request) or self._protocol.accept(request)
        self._protocol.send_response(response)
        if response.status_code == 403:
            raise ForeignOrigin("a page of another host; --origins names those that may connect")
        if response.status_code != 101:
            raise NotOurProtocol(f"no WebSocket: {self._protocol.handshake_exc}")
        self.open = True

    def _look(self) -> None:
        self._between = not (self._inside or self._parts) and self._protocol.state is OPEN

    def _refusal(self, request: Request) -> Response | None:
        origins = request.headers.get_all("Origin")
        hosts = request.headers.get_all("Host")
        origin = ",".join(origins) if origins else None
        if self.origins.admit(origin, "".join(hosts[:1])):
            return None
        return self._protocol.reject(403, "pages of this origin may not connect here\n")

    def only(self, data: bytes) -> bytes | None:
        """The message that `data` is, if it is one whole short one after others that were whole:
        the usual case. None if not: then it is to be fed."""
        size = len(data) - _MASKED
        if not self._between or not 0 <= size < 126 or data[0] != _BINARY or data[1] != 0x80 | size:
            return None
        self._asides = 0
        return apply_mask(data[_MASKED:], data[2:_MASKED])

    def feed(self, data: bytes) -> None:
        """Bytes of messages: what they complete is in `payloads`. After our own end nothing counts
        but the peer's, and nothing is kept."""
        self._between = False
        self._protocol.receive_data(data)
        frames = self._protocol.events_received()
        self._inside += len(data) - sum(map(_size_of, frames))
        if not self._ended:
            self._frames += frames

    def payloads(self) -> Iterator[bytes]:
        """The messages that are complete since the last call. What came before a fault is yielded,
        then the fault is raised, once: nothing is read any more."""
        frames, self._frames = self._frames, []
        for frame in frames:
            if frame.opcode is not Opcode.CLOSE and (payload := self._whole(frame)) is not None:
                yield payload
        if self._protocol.parser_exc is not None:
            raise self._fault(self._protocol.parser_exc)
        self._look()

    def _whole(self, frame: Frame) -> bytes | None:
        """The message that this frame completes, if it does."""
        if frame.opcode is Opcode.TEXT:
            raise MalformedFrame("a text message: all messages here are binary")
        if frame.opcode in (Opcode.BINARY, Opcode.CONT):
            self._parts += frame.data
            if frame.fin:
                payload, self._asides = bytes(self._parts), 0
                self._parts.clear()
                return payload
        self._asides += 1
        if self._asides > ASIDES:
            raise TooFast("too many pings, or parts of a message")
        return None

    def _fault(self, error: Exception) -> PeersFault:
        if isinstance(error, PayloadTooBig):
            return FrameTooLarge(f"a message of more than {self.limit} bytes")
        return MalformedFrame(f"no frame of a WebSocket: {error}")

    def close(self) -> None:
        """Tell the browser that nothing more will come; what it still says is not kept."""
        self._ended, self._between = True, False
        self._frames.clear()
        self._parts.clear()
        if self._protocol.state is OPEN:
            self._protocol.send_close(1000)

    def owed(self) -> list[bytes]:
        """What has to be sent now, in order; an empty one means: and then close the connection."""
        return self._protocol.data_to_send()

    @property
    def held(self) -> int:
        """Bytes of messages that are not complete, or not taken."""
        taken = sum(len(frame.data) for frame in self._frames if isinstance(frame, Frame))
        return len(self._parts) + len(self._protocol.reader.buffer) + taken

    def drop(self) -> None:
        """The connection is over. The library's parser and its faults hold each other, and would
        wait for a collection of garbage."""
        self._ended = True
        self._frames.clear()
        self._protocol.parser.close()
        self._protocol.parser_exc = self._protocol.handshake_exc = None
