"""The status daemon's answers over HTTP, byte by byte, without a socket."""

from __future__ import annotations

import gzip
from typing import Any

import msgspec
import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from clientmigration.core.measures.bounds import Bounds, Trusted
from clientmigration.net.beats import Beats
from clientmigration.net.door import Closed
from clientmigration.net.guests import Guests
from clientmigration.status.answers import PublicAnswer
from clientmigration.status.assets import static_files
from clientmigration.status.board import DOWN_S, Board
from clientmigration.status.feed import PublicMove, PublicServer, PublicWorld, Status
from clientmigration.status.limits import Allowed, RateLimits
from clientmigration.status.service import StatusService
from clientmigration.status.site import BODY_LIMIT, IDLE_S, PublicPages, StatusSite
from clientmigration.status.sse import CHOKED_S, EventStreams

SERVER = PublicServer("gs-1", 1, "fit", 1.0, 0.25, 100, 200)


class Wire(StringTransport):
    """A connection that knows how it ended."""

    aborted = False
    channel: Any = None

    @property
    def reading(self) -> Any:
        """Whoever writes here."""
        return self.producer

    def abortConnection(self) -> None:
        self.aborted = True
        self.connected = False

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", 4000)


class Place:
    """A status daemon without a feed, on a clock that a test turns."""

    def __init__(
        self, allowed: Allowed | None = None, limit: int = 100, trusted: str = "", each: int = 99
    ) -> None:
        self.clock = Clock()
        self.clock.advance(1_800_000_000)
        self.limits = RateLimits(allowed or Allowed())
        self.streams = EventStreams(self.clock)
        board = Board(lambda size: b"k" * size)
        self.service = StatusService(self.clock, Beats(self.clock), board, self.streams)
        root = PublicPages(
            self.clock,
            self.limits,
            self.streams,
            static_files(),
            dict(self.service.answers()),
            Trusted.parse(trusted),
        )
        rate = (1000.0, 1000.0)
        bounds = Bounds(each, 8 * each, each, 8 * each, rate, rate, rate, rate)
        guests = Guests(bounds, Trusted.parse(trusted), self.clock)
        self.site = StatusSite(root, self.clock, limit, guests)
        self.service.startService()

    def tell(self, players: int = 100) -> None:
        server = msgspec.structs.replace(SERVER, players=players)
        self.service.status(Status(self.clock.seconds(), (server,)))

    def connect(self) -> Any:
        channel = self.site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 4000))
        channel.makeConnection(Wire())
        return channel

    def ask(self, path: str, *headers: str, method: str = "GET", version: str = "1.1") -> Wire:
        channel = self.connect()
        lines = (f"{method} {path} HTTP/{version}", "Host: here", *headers, "", "")
        channel.dataReceived("\r\n".join(lines).encode())
        wire: Wire = channel.transport
        wire.channel = channel
        return wire


