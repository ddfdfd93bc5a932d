"""The bytes of the demo game's inputs and views, shared by its server and its players.

An input's body is a verb and its arguments; a view's body is the player's own state and then the
cells around it, each built once per tick for everyone who sees it. All little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from clientmigration.errors import MalformedFrame

MOVE, PICK, GIVE, DROP, FIND = 1, 2, 3, 4, 5
CELL_M = 50.0
SIDE = 20  # cells along each side of the meadow
STEPS = 65535  # a position within a cell is counted in 1/65535 of its side

_MOVE = struct.Struct("<Bff")
_GIVE = struct.Struct("<B8s")
_FIND = struct.Struct("<BBB")
SELF = struct.Struct("<ffIH")
BLOCK = struct.Struct("<hhH")
# The same two, to lay out many at once.
HEADS = np.dtype([("x", "<f4"), ("y", "<f4"), ("coins", "<u4"), ("blocks", "<u2")])
BLOCKS = np.dtype([("column", "<i2"), ("row", "<i2"), ("count", "<u2")])
ENTITY = np.dtype([("player", "V8"), ("x", "<u2"), ("y", "<u2"), ("owner", "u1"), ("coins", "u1")])


def move(vx: float, vy: float) -> bytes:
    """Walk with this velocity, metres per second, from now on."""
    return _MOVE.pack(MOVE, vx, vy)


def pick() -> bytes:
    """Pick up one coin lying in my cell, if there is one."""
    return bytes([PICK])


def drop() -> bytes:
    """Lay down one of my coins, if I have one."""
    return bytes([DROP])


def give(player: str) -> bytes:
    """Give one of my coins to this player, if it is near."""
    return _GIVE.pack(GIVE, bytes.fromhex(player))


def find(column: int, row: int) -> bytes:
    """Pick up the coin that lies for me in this plot, if it is near."""
    return _FIND.pack(FIND, column, row)


class Give(msgspec.Struct, frozen=True):
    """A decoded `give`."""

    player: str


@dataclass(frozen=True, slots=True)
class Pickup:
    """A decoded `find`."""

    column: int
    row: int


class Walk(msgspec.Struct, frozen=True):
    """A decoded `move`."""

    vx: float
    vy: float


def walk(body: bytes) -> tuple[float, float] | None:
    """The velocity in an input's body, if it is a `move`: without an object for most inputs."""
    if len(body) == _MOVE.size and body[0] == MOVE:
        _, vx, vy = _MOVE.unpack(body)
        return vx, vy
    return None


def decode(body: bytes) -> Walk | Give | Pickup | int:
    """The verb in an input's body: `Walk`, `Give`, `Pickup`, or the bare `PICK` or `DROP`."""
    if (velocity := walk(body)) is not None:
        return Walk(*velocity)
    if len(body) == _GIVE.size and body[0] == GIVE:
        return Give(body[1:].hex())
    if len(body) == _FIND.size and body[0] == FIND:
        return Pickup(body[1], body[2])
    if len(body) == 1 and body[0] in (PICK, DROP):
        return body[0]
    raise MalformedFrame(f"not an input of the meadow: {body[:16].hex()}")


@dataclass(frozen=True, slots=True)
class MeadowView:
    """A decoded view body: the player itself, and everyone in the cells around (structured array).

    `others` has fields player (8 bytes), x, y (metres), owner (index of a server), coins (0..255).
    """

    x: float
    y: float
    coins: int
    others: NDArray[np.void]


_SEEN = np.dtype([("player", "V8"), ("x", "f8"), ("y", "f8"), ("owner", "u1"), ("coins", "u1")])


def look(body: bytes) -> MeadowView:
    """A view's body, decoded whole. Raises MalformedFrame when it is not one."""
    x, y, coins, blocks = _self(body)
    at, parts = SELF.size, [np.empty(0, _SEEN)]
    try:
        for _ in range(blocks):
            column, row, count = BLOCK.unpack_from(body, at)
            at += BLOCK.size
            parts.append(_block(column, row, np.frombuffer(body, ENTITY, count, at)))
            at += ENTITY.itemsize * count
    except (struct.error, ValueError):
        raise MalformedFrame(f"a view of the meadow ends early, at {len(body)} bytes") from None
    if at != len(body):
        raise MalformedFrame(f"a view of the meadow has {len(body) - at} bytes too many")
    return MeadowView(x, y, coins, np.concatenate(parts))


def _block(column: int, row: int, packed: NDArray[np.void]) -> NDArray[np.void]:
    """One cell's entities with their places in metres."""
    part = np.empty(len(packed), _SEEN)
    for name in ("player", "owner", "coins"):
        part[name] = packed[name]
    part["x"] = (column + packed["x"] / STEPS) * CELL_M
    part["y"] = (row + packed["y"] / STEPS) * CELL_M
    return part


def own(body: bytes) -> tuple[float, float, int]:
    """Only the player itself from a view's body: x, y in metres, coins. Cheap."""
    x, y, coins, _ = _self(body)
    return x, y, coins


def _self(body: bytes) -> tuple[float, float, int, int]:
    if len(body) < SELF.size:
        raise MalformedFrame(f"a view of the meadow of {len(body)} bytes")
    x, y, coins, blocks = SELF.unpack_from(body)
    return x, y, coins, blocks
