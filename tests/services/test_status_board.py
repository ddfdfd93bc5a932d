"""What the status daemon says, how old it may be, and what it never says."""

from __future__ import annotations

import base64
import re
import struct

import msgspec
import pytest

from clientmigration.core.measures.bounds import source_of
from clientmigration.status import documents
from clientmigration.status.board import DOWN_S, FRESH_S, RENAME_S, Board
from clientmigration.status.feed import PublicMove, PublicServer, PublicWorld, Sighting, Status
from clientmigration.status.limits import Allowed, RateLimits

NOW = 1_800_000_000.0
PLAYER = "00112233445566aa"


def server(number: int = 1, **fields: object) -> PublicServer:
    plain = PublicServer(f"gs-{number}", number, "fit", 1.0, 0.25, 100, 200)
    return msgspec.structs.replace(plain, **fields)


def board(*servers: PublicServer) -> Board:
    keys = iter(bytes([n]) * 32 for n in range(1, 200))
    made = Board(lambda _size: next(keys))
    if servers:
        made.post_status(Status(NOW, servers, waiting=2, settled=7), NOW)
    return made


def test_the_sums_are_those_of_the_servers_and_the_grade_is_the_worst() -> None:
    second = server(2, grade="strained", players=50, load=0.75, pairs=20, pairs_split=8)
    told = board(server(1, pairs=30, pairs_split=10), second)
    assert documents.status(told, NOW)["fleet"] == {
        "servers": 2,
        "players": 150,
        "capacity": 400,
        "waiting": 2,
        "moving": 0,
        "moves_settled": 7,
        "moves_failed": 0,
        "felt": 0,
        "missed": 0,
        "pairs": 50,
        "pairs_split": 18,
        "load": 0.5,
        "grade": "strained",
    }


def test_what_was_told_is_up_then_stale_then_down_within_five_seconds() -> None:
    told = board(server())
    states = [told.state(NOW + age) for age in (0, FRESH_S, FRESH_S + 0.1, DOWN_S, DOWN_S + 0.1)]
    assert states == ["up", "up", "stale", "stale", "down"]
    assert DOWN_S < 5
    told.post_status(Status(NOW + 9), NOW + 9)
    assert told.state(NOW + 9) == "up"


def test_a_board_that_was_never_told_anything_says_so() -> None:
    document = documents.status(board(), NOW)
    assert (document["state"], document["at"], document["fleet"]) == ("down", None, None)
    assert documents.words(board(), NOW) == ("down", "down")


def test_only_the_last_moves_are_remembered_newest_first() -> None:
    told = board(server())
    recent = [PublicMove(NOW - n, "gs-1", "gs-2", "settled", 80.04, 9.26) for n in range(20)]
    told.post_status(Status(NOW, (server(),), recent=tuple(recent)), NOW)
    moves = documents.status(told, NOW)["moves"]
    assert len(moves) == documents.RECENT
    assert moves[0] == {
        "at": NOW,
        "source": "gs-1",
        "target": "gs-2",
        "outcome": "settled",
        "ms": 80.0,
        "gap_ms": 9.3,
        "missed": None,
    }


def unpacked(world: dict[str, object]) -> list[tuple[int, int, float, float]]:
    """(number, server, x, y) of each player in a world document, as a browser reads it."""
    rows = struct.iter_unpack("<IHH", base64.b64decode(str(world["players"])))
    return [(who >> 8, who & 255, x / 65535 * 1000, y / 65535 * 1000) for who, x, y in rows]


def test_places_are_told_within_centimetres_and_servers_by_number() -> None:
    told = board(server())
    seen = PublicWorld(
        NOW, 1000, 50, (Sighting(PLAYER, 12.5, 999.0, 3), Sighting("b" * 16, -4, 2e9, 1))
    )
    told.post_world(seen, NOW)
    (_, number, x, y), (_, _, left, above) = unpacked(documents.world(seen, told.pseudonyms))
    assert number == 3
    assert (x, y) == pytest.approx((12.5, 999.0), abs=0.01)
    assert (left, above) == (0, 1000)


