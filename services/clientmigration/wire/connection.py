"""Turns the bytes of a connection into messages: frames, limits, the greeting. It does no I/O.

It never closes anything itself. A frame is `length:u32le kind:u8 body`, where length counts kind
and body. Kind 0 is a control message (JSON), 1 an input, 2 a view, 3 a chunk of a file, 4 an item
of a feed; between servers 5 is a look, 6 a sight. Over a WebSocket the length is left out: one
message, one `kind body`.
See docs/protocol.md, which this file must agree with.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from clientmigration.errors import FrameTooLarge, MalformedFrame, NotOurProtocol, OutOfTurn
from clientmigration.wire import messages, neighbours, operators, zones
from clientmigration.wire.base import Message
from clientmigration.wire.messages import Chunk, Goodbye, Greeting, Input, Item, View
from clientmigration.wire.neighbours import Look, Sight

CONTROL, INPUT, VIEW, CHUNK, ITEM, LOOK, SIGHT = range(7)
Packed = Input | View | Chunk | Item | Look | Sight

_LENGTH = struct.Struct("<I")
_FRAME = struct.Struct("<IB")
_INPUT = struct.Struct("<IBI")
VIEW_HEADER = struct.Struct("<IBQIII")
VIEW_START, PROGRESS = struct.Struct("<IBQ"), struct.Struct("<III")  # the same in two parts
_VIEW = struct.Struct("<QIII")
_PART = struct.Struct("<IQ")
_PART_FRAME = struct.Struct("<IBIQ")
_SEQ = struct.Struct("<I")
_SIGHT = struct.Struct("<IBQ")
_TICK = struct.Struct("<Q")

GREETING_LIMIT = 512  # bytes: a greeting is below 100, and nothing else may come first
PROOF_LIMIT = 4096  # bytes of what a member says before it has proved anything
INPUT_HEAD, LENGTH = _INPUT.size, _LENGTH.size  # bytes before an input's body; of a frame's length
INPUT_LIMIT = 256  # bytes of one input's body: a game's verb and its arguments
_encode_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one side may say: its control messages, its binary kinds, and its largest frame.

    `first` is the largest frame right after the greeting, while the peer is still a stranger.
    """

    name: str
    limit: int
    first: int
    kinds: frozenset[int]
    decoder: msgspec.json.Decoder[Any]


def _dialect(name: str, said: Any, limit: int, *kinds: int, first: int = 0) -> Dialect:
    decoder = msgspec.json.Decoder(said)
    return Dialect(name, limit, first or limit, frozenset({CONTROL, *kinds}), decoder)


# Limits, in bytes: a player's control messages are below 2 KiB; a view of 4,000 others is 64 KiB; a
# member link carries batches (rosters, checkpoints) that its sender cuts at 1 MiB.
PLAYER_TO_ROUTER = _dialect("player to router", messages.PlayerToRouter, 4096)
ROUTER_TO_PLAYER = _dialect("router to player", messages.RouterToPlayer, 65536)
PLAYER_TO_SERVER = _dialect("player to server", messages.PlayerToServer, 4096, INPUT)
SERVER_TO_PLAYER = _dialect("server to player", messages.ServerToPlayer, 262144, VIEW, CHUNK, ITEM)
MEMBER_TO_ROUTER = _dialect("member to router", zones.AnyMemberToRouter, 4194304, first=PROOF_LIMIT)
ROUTER_TO_MEMBER = _dialect("router to member", zones.RouterToAnyMember, 4194304)

# An overview of 1,000 members is 600 kB, a world of 5,000 players 200 kB.
OPERATOR_TO_ROUTER = _dialect("operator to router", operators.OperatorToRouter, PROOF_LIMIT)
ROUTER_TO_OPERATOR = _dialect("router to operator", operators.RouterToOperator, 4194304)

SERVER_TO_SERVER = _dialect(
    "server to server", neighbours.ServerToServer, 1048576, LOOK, SIGHT, first=PROOF_LIMIT
)


def encode(message: Message | Packed) -> bytes:
    """One whole frame, length included."""
    pack = _PACK.get(type(message))
    if pack is not None:
        return pack(message)
    body = _encode_json(message)
    return _FRAME.pack(1 + len(body), CONTROL) + body


