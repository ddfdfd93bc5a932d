"""The vocabulary: tags never change, every message survives the wire, strangers' numbers fit."""

import re
import runpy
import typing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clientmigration.wire import base, messages, neighbours, operators
from clientmigration.wire.base import Message
from clientmigration.wire.connection import Dialect

VECTORS = runpy.run_path(str(Path(__file__).with_name("make_vectors.py")))
SAID: dict[str, tuple[Dialect, Any]] = VECTORS["SAID"]
UNIONS = {
    "player to router": messages.PlayerToRouter,
    "router to player": messages.RouterToPlayer,
    "player to server": messages.PlayerToServer,
    "server to player": messages.ServerToPlayer,
    "member to router": messages.MemberToRouter,
    "router to member": messages.RouterToMember,
    "server to server": neighbours.ServerToServer,
    "operator to router": operators.OperatorToRouter,
    "router to operator": operators.RouterToOperator,
}
TAGS = {
    "Greeting": "greeting",
    "Goodbye": "goodbye",
    "Hello": "hello",
    "Pings": "pings",
    "Here": "here",
    "Identity": "identity",
    "Candidates": "candidates",
    "Waiting": "waiting",
    "Redirect": "redirect",
    "Ping": "ping",
    "Pong": "pong",
    "Offered": "offered",
    "Denied": "denied",
    "Join": "join",
    "Welcome": "welcome",
    "Felt": "felt",
    "Leave": "leave",
    "Attach": "attach",
    "Report": "report",
    "Roster": "roster",
    "Checkpoint": "checkpoint",
    "Left": "left",
    "Reserved": "reserved",
    "Declined": "declined",
    "Copied": "copied",
    "Prepared": "prepared",
    "Arrived": "arrived",
    "Frozen": "frozen",
    "Settled": "settled",
    "Waived": "waived",
    "Challenge": "challenge",
    "Attached": "attached",
    "Stored": "stored",
    "Noted": "noted",
    "Neighbours": "neighbours",
    "Meet": "meet",
    "Met": "met",
    "Post": "post",
    "Kept": "kept",
    "Waive": "waive",
    "Begun": "begun",
    "Reserve": "reserve",
    "Copy": "copy",
    "Prepare": "prepare",
    "Direct": "direct",
    "Freeze": "freeze",
    "Own": "own",
    "Release": "release",
    "Retain": "retain",
    "Cancel": "cancel",
    "Drain": "drain",
    "Enter": "enter",
    "Entered": "entered",
    "Watch": "watch",
    "Find": "find",
    "Explain": "explain",
    "Announce": "announce",
    "MoveWish": "wish",
    "Order": "order",
    "Govern": "govern",
    "Overview": "overview",
    "World": "world",
    "Found": "found",
    "Because": "because",
    "Ended": "ended",
    "Listing": "listing",
    "AskBans": "ask_bans",
    "AskOrders": "ask_orders",
    "Players": "players",
    "Banned": "banned",
    "OrdersGiven": "orders",
    "Expel": "expel",
    "Pardon": "pardon",
    "Wants": "wants",
    "Stays": "stays",
}
OURS = (base.__name__, messages.__name__, neighbours.__name__, operators.__name__)
KINDS = [kind for kind in Message.__subclasses__() if kind.__module__ in OURS]
every_message = pytest.mark.parametrize(
    "message",
    [message for _, said in SAID.values() for message in said if isinstance(message, Message)],
    ids=lambda message: type(message).__name__,
)


PACKED = {messages.Input, messages.View, messages.Chunk, messages.Item}
PACKED |= {neighbours.Look, neighbours.Sight}


def test_tags_are_pinned() -> None:
    assert {kind.__name__: kind.__struct_config__.tag for kind in KINDS} == TAGS
    assert {kind.__struct_config__.tag_field for kind in KINDS} == {"t"}


@pytest.mark.parametrize("name", UNIONS)
def test_the_vectors_have_every_message_of_a_direction(name: str) -> None:
    said = {type(message) for message in SAID[name][1]} - PACKED
    assert said == set(typing.get_args(UNIONS[name]))


@every_message
def test_a_message_comes_back_as_it_was(message: Message) -> None:
    decoder = msgspec.json.Decoder(type(message))
    assert decoder.decode(msgspec.json.encode(message)) == message


@every_message
def test_fields_that_are_not_known_yet_are_ignored(message: Message) -> None:
    newer = msgspec.to_builtins(message) | {"since_version_9": [1, {"a": None}]}
    assert msgspec.json.Decoder(type(message)).decode(msgspec.json.encode(newer)) == message


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_every_message_says_who_may_say_it(kind: type[Message]) -> None:
    who = "Player|Router|Member|Operator|Source|Target|Game server|The (first|last) frame"
    assert kind.__doc__ is not None
    assert re.match(who, kind.__doc__)


def test_messages_cannot_be_changed() -> None:
    ping = messages.Ping(1)
    with pytest.raises(AttributeError):
        ping.n = 2  # type: ignore[misc]


UNFIT: tuple[tuple[type[Message], dict[str, Any]], ...] = (
    (messages.Ping, {"n": 2**32}),
    (messages.Ping, {"n": -1}),
    (messages.Ping, {"n": 1, "rtt_ms": -0.5}),
    (messages.Ping, {"n": 1, "rtt_ms": 1e10}),
    (messages.Join, {"ticket": "", "secret": "", "oldest": 2**32}),
    (messages.Join, {"ticket": "x" * 1025, "secret": ""}),
    (messages.Join, {"ticket": "", "secret": "x" * 1025}),
    (messages.Felt, {"missed": 10**400, "gap_ms": 0, "stall_ms": 0}),
    (messages.Felt, {"missed": 0, "gap_ms": 1e300, "stall_ms": 0}),
    (messages.Hello, {"holder": "é" * 64}),
    (messages.Hello, {"holder": "A" * 64}),
    (messages.Hello, {"holder": "a" * 63}),
    (messages.Hello, {"holder": "a" * 64 + "\n"}),
    (messages.Hello, {"holder": "a" * 64, "token": "x" * 1025}),
    (messages.Welcome, {"player": "", "member": "", "ack": 2**32, "rate": 20}),
    (messages.Welcome, {"player": "", "member": "", "ack": 0, "rate": 0}),
    (messages.Pong, {"n": 2**32}),
    (messages.Waiting, {"position": -1}),
    (messages.Offered, {"id": 1, "size": -1, "sha256": "a" * 64}),
    (messages.Offered, {"id": 1, "size": 2**63, "sha256": "a" * 64}),
    (messages.Offered, {"id": 1, "size": 1, "sha256": "a" * 63}),
    (messages.Denied, {"id": 2**32, "reason": ""}),
    (operators.Find, {"n": 1, "player": "x" * 201}),
    (operators.Explain, {"n": 1, "subject": "x" * 201}),
    (operators.Order, {"n": 1, "do": "dance", "member": "gs-1"}),
    (operators.Order, {"n": -1, "do": "drain", "member": "gs-1"}),
)


@pytest.mark.parametrize(("kind", "fields"), UNFIT)
def test_what_a_stranger_says_has_to_fit(kind: type[Message], fields: dict[str, Any]) -> None:
    said = msgspec.json.encode({"t": kind.__struct_config__.tag, **fields})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.Decoder(kind).decode(said)
