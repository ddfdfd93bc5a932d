"""HTTP answers that are ready before they are asked for: a body, its type, its tag, its headers.

Sending one is a comparison of tags and a write. Every answer has the headers that tell browsers
to trust nothing but its type.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b

from twisted.web.http import Request

WORTH_PACKING = 500  # bytes; what is smaller fits into one packet anyway

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
OPEN = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag"}


@dataclass(frozen=True)
class PublicAnswer:
    """A body of one type. `cache` is its Cache-Control; `headers` come on top."""

    body: bytes
    type: str
    cache: str = "no-cache"
    headers: dict[str, str] = field(default_factory=dict)

    @cached_property
    def tag(self) -> str:
        """Changes with the body."""
        return f'"{blake2b(self.body, digest_size=9).hexdigest()}"'

    @cached_property
    def packed(self) -> bytes:
        """The body with gzip, or nothing when that does not pay."""
        if len(self.body) < WORTH_PACKING or self.type.startswith("image/png"):
            return b""
        return gzip.compress(self.body, 6, mtime=0)


def send(request: Request, answer: PublicAnswer, code: int = 200) -> bytes:
    """Set the status and the headers; the body to write is returned."""
    for name, value in (SAFE | answer.headers).items():
        request.setHeader(name, value)
    request.setHeader("Content-Type", answer.type)
    request.setHeader("Cache-Control", answer.cache)
    request.setResponseCode(code)
    if code == 200:
        request.setHeader("ETag", answer.tag)
        if answer.tag in (request.getHeader("If-None-Match") or ""):
            request.setResponseCode(304)
            return b""
    body = answer.body
    if answer.packed:
        request.setHeader("Vary", "Accept-Encoding")
        if "gzip" in (request.getHeader("Accept-Encoding") or ""):
            request.setHeader("Content-Encoding", "gzip")
            body = answer.packed
    request.setHeader("Content-Length", str(len(body)))
    return b"" if request.method == b"HEAD" else body


def plain(text: str) -> PublicAnswer:
    """A line of text, for errors."""
    return PublicAnswer(f"{text}\n".encode(), "text/plain; charset=utf-8", "no-store", dict(OPEN))