def test_a_player_keeps_its_number_for_a_while_and_then_gets_another() -> None:
    told = board(server())
    seen = PublicWorld(NOW, 1000, 50, (Sighting(PLAYER, 1, 1, 1),))

    def number(now: float) -> int:
        told.post_world(seen, now)
        return unpacked(documents.world(seen, told.pseudonyms))[0][0]

    first = number(NOW)
    assert number(NOW + RENAME_S - 1) == first
    assert number(NOW + RENAME_S) != first


def test_nothing_that_is_published_names_a_player_or_an_address() -> None:
    told = board(server(name="gs-1"))
    seen = PublicWorld(NOW, 1000, 50, (Sighting(PLAYER, 1, 1, 1),))
    told.post_world(seen, NOW)
    moved = PublicMove(NOW, "gs-1", "gs-2", "settled")
    told.post_status(Status(NOW, (server(),), recent=(moved,)), NOW)
    texts = [
        documents.encode(documents.status(told, NOW)),
        documents.encode(documents.world(seen, told.pseudonyms)),
        documents.encode(documents.shield(told, NOW)),
        documents.badge(told, NOW).replace(b"http://www.w3.org/2000/svg", b""),
    ]
    for text in texts:
        assert PLAYER.encode() not in text
        assert base64.b64encode(bytes.fromhex(PLAYER)).rstrip(b"=") not in text
        assert not re.search(rb"\d+\.\d+\.\d+\.\d+|://", text)


def test_of_very_many_players_a_part_is_shown_and_all_are_counted() -> None:
    told = board(server())
    crowd = tuple(Sighting(f"{n:016x}", 1, 1, 1) for n in range(documents.SHOWN + 500))
    seen = PublicWorld(NOW, 1000, 50, crowd)
    told.post_world(seen, NOW)
    shown = documents.world(seen, told.pseudonyms)
    assert shown["count"] == documents.SHOWN + 500
    assert len(unpacked(shown)) == documents.SHOWN
    assert unpacked(documents.world(seen, told.pseudonyms)) == unpacked(shown)


def test_an_event_is_one_line_of_json_under_its_name() -> None:
    assert documents.event("status", {"a": "b\nc"}) == b'event: status\ndata: {"a":"b\\nc"}\n\n'


@pytest.mark.parametrize(
    ("servers", "age", "text", "colour"),
    [
        ((server(),), 0, "100 players on 1 server", "fit"),
        ((server(players=1),), 0, "1 player on 1 server", "fit"),
        ((server(1), server(2)), FRESH_S + 0.5, "200 players on 2 servers, stale", "stale"),
        ((server(grade="overloaded"),), 0, "100 players on 1 server", "overloaded"),
        ((server(),), DOWN_S + 1, "down", "down"),
    ],
)
def test_the_badge_says_it_with_words_a_colour_and_a_sign(
    servers: tuple[PublicServer, ...], age: float, text: str, colour: str
) -> None:
    told = board(*servers)
    assert documents.words(told, NOW + age) == (text, colour)
    picture = documents.badge(told, NOW + age).decode()
    assert text in picture
    assert documents.COLOURS[colour] in picture
    assert documents._SIGNS[colour] in picture
    shield = documents.shield(told, NOW + age)
    assert (shield["schemaVersion"], shield["message"]) == (1, text)


# How much one address may ask for.


def test_one_address_is_held_back_and_others_are_not() -> None:
    gate = RateLimits(Allowed(per_s=10, burst=5))
    assert [gate.take_request("a", 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert gate.take_request("b", 0.0)
    assert gate.take_request("a", 0.2)


def test_streams_are_counted_for_one_address_and_for_all() -> None:
    gate = RateLimits(Allowed(readers=3, readers_each=2))
    assert [gate.take_stream(who) for who in ("a", "a", "a", "b", "c")] == [
        True,
        True,
        False,
        True,
        False,
    ]
    gate.free_stream("a")
    assert gate.take_stream("c")


def test_the_limits_forget_addresses_of_long_ago() -> None:
    gate = RateLimits(Allowed())
    for n in range(20_000):
        gate.take_request(str(n), 0.0)
    assert len(gate._buckets) == 10_000
    for n in range(100):
        assert gate.take_stream(str(n))
        gate.free_stream(str(n))
    assert not gate._streams


def test_a_host_with_many_ipv6_addresses_is_one() -> None:
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff:2") != source_of("2001:db8:0:1::1")
    assert source_of("::ffff:192.0.2.7") == source_of("192.0.2.7")
