"""Asks a NATS server, or a cluster of them, over one connection that comes back.

Every question is asked at most once, and ends: with its answer, or with `Away` when none came in
time or the connection broke. Whoever hears `Away` does not know whether it was carried out.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice, takewhile
from random import random
from typing import Any, cast

from twisted.application.internet import ClientService, backoffPolicy
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    ITCPTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.errors import Away, BadInput, PeersFault
from clientmigration.net.tls import Sealed
from clientmigration.wire import nats

log = Logger()

ANSWER_S = 2.0  # how long an answer may take; whoever needs one asks again
GREETING_S = 2.0  # from the connection to being let in
RETRY = backoffPolicy(initialDelay=0.05, maxDelay=1.0, factor=1.6, jitter=lambda: random() / 10)
"""Seconds until the next attempt: an engine that was killed is back after a fraction of one."""


@dataclass(frozen=True)
class Access:
    """Where the servers are (host, endpoint), and what they have to hear and to show: what `login`
    adds to CONNECT; with `tls` the connection is sealed before that."""

    servers: Sequence[tuple[str, IStreamClientEndpoint]]
    login: dict[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | None = None


@implementer(IStreamClientEndpoint)
class InTurn:
    """Connects to one server after the other, one at each attempt. `host` is the last one tried."""

    def __init__(self, servers: Sequence[tuple[str, IStreamClientEndpoint]]) -> None:
        self._servers, self._next = servers, 0
        self.host = ""

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """A connection to the next server."""
        self.host, endpoint = self._servers[self._next % len(self._servers)]
        self._next += 1
        return endpoint.connect(protocolFactory).addErrback(self._failed)

    def _failed(self, failure: Failure) -> Failure:
        if self._next % (10 * len(self._servers)) == 1:
            why = failure.getErrorMessage()
            log.warn("NATS at {host} is away: {why}", host=self.host, why=why)
        return failure


class NatsLink(Protocol):
    """One connection. `let_in` is told once questions may be asked on it, `left` when it is gone,
    and `heard` gets each message."""

    def __init__(
        self,
        access: Access,
        host: str,
        clock: IReactorTime,
        heard: Callable[[nats.Delivery], None],
        let_in: Callable[[NatsLink], None],
        left: Callable[[NatsLink], None],
        inbox: str,
    ) -> None:
        self._access, self._host, self._clock, self._inbox = access, host, clock, inbox
        self._heard, self._let_in, self._left = heard, let_in, left
        self._reader, self._sealed = nats.Reader(), None  # type: tuple[nats.Reader, Sealed | None]
        self._greeted = False
        self._deadline: IDelayedCall | None = None
        self.heard_at = 0.0
        self.info = nats.Info()

    def connectionMade(self) -> None:
        """The server speaks first, but not for ever."""
        cast(ITCPTransport, self.transport).setTcpNoDelay(True)
        self._deadline = self._clock.callLater(GREETING_S, self.abort)

    def dataReceived(self, data: bytes) -> None:
        """Read on. Whatever can not be read ends the connection."""
        self.heard_at = self._clock.seconds()
        try:
            plain = data if self._sealed is None else self._sealed.received(data)
            for operation in self._reader.feed(plain):
                self._take(operation)
        except (PeersFault, ssl.SSLError) as error:
            log.warn("NATS at {host}: {why}", host=self._host, why=str(error))
            self.abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Whoever waits for an answer will not get it."""
        self._let_go()
        log.info("NATS at {host}: {why}", host=self._host, why=reason.getErrorMessage())
        self._left(self)

    def say(self, data: bytes) -> None:
        """Write it, sealed if it has to be."""
        if self._sealed is None:
            self._write(data)
        else:
            self._sealed.send(data)

    def abort(self) -> None:
        """Close it without waiting for the other side."""
        cast(Any, self.transport).abortConnection()

    def _write(self, data: bytes) -> None:
        cast(Any, self.transport).write(data)

    def _let_go(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def _take(self, operation: nats.Operation) -> None:
        match operation:
            case nats.Delivery():
                self._heard(operation)
            case nats.Info():
                self.info = operation
                if not self._greeted:
                    self._greet()
            case nats.Pinged():
                self.say(nats.PONG)
            case nats.Ponged():
                self._let_go()
                log.info("NATS at {host}: connected", host=self._host)
                self._let_in(self)
            case nats.Complaint(why):
                log.warn("NATS at {host}: {why}", host=self._host, why=why)

    def _greet(self) -> None:
        self._greeted = True
        if self._access.tls is not None:
            self._sealed = Sealed(self._access.tls, self._host, self._write)
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True}
        who = {"lang": "python", "version": "1", "protocol": 1, "name": "clientmigration"}
        tls = {"tls_required": self._access.tls is not None}
        self.say(nats.connect(**options, **tls, **who, **self._access.login))
        self.say(nats.subscribe(f"{self._inbox}.*", 1))
        self.say(nats.PING)


