"""Guests: who is too many at a door is sent away, with a word or without, and nobody else is."""

from __future__ import annotations

from typing import Any

import pytest
from test_web_door import House, Page, Transport
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from clientmigration.core.measures.bounds import Bounds, Trusted
from clientmigration.errors import Crowded
from clientmigration.net.door import Door, GuestLines
from clientmigration.net.guests import TOLD, Guests, measures_of
from clientmigration.net.web import Doorway, Reception
from clientmigration.testing import Arena
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Goodbye, Greeting
from clientmigration.wire.web import Origins

FEW = Bounds(
    connections=6,
    all_connections=48,
    strangers=3,
    all_strangers=24,
    connects=(1000.0, 1000.0),
    all_connects=(1e6, 1e6),
    joins=(1.0, 2.0),
    all_joins=(100.0, 100.0),
)
TRUSTED = Trusted.parse("127.0.0.1, 10.0.0.0/8")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guests(clock: Clock) -> Guests:
    return Guests(FEW, TRUSTED, clock)


def test_who_is_too_many_is_told_so_a_few_times_a_second_and_then_not_let_in(
    guests: Guests, clock: Clock
) -> None:
    said = [guests.admit("203.0.113.9") for _ in range(100)]
    assert [each.refused for each in said[:3] if each] == [""] * 3
    told = [each for each in said[3:] if each]
    assert len(told) == TOLD[1]
    assert all("strangers" in each.refused or "not said" in each.refused for each in told)
    assert said[-1] is None
    other = guests.admit("203.0.113.10")
    assert other is not None
    assert other.refused == ""
    assert measures_of(clock)() == {
        "connections": 4,
        "strangers": 4,
        "crowded_connects": 97,
        "crowded_joins": 0,
    }


def test_who_leaves_makes_room_whatever_it_was_and_only_once(guests: Guests, clock: Clock) -> None:
    for _ in range(20):
        three = [guests.admit("203.0.113.9") for _ in range(3)]
        assert all(each is not None and not each.refused for each in three)
        for n, each in enumerate(three):
            assert each is not None
            if n > 0:
                each.known()
            if n > 1:
                each.proven()
            each.left()
            each.left()
    measures = measures_of(clock)()
    assert (measures["connections"], measures["strangers"]) == (0, 0)


def test_whom_we_trust_is_not_bounded_but_counted(guests: Guests, clock: Clock) -> None:
    for host in ("127.0.0.1", "::ffff:10.2.3.4", ""):
        for _ in range(200):
            guest = guests.admit(host)
            assert guest is not None
            assert guest.refused == ""
            guest.join()
    assert measures_of(clock)()["strangers"] == 600


def test_a_trusted_proxys_guests_are_counted_for_whom_they_come(guests: Guests) -> None:
    def through(chain: str) -> str:
        guest = guests.admit("10.0.0.1")
        assert guest is not None
        guest.comes_from("10.0.0.1", chain)
        return guest.refused

    assert [bool(through("6.6.6.6, 203.0.113.9")) for _ in range(5)] == [False] * 3 + [True] * 2
    assert not through("203.0.113.10")


def test_who_is_not_trusted_says_for_itself_alone(guests: Guests) -> None:
    def lying(n: int) -> bool:
        guest = guests.admit("203.0.113.9")
        assert guest is not None
        guest.comes_from("203.0.113.9", f"198.51.100.{n}")
        return bool(guest.refused)

    assert [lying(n) for n in range(5)] == [False] * 3 + [True] * 2


def test_who_joins_too_fast_hears_it(guests: Guests, clock: Clock) -> None:
    guest = guests.admit("203.0.113.9")
    assert guest is not None
    guest.join()
    guest.join()
    with pytest.raises(Crowded):
        guest.join()
    clock.advance(1.0)
    guest.join()
    assert measures_of(clock)()["crowded_joins"] == 1


# At a door.


class Visit(House):
    """A visitor from an address, at a door that counts."""

    def __init__(self, guests: Guests, host: str) -> None:
        self.reception = Reception(self.line, Origins(), guests.clock, self.blame)
        super().__init__()
        self.transport = Transport(peerAddress=IPv4Address("TCP", host, 4711))
        made: Any = GuestLines(self.reception, guests, bare=True).buildProtocol(
            IPv4Address("TCP", host, 4711)
        )
        assert isinstance(made, Doorway)
        self.doorway = made
        self.doorway.makeConnection(self.transport)

    def greets(self) -> bytes:
        self.doorway.dataReceived(encode(Greeting(role="player")))
        said: bytes = self.transport.value()
        return said


