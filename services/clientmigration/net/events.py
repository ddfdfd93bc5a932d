"""Posts what happened to graphite-web as events, which Grafana shows as annotations.

An event that graphite-web does not take is dropped and counted, never repeated and never allowed
to hold anybody up: play and decisions do not depend on it.
"""

import json
from collections import deque
from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.iweb import IAgent

from clientmigration.net.agent import sent
from clientmigration.net.beats import Beats

WAITING = 100
"""Events kept while others are being posted, each at most `BODY_LIMIT` bytes."""

IN_FLIGHT = 4
"""Requests at a time: graphite-web serves few at once, and renders panels with the same threads."""

BODY_LIMIT = 16_384
"""Bytes of one event; graphite-web would take more, nobody would read it in an annotation."""

TIMEOUT_S = 5.0

log = Logger()


class _NotTaken(Exception):
    """graphite-web answered, and did not take the event."""


class Events:
    """Posts events to the graphite-web at `base` (such as `http://127.0.0.1:8080`).

    `agent` is that of `agent_for` or anything like it, `clock` times requests out after
    `TIMEOUT_S`. At most `IN_FLIGHT` requests run and `waiting` events wait; the oldest give way.
    """

    def __init__(
        self, agent: IAgent, base: str, clock: IReactorTime, waiting: int = WAITING
    ) -> None:
        self._agent = agent
        self._url = (base.rstrip("/") + "/events/").encode("ascii")
        self._clock, self._beats = clock, Beats(clock)
        self._limit = waiting
        self._waiting: deque[bytes] = deque()
        self._posting = 0
        self._dropped = 0
        self._missed = 0

    def post(self, what: str, tags: Sequence[str], when: int, data: str = "") -> None:
        """Post one event and return at once; never raises for anything that graphite-web does.

        `what` is its title, `when` a Unix second, `data` any text; blanks in a tag become `-`
        because graphite-web would split it there. Several tags come with one more, all of them
        joined by `:`, which is what to ask for: graphite-web leaves a tag out of a question as
        long as no event has had it, so that two tags find events of other kinds.
        """
        body = _encode(what, tags, when, data)
        if len(body) > BODY_LIMIT:
            return self._failed(f"{len(body)} bytes are more than {BODY_LIMIT}")
        self._waiting.append(body)
        if self._posting < IN_FLIGHT:
            self._posting += 1
            self._beats.spawn("posting events", self._drain())
        elif len(self._waiting) > self._limit:
            self._waiting.popleft()
            self._failed("it is slower than events happen")
        return None

    def take_dropped(self) -> int:
        """Events dropped since the last call: the value of the measure `events_dropped`."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._deliver(self._waiting.popleft())
        finally:
            self._posting -= 1

    async def _deliver(self, body: bytes) -> None:
        try:
            exchange = Deferred.fromCoroutine(self._exchange(body))
            await exchange.addTimeout(TIMEOUT_S, self._clock)
        except Exception as error:
            self._failed(str(error) or type(error).__name__)
        else:
            self._succeeded()

    async def _exchange(self, body: bytes) -> None:
        status = await sent(self._agent, b"POST", self._url, body)
        if status >= 300:
            raise _NotTaken(f"status {status}")

    def _failed(self, reason: str) -> None:
        self._dropped += 1
        if not self._missed:
            log.warn("graphite-web takes no events: {reason}", reason=reason)
        self._missed += 1

    def _succeeded(self) -> None:
        if self._missed:
            log.info("graphite-web takes events again; {missed} were dropped", missed=self._missed)
        self._missed = 0


def _encode(what: str, tags: Sequence[str], when: int, data: str) -> bytes:
    words = ["-".join(tag.split()) for tag in tags]
    if len(words) > 1:
        words.append(":".join(words))
    return json.dumps({"what": what, "tags": words, "when": when, "data": data}).encode()
