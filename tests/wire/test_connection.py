"""Framing: however the bytes arrive, the same messages come out, or a fault that has a name."""

import json
import runpy
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.errors import (
    FrameTooLarge,
    MalformedFrame,
    NotOurProtocol,
    OutOfTurn,
    PeersFault,
)
from clientmigration.wire import connection as wire
from clientmigration.wire.connection import Connection, Dialect, encode
from clientmigration.wire.messages import Goodbye, Greeting, Input, Leave, Ping, View

VECTORS = runpy.run_path(str(Path(__file__).with_name("make_vectors.py")))
SAID: dict[str, tuple[Dialect, Any]] = VECTORS["SAID"]
DIALECTS = [dialect for dialect, _ in SAID.values()]
GREETING = encode(Greeting(role="player"))
every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=list(SAID))
every_talk = pytest.mark.parametrize(("dialect", "said"), list(SAID.values()), ids=list(SAID))


def heard(dialect: Dialect, *pieces: bytes) -> list[Any]:
    """As a line hears it."""
    connection, messages = Connection(dialect), list[Any]()
    for piece in pieces:
        message = connection.only(piece)
        messages += connection.receive(piece) if message is None else [message]
    return messages


def control(body: bytes) -> bytes:
    return (1 + len(body)).to_bytes(4, "little") + b"\0" + body


@every_talk
def test_a_talk_cut_in_two_anywhere_decodes_the_same(dialect: Dialect, said: Any) -> None:
    stream = b"".join(map(encode, said))
    for at in range(len(stream) + 1):
        assert heard(dialect, stream[:at], stream[at:]) == list(said)


@every_talk
def test_a_talk_that_comes_byte_by_byte_decodes_the_same(dialect: Dialect, said: Any) -> None:
    stream = b"".join(map(encode, said))
    assert heard(dialect, *(bytes([byte]) for byte in stream)) == list(said)


@every_talk
def test_a_talk_that_comes_frame_by_frame_takes_the_short_way(dialect: Dialect, said: Any) -> None:
    connection = Connection(dialect)
    first, *others = map(encode, said)
    assert connection.only(first) is None
    assert list(connection.receive(first)) == [said[0]]
    assert [connection.only(frame) for frame in others] == list(said[1:])


def test_the_short_way_ends_where_a_frame_was_bad() -> None:
    connection = Connection(wire.PLAYER_TO_SERVER)
    assert list(connection.receive(GREETING))
    with pytest.raises(MalformedFrame):
        connection.only(control(b"{"))
    assert connection.over
    assert connection.only(encode(Ping(1))) is None


@given(cuts=st.lists(st.integers(0, 2000)), which=st.sampled_from(sorted(SAID)))
def test_a_talk_in_any_pieces_decodes_the_same(cuts: list[int], which: str) -> None:
    dialect, said = SAID[which]
    stream = b"".join(map(encode, said))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert heard(dialect, *(stream[a:b] for a, b in pairwise(edges))) == list(said)


@every_talk
def test_a_message_of_a_web_socket_is_a_frame_without_its_length(
    dialect: Dialect, said: Any
) -> None:
    connection = Connection(dialect)
    assert [connection.decode(encode(message)[4:]) for message in said] == list(said)


@given(pieces=st.lists(st.binary(max_size=200), max_size=5), which=st.sampled_from(DIALECTS))
def test_garbage_raises_nothing_but_a_peers_fault(pieces: list[bytes], which: Dialect) -> None:
    for greeting in (b"", GREETING):
        _expect_nothing_worse(which, greeting, *pieces)


@given(payload=st.binary(max_size=60), which=st.sampled_from(DIALECTS))
def test_a_frame_of_garbage_raises_nothing_but_a_peers_fault(
    payload: bytes, which: Dialect
) -> None:
    _expect_nothing_worse(which, GREETING, len(payload).to_bytes(4, "little") + payload)


