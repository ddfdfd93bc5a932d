"""Sends datapoints to carbon, in graphyte's line format, over a connection that comes back.

It never blocks, never raises for what carbon does, and never holds more than `BACKLOG` lines and
one socket buffer. When carbon is away or slow the oldest lines go first, and are counted.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol as Shape
from typing import cast

import graphyte
from twisted.application.internet import ClientService, backoffPolicy
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IPushProducer,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.core.measures.metrics import Datapoint, checked
from clientmigration.net.door import NamedEndpoint

BACKLOG = 20_000
"""Lines kept while carbon is away: five minutes of a daemon's 65 or so a second, about 3 MB."""

BATCH = 200
"""Lines per write: about 15 kB, so that the 64 kB at which a socket says stop is hardly passed."""

STALLED_S = 30.0
"""A connection that took nothing for so long is given up: its other end may be gone for good."""

GOODBYE_S = 1.0
"""How long a daemon that stops waits for carbon to take the last lines."""

RETRY = backoffPolicy(initialDelay=0.2, maxDelay=5.0, factor=1.6)
"""Seconds until the next attempt: 0.3, growing to 5, plus up to 1 of chance to spread daemons."""

log = Logger()


class Format(graphyte.Sender):  # type: ignore[misc]  # graphyte has no types
    """graphyte's message format. Its sending blocks for up to 5 s, so it is closed off here."""

    def __init__(self) -> None:
        super().__init__(host="")

    def send_message(self, message: bytes) -> None:
        raise NotImplementedError("graphyte formats, it does not send")

    def line(self, datapoint: Datapoint) -> bytes:
        """`path value timestamp\\n`, or NotADatapoint: graphyte lets nan, True and `a..b` pass."""
        checked(datapoint)
        return cast(bytes, self.build_message(*datapoint))


class Backlog:
    """Lines that wait, at most `limit`, oldest first; the oldest are dropped and counted."""

    def __init__(self, limit: int = BACKLOG) -> None:
        self._lines: deque[bytes] = deque(maxlen=limit)
        self._limit = limit
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, lines: Sequence[bytes]) -> int:
        """Append in order; the number of (oldest) lines that this cost."""
        lost = max(0, len(self._lines) + len(lines) - self._limit)
        self._lines.extend(lines)
        self._dropped += lost
        return lost

    def take(self, limit: int) -> bytes:
        """Remove up to `limit` of the oldest lines and return them joined; empty when none wait."""
        count = min(limit, len(self._lines))
        return b"".join([self._lines.popleft() for _ in range(count)])

    def take_dropped(self) -> int:
        """Lines dropped since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped


class _StreamTransport(Shape):
    """What is used of a stream's transport."""

    def write(self, data: bytes) -> None: ...
    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def abortConnection(self) -> None: ...


@implementer(IPushProducer)
class _CarbonConnection(Protocol):
    """One connection to carbon: moves lines from the backlog to the socket while it takes them."""

    def __init__(
        self,
        backlog: Backlog,
        clock: IReactorTime,
        turned: Callable[["_CarbonConnection | None"], None],
    ) -> None:
        self._backlog = backlog
        self._clock = clock
        self._turned = turned
        self._paused = False
        self._deadline: IDelayedCall | None = None

    @property
    def _wire(self) -> _StreamTransport:
        return cast(_StreamTransport, self.transport)

    def connectionMade(self) -> None:
        self._wire.registerProducer(self, True)
        self._turned(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        log.info("carbon: disconnected: {reason}", reason=reason.getErrorMessage())
        self._paused = True
        self._abort_after(None)
        self._turned(None)

    def push(self) -> None:
        """Write what waits, until nothing does or the socket says stop."""
        while not self._paused and (lines := self._backlog.take(BATCH)):
            self._wire.write(lines)

    def finish(self) -> None:
        """Let what was written go out, but not for ever."""
        self._paused = True
        self._wire.unregisterProducer()
        self._abort_after(GOODBYE_S)

    def pauseProducing(self) -> None:
        self._paused = True
        self._abort_after(STALLED_S)

    def resumeProducing(self) -> None:
        self._paused = False
        self._abort_after(None)
        self.push()

    def stopProducing(self) -> None:
        self._paused = True

    def _abort_after(self, seconds: float | None) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None
        if seconds is not None:
            self._deadline = self._clock.callLater(seconds, self._wire.abortConnection)


class Carbon(ClientService):
    """A `Sink` that sends datapoints to the carbon at `endpoint`, for as long as it runs.

    `emit` returns at once: lines go to the socket while that takes them, otherwise they wait, at
    most `limit` of them. After an outage the waiting ones are sent with their old timestamps, so
    the gap in the history closes. What was written to a socket that is then lost may be lost with
    it, and is not counted: carbon acknowledges nothing, and the kernel buffers a few megabytes.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        limit: int = BACKLOG,
        retry: Callable[[int], float] = RETRY,
    ) -> None:
        self._format = Format()
        self._backlog = Backlog(limit)
        self._feed: _CarbonConnection | None = None
        self._dropping = False
        feeds = Factory.forProtocol(lambda: _CarbonConnection(self._backlog, clock, self._turned))
        feeds.noisy = False
        super().__init__(NamedEndpoint(endpoint), feeds, retry, clock)

    @property
    def waiting(self) -> int:
        """Lines that carbon's socket has not taken yet."""
        return len(self._backlog)

    @property
    def connected(self) -> bool:
        """Whether carbon listens, as far as this side knows."""
        return self._feed is not None

    def emit(self, datapoints: Sequence[Datapoint]) -> None:
        """Send, or keep for later. Raises NotADatapoint, before any is kept, for a wrong one."""
        lost = self._backlog.add([self._format.line(datapoint) for datapoint in datapoints])
        if lost and not self._dropping:
            self._dropping = True
            log.warn("carbon is away or slow: dropping its oldest datapoints")
        if self._feed is not None:
            self._feed.push()

    def take_dropped(self) -> int:
        """Datapoints dropped since the last call: the value of the measure `carbon_dropped`."""
        return self._backlog.take_dropped()

    def stopService(self) -> Deferred[None]:
        """Close after the last lines, at most `GOODBYE_S` later."""
        if self._feed is not None:
            self._feed.push()
            self._feed.finish()
        return super().stopService()

    def _turned(self, feed: _CarbonConnection | None) -> None:
        self._feed = feed
        if feed is not None:
            log.info("carbon: connected; {waiting} datapoints waited", waiting=self.waiting)
            self._dropping = False
            feed.push()
