"""What is said to people stays legible where the terminal, or a file in its place, is not UTF-8."""

from __future__ import annotations

import codecs
import io

PLAIN = {
    "█": "#",
    "░": ".",
    "●": "*",
    "▏": "|",
    "→": "->",
    "←": "<-",
    "…": "...",
    "·": ".",
    "×": "x",
}
LINES = "─━│┃"


def plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Stands in for what an encoding lacks: see `codecs.register_error`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(map(_stand_in, lacking)), error.end


def _stand_in(letter: str) -> str:
    return PLAIN.get(letter, "+" if "─" <= letter <= "╿" else "?")


def make_legible(*streams: object) -> None:
    """From now on these never fail for a letter that they cannot write."""
    codecs.register_error("clientmigration", plain)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="clientmigration")