NAMES = ["t", "n", "holder", "token", "pings", "ticket", "secret", "oldest", "missed", "gap_ms"]
TAGS = ["hello", "pings", "ping", "join", "felt", "leave", "goodbye", "greeting", "own", "roster"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(TAGS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=6,
)


@given(
    fields=st.dictionaries(st.sampled_from(NAMES), JSON),
    tag=st.sampled_from(TAGS),
    spoilt=st.tuples(st.integers(0, 400), st.binary(max_size=3)),
    which=st.sampled_from(DIALECTS),
)
def test_almost_right_messages_raise_nothing_but_a_peers_fault(
    fields: dict[str, Any], tag: str, spoilt: tuple[int, bytes], which: Dialect
) -> None:
    body = json.dumps({"t": tag, **fields}).encode()
    at, instead = spoilt
    _expect_nothing_worse(which, GREETING, control(body))
    _expect_nothing_worse(which, GREETING, control(body[:at] + instead + body[at + 1 :]))


def _expect_nothing_worse(dialect: Dialect, *pieces: bytes) -> None:
    with suppress(PeersFault):
        heard(dialect, *pieces)


def test_text_that_is_not_utf_8_is_the_peers_fault() -> None:
    body = b'{"t":"join","ticket":"\xff","secret":""}'
    with pytest.raises(MalformedFrame):
        heard(wire.PLAYER_TO_SERVER, GREETING, control(body))


def test_json_nested_too_deep_is_nobody_elses_problem() -> None:
    deep = b'{"t":"ping","n":1,"z":' + b"[" * 2000 + b"]" * 2000 + b"}"
    _expect_nothing_worse(wire.PLAYER_TO_SERVER, GREETING, control(deep))


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"\x05\0\0\0hello",
        encode(Input(1, b"")),
        encode(Leave()),
        encode(Goodbye("bye")),
        control(b'{"t":"greeting","protocol":"chess","version":1,"role":"player"}'),
        bytes(4),
    ],
)
def test_whatever_comes_before_the_greeting_is_not_our_protocol(first: bytes) -> None:
    with pytest.raises(NotOurProtocol):
        heard(wire.PLAYER_TO_SERVER, first)


def test_another_version_is_refused_by_name() -> None:
    with pytest.raises(NotOurProtocol, match="version 2 is not spoken, 1 is"):
        heard(wire.PLAYER_TO_SERVER, encode(Greeting(version=2, role="player")))


def test_a_greeting_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(NotOurProtocol):
        heard(wire.PLAYER_TO_SERVER, (wire.GREETING_LIMIT + 1).to_bytes(4, "little"))


@every_dialect
def test_an_oversized_frame_is_refused_before_it_is_read(dialect: Dialect) -> None:
    announced = (dialect.limit + 1).to_bytes(4, "little")
    with pytest.raises(FrameTooLarge, match=str(dialect.limit) if dialect.first > 4096 else "4096"):
        heard(dialect, GREETING, announced)


@pytest.mark.parametrize("dialect", [each for each in DIALECTS if each.kinds == {0}])
def test_a_frame_as_large_as_is_allowed_is_read(dialect: Dialect) -> None:
    room = dialect.first - (len(encode(Goodbye("bye"))) - 4)
    goodbye = Goodbye("bye", "x" * room)
    assert heard(dialect, GREETING, encode(goodbye))[1:] == [goodbye]
    with pytest.raises(FrameTooLarge):
        heard(dialect, GREETING, encode(Goodbye("bye", "x" * (room + 1))))


def test_a_member_says_much_only_after_its_proof() -> None:
    attach, *_, checkpoint = SAID["member to router"][1][1:6]
    long = control(encode(checkpoint)[5:] + b" " * wire.PROOF_LIMIT)
    with pytest.raises(FrameTooLarge):
        heard(wire.MEMBER_TO_ROUTER, GREETING, long)
    assert heard(wire.MEMBER_TO_ROUTER, GREETING, encode(attach), long)[2:] == [checkpoint]


def test_an_empty_frame_is_malformed() -> None:
    with pytest.raises(MalformedFrame, match="an empty frame"):
        heard(wire.PLAYER_TO_SERVER, GREETING, bytes(4))
    with pytest.raises(MalformedFrame, match="an empty frame"):
        greeted(wire.PLAYER_TO_SERVER).decode(b"")


def test_an_empty_or_oversized_web_socket_message_is_refused_too() -> None:
    with pytest.raises(NotOurProtocol):
        Connection(wire.PLAYER_TO_SERVER).decode(b"")
    with pytest.raises(FrameTooLarge):
        greeted(wire.PLAYER_TO_SERVER).decode(bytes(4097))


def greeted(dialect: Dialect) -> Connection:
    connection = Connection(dialect)
    assert list(connection.receive(GREETING)) == [Greeting(role="player")]
    return connection


