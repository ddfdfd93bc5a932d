"""The shorter way from a socket to its protocol does what Twisted's own does."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.tcp import Server
from twisted.python.failure import Failure

from clientmigration.net.polling import ask_first, short


class Visitor(Protocol):
    """Says back what it hears, and breaks at `!`."""

    def __init__(self) -> None:
        self.heard = b""
        self.reason: Any = None

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        assert b"!" not in data
        self.transport.write(data)  # type: ignore[union-attr]

    def connectionLost(self, reason: Any = None) -> None:
        self.reason = reason


class House(Factory):
    """A reactor that runs a step at a time, with a door; each knock there makes a `Visitor`."""

    def __init__(self, reactor: Any) -> None:
        self.reactor, self.visitors = reactor, list[Visitor]()
        self.port = reactor.listenTCP(0, self, interface="127.0.0.1").getHost().port

    def buildProtocol(self, _address: object) -> Visitor:
        self.visitors.append(Visitor())
        return self.visitors[-1]

    def knock(self) -> tuple[socket.socket, Visitor]:
        known = len(self.visitors)
        one = socket.create_connection(("127.0.0.1", self.port), 5.0)
        self.until(lambda: len(self.visitors) > known)
        return one, self.visitors[-1]

    def answer(self, one: socket.socket, size: int) -> bytes:
        """The first bytes that come back."""
        got = bytearray()

        def all_there() -> bool:
            with suppress(BlockingIOError):
                got.extend(one.recv(1 << 20))
            return len(got) >= size

        one.setblocking(False)
        self.until(all_there)
        return bytes(got)

    def until(self, done: Callable[[], object]) -> None:
        for _ in range(1000):
            if done():
                return
            self.reactor.iterate(0.01)
        raise AssertionError("it did not come to that")


def housed(reactor: Any) -> Iterator[House]:
    """A house for as long as it is needed."""
    yield House(reactor)
    for each in {*reactor.removeAll(), reactor.waker}:
        each.connectionLost(Failure(ConnectionDone()))
    reactor._poller.close()


@pytest.fixture(params=[lambda reactor: reactor, short], ids=["usual", "short"])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    """With Twisted's own way, too: both must do the same."""
    yield from housed(request.param(EPollReactor()))


def test_what_comes_is_heard_and_answered(house: House) -> None:
    one, visitor = house.knock()
    one.sendall(b"hello")
    assert house.answer(one, 5) == b"hello"
    assert visitor.heard == b"hello"


def test_an_end_is_clean(house: House) -> None:
    one, visitor = house.knock()
    one.close()
    house.until(lambda: visitor.reason)
    assert isinstance(visitor.reason, Failure)
    assert visitor.reason.check(ConnectionDone)


def test_who_is_closed_by_another_hears_nothing_after_its_end(house: House) -> None:
    one, visitor = house.knock()
    other, neighbour = house.knock()
    ends = list[bytes]()

    def end(its: Visitor) -> Callable[[bytes], None]:
        def received(data: bytes) -> None:
            ends.append(data)
            its.transport.abortConnection()  # type: ignore[union-attr]

        return received

    vars(visitor)["dataReceived"], vars(neighbour)["dataReceived"] = end(neighbour), end(visitor)
    one.sendall(b"first")
    other.sendall(b"second")
    house.until(lambda: visitor.reason or neighbour.reason)
    house.reactor.iterate(0.01)
    assert len(ends) == 1
    assert not (visitor.reason and neighbour.reason)


def test_many_at_once_each_hear_their_own(house: House) -> None:
    knocked = [house.knock() for _ in range(100)]
    for n, (one, _) in enumerate(knocked):
        one.sendall(b"%d" % n)
    house.until(lambda: all(visitor.heard for _, visitor in knocked))
    assert [int(visitor.heard) for _, visitor in knocked] == list(range(100))


def test_a_connection_that_is_reset_is_lost(house: House) -> None:
    one, visitor = house.knock()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
    house.until(lambda: visitor.reason)
    assert not isinstance(visitor.reason, str)


