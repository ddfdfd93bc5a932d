"""The bytes with which a player asks its server for CPU load, files and feeds.

They are inputs, so they are exactly-once across moves. An input whose first byte is 128 or more is
for the server, not for the game. What is asked for goes on until it is stopped, at whichever server
the player is; `got` says how far it has come.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from clientmigration.errors import MalformedFrame

BURN, FETCH, FOLLOW, GOT, STOP = range(0x80, 0x85)
BURN_LIMIT_US = 5000  # per player and tick: a tenth of a 20 Hz tick
NAME_LIMIT = 200  # bytes of a name in UTF-8
GOT_LIMIT = 16  # places in one `got`: more than a player may have streams

_BURN = struct.Struct("<BI")
_ASK = struct.Struct("<BIQ")
_PLACE = struct.Struct("<IQ")
_STOP = struct.Struct("<BI")


@dataclass(frozen=True, slots=True)
class Burn:
    """Burn `us_per_tick` microseconds of CPU in each tick from now on; 0 stops it."""

    us_per_tick: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Send me the file `name` from byte `offset` on, as stream `id`."""

    id: int
    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Follow:
    """Send me the entries of topic `name` that are made at world tick `tick` and after it."""

    id: int
    tick: int
    name: str


@dataclass(frozen=True, slots=True)
class Got:
    """I have everything before these places (bytes of a file, entries of a feed), by stream."""

    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """I want no more of stream `id`: it is complete, or of no use to me."""

    id: int


def burn(us_per_tick: int) -> bytes:
    """An input that says `Burn`."""
    return _BURN.pack(BURN, us_per_tick)


def fetch(id: int, offset: int, name: str) -> bytes:
    """An input that says `Fetch`. The empty name is the catalogue's."""
    return _ASK.pack(FETCH, id, offset) + name.encode()


def follow(id: int, tick: int, name: str) -> bytes:
    """An input that says `Follow`."""
    return _ASK.pack(FOLLOW, id, tick) + name.encode()


def got(places: Mapping[int, int]) -> bytes:
    """An input that says `Got`."""
    return bytes([GOT]) + b"".join(_PLACE.pack(*each) for each in places.items())


def stop(id: int) -> bytes:
    """An input that says `Stop`."""
    return _STOP.pack(STOP, id)


OURS = 0x80  # from here on an input's first byte is the server's


def is_work(body: bytes) -> bool:
    """Whether an input is for the server, not for the game."""
    return bool(body) and body[0] >= OURS


def decode(body: bytes) -> Burn | Fetch | Follow | Got | Stop:
    """What an input asks of the server. Raises MalformedFrame when it asks for nothing known."""
    kind, size = body[:1].hex(), len(body)
    if kind == "80" and size == _BURN.size:
        return _burn(*_BURN.unpack(body))
    if kind in ("81", "82") and _ASK.size <= size <= _ASK.size + NAME_LIMIT:
        return _ask(body)
    if kind == "83" and size > 1 and (size - 1) % _PLACE.size == 0:
        return _got(tuple(_PLACE.iter_unpack(body[1:])))
    if kind == "84" and size == _STOP.size:
        return Stop(_STOP.unpack(body)[1])
    raise MalformedFrame(f"not a workload: {body[:16].hex()}")


def _burn(_: int, us_per_tick: int) -> Burn:
    if us_per_tick > BURN_LIMIT_US:
        raise MalformedFrame(f"a burn of {us_per_tick} us, {BURN_LIMIT_US} are allowed")
    return Burn(us_per_tick)


def _ask(body: bytes) -> Fetch | Follow:
    kind, stream, place = _ASK.unpack_from(body)
    try:
        name = body[_ASK.size :].decode()
    except UnicodeDecodeError:
        raise MalformedFrame("a name that is not UTF-8") from None
    return Fetch(stream, place, name) if kind == FETCH else Follow(stream, place, name)


def _got(places: tuple[tuple[int, int], ...]) -> Got:
    if len(places) > GOT_LIMIT:
        raise MalformedFrame(f"{len(places)} places at once, {GOT_LIMIT} are allowed")
    return Got(places)
