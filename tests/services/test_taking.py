"""An input that comes whole and by itself is taken at once; all else is heard in its turn."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.net.line import Line, LineTerms
from clientmigration.net.taking import ByteCounts, InputTaker, MessageTaker, Said
from clientmigration.wire.connection import INPUT_LIMIT, PLAYER_TO_SERVER, encode
from clientmigration.wire.messages import Greeting, Input, Ping


def taker(per_s: float = 60.0) -> tuple[InputTaker, list[Said], ByteCounts]:
    inputs, counts = list[Said](), ByteCounts()
    return InputTaker(TokenBucket(per_s, per_s), counts, inputs, "ada"), inputs, counts


def test_a_whole_input_is_taken_with_whose_it_is_and_when_it_came() -> None:
    taking, inputs, counts = taker()
    frame = encode(Input(7, b"go"))
    assert taking.takes(frame, 12.5)
    assert inputs == [("ada", 7, b"go", 12.5)]
    assert counts.take() == (0, len(frame))


TWO = encode(Input(1, b"a")) + encode(Input(2, b"b"))


@pytest.mark.parametrize(
    "data",
    [
        b"", TWO, TWO[:-1], TWO[:9], TWO[:3], encode(Ping(n=1)), encode(Input(0, b"a")),
        encode(Input(1, bytes(INPUT_LIMIT + 1))),
    ],
)  # fmt: skip
def test_anything_else_is_not(data: bytes) -> None:
    taking, inputs, counts = taker()
    assert not taking.takes(data, 1.0)
    assert (inputs, counts.take()) == ([], (0, 0))


def test_too_many_are_not_taken() -> None:
    taking, inputs, _ = taker(per_s=3.0)
    took = [taking.takes(encode(Input(n, b"")), 1.0) for n in range(1, 6)]
    assert took == [True, True, True, False, False]
    assert [seq for _, seq, _, _ in inputs] == [1, 2, 3]


def test_over_a_websocket_a_message_is_one_frame_without_its_length() -> None:
    inputs, counts = list[Said](), ByteCounts()
    message = {b"<go>": encode(Input(7, b"go"))[4:], b"<hi>": encode(Ping(n=1))[4:]}
    taking = MessageTaker(TokenBucket(60.0, 60.0), counts, inputs, "bob", message.get)
    assert [taking.takes(each, 2.0) for each in (b"<hi>", b"<go", b"<go>")] == [False, False, True]
    assert (inputs, counts.take()) == ([("bob", 7, b"go", 2.0)], (0, 4))


class Rest:
    """Who hears what was not taken."""

    def __init__(self, line_inputs: list[Said]) -> None:
        self.inputs, self.messages = line_inputs, list[Any]()
        self.counts = ByteCounts()

    def opened(self, line: Line) -> None:
        line.count_in(self.counts)
        line.hand_inputs(self.inputs, "ada")

    def heard(self, message: Any) -> None:
        if isinstance(message, Input):
            self.inputs.append(("late", message.seq, message.body, 0.0))
        self.messages.append(message)

    def closed(self, reason: str) -> None:
        """It is over."""


class Transport(StringTransport):
    """What a Line needs beside a StringTransport."""

    def abortConnection(self) -> None:
        self.disconnected = True


def line_of(rest: Rest, clock: Clock) -> Line:
    line = Line("gameserver", LineTerms(PLAYER_TO_SERVER, (1000.0, 1000.0)), rest, clock)
    line.makeConnection(Transport())
    line.dataReceived(encode(Greeting(role="player")))
    return line


STREAM: list[Input | Ping] = [
    Input(1, b"a"),
    Ping(n=1),
    Input(2, b"bb"),
    Input(3, b"c"),
    Ping(n=2),
    Input(4, b""),
]


@pytest.mark.parametrize("size", [1, 2, 5, 9, 10, 11, 13, 40, 1000])
def test_however_it_is_cut_each_is_heard_once_and_in_order(size: int) -> None:
    """Half a frame that waits is never passed by a whole one."""
    rest, clock = Rest([]), Clock()
    line, stream = line_of(rest, clock), b"".join([encode(each) for each in STREAM])
    for at in range(0, len(stream), size):
        clock.advance(0.01)
        line.dataReceived(stream[at : at + size])
        assert line.heard_at <= clock.seconds()
    assert [seq for _, seq, _, _ in rest.inputs] == [1, 2, 3, 4]
    assert [each.n for each in rest.messages if isinstance(each, Ping)] == [1, 2]
    assert rest.counts.take() == (0, len(stream))
    assert rest.counts.take() == (0, 0)
    assert line.heard_at == clock.seconds()


def test_what_comes_after_the_end_is_not_taken() -> None:
    rest = Rest([])
    line = line_of(rest, Clock())
    line.hang_up("bye", "")
    line.dataReceived(encode(Input(1, b"a")))
    assert rest.inputs == []


def test_who_says_nothing_but_inputs_is_not_silent() -> None:
    rest, clock = Rest([]), Clock()
    line = line_of(rest, clock)
    for n in range(1, 40):
        clock.advance(1.0)
        line.dataReceived(encode(Input(n, b"")))
    assert not line.over
    clock.pump([1.0] * 20)
    assert line.over