def test_what_a_protocol_raises_is_logged_and_ends_its_connection_alone(
    house: House, no_logged_errors: list[Any]
) -> None:
    one, visitor = house.knock()
    other, neighbour = house.knock()
    one.sendall(b"!")
    other.sendall(b"unharmed")
    house.until(lambda: visitor.reason and neighbour.heard)
    assert isinstance(visitor.reason, Failure)
    assert visitor.reason.check(AssertionError)
    assert neighbour.reason is None
    assert [event["failure"].type for event in no_logged_errors] == [AssertionError]
    no_logged_errors.clear()


def test_more_than_a_socket_takes_is_sent_when_it_can_be(house: House) -> None:
    one, visitor = house.knock()
    sent = bytes(8_000_000)
    visitor.transport.write(sent)  # type: ignore[union-attr]
    assert house.answer(one, len(sent)) == sent


def test_a_reactor_of_another_kind_stays_as_it_is() -> None:
    clock = Clock()
    before = dict(vars(clock))
    assert short(clock) is clock
    assert vars(clock) == before


class Picky:
    """Takes what begins with `+`."""

    def __init__(self) -> None:
        self.took = list[tuple[bytes, float]]()

    def takes(self, data: bytes, now: float) -> bool:
        if data.startswith(b"+"):
            self.took.append((data, now))
            return True
        return False


@pytest.fixture
def short_house() -> Iterator[House]:
    yield from housed(short(EPollReactor()))


def test_who_is_asked_first_leaves_the_rest_to_the_protocol(short_house: House) -> None:
    one, visitor = short_house.knock()
    other, neighbour = short_house.knock()
    picky = Picky()
    no_more = ask_first(short_house.reactor, visitor.transport, picky)
    one.sendall(b"+1")
    short_house.until(lambda: picky.took)
    one.sendall(b"2")
    assert short_house.answer(one, 1) == b"2"
    one.sendall(b"+3")
    short_house.until(lambda: len(picky.took) > 1)
    other.sendall(b"+4")
    short_house.until(lambda: neighbour.heard)
    assert [data for data, _ in picky.took] == [b"+1", b"+3"]
    assert all(now <= short_house.reactor.seconds() for _, now in picky.took)
    assert (visitor.heard, neighbour.heard) == (b"2", b"+4")
    no_more()
    no_more()
    one.sendall(b"+5")
    short_house.until(lambda: visitor.heard == b"2+5")


@pytest.mark.parametrize("reset", [False, True])
def test_the_end_of_who_is_asked_first_is_the_protocols(short_house: House, reset: bool) -> None:
    one, visitor = short_house.knock()
    picky = Picky()
    no_more = ask_first(short_house.reactor, visitor.transport, picky)

    def lost(reason: Failure) -> None:
        no_more()
        visitor.reason = reason

    vars(visitor)["connectionLost"] = lost
    if reset:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()
    short_house.until(lambda: visitor.reason)
    assert picky.took == []
    again, stranger = short_house.knock()  # its socket may have the same number
    again.sendall(b"+")
    short_house.until(lambda: stranger.heard == b"+")
    assert picky.took == []


def test_whoever_has_the_same_number_later_is_not_taken_from(short_house: House) -> None:
    one, visitor = short_house.knock()
    picky, number = Picky(), visitor.transport.fileno()  # type: ignore[union-attr]
    ask_first(short_house.reactor, visitor.transport, picky)  # and nobody ends that
    one.close()
    short_house.until(lambda: visitor.reason)
    again, stranger = short_house.knock()
    assert stranger.transport.fileno() == number  # type: ignore[union-attr]
    again.sendall(b"+")
    short_house.until(lambda: stranger.heard == b"+")
    assert picky.took == []


class Unusual(Server):
    """As one that reads in a way of its own."""


def test_only_a_plain_socket_can_be_taken_from(short_house: House) -> None:
    port = short_house.reactor.listenTCP(0, short_house, interface="127.0.0.1")
    port.transport, short_house.port = Unusual, port.getHost().port
    one, visitor = short_house.knock()
    picky = Picky()
    no_more = ask_first(short_house.reactor, visitor.transport, picky)
    one.sendall(b"+")
    short_house.until(lambda: visitor.heard)
    assert (visitor.heard, picky.took) == (b"+", [])
    no_more()