def test_a_line_that_is_too_many_says_so_and_closes(guests: Guests) -> None:
    inside = [Visit(guests, "203.0.113.9") for _ in range(3)]
    assert all(b"crowded" not in each.greets() for each in inside)
    outside = Visit(guests, "203.0.113.9")
    assert b'"code":"crowded"' in outside.greets()
    assert outside.transport.disconnecting
    assert outside.blamed == ["crowded"]
    inside[0].lose()
    assert b"crowded" not in Visit(guests, "203.0.113.9").greets()


def test_a_browser_behind_a_trusted_proxy_is_counted_by_its_own_address(guests: Guests) -> None:
    def comes(host: str) -> list[Any]:
        house = Visit(guests, "127.0.0.1")
        return Page(house, forwarded=host).heard

    heard = [comes("203.0.113.9") for _ in range(5)]
    goodbyes = [[each for each in some if isinstance(each, Goodbye)] for some in heard]
    assert [[each.code for each in some] for some in goodbyes] == [[]] * 3 + [["crowded"]] * 2
    assert not any(isinstance(each, Goodbye) for each in comes("203.0.113.10"))


def test_a_proxys_own_protocol_says_for_whom_it_comes(guests: Guests) -> None:
    """Twisted's `haproxy:` endpoints answer another peer once the proxy's header is read."""
    for n in range(5):
        visit = Visit(guests, "127.0.0.1")
        visit.transport = Transport(peerAddress=IPv4Address("TCP", "203.0.113.9", 1))
        visit.doorway.transport = visit.transport
        assert (b"crowded" in visit.greets()) == (n >= 3)


def test_what_is_closed_at_once_is_closed_by_the_socket_or_by_what_is_around_it(
    guests: Guests,
) -> None:
    address = IPv6Address("TCP", "2001:db8::1", 1)
    for bare in (True, False):
        lines = GuestLines(lambda: None, guests, bare)
        made = lines.buildProtocol(address)
        assert (made is None) == bare
        if made is not None:
            transport = Transport()
            made.makeConnection(transport)
            assert transport.disconnected
    assert guests.census.connections == 0  # whom nothing was made for does not stay counted


def test_who_comes_by_a_socket_file_has_no_address(guests: Guests) -> None:
    lines = GuestLines(Protocol, guests, bare=False)
    for _ in range(50):
        made: Any = lines.buildProtocol(UNIXAddress(None))
        assert made.guest.refused == ""


def test_a_door_counts_its_guests_if_it_is_told_to(guests: Guests) -> None:
    reactor = MemoryReactorClock()
    door = Door(TCP4ServerEndpoint(reactor, 4100), Protocol, guests=guests)
    door.privilegedStartService()
    factory = reactor.tcpServers[0][1]
    made: Any = factory.buildProtocol(IPv4Address("TCP", "203.0.113.9", 1))
    assert made.guest.refused == ""
    assert guests.census.strangers == 1


def test_who_says_who_it_is_is_no_stranger_any_more() -> None:
    arena = Arena(seed=3)
    arena.start_router()
    arena.start_server("eu")
    arena.run(2.0)
    guests = Guests(FEW, TRUSTED, arena.clock)
    known: list[str] = []

    class Watched:
        """A guest that writes down what it is told."""

        refused = source = ""

        def __init__(self, door: str) -> None:
            self.door = door

        def comes_from(self, host: str, chain: str = "") -> None:
            """Nothing."""

        def join(self) -> None:
            known.append(f"{self.door} join")

        def known(self) -> None:
            known.append(f"{self.door} known")

        def proven(self) -> None:
            known.append(f"{self.door} proven")

        def left(self) -> None:
            """Nothing."""

    assert guests.census.strangers == 0
    router, server = arena.router, arena.servers["eu"]
    for place, daemon in (("router", router), ("server", server)):
        make = daemon.player_line

        def line(place: str = place, make: Any = make) -> Any:
            made = make()
            made.guest = Watched(place)
            return made

        host, address = ("router", "router:4100") if place == "router" else ("eu", "eu:1")
        arena.network.listen(host, address, line)
    ada = arena.start_player()
    arena.run(2.0)
    assert arena.home_of(ada) == "eu"
    assert known[:2] == ["router join", "router known"]
    assert "server known" in known


def test_connections_that_were_lost_are_not_counted(guests: Guests) -> None:
    visit = Visit(guests, "203.0.113.9")
    visit.greets()
    assert guests.census.connections == 1
    visit.doorway.connectionLost(Failure(ConnectionDone()))
    assert guests.census.connections == guests.census.strangers == 0