def parts(wire: Wire) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower case) and body of an answer."""
    head, _, body = wire.value().partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return int(first.split()[1]), {name.lower(): text for name, text in headers.items()}, body


def dechunked(body: bytes) -> bytes:
    """What a chunked body says so far."""
    said = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        said, body = said + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return said


def test_the_status_is_json_that_anybody_may_read_and_keep_for_a_second() -> None:
    place = Place()
    place.tell()
    code, headers, body = parts(place.ask("/api/v1/status.json"))
    assert code == 200
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"] == "public, max-age=1"
    assert msgspec.json.decode(body)["fleet"]["players"] == 100


def test_who_has_it_already_is_not_sent_it_again() -> None:
    place = Place()
    place.tell()
    _, headers, _ = parts(place.ask("/api/v1/status.json"))
    code, _, body = parts(place.ask("/api/v1/status.json", f"If-None-Match: {headers['etag']}"))
    assert (code, body) == (304, b"")
    place.tell(players=101)
    assert parts(place.ask("/api/v1/status.json", f"If-None-Match: {headers['etag']}"))[0] == 200


def test_an_answer_is_packed_for_those_who_can_unpack_it() -> None:
    place = Place()
    _, plain, body = parts(place.ask("/"))
    assert "content-encoding" not in plain
    code, headers, packed = parts(place.ask("/", "Accept-Encoding: gzip, br"))
    assert (code, headers["content-encoding"]) == (200, "gzip")
    assert gzip.decompress(packed) == body
    assert headers["vary"] == plain["vary"] == "Accept-Encoding"


def test_a_head_request_gets_the_headers_only() -> None:
    place = Place()
    for path in ("/", "/api/v1/status.json", "/api/v1/events"):
        code, _, body = parts(place.ask(path, method="HEAD"))
        assert (code, body) == (200, b""), path
    assert len(place.streams) == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_whoever_wants_to_write_is_told_that_this_is_for_reading(method: str) -> None:
    code, headers, _ = parts(Place().ask("/api/v1/status.json", method=method))
    assert (code, headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_other_origins_may_read_and_nothing_else() -> None:
    code, headers, _ = parts(Place().ask("/api/v1/status.json", method="OPTIONS"))
    assert (code, headers["access-control-allow-methods"]) == (204, "GET, HEAD")


@pytest.mark.parametrize(
    "path", ["/nothing", "/../tap.py", "/%2e%2e/tap.py", "/static/", "//x", "/%ff"]
)
def test_there_is_nothing_but_the_static_files(path: str) -> None:
    assert parts(Place().ask(path))[0] == 404


def test_the_page_may_load_nothing_from_elsewhere_and_be_framed_by_nobody() -> None:
    _, headers, _ = parts(Place().ask("/"))
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_too_many_questions_of_one_address_are_refused_and_say_when_to_come_back() -> None:
    place = Place(Allowed(per_s=1, burst=2))
    codes = [parts(place.ask("/badge.svg"))[0] for _ in range(3)]
    assert codes == [200, 200, 429]
    assert parts(place.ask("/badge.svg"))[1]["retry-after"] == "5"
    place.clock.advance(1)
    assert parts(place.ask("/badge.svg"))[0] == 200


@pytest.mark.parametrize("header", ["Content-Length: {}", "Transfer-Encoding: chunked"])
def test_a_request_with_a_huge_body_costs_its_connection(header: str) -> None:
    channel = Place().connect()
    head = f"POST / HTTP/1.1\r\nHost: here\r\n{header.format(BODY_LIMIT * 10)}\r\n\r\n"
    channel.dataReceived(head.encode())
    piece = b"x" * 8192
    for _ in range(BODY_LIMIT // len(piece) + 1):
        channel.dataReceived(piece if "{}" in header else b"2000\r\n" + piece + b"\r\n")
    assert channel.transport.aborted


def test_a_connection_that_asks_nothing_is_closed_and_too_many_are_not_taken() -> None:
    place = Place(limit=2)
    first, second = place.connect(), place.connect()
    assert isinstance(place.connect(), Closed)
    place.clock.advance(IDLE_S + 1)
    assert first.transport.disconnecting
    second.connectionLost()
    assert not isinstance(place.connect(), Closed)


def test_one_address_has_so_many_connections_and_no_more() -> None:
    place = Place(each=2)
    first, _ = place.connect(), place.connect()
    assert isinstance(place.connect(), Closed)
    first.connectionLost()
    assert not isinstance(place.connect(), Closed)


def test_behind_a_trusted_proxy_each_visitor_has_requests_of_its_own() -> None:
    def codes(place: Place, visitors: str) -> list[int]:
        return [
            parts(place.ask("/badge.svg", f"X-Forwarded-For: 203.0.113.{each}"))[0]
            for each in visitors
        ]

    few = Allowed(per_s=1, burst=2)
    assert codes(Place(few, trusted="192.0.2.0/24"), "111222") == [200, 200, 429] * 2
    assert codes(Place(few), "111222") == [200, 200] + [429] * 4


# The stream.


def test_a_reader_gets_the_latest_at_once_and_then_each_second() -> None:
    place = Place()
    place.tell(players=7)
    wire = place.ask("/api/v1/events")
    code, headers, body = parts(wire)
    assert code == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["access-control-allow-origin"] == "*"
    assert b'"players":7' in dechunked(body)
    wire.clear()
    place.tell(players=8)
    assert dechunked(wire.value()).startswith(b"event: status\ndata: {")
    assert b'"players":8' in dechunked(wire.value())


def test_only_who_asks_for_the_world_gets_it_and_not_too_often() -> None:
    place = Place()
    with_world, without = place.ask("/api/v1/events?with=world"), place.ask("/api/v1/events")
    for _ in range(4):
        place.service.world(PublicWorld(place.clock.seconds(), 1000, 50, ()))
        place.clock.advance(0.1)
    assert with_world.value().count(b"event: world") == 2
    assert b"event: world" not in without.value()


def test_moves_of_a_moment_come_in_one_event_and_are_not_told_to_later_readers() -> None:
    place = Place()
    wire = place.ask("/api/v1/events")
    for _ in range(3):
        place.service.moved(PublicMove(place.clock.seconds(), "gs-1", "gs-2", "settled", 80.0, 9.0))
    place.clock.advance(0.2)
    assert wire.value().count(b"event: moves") == 1
    assert wire.value().count(b'"gap_ms":9.0') >= 3
    assert b"event: moves" not in place.ask("/api/v1/events").value()


def test_an_old_proxy_gets_the_stream_unchunked() -> None:
    place = Place()
    wire = place.ask("/api/v1/events", version="1.0")
    wire.clear()
    place.tell()
    assert wire.value().startswith(b"event: status\n")


def test_readers_see_within_five_seconds_that_the_router_is_gone_and_that_it_is_back() -> None:
    place = Place()
    place.tell()
    wire = place.ask("/api/v1/events")
    wire.clear()
    place.clock.pump([0.5] * round(5 / 0.5))
    said = dechunked(wire.value())
    assert said.index(b'"state":"up"') < said.index(b'"state":"stale"')
    assert said.index(b'"state":"stale"') < said.index(b'"state":"down"')
    assert msgspec.json.decode(parts(place.ask("/api/v1/status.json"))[2])["state"] == "down"
    wire.clear()
    place.tell()
    assert b'"state":"up"' in wire.value()
    assert DOWN_S < 5


def test_a_reader_that_does_not_read_misses_events_and_then_goes_alone() -> None:
    place = Place()
    slow, good = place.ask("/api/v1/events"), place.ask("/api/v1/events")
    slow.reading.pauseProducing()
    slow.clear()
    good.clear()
    place.tell()
    place.clock.advance(CHOKED_S)
    assert (slow.value(), slow.aborted) == (b"", False)
    assert b"event: status" in good.value()
    place.clock.advance(2)
    place.tell()
    assert (slow.aborted, good.aborted) == (True, False)
    assert place.streams.skipped >= 2


def test_a_reader_that_reads_again_gets_the_next_event() -> None:
    place = Place()
    wire = place.ask("/api/v1/events")
    wire.reading.pauseProducing()
    place.tell()
    wire.clear()
    wire.reading.resumeProducing()
    place.tell(players=5)
    assert b'"players":5' in wire.value()


def test_a_place_is_free_again_when_its_reader_has_gone() -> None:
    place = Place(Allowed(readers_each=1))
    first = place.ask("/api/v1/events")
    assert parts(place.ask("/api/v1/events"))[0] == 503
    first.channel.connectionLost()
    assert len(place.streams) == 0
    assert parts(place.ask("/api/v1/events"))[0] == 200


def test_stopping_lets_everybody_go() -> None:
    place = Place()
    wire = place.ask("/api/v1/events")
    place.service.stopService()
    assert wire.aborted


def test_an_answer_has_another_tag_when_it_says_something_else() -> None:
    assert PublicAnswer(b"a", "text/plain").tag == PublicAnswer(b"a", "text/plain").tag
    assert PublicAnswer(b"a", "text/plain").tag != PublicAnswer(b"b", "text/plain").tag