@dataclass(slots=True)
class _Question:
    said: bytes
    deadline: float
    answer: Deferred[nats.Delivery]
    asked: bool = False


class Nats(ClientService):
    """A client of NATS that asks. `inbox` is where its answers come: no other client may have the
    same one, nor guess it. While there is no connection a question waits, for as long as an answer
    may take."""

    def __init__(
        self, access: Access, clock: IReactorTime, inbox: str, answer_s: float = ANSWER_S
    ) -> None:
        self._clock, self._inbox, self._answer_s = clock, f"_INBOX.{inbox}", answer_s
        self._questions: dict[int, _Question] = {}  # in the order of their deadlines
        self._number = 0
        self._link: NatsLink | None = None
        self._timer: IDelayedCall | None = None
        servers = InTurn(access.servers)
        make = lambda: NatsLink(  # noqa: E731
            access, servers.host, clock, self._heard, self._let_in, self._left, self._inbox
        )
        links = Factory.forProtocol(make)
        links.noisy = False
        super().__init__(servers, links, RETRY, clock)

    def ask(self, subject: str, payload: bytes, header: str = "") -> Deferred[nats.Delivery]:
        """The answer to what is published there; `Away` when none comes."""
        link = self._link
        if link is not None and len(payload) > link.info.max_payload:
            raise BadInput(f"{len(payload)} bytes are more than NATS is set to take")
        self._number = number = self._number + 1
        said = nats.publish(subject, f"{self._inbox}.{number}", payload, header)
        deadline = self._clock.seconds() + self._answer_s
        answer: Deferred[nats.Delivery] = Deferred(lambda _: self._forget(number))
        self._questions[number] = question = _Question(said, deadline, answer)
        if link is not None:
            _ask(question, link)
        if self._timer is None:
            self._timer = self._clock.callLater(self._answer_s, self._expire)
        return answer

    def stopService(self) -> Deferred[None]:
        """Ask nothing more; whoever waits is told."""
        self._fail(list(self._questions), "stopped")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return super().stopService()

    def _heard(self, message: nats.Delivery) -> None:
        number = message.subject.rpartition(".")[2]
        question = self._questions.pop(int(number), None) if number.isdigit() else None
        if question is not None:
            question.answer.callback(message)

    def _let_in(self, link: NatsLink) -> None:
        self._link = link
        for question in list(self._questions.values()):
            if not question.asked:
                _ask(question, link)

    def _left(self, link: NatsLink) -> None:
        if self._link is link:
            self._link = None
            asked = [number for number, each in self._questions.items() if each.asked]
            self._fail(asked, "gone before it answered")

    def _expire(self) -> None:
        """It is time. But whoever was not given the processor has answers that it has not read."""
        self._timer = self._clock.callLater(0, self._give_up)

    def _give_up(self) -> None:
        """Give up what is too old. A server that said nothing at all meanwhile may be gone for
        good: then another connection, to the next one, is tried."""
        self._timer = None
        now, link = self._clock.seconds(), self._link
        each_late = takewhile(lambda item: item[1].deadline <= now, self._questions.items())
        late = [number for number, _ in each_late]
        for first in islice(self._questions.values(), len(late), len(late) + 1):
            self._timer = self._clock.callLater(first.deadline - now, self._expire)
        if late and link is not None and link.heard_at <= now - self._answer_s:
            link.abort()
        self._fail(late, "silent")

    def _forget(self, number: int) -> None:
        self._questions.pop(number, None)

    def _fail(self, numbers: Sequence[int], why: str) -> None:
        for number in numbers:
            question = self._questions.pop(number, None)
            if question is not None:
                question.answer.errback(Away(f"the ledger's engine (NATS) is {why}"))


def _ask(question: _Question, link: NatsLink) -> None:
    question.asked = True
    link.say(question.said)
    question.said = b""
