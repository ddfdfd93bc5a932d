"""The static files of the homepage and of a game's page, all read once, when the daemon starts.

A request is looked up among them by name: it never reaches the file system.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from clientmigration.status.answers import OPEN, PublicAnswer

STATIC = Path(__file__).with_name("static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ts": "text/plain; charset=utf-8",
}
FRAMED = {"embed.html"}
INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_OURS = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"


def policy(connect: str, framed: bool, page: bytes = b"") -> str:
    """The Content-Security-Policy of one of our pages: scripts are ours, or stand in the page."""
    ancestors = "*" if framed else "'none'"
    hashes = [b64encode(sha256(each).digest()).decode() for each in INLINE.findall(page)]
    scripts = " ".join(["script-src 'self'", *(f"'sha256-{each}'" for each in hashes)])
    rest = f"form-action 'none'; connect-src {connect}; frame-ancestors {ancestors}"
    return f"{_OURS}; {scripts}; {rest}"


def static_files(folder: Path = STATIC) -> dict[str, PublicAnswer]:
    """An answer for each file, by its path below `folder`. `index.html` also answers for ""."""
    found = files_below(folder)
    if "index.html" in found:
        found[""] = found["index.html"]
    if "embed.html" in found:
        found["embed"] = found["embed.html"]
    return found


def files_below(folder: Path, under: str = "") -> dict[str, PublicAnswer]:
    """An answer for each file below `folder`, by its path from there, after `under`."""
    return {
        under + path.relative_to(folder).as_posix(): _answer(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in TYPES
    }


def _answer(path: Path) -> PublicAnswer:
    headers, body = dict(OPEN), path.read_bytes()
    if path.suffix == ".html":
        # Players' connections go to game servers on any port, so ws: and wss: to anywhere.
        framed = path.name in FRAMED
        headers["Content-Security-Policy"] = policy("'self' ws: wss:", framed, body)
    return PublicAnswer(body, TYPES[path.suffix], "no-cache", headers)
