"""A line under load: a peer that does not read loses views, then its connection."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from clientmigration.net.burden import burden
from clientmigration.net.line import CHOKED_S, GREETING_WAIT_S, SILENCE_S, Line, LineTerms
from clientmigration.net.straight import Straight
from clientmigration.wire.connection import PLAYER_TO_SERVER, encode
from clientmigration.wire.messages import Greeting, Leave, Ping, Pong


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


def over(line: Line) -> bool:
    return line.over


def line_and_parts(per_s: float = 10.0) -> tuple[Line, Transport, Clock, Heard]:
    clock, heard, transport = Clock(), Heard(), Transport()
    line = Line("gameserver", LineTerms(PLAYER_TO_SERVER, (per_s, per_s)), heard, clock)
    line.makeConnection(transport)
    line.dataReceived(encode(Greeting(role="player")))
    return line, transport, clock, heard


def test_a_view_is_dropped_while_the_peer_does_not_read_and_sent_again_when_it_does() -> None:
    line, transport, _, _ = line_and_parts()
    transport.clear()
    line.pauseProducing()
    assert not line.show(b"view 1")
    line.resumeProducing()
    assert line.show(b"view 2")
    assert transport.value() == b"view 2"


def test_a_peer_that_does_not_read_for_long_is_closed() -> None:
    line, transport, clock, _ = line_and_parts()
    line.pauseProducing()
    clock.advance(CHOKED_S - 0.1)
    assert not over(line)
    clock.advance(0.2)
    assert over(line)
    assert b"does not read" in transport.value()
    clock.advance(GREETING_WAIT_S)
    assert transport.disconnected


def test_a_peer_that_reads_again_in_time_stays() -> None:
    line, _, clock, _ = line_and_parts()
    for _ in range(5):
        line.pauseProducing()
        clock.advance(CHOKED_S / 2)
        line.resumeProducing()
        line.dataReceived(encode(Ping(n=1)))
    assert not line.over


def test_a_peer_that_drips_bytes_is_as_silent_as_one_that_says_nothing() -> None:
    clock, heard, transport = Clock(), Heard(), Transport()
    line = Line("gameserver", LineTerms(PLAYER_TO_SERVER, (10, 10)), heard, clock)
    line.makeConnection(transport)
    for byte in encode(Greeting(role="player"))[:-1]:
        line.dataReceived(bytes([byte]))
        clock.advance(GREETING_WAIT_S / 20)
    assert line.over
    assert b"said nothing for too long" in transport.value()


def test_silence_after_the_greeting_ends_it_later() -> None:
    line, transport, clock, _ = line_and_parts()
    clock.advance(SILENCE_S - 0.1)
    assert not over(line)
    clock.advance(0.2)
    assert over(line)
    assert b"too_slow" in transport.value()


def test_who_talks_too_fast_is_heard_up_to_the_limit_and_closed() -> None:
    line, transport, _, heard = line_and_parts(per_s=3)
    line.dataReceived(b"".join(encode(Ping(n=n)) for n in range(5)))
    assert heard.messages == [Ping(n=0), Ping(n=1), Ping(n=2)]
    assert line.over
    assert b"too_fast" in transport.value()


def test_what_comes_after_the_end_is_not_heard_and_nothing_more_is_said() -> None:
    line, transport, _, heard = line_and_parts()
    line.hang_up("bye", "")
    transport.clear()
    line.dataReceived(encode(Leave()))
    line.say(Pong(n=1))
    assert not line.show(b"view")
    assert (heard.messages, transport.value()) == ([], b"")


class Sends:
    """A socket that remembers what it was given, call by call."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def send(self, data: bytes) -> int:
        self.calls.append(data)
        return len(data)


def on_a_socket(wrap: Any = None) -> tuple[Line, Sends]:
    """A line that has greeted and was greeted, on a socket, or through something that takes whole
    frames of it."""
    line, _, _, _ = line_and_parts()
    sends = Sends()
    nothing_queued = {"_tempDataLen": 0, "dataBuffer": b"", "offset": 0}
    socket: Any = type("Socket", (), {"socket": sends, "write": sends.send, **nothing_queued})()
    line.straight, line._send = Straight(socket, wrap), sends.send
    return line, sends


def test_what_is_gathered_is_sent_by_one_call() -> None:
    line, sends = on_a_socket()
    pong = encode(Pong(n=1))
    line.gather()
    line.say(Pong(n=1))
    line.say(Pong(n=1))
    assert sends.calls == []
    line.let_go()
    line.say(Pong(n=1))
    assert sends.calls == [pong * 2, pong]


def test_where_whole_frames_are_taken_each_is_sent_by_itself() -> None:
    line, sends = on_a_socket(wrap=lambda frame: frame)
    line.gather()
    line.say(Pong(n=1))
    line.say(Pong(n=1))
    line.let_go()
    assert sends.calls == [encode(Pong(n=1))] * 2


def test_what_is_said_in_one_turn_of_the_reactor_is_sent_by_one_call() -> None:
    line, sends = on_a_socket()
    line.say_soon(Pong(n=1))
    line.say_soon(Pong(n=2))
    assert sends.calls == []
    line.clock.advance(0)  # type: ignore[attr-defined]
    assert sends.calls == [encode(Pong(n=1)) + encode(Pong(n=2))]
    line.say_soon(Pong(n=3))
    line.hang_up("bye", "")
    line.clock.advance(0)  # type: ignore[attr-defined]
    assert len(sends.calls) == 2
    assert sends.calls[1].startswith(encode(Pong(n=3)))


def test_a_goodbye_is_not_held_back() -> None:
    line, sends = on_a_socket()
    line.gather()
    line.say(Pong(n=1))
    line.hang_up("bye", "")
    line.let_go()
    assert len(sends.calls) == 1
    assert sends.calls[0].startswith(encode(Pong(n=1)))


def test_half_a_frame_is_held_and_looked_at() -> None:
    line, _, clock, _ = line_and_parts()
    carried, ping = burden(clock), encode(Ping(n=1))
    assert carried.measures() == {"held_bytes": 0.0}
    line.dataReceived(ping[:7])
    assert carried.measures() == {"held_bytes": 7.0}
    line.dataReceived(ping[7:])
    assert carried.measures() == {"held_bytes": 0.0}
    line.dataReceived(ping[:5])
    assert carried.measures() == {"held_bytes": 5.0}
    line.connectionLost(Failure(ConnectionDone()))
    assert carried.measures() == {"held_bytes": 0.0}
