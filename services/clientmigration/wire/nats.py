"""The little of NATS's protocol that the ledger speaks, without I/O: bytes in, operations out.

It asks questions and reads their answers: CONNECT, SUB, HPUB and PING go out, INFO, MSG, HMSG,
PING, PONG and -ERR come in. Published at https://docs.nats.io/reference/nats-protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from clientmigration.errors import FrameTooLarge, MalformedFrame

LINE_LIMIT = 65_536  # bytes of one control line: INFO names every server of a cluster
PAYLOAD_LIMIT = 64 << 20  # bytes: no server of NATS may be set to more
PING, PONG = b"PING\r\n", b"PONG\r\n"

_VERSION = b"NATS/1.0"
_END = b"\r\n"


class Info(msgspec.Struct, frozen=True):
    """What a server says of itself, first of all and whenever it changes."""

    version: str = ""
    server_name: str = ""
    headers: bool = False
    tls_required: bool = False
    max_payload: int = 1 << 20


class Delivery(msgspec.Struct, frozen=True):
    """What came on a subscription. `status` is 0 unless its headers begin with one."""

    subject: str
    payload: bytes
    status: int = 0


class Pinged(msgspec.Struct, frozen=True):
    """The server wants to hear PONG."""


class Ponged(msgspec.Struct, frozen=True):
    """The server has read everything up to our PING."""


class Complaint(msgspec.Struct, frozen=True):
    """The server says what is wrong. After most of them it closes the connection."""

    why: str


Operation = Info | Delivery | Pinged | Ponged | Complaint

_info = msgspec.json.Decoder(Info)


def connect(**options: Any) -> bytes:
    """Who we are: the first that is said on a connection."""
    return b"CONNECT " + msgspec.json.encode(options) + _END


def subscribe(subject: str, number: int) -> bytes:
    """Have what is published there sent to us."""
    return f"SUB {subject} {number}\r\n".encode()


def publish(subject: str, answer_to: str, payload: bytes, header: str = "") -> bytes:
    """Publish, with at most one header ("Name: value"), and name the subject for the answer."""
    if not header:
        return f"PUB {subject} {answer_to} {len(payload)}\r\n".encode() + payload + _END
    headers = f"NATS/1.0\r\n{header}\r\n\r\n".encode()
    sizes = f"{len(headers)} {len(headers) + len(payload)}"
    return b"".join(
        (f"HPUB {subject} {answer_to} {sizes}\r\n".encode(), headers, payload, _END)
    )  # fmt: skip


class Reader:
    """Turns what a server sends into operations, however it is cut."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, received: bytes) -> Iterator[Operation]:
        """The operations that are whole by now. Raises `PeersFault` for what is none."""
        self._held += received
        at = 0
        try:
            while True:
                read = self._next(at)
                if read is None:
                    break
                operation, at = read
                if operation is not None:
                    yield operation
        finally:
            self._held = self._held[at:]

    def _next(self, at: int) -> tuple[Operation | None, int] | None:
        """The operation that begins at `at`, and where it ends; None while it is not whole."""
        end = self._held.find(_END, at)
        if end < 0:
            if len(self._held) - at > LINE_LIMIT:
                raise FrameTooLarge(f"a line of NATS has more than {LINE_LIMIT} bytes")
            return None
        verb, _, rest = self._held[at:end].partition(b" ")
        verb = verb.upper()
        if verb in (b"MSG", b"HMSG"):
            return self._message(rest.decode("utf-8", "replace").split(), verb == b"HMSG", end + 2)
        return _said(verb, rest), end + 2

    def _message(
        self, words: list[str], headed: bool, begin: int
    ) -> tuple[Operation | None, int] | None:
        headers, total = _sizes(words, headed)
        end = begin + total
        if len(self._held) < end + 2:
            return None
        if self._held[end : end + 2] != _END:
            raise MalformedFrame("a message of NATS is longer than it says")
        payload = self._held[begin + headers : end]
        status = _status(self._held[begin : begin + headers]) if headed else 0
        return Delivery(words[0], payload, status), end + 2


def _sizes(words: list[str], headed: bool) -> tuple[int, int]:
    """Bytes of a message's headers, and of all of it, by `subject number [answer] sizes`."""
    try:
        _subject, _number, *_, last = words
        headers, total = int(words[-2]) if headed else 0, int(last)
    except ValueError:
        raise MalformedFrame("a message of NATS without its size") from None
    if not 0 <= headers <= total:
        raise MalformedFrame("the headers of a message of NATS are longer than the message")
    if total > PAYLOAD_LIMIT:
        raise FrameTooLarge(f"a message of NATS has {total} bytes")
    return headers, total


def _status(headers: bytes) -> int:
    """The number in `NATS/1.0 404 Message Not Found`; 0 when there is none."""
    first = headers.partition(_END)[0]
    number = first.removeprefix(_VERSION).split(maxsplit=1)
    return int(number[0]) if number and number[0].isdigit() else 0


def _said(verb: bytes, rest: bytes) -> Operation | None:
    match verb:
        case b"INFO":
            try:
                return _info.decode(rest)
            except msgspec.DecodeError as error:
                raise MalformedFrame(f"a server of NATS introduces itself badly: {error}") from None
        case b"PING":
            return Pinged()
        case b"PONG":
            return Ponged()
        case b"-ERR":
            return Complaint(rest.decode("utf-8", "replace").strip(" '"))
        case b"+OK":
            return None
    raise MalformedFrame(f"no operation of NATS: {verb[:20]!r}")
