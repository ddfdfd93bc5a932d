"""Bad input on real ports: each a log line that says what was wrong, a closed connection, and
nobody else disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted
from real_parts import Cluster, eventually
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from clientmigration.net.tickets import Seals, Ticket, hashed
from clientmigration.wire.connection import CONTROL, encode
from clientmigration.wire.messages import Attach, Greeting, Hello, Join, Ping

SECRET = "holder"


class Stranger(Protocol):
    """Says what it is told, keeps what it hears, knows when it was hung up on."""

    def __init__(self) -> None:
        self.heard = b""
        self.over = False

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Any = None) -> None:  # noqa: ARG002
        self.over = True


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """The router's log lines."""
    lines: list[str] = []

    @implementer(ILogObserver)
    def keep(event: LogEvent) -> None:
        lines.append(formatEvent(event))

    globalLogPublisher.addObserver(keep)
    yield lines
    globalLogPublisher.removeObserver(keep)


async def stranger(cluster: Cluster, port: int, *said: bytes) -> Stranger:
    endpoint = TCP4ClientEndpoint(cluster.reactor, "127.0.0.1", port)
    visitor: Stranger = await connectProtocol(endpoint, Stranger())
    assert visitor.transport is not None
    visitor.transport.write(b"".join(said))
    return visitor


async def gone(visitor: Stranger) -> None:
    """It was hung up on."""
    await eventually(lambda: visitor.over)


def frame(body: bytes, kind: int = CONTROL) -> bytes:
    return (1 + len(body)).to_bytes(4, "little") + bytes([kind]) + body


FOREIGN = b'{"t":"greeting","protocol":"x","role":"p"}'
HI = encode(Greeting(role="player"))
BAD = {
    "an HTTP request": (b"GET / HTTP/1.1\r\n\r\n", "not_our_protocol"),
    "random bytes": (bytes(range(7, 200)), "not_our_protocol"),
    "another protocol's greeting": (frame(FOREIGN), "not_our_protocol"),
    "a later version": (encode(Greeting(role="player", version=9)), "not_our_protocol"),
    "an oversized frame": (HI + (1 << 30).to_bytes(4, "little"), "frame_too_large"),
    "an empty frame": (HI + bytes(4), "malformed_frame"),
    "no JSON": (HI + frame(b"{{{"), "malformed_frame"),
    "an unknown message": (HI + frame(b'{"t":"sudo"}'), "malformed_frame"),
    "a binary frame that is not said here": (HI + frame(b"xxxx", 9), "malformed_frame"),
}  # fmt: skip


@pytest_twisted.ensureDeferred
async def test_garbage_on_each_port_is_named_and_costs_only_its_connection(
    cluster: Cluster, logged: list[str]
) -> None:
    await cluster.server("one")
    ada = await cluster.player()
    port = int(cluster.router.fleet.members()[0].address.rpartition(":")[2])
    for name, (said, code) in BAD.items():
        for door in (cluster.ports.players, cluster.ports.members, port):
            visitor = await stranger(cluster, door, said)
            await gone(visitor)
            told = code.encode() in visitor.heard or b"426 Upgrade Required" in visitor.heard
            assert told, (name, door)
            where = logged if door != port else cluster.log("one").splitlines()
            assert any(code in line for line in where), (name, door)
    await cluster.quiet(ada)
    assert (ada.tally.missed, ada.rejoins) == (0, 0)


@pytest_twisted.ensureDeferred
async def test_a_connection_that_says_nothing_is_closed_after_a_while(
    cluster: Cluster, logged: list[str]
) -> None:
    visitors = [
        await stranger(cluster, port) for port in (cluster.ports.players, cluster.ports.members)
    ]
    await eventually(lambda: all(visitor.over for visitor in visitors))
    assert sum("too_slow: said nothing for too long" in line for line in logged) == 2


@pytest_twisted.ensureDeferred
async def test_a_member_without_the_secret_is_refused_and_never_sees_it(
    cluster: Cluster, logged: list[str]
) -> None:
    false = Seals("f" * 64).proof("member", "n", "n", "evil", "gameserver", "h:1")
    attach = Attach(name="evil", role="gameserver", address="h:1", nonce="n", proof=false)
    visitor = await stranger(
        cluster, cluster.ports.members, encode(Greeting(role="gameserver")), encode(attach)
    )
    await gone(visitor)
    assert any("not_authentic: the member does not know the cluster secret" in x for x in logged)
    assert cluster.router.members == {}
    assert cluster.secret.read_text().encode() not in visitor.heard


@pytest_twisted.ensureDeferred
async def test_a_foreign_identity_is_refused(cluster: Cluster, logged: list[str]) -> None:
    token = Seals("f" * 64).identity("0" * 16, 1.7e9)
    visitor = await stranger(
        cluster, cluster.ports.players, HI, encode(Hello(holder="0" * 64, token=token))
    )
    await gone(visitor)
    assert any("not_authentic: this identity is not one of ours" in line for line in logged)


@pytest_twisted.ensureDeferred
async def test_bad_tickets_are_refused_by_name_and_leave_no_trace(cluster: Cluster) -> None:
    await cluster.server("one")
    ada = await cluster.player()
    assert ada.traveller.home is not None
    good, now, seals = ada.traveller.home.ticket, cluster.router.now(), cluster.router.outside.seals
    port = int(ada.traveller.home.address.rpartition(":")[2])
    unknown = Ticket("m", "0" * 16, "one", 1, hashed(SECRET))
    elsewhere = Ticket("m", "0" * 16, "two", 1, hashed(SECRET))
    tickets = {
        "forged": (Seals("f" * 64).ticket(unknown, now), "is not one of ours"),
        "expired": (seals.ticket(unknown, now - 60), "expired"),
        "misdirected": (seals.ticket(elsewhere, now), "for another server"),
        "replayed by somebody else": (good, "somebody else's"),
        "for nobody who is expected": (seals.ticket(unknown, now), "nobody is expected"),
        "not even a token": ("{}", "is not one of ours"),
    }
    for name, (ticket, text) in tickets.items():
        visitor = await stranger(cluster, port, HI, encode(Join(ticket=ticket, secret=SECRET)))
        await gone(visitor)
        assert b"ticket_refused" in visitor.heard, name
        assert text.encode() in visitor.heard, name
        assert text in cluster.log("one"), name
    await eventually(lambda: cluster.router.members["one"].roster)
    assert list(cluster.router.members["one"].roster) == [ada.name]
    await cluster.quiet(ada)
    assert (ada.tally.missed, ada.rejoins) == (0, 0)


@pytest_twisted.ensureDeferred
async def test_a_stranger_may_ping_a_little_and_no_more(cluster: Cluster) -> None:
    await cluster.server("one")
    port = int(cluster.router.fleet.members()[0].address.rpartition(":")[2])
    visitor = await stranger(cluster, port, HI, *(encode(Ping(n=n)) for n in range(30)))
    await gone(visitor)
    assert visitor.heard.count(b'"pong"') == 20
    assert b"too_fast" in visitor.heard
