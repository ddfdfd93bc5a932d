"""Where a daemon that listens is found by others."""

import socket
from typing import Any

import pytest
from twisted.internet.address import IPv6Address
from twisted.internet.endpoints import clientFromString
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Protocol
from twisted.internet.testing import MemoryReactor, MemoryReactorClock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.errors import ConfigurationError
from clientmigration.net.addresses import check_address
from clientmigration.net.carbon import Carbon
from clientmigration.net.door import BACKLOG, Lines, NamedEndpoint, listening, reachable, steady
from clientmigration.net.line import described


@pytest.mark.parametrize(
    ("listening", "here", "found"),
    [
        ("127.0.0.1:4200", "10.0.0.7:50123", "127.0.0.1:4200"),
        ("game.example.org:4200", "10.0.0.7:50123", "game.example.org:4200"),
        ("0.0.0.0:4200", "10.0.0.7:50123", "10.0.0.7:4200"),
        ("[::]:4200", "[fd00::7]:50123", "[fd00::7]:4200"),
    ],
)
def test_who_listens_everywhere_is_found_where_it_calls_from(
    listening: str, here: str, found: str
) -> None:
    assert reachable(listening, here) == found


@pytest.mark.parametrize("address", ["host:1", "a.b.example:65535", "192.0.2.1:4", "[::1]:4100"])
def test_an_address_that_players_can_dial_may_be_advertised(address: str) -> None:
    check_address(address, "")


@pytest.mark.parametrize(
    "address",
    ["host", "host:", ":4100", "host:0", "host:65536", "::1:4100", "[::1]", "[host]:1", "a b:1"],
)
def test_an_address_that_nobody_can_dial_is_refused_with_what_is_allowed(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--advertise .* is not host:port, such as .*\["):
        check_address(address, "--advertise ")


def test_an_ipv6_address_is_said_as_in_a_url() -> None:
    assert described(IPv6Address("TCP", "fd00::7", 4200)) == "[fd00::7]:4200"


@pytest.mark.parametrize(
    ("dialling", "said"),
    [
        ("tcp:127.0.0.1:4101", "127.0.0.1:4101"),
        ("tcp:router.example.org:4101", "router.example.org:4101"),
        (r"tcp:\:\:1:4101", "::1:4101"),
        ("unix:/run/router", "/run/router"),
    ],
)
def test_a_log_names_where_is_dialled_and_not_an_object(dialling: str, said: str) -> None:
    endpoint = clientFromString(MemoryReactor(), dialling)
    assert repr(NamedEndpoint(endpoint)) == said
    assert repr(NamedEndpoint(NamedEndpoint(endpoint))) == "NamedEndpoint"


@pytest.mark.parametrize("kind", ["a router", "carbon"])
def test_a_connection_that_comes_back_says_where_it_dials(kind: str) -> None:
    told: list[str] = []

    @implementer(ILogObserver)
    def listen(event: LogEvent) -> None:
        told.append(formatEvent(event))

    globalLogPublisher.addObserver(listen)
    reactor: Any = MemoryReactorClock()
    endpoint = clientFromString(reactor, "tcp:127.0.0.1:4101")
    make: Any = Protocol
    service = Carbon(endpoint, reactor) if kind == "carbon" else steady(endpoint, make, reactor)
    try:
        service.startService()
        reactor.tcpClients[0][2].clientConnectionFailed(None, Failure(ConnectionRefusedError()))
    finally:
        globalLogPublisher.removeObserver(listen)
        service.stopService()
    assert any("to connect 127.0.0.1:4101 in" in line for line in told), told


def test_a_crowd_that_comes_all_at_once_is_let_in_at_once() -> None:
    """The kernel drops a SYN for which the queue has no room, and its sender waits for a second.
    Nobody accepts here: the reactor does not run."""
    from twisted.internet import reactor

    port: Any = listening(reactor, "tcp:0:interface=127.0.0.1").listen(Lines(Protocol)).result
    crowd = [socket.socket() for _ in range(100)]
    try:
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port.getHost().port))
        door = ("127.0.0.1", port.getHost().port)
        assert all(each.getpeername() == door for each in crowd)  # raises while not connected
    finally:
        for each in crowd:
            each.close()
        port.stopListening()


@pytest.mark.parametrize(
    ("description", "backlog"),
    [("tcp:4100", BACKLOG), ("tcp:4100:interface=127.0.0.1", BACKLOG), ("tcp:4100:backlog=7", 7)],
)
def test_a_backlog_is_as_long_as_the_operator_says_or_else_long(
    description: str, backlog: int
) -> None:
    memory: Any = MemoryReactor()
    listening(memory, description).listen(Lines(Protocol))
    assert memory.tcpServers[0][2] == backlog
