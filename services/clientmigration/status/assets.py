"""The static files of the homepage and of a game's page, all read once, when the daemon starts.

A request is looked up among them by name: it never reaches the file system.
"""

from __future__ import annotations

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
_OURS = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'"


def policy(connect: str, framed: bool) -> str:
    """The Content-Security-Policy of one of our pages."""
    ancestors = "*" if framed else "'none'"
    return f"{_OURS}; form-action 'none'; connect-src {connect}; frame-ancestors {ancestors}"


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
    headers = dict(OPEN)
    if path.suffix == ".html":
        # Players' connections go to game servers on any port, so ws: and wss: to anywhere.
        headers["Content-Security-Policy"] = policy("'self' ws: wss:", path.name in FRAMED)
    return PublicAnswer(path.read_bytes(), TYPES[path.suffix], "no-cache", headers)
