"""Finding the router: what an URL means, in which order routers are tried, and for how long."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.names import dns
from twisted.names.error import DNSNameError
from twisted.python.failure import Failure

from clientmigration.client.entrance import SEEK_S
from clientmigration.client.finding import (
    ALL_S,
    LOOKUP_S,
    MOST,
    PORT,
    SOON_S,
    Finding,
    Target,
    dialer,
    ordered,
    parse_url,
)
from clientmigration.errors import ConfigurationError
from clientmigration.net.door import dialer as plain_dialer

MEANINGS = {
    "clientmigration://play.example.org": "play.example.org",
    "clientmigration://play.example.org:4100": "play.example.org:4100",
    "clientmigration://localhost": f"localhost:{PORT}",
    "clientmigration://router:7": "router:7",
    "clientmigration://192.0.2.7": f"192.0.2.7:{PORT}",
    "clientmigration://[2001:db8::7]": f"[2001:db8::7]:{PORT}",
    "clientmigration://[2001:db8::7]:9": "[2001:db8::7]:9",
}


@pytest.mark.parametrize(("url", "dialled"), MEANINGS.items(), ids=MEANINGS)
def test_only_a_name_with_a_dot_and_without_a_port_is_looked_up(url: str, dialled: str) -> None:
    assert parse_url(url) == dialled


@pytest.mark.parametrize(
    "url", ["play.example.org", "ftp://x", "clientmigration://", "clientmigration://x:70000"]
)
def test_what_is_no_url_of_ours_is_said_to_be(url: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_url(url)


def target(priority: int, weight: int, host: str = "a") -> Target:
    return Target(priority, weight, host, PORT)


TARGETS = st.builds(
    Target, st.integers(0, 3), st.integers(0, 9), st.sampled_from("abc"), st.integers(1, 9)
)


@given(st.lists(TARGETS, max_size=8), st.integers())
def test_every_target_is_tried_once_and_the_lower_priority_first(
    targets: list[Target], seed: int
) -> None:
    found = ordered(targets, Random(seed))
    assert Counter(found) == Counter(targets)
    assert [each.priority for each in found] == sorted(each.priority for each in targets)
    assert ordered(reversed(targets), Random(seed)) == found


def test_among_equals_the_weight_decides_how_often_one_is_first() -> None:
    targets = [target(1, 10, "small"), target(1, 30, "large"), target(1, 0, "spare")]
    random = Random(1)
    first = Counter(ordered(targets, random)[0].host for _ in range(4000))
    assert 0.70 < first["large"] / 4000 < 0.78
    assert first["spare"] < 400


NEXT_S = 0.3  # Twisted looks for one more address of the same host first


class Answering:
    """A resolver with one answer; None: it does not answer."""

    def __init__(self, *targets: Target, error: Exception | None = None) -> None:
        self.targets, self.error = targets, error
        self.silent = False
        self.asked: list[str] = []

    def lookupService(self, name: str, timeout: tuple[float, ...]) -> Deferred[Any]:
        """See twisted.names."""
        assert sum(timeout) <= LOOKUP_S
        self.asked.append(name)
        answer: Deferred[Any] = Deferred()
        if self.error is not None:
            answer.errback(self.error)
        elif not self.silent:
            records = [
                dns.RRHeader(
                    name, dns.SRV, payload=dns.Record_SRV(t.priority, t.weight, t.port, t.host)
                )
                for t in self.targets
            ]
            other = dns.RRHeader(name, dns.TXT, payload=dns.Record_TXT(b"not an SRV record"))
            answer.callback(([*records, other], [], []))
        return answer


class Way:
    """A connection that is being made from a name, in a reactor in memory."""

    def __init__(self, resolver: Answering) -> None:
        self.reactor = MemoryReactorClock()
        self.results: list[Any] = []
        dial = dialer(self.reactor, resolver, Random(1))
        self.connecting = dial("play.example.org").connect(Factory.forProtocol(Protocol))
        self.connecting.addBoth(self.results.append)
        self.reactor.advance(0)

    def tried(self) -> list[int]:
        """The port of each connection that was begun. In memory, every host is the same."""
        return [each[1] for each in self.reactor.tcpClients]

    def refuse(self) -> None:
        """The latest connection is refused."""
        connector = self.reactor.connectors[-1]
        factory = self.reactor.tcpClients[-1][2]
        factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError()))
        self.reactor.advance(NEXT_S)


ADDRESS = IPv4Address("TCP", "192.0.2.1", 4100)
FIRST, SECOND = Target(1, 0, "one.example.org", 4100), Target(2, 0, "two.example.org", 4200)


def test_the_name_of_the_service_is_asked_for() -> None:
    resolver = Answering(FIRST)
    assert Way(resolver).tried() == [4100]
    assert resolver.asked == ["_clientmigration._tcp.play.example.org"]


def test_a_router_that_refuses_soon_gives_way_to_the_next() -> None:
    way = Way(Answering(SECOND, FIRST))
    way.refuse()
    assert way.tried() == [4100, 4200]
    assert not way.results


def test_beside_a_router_that_does_not_answer_soon_the_next_one_is_tried() -> None:
    way = Way(Answering(FIRST, SECOND))
    way.reactor.advance(SOON_S - 0.1)
    assert way.tried() == [4100]
    way.reactor.advance(0.2)
    assert way.tried() == [4100, 4200]
    assert not way.results


@pytest.mark.parametrize("n", [0, 1])
def test_who_answers_first_is_the_one_and_the_other_is_given_up(n: int) -> None:
    way = Way(Answering(FIRST, SECOND))
    way.reactor.advance(SOON_S)
    way.reactor.advance(0)
    protocol: Any = way.reactor.tcpClients[n][2].buildProtocol(ADDRESS)
    protocol.makeConnection(StringTransport())
    assert len(way.results) == 1
    assert isinstance(way.results[0], Protocol)
    assert way.reactor.connectors[1 - n].stoppedConnecting
    assert way.reactor.getDelayedCalls() == []


def test_when_no_router_answers_the_text_says_so() -> None:
    way = Way(Answering(FIRST, SECOND))
    way.refuse()
    way.refuse()
    assert "none of 2 routers of play.example.org answers" in way.results[0].getErrorMessage()
    assert "two.example.org:4200" in way.results[0].getErrorMessage()


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_however_many_routers_are_dead_it_ends_before_a_player_gives_up(count: int) -> None:
    dead = [Target(n, 0, f"192.0.2.{n + 1}", 4100) for n in range(count)]
    way = Way(Answering(*dead))
    spent = 0.0
    while not way.results:
        way.reactor.advance(0.25)
        spent += 0.25
        assert spent < 60
    assert spent <= ALL_S + 0.25 * MOST < SEEK_S
    assert len(way.tried()) == min(count, MOST)


@pytest.mark.parametrize(
    "resolver",
    [Answering(), Answering(error=DNSNameError())],
    ids=["no records", "no such name"],
)
def test_without_a_record_the_name_itself_is_the_routers(resolver: Answering) -> None:
    finding = Finding(MemoryReactorClock(), "play.example.org", lambda: resolver, Random(1))
    found: list[Any] = []
    Deferred.fromCoroutine(finding.targets()).addBoth(found.append)
    assert found == [[Target(0, 0, "play.example.org", PORT)]]


def test_a_name_that_says_that_it_has_no_router_is_not_dialled() -> None:
    """RFC 2782: a target of "." means that the service is decidedly not available."""
    way = Way(Answering(Target(0, 0, "", 4100)))
    way.reactor.advance(10.0)
    assert way.tried() == []
    (failure,) = way.results
    assert isinstance(failure, Failure)
    assert "play.example.org says that there is no router" in str(failure.value)


def test_a_dns_server_that_is_silent_is_given_up() -> None:
    resolver, reactor = Answering(FIRST), MemoryReactorClock()
    resolver.silent = True
    finding = Finding(reactor, "play.example.org", lambda: resolver, Random(1))
    found: list[Any] = []
    Deferred.fromCoroutine(finding.targets()).addBoth(found.append)
    reactor.advance(LOOKUP_S - 0.1)
    assert not found
    reactor.advance(0.2)
    assert found == [[Target(0, 0, "play.example.org", PORT)]]


def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    way = Way(Answering(FIRST, SECOND))
    way.connecting.cancel()
    way.reactor.advance(10.0)
    assert way.tried() == [4100]
    assert len(way.results) == 1
    assert way.reactor.getDelayedCalls() == []


def test_an_explicit_address_asks_no_dns() -> None:
    resolver = Answering(FIRST)
    reactor = MemoryReactorClock()
    dialer(reactor, resolver)("192.0.2.9:4100").connect(Factory.forProtocol(Protocol))
    reactor.advance(0)
    assert [each[1] for each in reactor.tcpClients] == [4100]
    assert resolver.asked == []


@pytest.mark.parametrize("address", ["192.0.2.9:4100", "2001:db8::9:4100", "[2001:db8::9]:4100"])
def test_who_dials_an_address_does_not_look_it_up(address: str) -> None:
    """Not even the machine's own resolver is asked, in a thread, at every move."""
    reactor = MemoryReactorClock()
    plain_dialer(reactor)(address).connect(Factory.forProtocol(Protocol))
    bare = address.replace("[", "").replace("]", "")
    assert [f"{host}:{port}" for host, port, *_ in reactor.tcpClients] == [bare]