def _packed_input(message: Input) -> bytes:
    return _INPUT.pack(5 + len(message.body), INPUT, message.seq) + message.body


def _packed_view(message: View) -> bytes:
    header = (message.tick, message.last, message.applied, message.digest)
    return VIEW_HEADER.pack(21 + len(message.body), VIEW, *header) + message.body


def _packed_look(message: Look) -> bytes:
    return _FRAME.pack(1 + len(message.body), LOOK) + message.body


def _packed_sight(message: Sight) -> bytes:
    return _SIGHT.pack(9 + len(message.body), SIGHT, message.tick) + message.body


def _part(kind: int, stream: int, place: int, body: bytes) -> bytes:
    return _PART_FRAME.pack(13 + len(body), kind, stream, place) + body


_PACK: dict[type, Callable[[Any], bytes]] = {
    Input: _packed_input,
    View: _packed_view,
    Chunk: lambda message: _part(CHUNK, message.id, message.offset, message.body),
    Item: lambda message: _part(ITEM, message.id, message.seq, message.body),
    Look: _packed_look,
    Sight: _packed_sight,
}


def input_in(data: bytes) -> int:
    """The number of the input that `data` is, if it is one whole frame; its body is what comes
    after `INPUT_HEAD` bytes. 0 if not: then it is to be received."""
    size = len(data)
    if not INPUT_HEAD <= size <= INPUT_HEAD + INPUT_LIMIT:
        return 0
    length, kind, seq = _INPUT.unpack_from(data)
    return seq if kind == INPUT and length == size - LENGTH else 0


def input_of(payload: bytes) -> int:
    """The same of one frame without its length."""
    size = len(payload) + LENGTH
    if INPUT_HEAD <= size <= INPUT_HEAD + INPUT_LIMIT and payload[0] == INPUT:
        return _SEQ.unpack_from(payload, 1)[0]  # type: ignore[no-any-return]
    return 0


_NOTHING = bytearray()  # one for all: a look at one's own costs a cache miss


