"""Events reach graphite-web in its own form, or are dropped and counted; nobody waits for them."""

import json
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from clientmigration.net import events
from clientmigration.net.agent import agent_for
from clientmigration.net.events import IN_FLIGHT, Events

NOW = 1_700_000_000
YES = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
NO = b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nboom"


REQUEST = b"POST /events/ HTTP/1.1\r\n"


@dataclass
class Web:
    """graphite-web as its sockets see it: the test reads requests and writes answers."""

    reactor: MemoryReactorClock = field(default_factory=MemoryReactorClock)
    sockets: list[StringTransport] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)

    def events(self) -> Events:
        return Events(agent_for(self.reactor, IN_FLIGHT), "http://127.0.0.1:8080/", self.reactor)

    def accept(self) -> None:
        """Take all connections that wait."""
        for _host, _port, factory, *_ in self.reactor.tcpClients[len(self.sockets) :]:
            socket = StringTransport()
            socket.protocol = factory.buildProtocol(None)  # type: ignore[attr-defined]
            self.sockets.append(socket)
            self.answered.append(0)
            socket.protocol.makeConnection(socket)  # type: ignore[attr-defined]

    def requests(self) -> list[dict[str, object]]:
        """The events of all requests, in the order of their connections."""
        self.accept()
        sent = [part for socket in self.sockets for part in socket.value().split(REQUEST)[1:]]
        return [json.loads(part.partition(b"\r\n\r\n")[2]) for part in sent]

    def answer(self, content: bytes) -> None:
        """Answer the first request that has no answer."""
        self.accept()
        for index, socket in enumerate(self.sockets):
            if socket.value().count(REQUEST) > self.answered[index]:
                self.answered[index] += 1
                socket.protocol.dataReceived(content)  # type: ignore[attr-defined]
                return
        raise AssertionError("every request has been answered")


@implementer(IAgent)
class Dead:
    """Refuses every request at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes, Headers | None, IBodyProducer | None]] = []

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        self.asked.append((method, uri, headers, bodyProducer))
        return fail(ConnectionRefusedError())


def test_an_event_is_posted_as_graphite_web_wants_it() -> None:
    web = Web()
    web.events().post("gs-1 joined", ["router", "join:gs-1"], NOW, "from 127.0.0.1")
    assert web.requests() == [
        {
            "what": "gs-1 joined",
            "tags": ["router", "join:gs-1", "router:join:gs-1"],
            "when": NOW,
            "data": "from 127.0.0.1",
        }
    ]


def test_a_tag_with_blanks_stays_one_tag() -> None:
    web = Web()
    web.events().post("x", ["two words"], NOW)
    assert web.requests()[0]["tags"] == ["two-words"]


def test_an_event_that_was_taken_is_not_counted_as_dropped() -> None:
    web = Web()
    posted = web.events()
    posted.post("x", [], NOW)
    web.answer(YES)
    assert posted.take_dropped() == 0


def test_an_answer_that_is_not_yes_drops_the_event() -> None:
    web = Web()
    posted = web.events()
    posted.post("x", [], NOW)
    web.answer(NO)
    assert posted.take_dropped() == 1
    assert posted.take_dropped() == 0


def test_an_answer_that_never_comes_or_never_ends_drops_the_event_after_the_timeout() -> None:
    web = Web()
    posted = web.events()
    posted.post("endless", [], NOW)
    posted.post("silent", [], NOW)
    web.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nonly")
    web.reactor.advance(events.TIMEOUT_S)
    assert posted.take_dropped() == 2
    assert all(socket.disconnecting for socket in web.sockets)


def test_few_are_posted_at_a_time_and_the_next_follows_an_answer() -> None:
    web = Web()
    posted = web.events()
    for number in range(10):
        posted.post(f"event {number}", [], NOW)
    assert len(web.requests()) == events.IN_FLIGHT
    web.answer(YES)
    assert f"event {events.IN_FLIGHT}" in [event["what"] for event in web.requests()]
    assert len(web.requests()) == len(web.reactor.tcpClients) + 1 == events.IN_FLIGHT + 1


def test_the_oldest_gives_way_when_too_many_wait() -> None:
    web = Web()
    posted = web.events()
    for number in range(events.IN_FLIGHT + events.WAITING + 3):
        posted.post(f"event {number}", [], NOW)
    assert posted.take_dropped() == 3
    web.answer(YES)
    titles = [event["what"] for event in web.requests()]
    assert f"event {events.IN_FLIGHT + 2}" not in titles
    assert f"event {events.IN_FLIGHT + 3}" in titles


def test_an_outage_is_logged_once_and_so_is_its_end() -> None:
    said: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_namespace"] == events.__name__:
            said.append(event["log_level"].name)

    web = Web()
    posted = web.events()
    globalLogPublisher.addObserver(observe)
    try:
        for answer in (NO, NO, NO, YES, YES):
            posted.post("x", [], NOW)
            web.answer(answer)
    finally:
        globalLogPublisher.removeObserver(observe)
    assert said == [LogLevel.warn.name, LogLevel.info.name]


def test_a_thousand_events_at_a_dead_address_raise_nothing_and_keep_nothing() -> None:
    dead = Dead()
    posted = Events(dead, "http://127.0.0.1:8080", Clock())
    for _ in range(1000):
        posted.post("x", [], NOW)
    assert (len(dead.asked), posted.take_dropped()) == (1000, 1000)


def test_a_full_queue_that_fails_all_at_once_is_emptied_without_recursion() -> None:
    web = Web()
    posted = web.events()
    for _ in range(events.IN_FLIGHT + events.WAITING):
        posted.post("x", [], NOW)
    for _ in range(events.IN_FLIGHT + events.WAITING):
        web.answer(NO)
    assert posted.take_dropped() == events.IN_FLIGHT + events.WAITING


def test_a_huge_event_is_dropped_before_it_is_sent() -> None:
    web = Web()
    posted = web.events()
    posted.post("x", [], NOW, "y" * events.BODY_LIMIT)
    assert posted.take_dropped() == 1
    assert web.reactor.tcpClients == []
