"""The carbon sink: letter for letter, in order, bounded, and never in anybody's way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    IStreamClientEndpoint,
    ITransport,
)
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.core.measures.metrics import Datapoint, NotADatapoint, datapoints
from clientmigration.net import carbon
from clientmigration.net.carbon import Backlog, Carbon, Format

NOW = 1_700_000_000


@implementer(ITransport)
class Socket:
    """A transport whose other end takes `room` bytes, then nothing until told."""

    protocol: IProtocol
    producer: IPushProducer | None = None
    disconnecting = False
    disconnected = False

    def __init__(self, room: int) -> None:
        self.room = room
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data
        if len(self.written) > self.room and self.producer is not None:
            self.producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def lines(self) -> list[bytes]:
        return self.written.splitlines(keepends=True)

    def drain(self) -> None:
        """The other end takes everything from now on."""
        self.room = 10**9
        assert self.producer is not None
        self.producer.resumeProducing()

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def lose(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionLost()))

    def loseConnection(self) -> None:
        self.disconnecting = True

    def abortConnection(self) -> None:
        self.disconnected = True
        self.lose()

    def getPeer(self) -> IAddress:
        return IPv4Address("TCP", "127.0.0.1", 2003)

    getHost = getPeer


@implementer(IStreamClientEndpoint)
@dataclass
class Place:
    """Where carbon would listen: connections are made by the test."""

    attempts: list[tuple[Deferred[IProtocol], IProtocolFactory]] = field(default_factory=list)

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        connected: Deferred[IProtocol] = Deferred()
        self.attempts.append((connected, protocolFactory))
        return connected

    def accept(self, room: int = 10**9) -> Socket:
        connected, factory = self.attempts[-1]
        socket = Socket(room)
        protocol = factory.buildProtocol(socket.getPeer())
        assert protocol is not None
        socket.protocol = protocol
        protocol.makeConnection(socket)
        connected.callback(protocol)
        return socket

    def refuse(self) -> None:
        self.attempts[-1][0].errback(Failure(ConnectionLost()))


@dataclass
class Scene:
    clock: Clock
    place: Place
    carbon: Carbon


def scene(limit: int = carbon.BACKLOG) -> Scene:
    clock, place = Clock(), Place()
    sink = Carbon(place, clock, limit, retry=lambda _attempt: 1.0)
    sink.startService()
    return Scene(clock, place, sink)


def loads(count: int, first: int = 0) -> Sequence[Datapoint]:
    """Datapoints that differ in their second."""
    return [
        datapoint
        for second in range(first, first + count)
        for datapoint in datapoints("gameserver", "gs-1", {"load": 0.5}, NOW + second)
    ]


def seconds(lines: Sequence[bytes]) -> list[int]:
    return [int(line.split()[2]) - NOW for line in lines]


def test_a_line_is_the_datapoint_letter_for_letter() -> None:
    values = {"load": 0.1, "players": 7, "rss_bytes": 123456789012, "tick_ms_p50": 1e-7}
    made = datapoints("gameserver", "gs-1", values, NOW)
    assert [Format().line(datapoint) for datapoint in made] == [
        b"clientmigration.gameserver.gs-1.load 0.1 1700000000\n",
        b"clientmigration.gameserver.gs-1.players 7.0 1700000000\n",
        b"clientmigration.gameserver.gs-1.rss_bytes 123456789012.0 1700000000\n",
        b"clientmigration.gameserver.gs-1.tick_ms_p50 1e-07 1700000000\n",
    ]


def test_what_graphyte_would_let_pass_is_refused_and_nothing_of_it_kept() -> None:
    here = scene()
    good = loads(1)[0]
    for bad in (
        good._replace(value=float("nan")),
        good._replace(value=True),
        good._replace(path="a..b"),
        Datapoint(good.path, good.value, 1.6),  # type: ignore[arg-type]
    ):
        with pytest.raises(NotADatapoint):
            here.carbon.emit([good, bad])
    assert here.carbon.waiting == 0


def test_graphyte_cannot_be_made_to_send() -> None:
    with pytest.raises(NotImplementedError):
        Format().send_message(b"anything")


def test_datapoints_are_written_at_once_while_carbon_listens() -> None:
    here = scene()
    socket = here.place.accept()
    here.carbon.emit(loads(3))
    assert seconds(socket.lines()) == [0, 1, 2]
    assert here.carbon.waiting == 0


def test_datapoints_wait_for_carbon_and_come_in_order() -> None:
    here = scene()
    here.carbon.emit(loads(500))
    here.carbon.emit(loads(500, first=500))
    assert here.carbon.waiting == 1000
    socket = here.place.accept()
    assert seconds(socket.lines()) == list(range(1000))
    assert here.carbon.take_dropped() == 0


def test_the_oldest_are_dropped_and_counted_once_when_the_backlog_is_full() -> None:
    here = scene(limit=10)
    here.carbon.emit(loads(12))
    here.carbon.emit(loads(3, first=12))
    assert here.carbon.take_dropped() == 5
    assert here.carbon.take_dropped() == 0
    assert seconds(here.place.accept().lines()) == list(range(5, 15))


def test_a_batch_greater_than_the_backlog_leaves_its_newest() -> None:
    backlog = Backlog(limit=2)
    assert backlog.add([b"a", b"b", b"c", b"d", b"e"]) == 3
    assert backlog.take(10) == b"de"
    assert backlog.take(10) == b""


def test_a_socket_that_is_full_is_not_written_to() -> None:
    here = scene(limit=1000)
    socket = here.place.accept(room=10_000)
    for second in range(3000):
        here.carbon.emit(loads(1, first=second))
    assert len(socket.written) < 10_000 + 100
    assert here.carbon.waiting == 1000
    assert here.carbon.take_dropped() == 3000 - 1000 - len(socket.lines())


def test_a_long_backlog_stops_within_one_batch_of_a_full_socket() -> None:
    here = scene()
    here.carbon.emit(loads(5000))
    socket = here.place.accept(room=10_000)
    assert len(socket.lines()) <= 2 * carbon.BATCH


def test_writing_goes_on_where_it_stopped_when_the_socket_has_room_again() -> None:
    here = scene()
    socket = here.place.accept(room=10_000)
    here.carbon.emit(loads(1000))
    socket.drain()
    assert seconds(socket.lines()) == list(range(1000))
    here.clock.advance(10 * carbon.STALLED_S)
    assert not socket.disconnected


def test_what_waited_during_an_outage_follows_on_the_next_connection() -> None:
    here = scene()
    first = here.place.accept()
    here.carbon.emit(loads(1))
    first.lose()
    here.carbon.emit(loads(2, first=1))
    here.clock.advance(1.0)
    here.place.refuse()
    here.carbon.emit(loads(1, first=3))
    here.clock.advance(1.0)
    assert seconds(here.place.accept().lines()) == [1, 2, 3]


def test_a_connection_that_stalls_is_given_up_and_made_again() -> None:
    here = scene()
    socket = here.place.accept(room=100)
    here.carbon.emit(loads(500))
    here.clock.advance(carbon.STALLED_S)
    assert socket.disconnected
    here.clock.advance(1.0)
    assert len(here.place.attempts) == 2
    assert seconds(here.place.accept().lines())[-1] == 499


def test_the_retry_policy_grows_to_its_bound() -> None:
    assert 0.3 < carbon.RETRY(1) < 1.4
    assert all(5.0 <= carbon.RETRY(attempt) <= 6.0 for attempt in (10, 1000))


def test_stopping_writes_what_waits_and_closes() -> None:
    here = scene()
    socket = here.place.accept()
    here.carbon.emit(loads(3))
    stopped = here.carbon.stopService()
    assert socket.disconnecting
    assert socket.producer is None
    socket.lose()
    assert stopped.called
    assert here.clock.getDelayedCalls() == []


def test_stopping_does_not_wait_for_a_carbon_that_takes_nothing() -> None:
    here = scene()
    socket = here.place.accept(room=100)
    here.carbon.emit(loads(1000))
    stopped = here.carbon.stopService()
    assert not stopped.called
    here.clock.advance(carbon.GOODBYE_S)
    assert socket.disconnected
    assert stopped.called


def test_stopping_while_carbon_is_away_ends_at_once() -> None:
    here = scene()
    here.place.refuse()
    assert here.carbon.stopService().called
    assert here.clock.getDelayedCalls() == []


def test_emitting_before_start_and_after_stop_only_fills_the_backlog() -> None:
    place = Place()
    sink = Carbon(place, Clock(), limit=5)
    sink.emit(loads(7))
    assert (sink.waiting, sink.take_dropped()) == (5, 2)
    assert place.attempts == []
