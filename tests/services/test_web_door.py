"""A door for players and browsers: who is it, and what is made of the one who is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from clientmigration.errors import PeersFault
from clientmigration.net.line import CHOKED_S, GREETING_WAIT_S, SILENCE_S, Line, LineTerms
from clientmigration.net.web import Doorway, Reception
from clientmigration.wire.connection import PLAYER_TO_SERVER, SERVER_TO_PLAYER, Connection, encode
from clientmigration.wire.messages import Goodbye, Greeting, Input, Leave, Ping, Pong, View
from clientmigration.wire.web import Origins

HI = encode(Greeting(role="player"))


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.over = False

    def opened(self, line: Line) -> None:
        pass

    def heard(self, message: Any) -> None:
        self.messages.append(message)

    def closed(self, reason: str) -> None:  # noqa: ARG002
        self.over = True


class Transport(StringTransport):
    """What a Line needs beside a StringTransport."""

    def abortConnection(self) -> None:
        self.disconnected = True


class House:
    """A door, who came in by it, and who was blamed."""

    def __init__(self, per_s: float = 60.0) -> None:
        self.clock, self.transport = Clock(), Transport()
        self.lines: list[Line] = []
        self.guests: list[Heard] = []
        self.blamed: list[str] = []
        self.per_s = per_s
        self.doorway = Doorway(Reception(self.line, Origins(), self.clock, self.blame))
        self.doorway.makeConnection(self.transport)

    def line(self) -> Line:
        self.guests.append(Heard())
        terms = LineTerms(PLAYER_TO_SERVER, (self.per_s, self.per_s))
        line = Line("gameserver", terms, self.guests[-1], self.clock, self.blame)
        self.lines.append(line)
        return line

    def blame(self, fault: PeersFault) -> None:
        self.blamed.append(fault.code)

    def lose(self) -> None:
        self.doorway.connectionLost(Failure(ConnectionDone()))


class Page:
    """A browser at the other end."""

    def __init__(self, house: House, forwarded: str = "", **request: Any) -> None:
        self.house = house
        self.socket = ClientProtocol(parse_uri("ws://localhost:4100/"), **request)
        self.connection = Connection(SERVER_TO_PLAYER)
        self.heard: list[Any] = []
        self.closed = False
        asked = self.socket.connect()
        if forwarded:
            asked.headers["X-Forwarded-For"] = forwarded
        self.socket.send_request(asked)
        self.go()

    def go(self) -> None:
        """What either has to say goes over."""
        for each in self.socket.data_to_send():
            self.house.doorway.dataReceived(each)
        answer = self.house.transport.value()
        self.house.transport.clear()
        if answer:
            self.socket.receive_data(answer)
        for frame in self.socket.events_received():
            if isinstance(frame, Frame) and frame.opcode is Opcode.BINARY:
                self.heard.append(self.connection.decode(bytes(frame.data)))
            elif isinstance(frame, Frame) and frame.opcode is Opcode.CLOSE:
                self.closed = True

    def knock(self, what: Callable[[bytes], None], times: int) -> None:
        """Say nothing, many times."""
        for _ in range(times):
            what(b"")

    def say(self, *messages: Any) -> None:
        for each in messages:
            self.socket.send_binary(encode(each)[4:])
        self.go()


def welcomed(house: House) -> Page:
    page = Page(house)
    page.say(Greeting(role="player"))
    return page


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_player_is_let_in_however_its_bytes_come(size: int) -> None:
    house, stream = House(), HI + encode(Ping(1)) + encode(Input(1, b"\2"))
    for at in range(0, len(stream), size):
        house.doorway.dataReceived(stream[at : at + size])
    assert house.guests[0].messages == [Ping(1), Input(1, b"\2")]
    assert house.transport.value() == encode(Greeting(role="gameserver"))


def test_a_greeting_whose_length_begins_with_a_g_is_still_a_greeting() -> None:
    house, role = House(), "ppp"
    greeting = encode(Greeting(role=role))
    assert greeting[0] == ord("G")
    for byte in greeting:
        house.doorway.dataReceived(bytes([byte]))
    assert house.lines[0].peer_role == role


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_browser_is_let_in_however_its_bytes_come(size: int) -> None:
    house = House()
    deliver = house.doorway.dataReceived

    def cut(data: bytes) -> None:
        for at in range(0, len(data), size):
            deliver(data[at : at + size])

    house.doorway.dataReceived = cut  # type: ignore[method-assign]
    page = welcomed(house)
    page.say(Ping(1), Input(1, b"\2"))
    assert house.guests[0].messages == [Ping(1), Input(1, b"\2")]
    assert page.heard == [Greeting(role="gameserver")]


def test_nothing_is_said_before_it_is_known_who_it_is() -> None:
    house = House()
    assert house.transport.value() == b""
    house.doorway.dataReceived(b"G")
    assert (house.transport.value(), house.lines) == (b"", [])


def test_a_line_says_and_shows_to_a_browser_as_to_a_player() -> None:
    house = House()
    page = welcomed(house)
    view = View(7, 1, 1, 5, b"seen" * 50)
    house.lines[0].say(Pong(1))
    assert house.lines[0].show(encode(view))
    page.go()
    assert page.heard[1:] == [Pong(1), view]


def test_a_browser_that_does_not_read_loses_views_and_then_its_connection() -> None:
    house = House()
    page, line = welcomed(house), house.lines[0]
    line.pauseProducing()
    assert not line.show(encode(View(7, 0, 0, 0, b"")))
    house.clock.advance(CHOKED_S + 0.1)
    page.go()
    assert isinstance(page.heard[-1], Goodbye)
    assert "does not read" in page.heard[-1].text


def test_goodbye_is_heard_then_both_close_and_the_connection_ends() -> None:
    house = House()
    page = welcomed(house)
    house.lines[0].hang_up("released", "")
    page.go()
    assert page.heard[-1] == Goodbye("released", "")
    assert page.closed
    page.go()
    assert house.transport.disconnecting
    house.lose()
    assert house.guests[0].over
    assert house.clock.getDelayedCalls() == []


def test_a_browser_that_does_not_close_is_cut_off() -> None:
    house = House()
    welcomed(house)
    house.lines[0].hang_up("released", "")
    house.clock.advance(GREETING_WAIT_S + 0.1)
    assert house.transport.disconnected


def test_a_browser_may_leave_in_its_own_way() -> None:
    house = House()
    page = welcomed(house)
    page.socket.send_close(1001)
    page.go()
    assert house.transport.disconnecting
    house.lines[0].say(Pong(1))
    assert house.transport.value() == b""  # after a close nothing may be said
    house.lose()
    assert house.guests[0].over


FAULTS: dict[str, tuple[Callable[[Page], None], str]] = {
    "text": (lambda page: page.socket.send_text(b"hello"), "malformed_frame"),
    "an unknown kind": (lambda page: page.socket.send_binary(b"\x09"), "malformed_frame"),
    "an empty message": (lambda page: page.socket.send_binary(b""), "malformed_frame"),
    "too much": (lambda page: page.socket.send_binary(bytes(4097)), "frame_too_large"),
    "pings": (lambda page: page.knock(page.socket.send_ping, 17), "too_fast"),
    "pongs": (lambda page: page.knock(page.socket.send_pong, 17), "too_fast"),
    "chatter": (lambda page: page.say(*(Ping(n) for n in range(61))), "too_fast"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_answered_with_goodbye_and_its_code(name: str) -> None:
    commit, code = FAULTS[name]
    house = House()
    page = welcomed(house)
    commit(page)
    page.go()
    page.go()
    assert page.heard[-1].code == code
    assert page.closed
    assert house.blamed == [code]


def test_a_greeting_has_its_own_limit_here_too() -> None:
    house = House()
    page = Page(house)
    page.say(Greeting(role="p" * 500))
    assert page.heard[-1].code == "not_our_protocol"


def test_a_browser_that_does_not_greet_or_falls_silent_is_closed() -> None:
    for greets, patience in ((False, GREETING_WAIT_S), (True, SILENCE_S)):
        house = House()
        page = welcomed(house) if greets else Page(house)
        house.clock.advance(patience - 0.1)
        page.socket.send_ping(b"I am here")  # but says nothing
        page.go()
        assert not page.closed
        house.clock.advance(0.2)
        page.go()
        assert page.heard[-1].code == "too_slow"


@pytest.mark.parametrize("said", [b"", b"G", b"GE", b"GET / HTTP/1.1\r\nHost: a\r\n"])
def test_who_does_not_come_to_the_point_is_closed_and_named(said: bytes) -> None:
    house = House()
    for n in range(len(said)):
        house.doorway.dataReceived(said[n : n + 1])
    house.clock.advance(GREETING_WAIT_S + 0.1)
    assert house.blamed == ["too_slow"]
    house.clock.advance(GREETING_WAIT_S + 0.1)
    assert house.transport.disconnected
    house.lose()
    assert house.clock.getDelayedCalls() == []


def test_a_page_of_another_host_is_refused_and_never_gets_a_line() -> None:
    house = House()
    page = Page(house, origin="http://evil.test")
    assert page.socket.handshake_exc is not None
    assert (house.blamed, house.lines) == (["foreign_origin"], [])
    assert house.transport.disconnecting
    house.doorway.dataReceived(b"and still it talks")
    house.lose()
    assert house.clock.getDelayedCalls() == []


def test_a_visitor_without_a_websocket_gets_a_page_that_says_so() -> None:
    house = House()
    house.doorway.dataReceived(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert house.transport.value().startswith(b"HTTP/1.1 426 Upgrade Required\r\n")
    assert house.blamed == ["not_our_protocol"]
    assert house.transport.disconnecting


def test_who_leaves_before_it_is_known_leaves_nothing_behind() -> None:
    for said in (b"", b"GET / HT", HI[:3]):
        house = House()
        house.doorway.dataReceived(said)
        house.lose()
        assert house.clock.getDelayedCalls() == []


def test_what_comes_after_the_end_is_not_heard() -> None:
    house = House()
    page = welcomed(house)
    house.lines[0].hang_up("bye", "")
    page.say(Leave())
    assert house.guests[0].messages == []
