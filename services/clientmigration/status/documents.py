"""The public documents, made from the board: status JSON, events, badge. Nothing else is public.

Pure functions. Each is called once per change, however many read the result.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import msgspec

from clientmigration.status.board import Board, Pseudonyms
from clientmigration.status.feed import PublicMove, PublicServer, PublicWorld, PublicZone, Status

VERSION = 1
SHOWN = 2_000
"""Players in one world event, at most: 21 kB. Of more than that a part is shown."""

RECENT = 10
"""Moves in a status document."""

_ENTITY = struct.Struct("<IHH")
_GRADES = ("fit", "strained", "overloaded", "silent")
COLOURS = {
    "fit": "#2e7d32",
    "strained": "#a15c00",
    "overloaded": "#b3261e",
    "silent": "#b3261e",
    "stale": "#6b6b6b",
    "down": "#b3261e",
}


def status(board: Board, now: float, offered: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The status document of docs/status.md, version 1. `offered` is what the daemon was told
    to say beside: where browsers play, and what."""
    state, known = board.state(now), board.status
    document: dict[str, Any] = {
        "version": VERSION,
        "state": state,
        "at": round(known.at, 3) if known else None,
        "fleet": fleet(known) if known else None,
        "servers": [_server(each) for each in known.servers] if known else [],
        "moves": [move(each) for each in known.recent[:RECENT]] if known else [],
    }
    if known and known.zones:
        document["zones"] = [_server(each) for each in known.zones]
    if known and known.notices:
        document["notices"] = [msgspec.to_builtins(each) for each in known.notices]
    return {**document, **(offered or {})}


def fleet(known: Status) -> dict[str, Any]:
    """Sums over the servers, and what only the router knows. A zone counts with all that is below
    it, and nothing below it counts again."""
    servers, zones = known.servers, [each for each in known.zones if not each.above]
    top: list[PublicServer | PublicZone] = [*(each for each in servers if not each.zone), *zones]
    counts = [each.servers if isinstance(each, PublicZone) else 1 for each in top]
    loads = sum(count * each.load for count, each in zip(counts, top, strict=True))
    return {
        "servers": sum(counts),
        "players": sum(each.players for each in top),
        "capacity": sum(each.capacity for each in top),
        "waiting": known.waiting,
        "moving": known.moving,
        "moves_settled": known.settled,
        "moves_failed": known.failed,
        "felt": known.felt,
        "missed": known.missed,
        "pairs": sum(each.pairs for each in servers),
        "pairs_split": sum(each.pairs_split for each in servers),
        "load": round(loads / sum(counts), 3) if any(counts) else None,
        "grade": _worst([*(each.grade for each in servers), *(each.grade for each in zones)]),
    }


def _worst(grades: Iterable[str]) -> str | None:
    ranks = [_GRADES.index(grade) for grade in grades]
    return _GRADES[max(ranks)] if ranks else None


def _server(server: Any) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(server)
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in fields.items()
        if name != "zone" or value
    }


def move(moved: PublicMove) -> dict[str, Any]:
    """One move that ended. Who was moved is nobody's business."""
    return {
        "at": round(moved.at, 3),
        "source": moved.source,
        "target": moved.target,
        "outcome": moved.outcome,
        "ms": None if moved.ms is None else round(moved.ms, 1),
        "gap_ms": None if moved.gap_ms is None else round(moved.gap_ms, 1),
        "missed": moved.missed,
    }


def world(seen: PublicWorld, pseudonyms: Pseudonyms) -> dict[str, Any]:
    """Everybody as base64 of 8 bytes each: number << 8 | server (u32), x, y (u16, of the size)."""
    scale = 65535 / seen.size
    rows = [
        (pseudonyms.number(each.player) << 8 | each.server & 0xFF, each.x * scale, each.y * scale)
        for each in seen.players
    ]
    if len(rows) > SHOWN:
        rows = sorted(rows)[:SHOWN]
    packed = b"".join(_ENTITY.pack(who, _within(x), _within(y)) for who, x, y in rows)
    return {
        "at": round(seen.at, 3),
        "size": seen.size,
        "cell": seen.cell,
        "count": len(seen.players),
        "players": base64.b64encode(packed).decode(),
    }


def _within(place: float) -> int:
    return max(0, min(65535, round(place)))


def encode(document: Mapping[str, Any]) -> bytes:
    """JSON."""
    return msgspec.json.encode(document)


def event(name: str, document: Mapping[str, Any] | list[Any]) -> bytes:
    """One server-sent event."""
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(document) + b"\n\n"


# The badge.


def words(board: Board, now: float) -> tuple[str, str]:
    """What a badge says, and which of the words in `COLOURS` it is."""
    state, known = board.state(now), board.status
    if state == "down" or known is None:
        return "down", "down"
    if not known.servers and not known.zones:
        return "no servers", "overloaded"
    sums = fleet(known)
    text = f"{_many(sums['players'], 'player')} on {_many(sums['servers'], 'server')}"
    return (f"{text}, stale", "stale") if state == "stale" else (text, sums["grade"])


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def shield(board: Board, now: float) -> dict[str, Any]:
    """The endpoint document of shields.io."""
    text, colour = words(board, now)
    return {
        "schemaVersion": 1,
        "label": "clientmigration",
        "message": text,
        "color": COLOURS[colour].lstrip("#"),
        "isError": colour == "down",
        "cacheSeconds": 30,
    }


_SIGNS = {"fit": "●", "strained": "▲", "overloaded": "■", "silent": "✕", "stale": "◌", "down": "✕"}


def _wide(letter: str) -> float:
    """Pixels of a letter in Verdana at size 11, the widest of the fonts that are asked for."""
    if letter in "il.,:;'|!()j ":
        return 4.4
    return 10.8 if letter in "mwMW●▲■✕◌" else 7.1


def badge(board: Board, now: float) -> bytes:
    """The same as a picture: text, a colour, and a sign for those who do not see colours."""
    text, colour = words(board, now)
    said = f"{_SIGNS[colour]} {text}"
    left, right = 104, 14 + math.ceil(sum(map(_wide, said)))
    label = escape(f"clientmigration: {text}")
    middle = left + right / 2
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{label}"><title>{label}</title>'
        f'<clipPath id="r"><rect width="{left + right}" height="20" rx="4"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b4048"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[colour]}"/></g>'
        '<g fill="#fff" text-anchor="middle" font-size="11"'
        ' font-family="Verdana,DejaVu Sans,Geneva,sans-serif">'
        f'<text x="{left / 2}" y="14">clientmigration</text>'
        f'<text x="{middle:g}" y="14">{escape(said)}</text></g></svg>'
    ).encode()
