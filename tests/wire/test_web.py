"""WebSockets at the wire: bytes in, payloads out, however the stream is cut."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from clientmigration.errors import (
    ConfigurationError,
    ForeignOrigin,
    FrameTooLarge,
    MalformedFrame,
    NotOurProtocol,
    PeersFault,
    TooFast,
)
from clientmigration.wire.connection import PLAYER_TO_ROUTER, PLAYER_TO_SERVER, Connection, encode
from clientmigration.wire.messages import Greeting, Input, Ping
from clientmigration.wire.web import (
    ASIDES,
    REQUEST_LIMIT,
    Origins,
    WebSocket,
    messaged,
    sniff,
)

LIMIT = 4096
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
SAID = (Greeting(role="player"), Ping(1), Input(1, b"\2"), Input(2, b"x" * 200))


def request(*more: str, host: str = "play.example.org:4100") -> bytes:
    lines = (
        "GET /any/path HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", *more, "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode()


def masked(data: bytes, opcode: Opcode = Opcode.BINARY, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def opened(limit: int = LIMIT) -> WebSocket:
    socket = WebSocket(Origins(), limit)
    socket.shake(request())
    assert socket.open
    socket.owed()
    return socket


def heard(socket: WebSocket, data: bytes) -> list[bytes]:
    """As a connection hears it."""
    payload = socket.only(data)
    if payload is not None:
        return [payload]
    socket.feed(data)
    return list(socket.payloads())


def test_a_request_is_answered_as_the_rfc_says() -> None:
    socket = WebSocket(Origins(), LIMIT)
    socket.shake(request())
    answer = b"".join(socket.owed())
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in answer
    assert b"Extensions" not in answer


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_stream_that_is_cut_anywhere_is_read_alike(size: int) -> None:
    stream = request() + b"".join(masked(encode(each)[4:]) for each in SAID)
    socket, connection = WebSocket(Origins(), LIMIT), Connection(PLAYER_TO_SERVER)
    messages: list[Any] = []
    for at in range(0, len(stream), size):
        part = stream[at : at + size]
        if socket.open:
            socket.feed(part)
        else:
            socket.shake(part)
        messages += connection.receive_each(socket.payloads() if socket.open else ())
    assert tuple(messages) == SAID


@given(st.lists(st.binary(max_size=140), max_size=6), st.lists(st.integers(0, 900)), st.booleans())
def test_the_short_way_hears_what_the_long_one_hears(
    bodies: list[bytes], cuts: list[int], together: bool
) -> None:
    """Cut where messages end, and anywhere; the first one may come with the request."""
    stream, edges = (request() if together else b""), set(cuts)
    for n, body in enumerate(bodies):
        stream += masked(body) + (masked(b"?", Opcode.PING) if n == 2 else b"")
        edges.add(len(stream))
    socket, messages = WebSocket(Origins(), LIMIT) if together else opened(), list[bytes]()
    for begin, end in pairwise([0, *sorted(each for each in edges if each < len(stream)), None]):
        part = stream[begin:end]
        if socket.open:
            messages += heard(socket, part)
        else:
            socket.shake(part)
            messages += socket.payloads() if socket.open else ()
    assert messages == bodies


def test_two_short_messages_are_not_taken_for_one() -> None:
    for first in range(126):
        both = masked(bytes(first)) + masked(bytes(116))
        assert heard(opened(), both) == [bytes(first), bytes(116)]


def test_nothing_is_taken_for_a_message_that_lies_within_another() -> None:
    looks = masked(b"no")
    head = bytes([0x82, 0x80 | (len(looks) + 1)]) + bytes(4)  # masked with nothing
    socket = opened()
    assert heard(socket, head + b"!") == []
    assert heard(socket, looks) == [b"!" + looks]
    assert socket.only(masked(b"a whole one")) == b"a whole one"


@given(st.lists(st.binary(max_size=300), max_size=6), st.data())
def test_a_message_may_come_in_parts_with_pings_between(
    bodies: list[bytes], data: st.DataObject
) -> None:
    stream = b""
    for body in bodies:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=4)))
        parts = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        for n, part in enumerate(parts):
            opcode = Opcode.BINARY if n == 0 else Opcode.CONT
            stream += masked(part, opcode, n == len(parts) - 1)
            if data.draw(st.booleans()):
                stream += masked(b"?", Opcode.PING)
    assert heard(opened(), stream) == bodies


def test_a_ping_is_answered() -> None:
    socket = opened()
    assert heard(socket, masked(b"there?", Opcode.PING)) == []
    assert socket.owed() == [b"\x8a\x06there?"]


@pytest.mark.parametrize("size", [1, 125, 126, 65535, 65536, 200000])
def test_what_a_server_says_is_what_a_browser_reads(size: int) -> None:
    browser = ClientProtocol(parse_uri("ws://localhost/"), max_size=None)
    browser.send_request(browser.connect())
    socket = WebSocket(Origins(), LIMIT)
    socket.shake(b"".join(browser.data_to_send()))
    browser.receive_data(b"".join(socket.owed()) + messaged(bytes(4) + b"x" * size))
    *_, frame = browser.events_received()
    assert isinstance(frame, Frame)
    assert (frame.opcode, bytes(frame.data)) == (Opcode.BINARY, b"x" * size)


FAULTS: dict[str, tuple[bytes, type[PeersFault]]] = {
    "text": (masked(b"hello", Opcode.TEXT), MalformedFrame),
    "too large": (masked(bytes(LIMIT + 1)), FrameTooLarge),
    "too large in parts": (
        masked(bytes(LIMIT), fin=False) + masked(b"x", Opcode.CONT), FrameTooLarge,
    ),
    "not masked": (messaged(bytes(4) + b"x"), MalformedFrame),
    "a reserved bit": (b"\xc2\x80\0\0\0\0", MalformedFrame),
    "an unknown opcode": (b"\x83\x80\0\0\0\0", MalformedFrame),
    "a part of nothing": (masked(b"x", Opcode.CONT), MalformedFrame),
    "a message within a message": (masked(b"x", fin=False) + masked(b"y"), MalformedFrame),
    "pings without end": (masked(b"", Opcode.PING) * (ASIDES + 1), TooFast),
    "pongs without end": (masked(b"", Opcode.PONG) * (ASIDES + 1), TooFast),
    "parts without end": (
        masked(b"", fin=False) + masked(b"", Opcode.CONT, False) * ASIDES, TooFast,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_after_what_came_before_it(name: str) -> None:
    stream, fault = FAULTS[name]
    got: list[bytes] = []
    socket = opened()
    socket.feed(masked(b"good") + stream + masked(b"too late"))
    with pytest.raises(fault):
        got.extend(socket.payloads())
    assert got == [b"good"]


def test_a_size_that_is_too_large_is_refused_before_its_body() -> None:
    header = masked(bytes(60000))[:8]
    with pytest.raises(FrameTooLarge):
        heard(opened(), header)


def test_pings_between_messages_are_forgiven() -> None:
    pings = masked(b"", Opcode.PING) * ASIDES
    assert heard(opened(), (pings + masked(b"x")) * 5) == [b"x"] * 5


def test_to_close_is_said_once_and_the_end_comes_when_both_have() -> None:
    socket = opened()
    socket.close()
    socket.close()
    assert socket.owed() == [b"\x88\x02\x03\xe8"]
    assert heard(socket, masked(b"\x03\xe8", Opcode.CLOSE)) == []
    assert socket.owed() == [b""]


def test_a_browser_that_closes_is_answered_and_then_it_is_over() -> None:
    socket = opened()
    assert heard(socket, masked(b"bye") + masked(b"\x03\xe9", Opcode.CLOSE)) == [b"bye"]
    assert socket.owed() == [b"\x88\x02\x03\xe9", b""]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 426 "),
        (request().replace(b"13", b"12"), b"HTTP/1.1 400 "),
        (request().replace(KEY.encode(), b"short"), b"HTTP/1.1 400 "),
        (request().replace(b"HTTP/1.1", b"HTTP/1.0"), b"HTTP/1.1 505 "),
        (request("Content-Length: 5"), b""),
        (b"GET \xff\r\n\r\n", b""),
        (b"GEWGAW\r\n\r\n", b""),
    ],
)
def test_what_is_no_request_for_a_websocket_is_refused(said: bytes, answer: bytes) -> None:
    socket = WebSocket(Origins(), LIMIT)
    with pytest.raises(NotOurProtocol):
        socket.shake(said)
    *rest, end = socket.owed()
    assert b"".join(rest).startswith(answer)
    assert (end, socket.open) == (b"", False)


def test_a_request_without_end_is_refused() -> None:
    socket = WebSocket(Origins(), LIMIT)
    socket.shake(request()[:-2] + b"X: y" * (REQUEST_LIMIT // 8))
    with pytest.raises(NotOurProtocol):
        socket.shake(b"y" * REQUEST_LIMIT)


@given(st.binary(max_size=200))
def test_garbage_raises_nothing_but_a_peers_fault(garbage: bytes) -> None:
    for prefix, socket in ((b"GE", WebSocket(Origins(), LIMIT)), (b"", opened())):
        try:
            if socket.open:
                heard(socket, prefix + garbage)
            else:
                socket.shake(prefix + garbage)
        except PeersFault:
            pass
        socket.owed()


def test_the_page_tells_the_numbers() -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    _, _, section = page.partition("### Over a WebSocket")
    section, _, _ = section.partition("\n### ")
    assert f"{REQUEST_LIMIT:,} bytes" in section
    assert f"at most {ASIDES} pings" in section
    assert f"more than {PLAYER_TO_SERVER.limit:,} bytes" in section
    assert PLAYER_TO_SERVER.limit == PLAYER_TO_ROUTER.limit


def test_two_bytes_tell_a_browser_from_a_player() -> None:
    assert sniff(b"G") is None
    assert sniff(b"GET / HTTP/1.1") is True
    assert sniff(encode(Greeting(role="player"))) is False
    assert sniff((71).to_bytes(4, "little")) is False  # a length that begins with a G


# Origins.

SAME = (
    ("http://play.example.org", "play.example.org:4100"),
    ("https://PLAY.example.org:8443", "play.example.org:4100"),
    ("http://localhost:8000", "127.0.0.1:4100"),
    ("http://127.0.0.1:8000", "[::1]:4100"),
    ("http://[::1]", "localhost"),
    ("http://10.0.0.7:8081", "10.0.0.7:4100"),
)
OTHER = (
    ("http://example.org", "play.example.org:4100"),
    ("http://play.example.org.evil.test", "play.example.org:4100"),
    ("http://evil.test", "127.0.0.1:4100"),
    ("http://localhost:8000", "10.0.0.7:4100"),
    ("null", "127.0.0.1:4100"),
    ("", "127.0.0.1:4100"),
    ("http://[", "127.0.0.1:4100"),
    ("http://evil.test,http://localhost", "localhost:4100"),
    ("http://", ""),
)


@pytest.mark.parametrize(("origin", "host"), SAME)
def test_a_page_of_the_same_host_may_connect(origin: str, host: str) -> None:
    socket = WebSocket(Origins(), LIMIT)
    socket.shake(request(f"Origin: {origin}", host=host))
    assert socket.open


@pytest.mark.parametrize(("origin", "host"), OTHER)
def test_a_page_of_another_host_may_not(origin: str, host: str) -> None:
    socket = WebSocket(Origins(), LIMIT)
    with pytest.raises(ForeignOrigin):
        socket.shake(request(f"Origin: {origin}", host=host))
    assert b"".join(socket.owed()).startswith(b"HTTP/1.1 403 ")


def test_two_origins_are_none_of_ours() -> None:
    socket = WebSocket(Origins(), LIMIT)
    with pytest.raises(ForeignOrigin):
        socket.shake(
            request("Origin: http://localhost", "Origin: http://evil.test", host="localhost")
        )


def test_who_names_no_origin_is_no_browser() -> None:
    assert Origins().admit(None, "play.example.org:4100")


def test_origins_are_named_or_all() -> None:
    named = Origins.parse("https://play.example.org, http://other.test:8000")
    assert named.admit("https://play.example.org", "10.0.0.7:4100")
    assert named.admit("http://OTHER.test:8000", "10.0.0.7:4100")
    assert not named.admit("http://other.test", "10.0.0.7:4100")
    assert Origins.parse("*").admit("null", "10.0.0.7:4100")
    assert Origins.parse("") == Origins()


@pytest.mark.parametrize("text", ["play.example.org", "https://play.example.org/path", "http://["])
def test_what_is_no_origin_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ConfigurationError):
        Origins.parse(text)
