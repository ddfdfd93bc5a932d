"""Writes down what was said in a run: always its digest, on request every line for people to read.

It listens only: a run that is kept is the same to the last byte as one that is not.
"""

from __future__ import annotations

import hashlib
import struct
from typing import Any

from clientmigration.testing.clock import Timeline
from clientmigration.testing.network import End
from clientmigration.wire.connection import CONTROL, INPUT, VIEW, VIEW_HEADER

_AT = struct.Struct("<d")


class Transcript:
    """A tap of a network. `lines` stays empty unless it is `kept`."""

    def __init__(self, clock: Timeline, kept: bool = False) -> None:
        self.clock, self.kept = clock, kept
        self.began = clock.seconds()
        self.lines: list[str] = []
        self._digest = hashlib.sha256()

    def tap(self, end: End, data: bytes) -> None:
        """Take down what is carried. A tap of the network."""
        way = f"{end.here}>{end.there}".encode()
        self._digest.update(_AT.pack(self.clock.rightNow) + way + data)
        if self.kept:
            text = described(data)
            if text:
                self.note(f"{end.here:>8} > {end.there:<8}  {text}")

    def note(self, text: str) -> None:
        """Something that is not said on a line, but is worth a line."""
        if self.kept:
            self.lines.append(f"{self.clock.rightNow - self.began:9.4f}  {text}")

    def digest(self) -> str:
        """SHA-256 over all that was said, by whom, to whom and when."""
        return self._digest.hexdigest()


_DULL = (b'{"t":"report"', b'{"t":"noted"', b'{"t":"ping"', b'{"t":"pong"', b'{"t":"greeting"')


def described(data: bytes) -> str:
    """One line about one frame; nothing for those that say nothing of interest."""
    if not data:
        return "(closes)"
    kind, body = data[4], data[5:]
    if kind == VIEW:
        _, _, tick, last, *_rest = _view(data)
        return f"view tick={tick} last={last}"
    if kind == INPUT:
        return f"input seq={int.from_bytes(body[:4], 'little')} body={body[4:].hex()}"
    if kind != CONTROL or body.startswith(_DULL):
        return ""
    return body.decode()[:400]


def _view(data: bytes) -> tuple[Any, ...]:
    return VIEW_HEADER.unpack_from(data)
