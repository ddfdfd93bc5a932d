"""A player at the page wishes to be moved: the wish goes to the router, with its own token.

The daemon grants nothing and needs no operator's key: the router believes the token, chooses the
target, and keeps the limits that count. Here is only what keeps one page from asking too much.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.server import NOT_DONE_YET, Request

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.errors import Away
from clientmigration.net.operator import OperatorClient
from clientmigration.status.answers import PublicAnswer, plain, send
from clientmigration.wire.operators import Answer, Ended, MoveWish

log = Logger()

ANSWER_S = 10.0
BODY = 4096  # bytes
ALL = (4.0, 16.0)  # wishes a second, and at once: below what the router takes of one link
WAITING = 32  # wishes that the router has not answered yet


class AskedMove(msgspec.Struct, frozen=True):
    """What a page sends."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class LatestLink:
    """The link to the router that is there now; it is another one after each reconnect."""

    def __init__(self) -> None:
        self.client: OperatorClient | None = None

    def made(self, client: OperatorClient) -> None:
        """From now on it is this one."""
        self.client = client

    def wish(self, token: str) -> Deferred[Answer]:
        """The router's answer. `Away`: there is none, or no router."""
        if self.client is None or not self.client.router:
            raise Away("the router is away")
        return self.client.ask(MoveWish(0, token))


class WishDesk:
    """Takes wishes over HTTP, by POST, and answers when the router has."""

    def __init__(self, clock: IReactorTime, wish: Callable[[str], Deferred[Answer]]) -> None:
        self._clock, self._wish = clock, wish
        self._bucket = TokenBucket(*ALL)
        self._waiting = 0

    def take(self, request: Request) -> bytes | int:
        """One wish: {"token": …}. The answer is {"outcome": …, "text": …}."""
        content: Any = request.content
        body = content.read(BODY + 1)
        try:
            asked = msgspec.json.decode(body[: BODY + 1], type=AskedMove)
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
            return send(request, plain('ask by {"token": …}'), 400)
        now = self._clock.seconds()
        if self._waiting >= WAITING or not self._bucket.allows(now):
            request.setHeader("Retry-After", "5")
            return send(request, plain("too many wishes at once"), 429)
        gone: list[Any] = []
        request.notifyFinish().addBoth(gone.append)
        self._waiting += 1
        answering = Deferred.fromCoroutine(self._answer(asked.token))
        answering.addCallback(lambda answer: None if gone else self._finish(request, answer))
        answering.addErrback(lambda failure: log.failure("a wish broke", failure))
        return NOT_DONE_YET

    async def _answer(self, token: str) -> dict[str, str]:
        try:
            asking: Awaitable[Answer] = self._wish(token).addTimeout(ANSWER_S, self._clock)
            ended = await asking
        except DeferredTimeout:
            return {"outcome": "away", "text": "the router does not answer"}
        except Away:
            return {"outcome": "away", "text": "the router is away"}
        finally:
            self._waiting -= 1
        assert isinstance(ended, Ended)
        return {"outcome": ended.outcome, "text": ended.text}

    def _finish(self, request: Request, answer: dict[str, str]) -> None:
        made = PublicAnswer(msgspec.json.encode(answer), "application/json", "no-store")
        request.write(send(request, made, 200 if answer["outcome"] != "away" else 503))
        request.finish()