class Connection:
    """One side of one connection: feed it bytes, iterate messages, and let errors end it.

    `hears` is the dialect of the peer. The first message is the peer's `Greeting`. Errors are
    `PeersFault`s; after one, or after the peer's `Goodbye`, the rest of the stream is ignored.
    """

    __slots__ = ("_kept", "_limit", "_wanted", "greeted", "hears", "over")

    def __init__(self, hears: Dialect) -> None:
        self.hears = hears
        self.greeted = False
        self.over = False
        self._limit = GREETING_LIMIT
        self._kept = _NOTHING
        self._wanted = _LENGTH.size  # bytes that have to be there before anything can be decoded

    @property
    def between(self) -> bool:
        """Whether the next byte is the first of a frame."""
        return not (self._kept or self.over)

    def only(self, data: bytes) -> Message | Packed | None:
        """The message that `data` is, if it is one whole frame after others that were whole: the
        usual case. None if not: then it is to be received."""
        size = len(data) - _LENGTH.size
        if self._kept or self.over or not self.greeted or not 0 < size <= self._limit:
            return None
        if _LENGTH.unpack_from(data)[0] != size:
            return None
        try:
            return self._decode(data[_LENGTH.size :])
        except Exception:
            self.over = True
            raise

    def receive(self, data: bytes) -> Iterator[Message | Packed]:
        """The messages that `data` completes. Yields those before a fault, then raises it."""
        if self.over:
            return
        if self._kept:
            self._kept += data
            if len(self._kept) < self._wanted:
                return
            data, self._kept = bytes(self._kept), _NOTHING
        at = 0
        try:
            while not self.over and (size := self._complete(data, at)):
                at += 4 + size
                yield self._decode(data[at - size : at])
        except Exception:
            self.over = True
            raise
        if not self.over and at < len(data):
            self._kept = bytearray(data[at:])

    def end(self) -> None:
        """Ignore whatever still comes, and keep nothing of what came."""
        self.over = True
        self._kept = _NOTHING

    @property
    def held(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._kept)

    def turn(self, hears: Dialect) -> None:
        """The greeting said that the peer speaks another dialect."""
        self.hears, self._limit = hears, hears.first

    def _complete(self, data: bytes, at: int) -> int:
        """The size of the frame that begins at `at`, or 0 while part of it is missing."""
        self._wanted = _LENGTH.size
        if len(data) - at < self._wanted:
            return 0
        size: int = _LENGTH.unpack_from(data, at)[0]
        self._check(size)
        self._wanted += size
        return size if len(data) - at >= self._wanted else 0

    def _check(self, size: int) -> None:
        if not self.greeted and not 0 < size <= GREETING_LIMIT:
            raise NotOurProtocol("the first bytes are not a greeting")
        if size > self._limit:
            raise FrameTooLarge(
                f"{self.hears.name}: a frame of {size} bytes, {self._limit} are allowed"
            )
        if size == 0:
            raise MalformedFrame(f"{self.hears.name}: an empty frame")

    def decode(self, payload: bytes) -> Message | Packed:
        """One message from one frame without its length (what a WebSocket message carries)."""
        self._check(len(payload))
        return self._decode(payload)

    def receive_each(self, payloads: Iterable[bytes]) -> Iterator[Message | Packed]:
        """As `receive`, from payloads that come one by one."""
        for payload in payloads:
            if self.over:
                return
            yield self.decode(payload)

    def _decode(self, payload: bytes) -> Message | Packed:
        if not self.greeted:
            return self._greet(payload)
        self._limit = self.hears.limit
        kind = payload[0]
        if kind not in self.hears.kinds:
            raise MalformedFrame(f"{self.hears.name}: frame kind {kind} is not said here")
        if kind == CONTROL:
            return self._control(payload)
        return _UNPACK[kind](payload)

    def _greet(self, payload: bytes) -> Greeting:
        try:
            message = self._json(payload) if payload[0] == CONTROL else None
        except MalformedFrame as error:
            raise NotOurProtocol("the first frame is not a greeting") from error
        if not isinstance(message, Greeting) or message.protocol != messages.PROTOCOL:
            raise NotOurProtocol("the first frame is not a greeting")
        if message.version != messages.VERSION:
            raise NotOurProtocol(f"version {message.version} is not spoken, {messages.VERSION} is")
        self.greeted, self._limit = True, self.hears.first
        return message

    def _json(self, payload: bytes) -> Message:
        try:
            message: Message = self.hears.decoder.decode(memoryview(payload)[1:])
        except (ValueError, RecursionError) as error:  # not all that is wrong is a DecodeError
            raise MalformedFrame(f"{self.hears.name}: {error}") from error
        return message

    def _control(self, payload: bytes) -> Message:
        message = self._json(payload)
        if isinstance(message, Greeting):
            raise OutOfTurn(f"{self.hears.name}: a second greeting")
        if isinstance(message, Goodbye):
            self.over = True
        return message


def _input(payload: bytes) -> Input:
    if not 5 <= len(payload) <= 5 + INPUT_LIMIT:
        raise MalformedFrame(f"an input of {len(payload)} bytes")
    return Input(_SEQ.unpack_from(payload, 1)[0], payload[5:])


def _view(payload: bytes) -> View:
    if len(payload) < 21:
        raise MalformedFrame(f"a view of {len(payload)} bytes")
    tick, last, applied, digest = _VIEW.unpack_from(payload, 1)
    return View(tick, last, applied, digest, payload[21:])


def _sight(payload: bytes) -> Sight:
    if len(payload) < 9:
        raise MalformedFrame(f"a sight of {len(payload)} bytes")
    return Sight(_TICK.unpack_from(payload, 1)[0], payload[9:])


def _look(payload: bytes) -> Look:
    return Look(payload[1:])


def _chunk(payload: bytes) -> Chunk:
    return Chunk(*_placed(payload), payload[13:])


def _item(payload: bytes) -> Item:
    return Item(*_placed(payload), payload[13:])


def _placed(payload: bytes) -> tuple[int, int]:
    if len(payload) < 13:
        raise MalformedFrame(f"a part of a stream of {len(payload)} bytes")
    stream, place = _PART.unpack_from(payload, 1)
    return stream, place


_UNPACK: dict[int, Callable[[bytes], Packed]] = {
    INPUT: _input,
    VIEW: _view,
    CHUNK: _chunk,
    ITEM: _item,
    LOOK: _look,
    SIGHT: _sight,
}
