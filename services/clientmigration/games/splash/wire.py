"""The bytes of Splash: what a player does, what it sees, and what servers show each other.

An input's body is a verb and its arguments. A view's body is a head and the whole board, a byte for
each cell: the team that painted it last, 0 for none. All little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from clientmigration.errors import MalformedFrame

WIDE, HIGH = 24, 16  # cells of a board
CELLS = WIDE * HIGH
TEAMS = 4  # 1 to 4; 0 is nobody
ROOMS = 255
PAINT, GO = 1, 2

_PAINT, _GO = struct.Struct("<BBB"), struct.Struct("<BB")
_HEAD = struct.Struct("<BBBBHHBBIH4H")
_SHOWN = struct.Struct("<BBH")
_BOARD = struct.Struct("<HHB4H")


def paint(column: int, row: int) -> bytes:
    """Paint this cell."""
    return _PAINT.pack(PAINT, column, row)


def go(room: int) -> bytes:
    """Go to this room."""
    return _GO.pack(GO, room)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A decoded `paint`."""

    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Change:
    """A decoded `go`."""

    room: int


def decode(body: bytes) -> Stroke | Change:
    """What an input says. MalformedFrame for what is none: its sender loses its connection."""
    if len(body) == _PAINT.size and body[0] == PAINT and body[1] < WIDE and body[2] < HIGH:
        return Stroke(body[1], body[2])
    if len(body) == _GO.size and body[0] == GO:
        return Change(body[1])
    raise MalformedFrame(f"not an input of Splash: {body[:16].hex()}")


@dataclass(frozen=True, slots=True)
class BoardView:
    """A room as it is shown: tenths of seconds until the match ends, the number of the match, the
    team that won the last one (0: none), how often each team has won, and the cells."""

    left: int
    match: int
    winner: int
    wins: tuple[int, ...]
    cells: bytes


BLANK = BoardView(0, 0, 0, (0,) * TEAMS, bytes(CELLS))


@dataclass(frozen=True, slots=True)
class SplashView:
    """A decoded view. `where` is 0 while nobody has the room, 1 when it is at this player's server,
    2 when it is at another; `owner` is this server's number, `crowns` the matches that the player
    has won, `strokes` how often it has painted."""

    room: int
    team: int
    where: int
    owner: int
    players: int
    crowns: int
    strokes: int
    board: BoardView


def view(seen: SplashView) -> bytes:
    """The body of a view."""
    board = seen.board
    head = (seen.room, seen.team, seen.where, seen.owner, seen.players, seen.crowns)
    more = (board.winner, 0, seen.strokes, board.match)
    return _HEAD.pack(*head, *more, *board.wins) + struct.pack("<H", board.left) + board.cells


def look(body: bytes) -> SplashView:
    """A view's body, decoded. MalformedFrame when it is not one."""
    if len(body) != _HEAD.size + 2 + CELLS:
        raise MalformedFrame(f"a view of Splash of {len(body)} bytes")
    room, team, where, owner, players, crowns, winner, _, strokes, match, *wins = _HEAD.unpack_from(
        body
    )
    (left,) = struct.unpack_from("<H", body, _HEAD.size)
    board = BoardView(left, match, winner, tuple(wins), body[_HEAD.size + 2 :])
    return SplashView(room, team, where, owner, players, crowns, strokes, board)


# Between servers.


def pack_look(rooms: Iterable[int]) -> bytes:
    """The rooms that are looked at."""
    return bytes(sorted(rooms))


@dataclass(frozen=True, slots=True)
class RoomShown:
    """What a server shows of one room: how many of its players are there, and the board, if this
    server has the room."""

    players: int
    board: BoardView | None


def pack_sight(owner: int, rooms: dict[int, RoomShown]) -> bytes:
    """The server's number, and what it shows."""
    parts = [bytes([owner])]
    for room, shown in rooms.items():
        parts.append(_SHOWN.pack(room, shown.board is not None, shown.players))
        if shown.board is not None:
            board = shown.board
            parts.append(_BOARD.pack(board.left, board.match, board.winner, *board.wins))
            parts.append(board.cells)
    return b"".join(parts)


def read_sight(body: bytes) -> tuple[int, dict[int, RoomShown]]:
    """The same, decoded."""
    rooms: dict[int, RoomShown] = {}
    at = 1
    try:
        while at < len(body):
            room, held, players = _SHOWN.unpack_from(body, at)
            at += _SHOWN.size
            board = None
            if held:
                left, match, winner, *wins = _BOARD.unpack_from(body, at)
                at += _BOARD.size
                board = BoardView(left, match, winner, tuple(wins), body[at : at + CELLS])
                at += CELLS
            rooms[room] = RoomShown(players, board)
    except struct.error:
        raise MalformedFrame("a sight of Splash ends early") from None
    if at != len(body) or not body:
        raise MalformedFrame(f"a sight of Splash of {len(body)} bytes")
    return body[0], rooms
