"""A name that stands for several routers: who dials all of them, and who one after another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from twisted.internet.abstract import isIPAddress
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReactorPluggableNameResolver, IResolutionReceiver
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.net.addresses import at_address, named_host
from clientmigration.net.encryption import Encryption, SecureWay
from clientmigration.net.line import Line, LineTerms
from clientmigration.net.links import EVERY_S, RouterLinks
from clientmigration.net.routers import MOST, OneOfSeveral, Way, at_most, dialled_in_turn, ways_of
from clientmigration.wire.connection import ROUTER_TO_MEMBER

TERMS = LineTerms(ROUTER_TO_MEMBER, (100.0, 100.0))


class Silent:
    """Listens to a line, and does nothing."""

    def opened(self, line: Line) -> None: ...

    def heard(self, message: Any) -> None: ...

    def closed(self, reason: str) -> None: ...


@implementer(IReactorPluggableNameResolver)
class Reactor(MemoryReactorClock):
    """A reactor in memory, and the names that its resolver knows; `deaf`: it never answers."""

    def __init__(self, **names: Sequence[str]) -> None:
        super().__init__()
        self.names, self.deaf = dict(names), False
        self.nameResolver: Any = self

    def resolveHostName(
        self, receiver: IResolutionReceiver, host: str, portNumber: int = 0, **_more: Any
    ) -> None:
        receiver.resolutionBegan(None)  # type: ignore[arg-type]
        if self.deaf:
            return
        for each in [host] if isIPAddress(host) else self.names.get(host, ()):
            kind = IPv6Address if ":" in each else IPv4Address
            receiver.addressResolved(kind("TCP", each, portNumber))
        receiver.resolutionComplete()

    def connect(self, way: int) -> Line:
        """The connection that was asked for as the so manyth is made."""
        factory = self.tcpClients[way][2]
        protocol: Any = factory.buildProtocol(IPv4Address("TCP", "10.0.0.1", 4101))
        protocol.makeConnection(StringTransport())
        return protocol  # type: ignore[no-any-return]

    @property
    def dialled(self) -> list[str]:
        """Where connections were asked for."""
        return [f"{host}:{port}" for host, port, *_ in self.tcpClients]


def links(reactor: Reactor, text: str, made: list[Line] | None = None) -> RouterLinks:
    """They run."""

    def make() -> Line:
        line = Line("gameserver", TERMS, Silent(), reactor)
        (made if made is not None else []).append(line)
        return line

    dialling = partial(Encryption().dialling, reactor)
    found = RouterLinks(reactor, dialling, text, make)
    found.startService()
    return found


def pass_time(reactor: Reactor, seconds: float) -> None:
    reactor.pump([0.25] * int(4 * seconds))


def test_every_address_of_a_name_is_dialled_and_one_that_is_added_too() -> None:
    reactor = Reactor(router=["10.0.0.2", "10.0.0.1"])
    running = links(reactor, "tcp:router:4101")
    assert reactor.dialled == ["10.0.0.1:4101", "10.0.0.2:4101"]
    for which in range(2):
        reactor.connect(which)
    reactor.names["router"] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    pass_time(reactor, EVERY_S + 1)
    assert reactor.dialled[2:] == ["10.0.0.3:4101"]
    running.stopService()


def test_who_is_attached_stays_so_and_is_not_dialled_again_once_its_name_is_without_it() -> None:
    made: list[Line] = []
    reactor = Reactor(router=["10.0.0.1", "10.0.0.2"])
    running = links(reactor, "tcp:router:4101", made)
    first, second = (reactor.connect(which) for which in range(2))
    reactor.names["router"] = ["10.0.0.2"]
    pass_time(reactor, 3)  # somebody is silent for 15 s otherwise, and has not greeted for 5
    assert not made[0].over
    made[0].connectionLost(Failure(ConnectionDone()))
    first.connectionLost(Failure(ConnectionDone()))
    pass_time(reactor, EVERY_S + 1)
    before = reactor.dialled.count("10.0.0.1:4101")
    second.connectionLost(Failure(ConnectionDone()))
    pass_time(reactor, 30)
    assert reactor.dialled.count("10.0.0.1:4101") == before, "it is not dialled any more"
    assert reactor.dialled.count("10.0.0.2:4101") > 1, "the other one is dialled again"
    running.stopService()


def test_what_no_resolver_answers_changes_nothing() -> None:
    reactor = Reactor(router=["10.0.0.1"])
    running = links(reactor, "tcp:router:4101")
    reactor.deaf = True
    pass_time(reactor, 60)
    reactor.deaf, reactor.names = False, {}
    pass_time(reactor, 60)
    assert {*reactor.dialled} == {"10.0.0.1:4101"}
    assert len(running.services) == 1
    running.stopService()
    assert not reactor.getDelayedCalls()


def test_a_name_that_is_not_known_yet_is_looked_up_each_second() -> None:
    reactor = Reactor()
    running = links(reactor, "tcp:router:4101")
    pass_time(reactor, 20)
    assert not reactor.dialled
    reactor.names["router"] = ["10.0.0.1"]
    pass_time(reactor, 1.5)
    assert reactor.dialled == ["10.0.0.1:4101"]
    running.stopService()


def test_an_address_is_not_looked_up() -> None:
    reactor = Reactor()
    running = links(reactor, "tcp:10.0.0.1:4101,tcp:10.0.0.2:4101")
    assert reactor.dialled == ["10.0.0.1:4101", "10.0.0.2:4101"]
    running.stopService()
    assert not reactor.getDelayedCalls()


@pytest.mark.parametrize(
    ("addresses", "dialled"),
    [
        (["127.0.0.1", "::1"], ["127.0.0.1"]),
        (["::1"], ["::1"]),
        (["fd00::1", "fd00::2", "10.0.0.1"], ["fd00::1", "fd00::2"]),
        (["10.0.0.10", "10.0.0.9", "10.0.0.9"], ["10.0.0.9", "10.0.0.10"]),
        ([], [""]),
    ],
)
def test_a_host_of_two_families_is_one_router(addresses: list[str], dialled: list[str]) -> None:
    assert [way.at for way in ways_of("tcp:router:4101", addresses)] == dialled


def test_no_more_routers_are_dialled_than_the_bound() -> None:
    addresses = [f"10.0.{n // 250}.{n % 250 + 1}" for n in range(1000)]
    assert len(ways_of("tcp:router:4101", addresses)) == MOST
    reactor = Reactor(router=addresses)
    running = links(reactor, "tcp:router:4101")
    reactor.names["router"] = [*reversed(addresses)][:MOST]
    pass_time(reactor, 60)
    assert len(running.services) <= 2 * MOST
    running.stopService()


def test_who_asks_begins_with_another_address_each_time() -> None:
    reactor = Reactor(router=["10.0.0.1", "10.0.0.2"])
    endpoint = dialled_in_turn(reactor, partial(Encryption().dialling, reactor), "tcp:router:4101")
    assert isinstance(endpoint, OneOfSeveral)
    for _ in range(3):
        endpoint.connect(Factory.forProtocol(Protocol))
        reactor.connect(-1)
    assert reactor.dialled == ["10.0.0.1:4101", "10.0.0.2:4101", "10.0.0.1:4101"]


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("tcp:router:4101", "router"),
        ("tcp:host=router:port=4101", "router"),
        ("tls:router:4101", "router"),
        ("clientmigration://router", "router"),
        ("clientmigrations://router:4101", "router"),
        ("tls:router:4101:endpoint=tcp\\:10.0.0.1\\:4101", ""),
        ("tcp:10.0.0.1:4101", ""),
        ("clientmigration://[::1]:4101", ""),
        ("unix:/run/router", ""),
    ],
)
def test_only_the_name_of_a_host_is_looked_up(endpoint: str, host: str) -> None:
    assert named_host(endpoint) == host
    assert at_most(endpoint) == (MOST if host else 1)


def test_an_endpoint_keeps_its_other_words_at_another_address() -> None:
    assert at_address("tcp:router:4101:timeout=3", "::1") == r"tcp:\:\:1:4101:timeout=3"
    assert at_address("tcp:host=router:port=4101", "10.0.0.1") == "tcp:host=10.0.0.1:port=4101"
    assert str(Way("tcp:router:4101", "10.0.0.1")) == "tcp:router:4101 (10.0.0.1)"


def test_by_tls_an_address_has_to_prove_that_it_is_the_name() -> None:
    reactor = Reactor()
    way = Encryption().dialling(reactor, "tls:router.example:4101", "10.0.0.1")
    way.connect(Factory.forProtocol(Protocol))
    assert reactor.dialled == ["10.0.0.1:4101"]
    assert isinstance(way, SecureWay)
    assert way.host == "router.example"
