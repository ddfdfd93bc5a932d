"""The client of a router's operator link: it proves itself, watches, asks questions, gives orders.

The command line uses it for one connection and some questions, the status daemon for a connection
that comes back by itself. It believes nothing before the router has proved itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from random import random
from typing import Any

import msgspec
from twisted.application.internet import ClientService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger

from clientmigration.errors import (
    Away,
    HandshakeFailed,
    NotAuthentic,
    NotTrusted,
    OutOfTurn,
    PeersFault,
)
from clientmigration.net.door import Lines, steady
from clientmigration.net.line import UNGREETED, Line, LineTerms
from clientmigration.net.tickets import Proofs
from clientmigration.wire.connection import ROUTER_TO_OPERATOR
from clientmigration.wire.messages import Challenge, Goodbye, Here
from clientmigration.wire.operators import (
    Answer,
    Asked,
    Banned,
    Because,
    Ended,
    Enter,
    Entered,
    Found,
    OperatorRole,
    OrdersGiven,
    Overview,
    Players,
    Watch,
    World,
)

log = Logger()

ROUTER_RATE = (100.0, 1_000.0)  # messages a second, and at once: a router says two, and answers
ENTER_S = 5.0  # to connect, to prove, to hear the first overview
ANSWER_S = 30.0  # the longest that a move can take, and some more

OnUpdate = Callable[[Overview | World], None]


@dataclass(frozen=True)
class Credentials:
    """Who wants in: its role, and the proofs made with that role's key; or, of an operator who has
    a `name`, with its own."""

    role: OperatorRole
    proofs: Proofs
    name: str = ""


class OperatorClient:
    """The `Listener` of one connection to a router. `on_update` is called with every overview (and
    every world, if `watch` asks for it), `on_end` with the reason why the connection ended."""

    def __init__(
        self,
        clock: IReactorTime,
        credentials: Credentials,
        watch: Watch = Watch(),  # noqa: B008
        on_update: OnUpdate = lambda _: None,
        on_end: Callable[[Exception], None] = lambda _: None,
        nonce: str = "",
    ) -> None:
        self.clock, self.credentials, self.watch = clock, credentials, watch
        self.on_update, self.on_end = on_update, on_end
        self.nonce = nonce or os.urandom(16).hex()
        self.challenge = ""
        self.router = ""  # its name, once it has proved itself
        self.overview: Overview | None = None  # the latest
        self.over: Exception | None = None  # why nothing can be asked any more
        self._asked: dict[int, Deferred[Answer]] = {}
        self._waiting: list[Deferred[Overview]] = []
        self._n = 0
        terms = LineTerms(ROUTER_TO_OPERATOR, ROUTER_RATE)
        self.line = Line(credentials.role, terms, self, clock, self._blame)

    def opened(self, line: Line) -> None:
        """The router speaks first: its challenge."""

    def heard(self, message: Any) -> None:
        """Until the router has proved itself only the steps to that are in turn."""
        if isinstance(message, Goodbye):
            self._dismissed(message)
        elif isinstance(message, Challenge) and not self.challenge:
            self.challenge = message.nonce
            self.line.say(self._enter())
        elif isinstance(message, Entered) and self.challenge and not self.router:
            proven = self.credentials.proofs.proven
            proven(message.proof, "router", self.challenge, self.nonce, message.router)
            self.router = message.router
            self.line.say(self.watch)
        elif not self.router:
            raise OutOfTurn(f"{type(message).__name__} before the router has proved itself")
        else:
            self._heard(message)

    def _enter(self) -> Enter:
        role, proofs, name = (
            self.credentials.role,
            self.credentials.proofs,
            self.credentials.name,
        )
        parts = (self.challenge, self.nonce, *([name] if name else []))
        return Enter(nonce=self.nonce, proof=proofs.proof(role, *parts), name=name)

    def _heard(self, message: Any) -> None:
        if isinstance(message, Overview):
            self.overview = message
            self.line.say(Here())
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                each.callback(message)
            self.on_update(message)
        elif isinstance(message, World):
            self.on_update(message)
        elif isinstance(message, Found | Because | Ended | Players | Banned | OrdersGiven):
            asked = self._asked.pop(message.n, None)
            if asked is not None:
                asked.callback(message)
        else:
            raise OutOfTurn(f"{type(message).__name__} after the router has proved itself")

    def next_overview(self) -> Deferred[Overview]:
        """The next one that comes; fails when the connection ends before."""
        waiter: Deferred[Overview] = Deferred()
        if self.over is not None:
            waiter.errback(self.over)
        else:
            self._waiting.append(waiter)
        return waiter

    def ask(self, question: Asked) -> Deferred[Answer]:
        """Its answer; fails when the connection ends before. The question's own `n` is replaced."""
        answer: Deferred[Answer] = Deferred()
        if self.over is not None:
            answer.errback(self.over)
            return answer
        self._n += 1
        self._asked[self._n] = answer
        self.line.say(msgspec.structs.replace(question, n=self._n))
        return answer

    def _blame(self, fault: PeersFault) -> None:
        self.over = fault

    def _dismissed(self, goodbye: Goodbye) -> None:
        error = NotAuthentic if goodbye.code == NotAuthentic.code else Away
        self.over = error(f"the router closed: {goodbye.text or goodbye.code}")
        self.line.hang_up("bye", "")

    def closed(self, reason: str) -> None:
        """Fail whatever still waits for an answer or an overview."""
        if self.over is None:
            told = reason if self.challenge else f"{reason} {UNGREETED}"
            self.over = Away(f"lost the router: {told}")
        waiting, self._waiting = self._waiting, []
        asked, self._asked = self._asked, {}
        for overview in waiting:
            overview.errback(self.over)
        for answer in asked.values():
            answer.errback(self.over)
        self.on_end(self.over)

    def leave(self) -> None:
        """Say goodbye."""
        self.line.hang_up("bye", "")