@pytest.mark.parametrize("kind", [2, 3, 128, 255])
def test_a_kind_of_frame_that_is_not_said_here_is_malformed(kind: int) -> None:
    with pytest.raises(MalformedFrame, match=f"frame kind {kind}"):
        heard(wire.PLAYER_TO_SERVER, GREETING, b"\1\0\0\0" + bytes([kind]))


@pytest.mark.parametrize("size", [0, 1, 3, 4 + wire.INPUT_LIMIT + 1])
def test_an_input_of_a_wrong_size_is_malformed(size: int) -> None:
    frame = (1 + size).to_bytes(4, "little") + b"\1" + bytes(size)
    with pytest.raises(MalformedFrame, match="an input of"):
        heard(wire.PLAYER_TO_SERVER, GREETING, frame)


def test_a_view_without_its_header_is_malformed() -> None:
    short = encode(View(1, 2, 3, 4, b""))[5:-1]
    with pytest.raises(MalformedFrame, match="a view of"):
        heard(wire.SERVER_TO_PLAYER, GREETING, (1 + len(short)).to_bytes(4, "little"), b"\2", short)


def test_an_unknown_tag_is_malformed_and_named() -> None:
    with pytest.raises(MalformedFrame, match="dance"):
        heard(wire.PLAYER_TO_ROUTER, GREETING, control(b'{"t":"dance"}'))


@every_dialect
def test_what_only_the_other_side_may_say_is_malformed(dialect: Dialect) -> None:
    mine = {type(message) for message in dict(SAID.values())[dialect]}
    others = [message for _, said in SAID.values() for message in said if type(message) not in mine]
    assert others
    for message in others:
        with pytest.raises(MalformedFrame):
            greeted(dialect).decode(encode(message)[4:])


def test_a_second_greeting_is_out_of_turn() -> None:
    with pytest.raises(OutOfTurn, match="second greeting"):
        heard(wire.PLAYER_TO_SERVER, GREETING, GREETING)


def test_what_was_whole_before_a_fault_is_heard() -> None:
    connection, messages = Connection(wire.PLAYER_TO_SERVER), []
    with pytest.raises(MalformedFrame):  # noqa: PT012
        for message in connection.receive(GREETING + encode(Ping(1)) + bytes(4) + encode(Ping(2))):
            messages.append(message)  # noqa: PERF402
    assert messages == [Greeting(role="player"), Ping(1)]


def test_after_a_fault_nothing_is_heard() -> None:
    connection = greeted(wire.PLAYER_TO_SERVER)
    with pytest.raises(MalformedFrame):
        list(connection.receive(bytes(4)))
    assert connection.over
    assert list(connection.receive(encode(Ping(1)))) == []


def test_after_goodbye_nothing_is_heard() -> None:
    connection = greeted(wire.PLAYER_TO_SERVER)
    said = encode(Goodbye("bye")) + encode(Ping(1)) + bytes(4)
    assert list(connection.receive(said)) == [Goodbye("bye", "")]
    assert connection.over
    assert list(connection.receive(encode(Ping(2)))) == []


def test_a_frame_that_never_ends_costs_what_was_sent_of_it() -> None:
    connection = greeted(wire.SERVER_TO_PLAYER)
    frame = encode(View(7, 0, 0, 0, bytes(200_000)))
    for at in range(0, len(frame) - 100, 100):
        assert list(connection.receive(frame[at : at + 100])) == []
    assert not connection.over


def _outcome(hear: Any, *said: Any) -> Any:
    try:
        return hear(*said)
    except PeersFault as fault:
        return fault.code, str(fault)


@every_dialect
@pytest.mark.parametrize("size", [1, 4, 5, 6, 100, 260, 261, 262, 300, 5000])
@pytest.mark.parametrize("kind", range(8))
def test_the_short_ways_answer_as_the_long_one_does(dialect: Dialect, size: int, kind: int) -> None:
    """A whole frame, a WebSocket's message, and the same in pieces."""
    payload = bytes([kind]) + bytes(range(256)) * 20
    payload, length = payload[:size], size.to_bytes(4, "little")
    short, web, long = (Connection(dialect) for _ in range(3))
    for each in (short, web, long):
        assert list(each.receive(GREETING))
        each.turn(dialect)
    in_pieces = _outcome(lambda: [*long.receive(length), *long.receive(payload)][0])
    by_itself = _outcome(web.decode, payload)
    whole = _outcome(short.only, length + payload)
    assert by_itself == in_pieces
    assert whole in (in_pieces, None)
