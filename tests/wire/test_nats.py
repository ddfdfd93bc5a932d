"""What a NATS server says is read the same however it is cut, and garbage is the server's fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.errors import FrameTooLarge, MalformedFrame, PeersFault
from clientmigration.wire.nats import (
    LINE_LIMIT,
    PAYLOAD_LIMIT,
    Complaint,
    Delivery,
    Info,
    Operation,
    Pinged,
    Ponged,
    Reader,
    connect,
    publish,
    subscribe,
)

TALK = (
    b'INFO {"server_name":"n1","version":"2.15.1","headers":true,"max_payload":1048576,'
    b'"client_id":9} \r\n'
    b"+OK\r\nPONG\r\nPING\r\n"
    b'MSG _INBOX.a.1 1  26\r\n{"stream":"KV_t", "seq":1}\r\n'
    b"MSG _INBOX.a.2 1 some.answer 4\r\n\r\n\r\n\r\n"
    b"HMSG _INBOX.a.3 1  34 34\r\nNATS/1.0 404 Message Not Found\r\n\r\n\r\n"
    b"HMSG _INBOX.a.4 1 24 27\r\nNATS/1.0\r\nNats-A: bc\r\n\r\n{2}\r\n"
    b"-ERR 'Authorization Violation'\r\n"
)
SAID = [
    Info(version="2.15.1", server_name="n1", headers=True),
    Ponged(),
    Pinged(),
    Delivery("_INBOX.a.1", b'{"stream":"KV_t", "seq":1}'),
    Delivery("_INBOX.a.2", b"\r\n\r\n"),
    Delivery("_INBOX.a.3", b"", 404),
    Delivery("_INBOX.a.4", b"{2}"),
    Complaint("Authorization Violation"),
]


def read(*pieces: bytes) -> list[Operation]:
    reader = Reader()
    return [operation for piece in pieces for operation in reader.feed(piece)]


def test_what_a_server_says_is_read_to_the_last_word() -> None:
    assert read(TALK) == SAID


def test_a_talk_cut_in_two_anywhere_is_read_the_same() -> None:
    for cut in range(len(TALK)):
        assert read(TALK[:cut], TALK[cut:]) == SAID


def test_a_talk_that_comes_byte_by_byte_is_read_the_same() -> None:
    assert read(*(TALK[n : n + 1] for n in range(len(TALK)))) == SAID


@pytest.mark.parametrize(
    "said",
    [
        b"HELLO\r\n",
        b"INFO {\r\n",
        b"MSG a 1\r\n",
        b"MSG a 1 -4\r\n",
        b"HMSG a 1 9 4\r\nabcd\r\n",
        b"MSG a 1 2\r\nabcd\r\n",
    ],
)
def test_what_is_no_operation_is_the_servers_fault(said: bytes) -> None:
    with pytest.raises(MalformedFrame):
        read(said)


def test_what_is_too_long_is_refused_before_it_has_come() -> None:
    with pytest.raises(FrameTooLarge):
        read(b"x" * (LINE_LIMIT + 1))
    with pytest.raises(FrameTooLarge):
        read(f"MSG a 1 {PAYLOAD_LIMIT + 1}\r\n".encode())


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_garbage_raises_nothing_but_a_peers_fault(pieces: list[bytes]) -> None:
    try:
        read(*pieces)
    except PeersFault:
        return


def test_what_we_say_is_said_as_the_protocol_has_it() -> None:
    assert connect(verbose=False, name="r") == b'CONNECT {"verbose":false,"name":"r"}\r\n'
    assert subscribe("_INBOX.a.*", 1) == b"SUB _INBOX.a.* 1\r\n"
    assert publish("a.b", "_INBOX.a.1", b"xy") == b"PUB a.b _INBOX.a.1 2\r\nxy\r\n"
    headed = publish("a.b", "_INBOX.a.1", b"xy", "Nats-A: 7")
    assert headed == b"HPUB a.b _INBOX.a.1 23 25\r\nNATS/1.0\r\nNats-A: 7\r\n\r\nxy\r\n"