async def entered(
    endpoint: IStreamClientEndpoint, client: OperatorClient, where: str, patience_s: float = ENTER_S
) -> OperatorClient:
    """The same client, once it is connected and has an overview; or `Away`, or `NotAuthentic`."""
    try:
        await endpoint.connect(Lines(lambda: client.line)).addTimeout(patience_s, client.clock)
    except (ConnectError, ConnectingCancelledError, DNSLookupError) as error:
        raise Away(f"no router at {where}: {error}") from error
    except NotTrusted as error:
        raise NotAuthentic(f"the router at {where} is not believed: {error}") from error
    except HandshakeFailed as error:
        raise Away(f"no TLS with a router at {where}: {error}") from error
    except (DeferredTimeout, CancelledError) as error:
        raise Away(f"no router at {where} within {patience_s:g} s") from error
    await within(patience_s, client, client.next_overview())
    return client


async def within(seconds: float, client: OperatorClient, answer: Deferred[Any]) -> Any:
    """The answer; or `Away`, and the connection closed, when it takes longer than `seconds`."""
    try:
        return await answer.addTimeout(seconds, client.clock)
    except DeferredTimeout as error:
        client.leave()
        raise Away(f"the router does not answer within {seconds:g} s") from error


def watching(
    clock: IReactorTime,
    endpoint: IStreamClientEndpoint,
    proofs: Proofs,
    on_update: OnUpdate,
    on_end: Callable[[Exception], None] = lambda _: None,
    watch: Watch = Watch(),  # noqa: B008
    jitter: Callable[[], float] = random,
    made: Callable[[OperatorClient], None] = lambda _: None,
) -> ClientService:
    """A service that watches a router as long as it runs, whatever happens to the connection. It
    can order nothing: its role is watcher. `made` is told of the client of each connection."""

    def make() -> Line:
        client = OperatorClient(clock, Credentials("watcher", proofs), watch, on_update, on_end)
        made(client)
        return client.line

    return steady(endpoint, make, clock, jitter)
