"""The HTTP side: which path has which answer, and what a request may be. It only reads.

`PublicPages` is an ordinary twisted.web Resource: other parts hang their own children on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from clientmigration.core.measures.bounds import Trusted, source_of
from clientmigration.net.door import Closed
from clientmigration.net.guests import WELCOME, Guest, Guests
from clientmigration.net.line import host_of
from clientmigration.status.answers import OPEN, SAFE, PublicAnswer, plain, send
from clientmigration.status.limits import RateLimits
from clientmigration.status.sse import EventKind, EventStreams

BODY_LIMIT = 65_536
"""Bytes that a request may bring. Only the autoscaler's webhook reads any, and few."""

IDLE_S = 30.0
"""A connection that asks for nothing is closed."""

READING = (b"GET", b"HEAD")
_WITH_WORLD: frozenset[EventKind] = frozenset(("status", "world"))
_PLAIN: frozenset[EventKind] = frozenset(("status",))


class PublicPages(Resource):
    """Answers by path. A child that was put on it comes first.

    `made` are answers that change: each is made anew at each request, which is cheap.
    """

    def __init__(
        self,
        clock: IReactorTime,
        limits: RateLimits,
        streams: EventStreams,
        files: dict[str, PublicAnswer],
        made: dict[str, Callable[[], PublicAnswer]],
        trusted: Trusted = Trusted(),  # noqa: B008
    ) -> None:
        super().__init__()
        self._posts: dict[str, Callable[[Request], bytes | int]] = {}
        self._clock, self._limits, self._streams = clock, limits, streams
        self._files, self._made, self._trusted = files, made, trusted

    def post(self, path: str, take: Callable[[Request], bytes | int]) -> None:
        """Have this answer what is sent to the path by POST."""
        self._posts[path] = take

    def getChild(self, path: bytes, request: Request) -> IResource:  # noqa: ARG002
        """A leaf that answers whatever path is below."""
        return _Leaf(self._answer)

    def render(self, request: Request) -> bytes | int:
        """The root itself."""
        return self._answer(request)

    def _answer(self, request: Request) -> bytes | int:
        chain = ",".join(request.requestHeaders.getRawHeaders("X-Forwarded-For", []))
        peer = host_of(request.getClientAddress())
        origin = source_of(self._trusted.forwarded(peer, chain))
        if not self._limits.take_request(origin, self._clock.seconds()):
            return self._refuse(request, 429, "too many requests")
        path = request.path.decode("latin-1").strip("/")
        if request.method == b"OPTIONS":
            return _preflight(request)
        if path in self._posts:
            return self._post(request, path)
        if request.method not in READING:
            request.setHeader("Allow", "GET, HEAD, OPTIONS")
            return send(request, plain("reading only"), 405)
        if path == "api/v1/events":
            return self._stream(request, origin)
        answer = self._made[path]() if path in self._made else self._files.get(path)
        return (
            send(request, answer) if answer else send(request, plain("there is no such page"), 404)
        )

    def _post(self, request: Request, path: str) -> bytes | int:
        if request.method != b"POST":
            request.setHeader("Allow", "POST")
            return send(request, plain("ask by POST"), 405)
        return self._posts[path](request)

    def _refuse(self, request: Request, code: int, text: str) -> bytes:
        request.setHeader("Retry-After", "5")
        return send(request, plain(text), code)

    def _stream(self, request: Request, origin: str) -> bytes | int:
        for name, value in (SAFE | OPEN).items():
            request.setHeader(name, value)
        request.setHeader("Content-Type", "text/event-stream; charset=utf-8")
        request.setHeader("Cache-Control", "no-store")
        request.setHeader("X-Accel-Buffering", "no")
        if request.method == b"HEAD":
            return b""
        if not self._limits.take_stream(origin):
            return self._refuse(request, 503, "too many readers")
        kinds = _WITH_WORLD if b"world" in request.args.get(b"with", ()) else _PLAIN
        self._streams.open(request, kinds, lambda: self._limits.free_stream(origin))
        return NOT_DONE_YET


class _Leaf(Resource):
    isLeaf = True

    def __init__(self, answer: Callable[[Request], bytes | int]) -> None:
        super().__init__()
        self.render = answer  # type: ignore[method-assign]


def _preflight(request: Request) -> bytes:
    for name, value in OPEN.items():
        request.setHeader(name, value)
    request.setHeader("Access-Control-Allow-Methods", "GET, HEAD")
    request.setHeader("Access-Control-Max-Age", "86400")
    request.setResponseCode(204)
    return b""


class BoundedRequest(Request):
    """A request whose body is bounded: twisted.web would put one of any size into a file."""

    def gotLength(self, length: int | None) -> None:
        """Prepare for no more than the limit, whatever the request announces."""
        super().gotLength(min(length or 0, BODY_LIMIT))
        self._room = BODY_LIMIT

    def handleContentChunk(self, data: bytes) -> None:
        """Take a part of the body, or cut the connection when it is too much."""
        self._room -= len(data)
        if self._room < 0:
            transport: Any = self.channel.transport
            transport.abortConnection()
        else:
            super().handleContentChunk(data)


class CountedConnection(HTTPChannel):
    """One HTTP/1.1 connection, counted by the site while it is open."""

    guest: Guest = WELCOME

    def connectionMade(self) -> None:
        """One more."""
        self.factory.connections += 1
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """One less."""
        self.factory.connections -= 1
        self.guest.left()
        super().connectionLost(reason)


class StatusSite(Site):
    """The HTTP server: it keeps no access log and never has more than `limit` connections, nor more
    of one address than its `guests` let in."""

    protocol = CountedConnection  # type: ignore[assignment]
    displayTracebacks = False
    noisy = False

    def __init__(
        self, root: Resource, reactor: IReactorTime, limit: int, guests: Guests | None = None
    ) -> None:
        super().__init__(root, requestFactory=BoundedRequest, timeout=IDLE_S, reactor=reactor)
        self.connections, self._limit, self._guests = 0, limit, guests

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """One connection, or one that is closed at once when there are too many."""
        if self.connections >= self._limit:
            return Closed()
        guest = self._guests.admit(host_of(addr)) if self._guests else WELCOME
        if guest is None or guest.refused:
            return Closed()
        made: Any = super().buildProtocol(addr)
        made.guest = guest
        return made

    def log(self, request: Any) -> None:
        """Who looks at a public page is not written down."""
