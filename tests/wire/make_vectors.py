"""Makes docs/vectors.json, from which somebody can test a client in another language.

Run it after a change of the protocol: `python tests/wire/make_vectors.py`. A test holds the file to
what this says, and decodes it again without the package.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from clientmigration.core.player.bans import Ban
from clientmigration.core.player.fact import Fact
from clientmigration.core.player.given import Given
from clientmigration.core.player.mailbox import Letter, Mail
from clientmigration.core.player.notices import Announcement
from clientmigration.core.player.snapshot import Progress, Snapshot, chained
from clientmigration.errors import PeersFault
from clientmigration.games.meadow import interest as sight
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.tickets import Seals, hashed
from clientmigration.wire import base as b
from clientmigration.wire import connection as wire
from clientmigration.wire import messages as m
from clientmigration.wire import neighbours as n
from clientmigration.wire import operators as o
from clientmigration.wire import work
from clientmigration.wire.connection import Connection, Dialect, encode

FILE = Path(__file__).parents[2] / "docs" / "vectors.json"
SECRET = "0123456789abcdef0123456789abcdef"  # of the tests, and of nothing else
ADA, BOB, MOVE = "a1b2c3d4e5f60718", "00000000000000ff", "5eed5eed5eed5eed"
HOLDER = hashed("a secret of ada's own")
TOKEN = "header.claims.signature"
PLANNED = Announcement("a1b2c3", "maintenance", "A new map", 1700000000.0, 1700003600.0)
NOW, TICK = 1_700_000_000, 34_000_000_000
SNAPSHOT = Snapshot(
    player=ADA, epoch=3, seq=17, tick=TICK, x=512.5, y=40.25, holder=HOLDER,
    progress=Progress(120, 120, 3735928559),
    game={"x": 512.5, "y": 40.25, "vx": 1.0, "vy": -0.5, "coins": 10},
    workloads=[
        {"kind": "burn", "us_per_tick": 40},
        {"kind": "file", "id": 7, "name": "map", "place": 65536, "sha256": "ab" * 32},
        {"kind": "feed", "id": 8, "name": "clock", "place": 1700000000},
    ],
    mail=Mail(41, [Letter(41, BOB, {"coins": 1})], {BOB: 6}),
)  # fmt: skip
REDIRECT = m.Redirect("gs-2", "192.0.2.7:4200", TOKEN)
GOODBYE = m.Goodbye("bye", "")
MOVED = o.Moved(NOW + 0.5, ADA, "gs-1", "gs-2", "settled", "", 212.5, 3.5, 0, 80.0)
TURNED_DOWN = o.Moved(NOW - 0.5, BOB, "gs-2", "gs-1", "refused", "full", 12.5)
PLACED = Fact(NOW - 3.5, "placed", ADA, "", "gs-1", "gs-1 scores 0.25")
BEGUN = Fact(NOW + 0.25, "begun", ADA, "gs-1", "gs-2", "high: 0.75 to 0.25, level 0.50", "5e" * 8)
SAMPLE = o.MemberSample(
    NOW, 0.9375, 0.25, 0, 2, 200, False, 512.5, 40.25, 12.5, {"tick_ms_p99": 8.5}
)
MEMBER = o.MemberStatus("gs-1", "gameserver", "192.0.2.7:4100", "", 7, "", SAMPLE)
VIEW_BODY = (
    meadow.SELF.pack(512.5, 40.25, 10, 2)
    + meadow.BLOCK.pack(10, 0, 2)
    + bytes.fromhex(ADA) + bytes.fromhex("003fcdcc" "00" "0a")
    + bytes.fromhex(BOB) + bytes.fromhex("ffff0000" "00" "ff")
    + meadow.BLOCK.pack(11, -1, 0)
)  # fmt: skip
SIGHT_BODY = (
    bytes.fromhex("0200" "0100")
    + meadow.BLOCK.pack(10, 0, 2) + meadow.BLOCK.pack(19, 19, 1)
    + bytes.fromhex("0100")
    + bytes.fromhex(ADA) + bytes.fromhex("003fcdcc" "07" "0a")
    + bytes.fromhex(BOB) + bytes.fromhex("ffff0000" "07" "ff")
    + bytes.fromhex("00000000000000fe") + bytes.fromhex("00800080" "07" "00")
)  # fmt: skip
LOOK_BODY = bytes([2]) + bytes(48) + bytes([0x80])  # (0, 1) and (19, 19)

SAID: dict[str, tuple[Dialect, Sequence[Any]]] = {
    "player to router": (
        wire.PLAYER_TO_ROUTER,
        (
            m.Greeting(role="player"), m.Hello(HOLDER), m.Hello(HOLDER, TOKEN),
            m.Hello(HOLDER, login=TOKEN),
            m.Pings({"gs-1": 12.5, "gs-2": 0.75}), m.Pings({}), m.Here(), GOODBYE,
        ),
    ),
    "router to player": (
        wire.ROUTER_TO_PLAYER,
        (
            m.Greeting(role="router"), m.Identity(ADA, TOKEN),
            m.Candidates([m.Candidate("gs-1", "192.0.2.7:4100")]), m.Waiting(3),
            m.Waiting(3, 12.5), REDIRECT,
            m.Goodbye("refused", "no server would take you; try again"),
        ),
    ),
    "player to server": (
        wire.PLAYER_TO_SERVER,
        (
            m.Greeting(role="player"), m.Ping(1), m.Ping(2, 12.5),
            m.Join(TOKEN, "a secret of ada's own", 100),
            m.Input(1, meadow.move(1.0, -0.5)), m.Input(4294967295, b""),
            m.Felt(0, 3.5, 80.0), m.Leave(), GOODBYE,
        ),
    ),
    "server to player": (
        wire.SERVER_TO_PLAYER,
        (
            m.Greeting(role="gameserver"), m.Pong(1), m.Welcome(ADA, "gs-1", 120, 20),
            m.Welcome(ADA, "gs-1", 120, 20, 4),
            m.View(TICK, 120, 120, 3735928559, VIEW_BODY), m.View(0, 0, 0, 0, b""), REDIRECT,
            m.Offered(7, 65539, "ab" * 32), m.Denied(9, "there is no such file here"),
            m.Chunk(7, 65536, b"end"), m.Chunk(4294967295, 2**63, b""),
            m.Item(8, 1700000000, b"tick"),
            m.Goodbye("released", "the player is somewhere else"),
        ),
    ),
    "member to router": (
        wire.MEMBER_TO_ROUTER,
        (
            m.Greeting(role="gameserver"),
            m.Attach("gs-1", "gameserver", "192.0.2.7:4100", "0f" * 16, "c0" * 32),
            m.Report([("clientmigration.gameserver.gs-1.load", 0.25, NOW)]),
            m.Roster([m.Entry(ADA, 3, "playing", "", 512.5, 40.25, 12.5, True, "red")], True),
            m.Roster([m.Entry(BOB, 0, "arriving", MOVE, 0.0, 0.0)], False),
            m.Checkpoint(7, [SNAPSHOT]), m.Left(SNAPSHOT), m.Felt(0, 3.5, 80.0, ADA),
            m.Reserved(MOVE, ADA), m.Declined(MOVE, ADA, "full"), m.Copied(MOVE, SNAPSHOT),
            m.Prepared(MOVE, ADA), m.Arrived(MOVE, ADA), m.Frozen(MOVE, SNAPSHOT),
            m.Settled(MOVE, ADA), m.Waived(MOVE, ADA),
            m.Roster([m.Entry(ADA, 3, "playing", "", 512.5, 40.25, waived=MOVE)], True),
            b.Wants({"record-red": 2}, {ADA: "record-red", BOB: ADA}), b.Wants(), GOODBYE,
        ),
    ),
    "router to member": (
        wire.ROUTER_TO_MEMBER,
        (
            m.Greeting(role="router"), m.Challenge("1e" * 16), m.Attached("gs-1", "a5" * 32),
            m.Stored(7), m.Noted(), m.Reserve(MOVE, ADA, 4, 10.0), m.Copy(MOVE, ADA),
            m.Prepare(MOVE, SNAPSHOT), m.Direct(MOVE, ADA, REDIRECT), m.Freeze(MOVE, ADA),
            m.Own(MOVE, ADA, 4, HOLDER, SNAPSHOT), m.Own(MOVE, BOB, 1, HOLDER, None),
            m.Release(ADA, 4), m.Cancel(MOVE, ADA, "the target was lost"), m.Stored(8, [BOB]),
            m.Retain(MOVE, ADA, 5),
            m.Neighbours(7, [m.Neighbour("gs-2", "192.0.2.7:4200", 255)]), m.Drain(True),
            b.Expel(ADA, "banned", "you are banned: it cheats", True), b.Pardon(ADA),
            b.Stays(ADA, "record-red", "busy"), m.Drain(True, True), GOODBYE,
        ),
    ),
    "server to server": (
        wire.SERVER_TO_SERVER,
        (
            m.Greeting(role="gameserver"), m.Challenge("1e" * 16),
            n.Meet("gs-1", "0f" * 16, "c0" * 32), n.Met("a5" * 32), n.Look(LOOK_BODY), n.Look(b""),
            n.Sight(TICK, SIGHT_BODY), n.Sight(0, b""),
            n.Post(ADA, BOB, [Letter(41, BOB, {"coins": 1})]), n.Kept(ADA, BOB, 41),
            n.Waive(MOVE, ADA, 3), m.Waived(MOVE, ADA), n.Begun(ADA, 4), GOODBYE,
        ),
    ),
    "operator to router": (
        wire.OPERATOR_TO_ROUTER,
        (
            m.Greeting(role="operator"), o.Enter("0f" * 16, "c0" * 32), o.Watch(), o.Watch(True),
            m.Here(), o.Find(1, ADA), o.Order(2, "drain", "gs-1"), o.Order(3, "undrain", "gs-1"),
            o.Explain(5, "gs-1"),
            o.Order(4, "move", "gs-2", ADA), o.Enter("0f" * 16, "c0" * 32, "ada"),
            o.Order(7, "ban", player=ADA, reason="it cheats", until=NOW + 3600.5),
            o.Listing(8, "gs-1", ADA, 100), o.AskBans(9), o.AskOrders(10, 50),
            o.Order(6, "stop", "gs-1"), o.Govern(11, {"limits": {"moves_per_second": 30.0}}),
            o.Announce(12, "A new map comes", start=NOW + 3600.0, end=NOW + 5400.0),
            o.Announce(13, "Joins are slow", "incident"), o.Announce(14, over="a1b2c3"),
            o.MoveWish(15, TOKEN), GOODBYE,
        ),
    ),
    "router to operator": (
        wire.ROUTER_TO_OPERATOR,
        (
            m.Greeting(role="router"), m.Challenge("1e" * 16), o.Entered("router", "a5" * 32),
            o.Overview(
                router="router", now=NOW + 1.25, started=NOW - 0.5, players=2, capacity=200,
                waiting=1, moving=0, joins=3,
                members=[MEMBER, o.MemberStatus("gs-2", "gameserver", "192.0.2.7:4200")],
                moves={"settled": 1, "refused": 1}, recent=[MOVED, TURNED_DOWN], felt=1,
                notices=(PLANNED,),
            ),
            o.World(
                now=NOW + 1.25, players=2, shown=2,
                members={"gs-1": [o.Dot(7, 512.5, 40.2), o.Dot(4294967295, -0.5, 0.0)]},
            ),
            o.Found(
                n=1, player=ADA, member="gs-2", epoch=4, state="playing", x=512.5, y=40.25,
                ping_ms=12.5, stored_at=NOW + 0.75, since=NOW + 0.5, moves=[MOVED],
            ),
            o.Because(n=5, since=NOW - 60.5, facts=[BEGUN, PLACED]),
            o.Because(n=6, since=0.0, facts=[]),
            o.Players(n=8, players=[o.Listed(BOB, "gs-1", "away", 0.5, 1.5)], total=2, more=True),
            o.Banned(n=9, bans=[Ban(ADA, "it cheats", NOW + 3600.5, "ada", NOW + 0.5)], total=1),
            o.OrdersGiven(10, [Given(NOW + 0.5, "ada", "ban", ADA, "it cheats", "done", "router")]),
            o.Ended(2, "done", "gs-1 has been told"), GOODBYE,
        ),
    ),
}  # fmt: skip


def framed(body: bytes, kind: int = 0) -> bytes:
    """A frame around anything."""
    return (len(body) + 1).to_bytes(4, "little") + bytes([kind]) + body


HELLO = encode(m.Greeting(role="player"))
ROUTER, SERVER = encode(m.Greeting(role="router")), encode(m.Greeting(role="gameserver"))
NO_LIST = b'{"t":"candidates","candidates":{}}'
NO_TICKET = b'{"t":"redirect","member":"gs-2","address":"gs-2:4200"}'
NEWER = b'{"t":"greeting","protocol":"clientmigration","version":2,"role":"player"}'
OTHER = b'{"t":"greeting","protocol":"chess","version":1,"role":"player"}'
BAD: tuple[tuple[str, str, bytes], ...] = (
    ("an HTTP request", "player to router", b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"),
    ("a TLS client hello", "player to router", bytes.fromhex("160301020001000001")),
    ("an empty frame first", "player to router", bytes(4)),
    ("an input before the greeting", "player to server", encode(m.Input(1, b"\2"))),
    ("hello before the greeting", "player to router", encode(m.Hello(HOLDER))),
    ("a greeting of version 2", "player to router", framed(NEWER)),
    ("a greeting of another protocol", "player to router", framed(OTHER)),
    ("a greeting of 513 bytes", "player to router", (513).to_bytes(4, "little")),
    ("an empty frame", "player to router", HELLO + bytes(4)),
    ("a frame of an unknown kind", "player to server", HELLO + framed(b"", 5)),
    ("a chunk to a server", "player to server", HELLO + encode(m.Chunk(1, 0, b"x"))),
    ("a chunk without its offset", "server to player", HELLO + framed(bytes(11), 3)),
    ("an item without its number", "server to player", HELLO + framed(bytes(11), 4)),
    ("an input to a router", "player to router", HELLO + encode(m.Input(1, b"\2"))),
    ("a view to a server", "player to server", HELLO + encode(m.View(1, 0, 0, 0, b""))),
    ("an input without its sequence number", "player to server", HELLO + framed(b"\1\0\0", 1)),
    ("an input of 257 bytes", "player to server", HELLO + encode(m.Input(1, bytes(257)))),
    ("an oversized frame", "player to server", HELLO + (4097).to_bytes(4, "little")),
    ("a stranger's oversized frame", "member to router", HELLO + (4097).to_bytes(4, "little")),
    ("not JSON", "player to router", HELLO + framed(b"hello")),
    ("not UTF-8", "player to router", HELLO + framed(b'{"t":"hello","holder":"\xff"}')),
    ("not an object", "player to router", HELLO + framed(b"[1]")),
    ("too deep", "player to router", HELLO + framed(b'{"t":"pings","z":' + b"[" * 4000)),
    ("no tag", "player to router", HELLO + framed(b'{"holder":""}')),
    ("an unknown tag", "player to router", HELLO + framed(b'{"t":"dance"}')),
    ("a tag that others may say", "player to router", HELLO + encode(REDIRECT)),
    ("a field is missing", "player to server", HELLO + framed(b'{"t":"ping"}')),
    ("a field has another type", "player to server", HELLO + framed(b'{"t":"ping","n":"1"}')),
    ("a number is below its range", "player to server", HELLO + framed(b'{"t":"ping","n":-1}')),
    ("a number is above its range", "player to server", HELLO + encode(m.Ping(2**32))),
    ("a holder that is no hash", "player to router", HELLO + encode(m.Hello("me"))),
    ("a second greeting", "player to router", HELLO + HELLO),
    ("a server's view before its greeting", "server to player", encode(m.View(1, 0, 0, 0, b""))),
    ("a server's greeting of version 2", "server to player", framed(NEWER)),
    ("a server's second greeting", "server to player", SERVER + SERVER),
    ("a view without its digest", "server to player", SERVER + framed(bytes(19), 2)),
    ("an input to a player", "server to player", SERVER + encode(m.Input(1, b"\2"))),
    ("a view from a router", "router to player", ROUTER + encode(m.View(1, 0, 0, 0, b""))),
    ("a server's oversized frame", "server to player", SERVER + (262145).to_bytes(4, "little")),
    ("a router's oversized frame", "router to player", ROUTER + (65537).to_bytes(4, "little")),
    ("a server's empty frame", "server to player", SERVER + bytes(4)),
    ("not JSON, from a server", "server to player", SERVER + framed(b"{{{")),
    ("not UTF-8, from a router", "router to player", ROUTER + framed(b'{"t":"\xff"}')),
    ("a pong from a router", "router to player", ROUTER + encode(m.Pong(1))),
    ("a pong with a fraction", "server to player", SERVER + framed(b'{"t":"pong","n":1.5}')),
    ("a pong above its range", "server to player", SERVER + encode(m.Pong(2**32))),
    ("a welcome at rate 0", "server to player", SERVER + encode(m.Welcome(ADA, "gs-1", 0, 0))),
    ("an address without a port", "router to player", ROUTER + encode(m.Redirect("a", "b", ""))),
    ("candidates that are no list", "router to player", ROUTER + framed(NO_LIST)),
    ("a redirect without its ticket", "server to player", SERVER + framed(NO_TICKET)),
    ("a file without a SHA-256", "server to player", SERVER + encode(m.Offered(7, 1, "ab"))),
)  # fmt: skip

INPUTS: tuple[tuple[str, bytes], ...] = (
    ("move", meadow.move(1.0, -0.5)), ("pick", meadow.pick()), ("give", meadow.give(BOB)),
    ("drop", meadow.drop()), ("burn 40 us per tick", work.burn(40)), ("burn no more", work.burn(0)),
    ("fetch a file", work.fetch(7, 0, "map")), ("fetch the catalogue", work.fetch(7, 0, "")),
    ("follow a topic", work.follow(8, TICK, "clock")), ("got", work.got({7: 65539, 8: 1700000001})),
    ("stop", work.stop(7)),
)  # fmt: skip
BAD_INPUTS: tuple[tuple[str, bytes], ...] = (
    ("empty", b""), ("an unknown verb", b"\5"), ("pick with arguments", b"\2\0"),
    ("a short move", meadow.move(1.0, 0.0)[:-1]), ("an unknown workload", b"\x85\0\0\0\0"),
    ("a burn above 5,000 us", work.burn(5001)), ("a short burn", b"\x80\0"),
    ("a short fetch", work.fetch(7, 0, "")[:-1]), ("a long name", work.fetch(7, 0, "x" * 201)),
    ("a name that is not UTF-8", work.follow(8, 0, "") + b"\xff"), ("got nothing", b"\x83"),
    ("got half a place", work.got({7: 1})[:-1]), ("a short stop", b"\x84\0"),
)  # fmt: skip
BAD_VIEWS: tuple[tuple[str, bytes], ...] = (
    ("empty", b""), ("shorter than the player itself", VIEW_BODY[:13]),
    ("ends within an entity", VIEW_BODY[:-7]), ("a block is missing", VIEW_BODY[:-6]),
    ("bytes too many", VIEW_BODY + b"\0"),
)  # fmt: skip
BAD_SIGHTS: tuple[tuple[str, bytes], ...] = (
    ("empty", b""), ("ends within a cell", SIGHT_BODY[:15]),
    ("ends within an entity", SIGHT_BODY[:-7]), ("somebody is missing", SIGHT_BODY[:-14]),
    ("nobody is the one that fades", SIGHT_BODY[:16] + b"\3" + SIGHT_BODY[17:]),
)  # fmt: skip
PROVEN = (
    ("attach", "caller", ("1e" * 16, "0f" * 16, "gs-1", "gs-2")),
    ("attach", "called", ("1e" * 16, "0f" * 16, "gs-1", "gs-2")),
    ("attach", "member", ("1e" * 16, "0f" * 16, "gs-1", "gameserver", "192.0.2.7:4100")),
    ("attach", "member", ("1e" * 16, "0f" * 16, "", "gameserver", "192.0.2.7:4100")),
    ("attach", "router", ("1e" * 16, "0f" * 16, "gs-1")),
    ("watcher", "watcher", ("1e" * 16, "0f" * 16)),
    ("watcher", "router", ("1e" * 16, "0f" * 16, "router")),
    ("operator", "operator", ("1e" * 16, "0f" * 16)),
    ("operator", "router", ("1e" * 16, "0f" * 16, "router")),
)


def shown(message: Any) -> dict[str, Any]:
    """A message as a JSON object; bytes are hex."""
    if isinstance(message, m.Input | m.View | m.Chunk | m.Item | n.Look | n.Sight):
        kind = type(message).__name__.lower()
        return {"kind": kind, **msgspec.structs.asdict(message), "body": message.body.hex()}
    spelled: dict[str, Any] = msgspec.to_builtins(message)
    return spelled


def frames() -> list[dict[str, Any]]:
    """Every message in every direction in which it may be said."""
    return [
        {"dialect": name, "message": shown(message), "hex": encode(message).hex()}
        for name, (_, said) in SAID.items()
        for message in said
    ]


def code_of(dialect: Dialect, stream: bytes) -> str:
    """The code of the fault in a stream."""
    try:
        list(Connection(dialect).receive(stream))
    except PeersFault as fault:
        return fault.code
    return ""


def bad() -> list[dict[str, Any]]:
    """Streams, from the first byte on, that end in a fault, and its code."""
    return [
        {"name": name, "dialect": dialect, "hex": stream.hex(), "code": code}
        for name, dialect, stream in BAD
        if (code := code_of(SAID[dialect][0], stream))
    ]


def digests() -> list[dict[str, Any]]:
    """The digest after each of a few inputs, the first being number 1."""
    digest, steps = 0, []
    for seq, (_, body) in enumerate(INPUTS, 1):
        digest = chained(digest, seq, body)
        steps.append({"seq": seq, "body": body.hex(), "digest": digest})
    return steps


def proofs() -> list[dict[str, Any]]:
    """Proofs of both sides of each link that has them."""
    seals = Seals(SECRET)
    return [
        {"use": use, "side": side, "parts": parts, "proof": seals.proofs(use).proof(side, *parts)}
        for use, side, parts in PROVEN
    ]


def view_bodies() -> list[dict[str, Any]]:
    """A view of the meadow, decoded."""
    seen = meadow.look(VIEW_BODY)
    others = [
        {"player": bytes(who).hex(), "x": x, "y": y, "owner": owner, "coins": coins}
        for who, x, y, owner, coins in seen.others.tolist()
    ]
    decoded = {"x": seen.x, "y": seen.y, "coins": seen.coins, "others": others}
    return [{"hex": VIEW_BODY.hex(), "decoded": decoded}]


def sight_bodies() -> list[dict[str, Any]]:
    """A sight of the meadow, decoded."""
    seen = sight.read_sight(SIGHT_BODY)
    rows = zip(seen.cells.tolist(), seen.fading.tolist(), seen.packed.tolist(), strict=True)
    decoded = [
        {"cell": cell, "fading": fading, "player": bytes(who).hex(), "x": x, "y": y,
         "owner": owner, "coins": coins}
        for cell, fading, (who, x, y, owner, coins) in rows
    ]  # fmt: skip
    return [{"hex": SIGHT_BODY.hex(), "decoded": decoded}]


def look_bodies() -> list[dict[str, Any]]:
    """A look at the meadow, and its cells."""
    cells = np.argwhere(sight.read_look(LOOK_BODY)).tolist()
    return [{"hex": LOOK_BODY.hex(), "cells": cells}]


def named(bodies: Sequence[tuple[str, bytes]]) -> list[dict[str, str]]:
    """Bodies as hex, with their names."""
    return [{"name": name, "hex": body.hex()} for name, body in bodies]


def vectors() -> dict[str, Any]:
    """The whole file."""
    return {
        "protocol": m.PROTOCOL,
        "version": m.VERSION,
        "frames": frames(),
        "bad": bad(),
        "inputs": named(INPUTS),
        "bad_inputs": named(BAD_INPUTS),
        "digests": digests(),
        "views": view_bodies(),
        "bad_views": named(BAD_VIEWS),
        "sights": sight_bodies(),
        "bad_sights": named(BAD_SIGHTS),
        "looks": look_bodies(),
        "holders": [{"secret": "a secret of ada's own", "holder": HOLDER}],
        "proofs": {"secret": SECRET, "proofs": proofs()},
    }


def text() -> str:
    """The file as it is committed: one vector a line."""
    lines = [f'"{name}": {_listed(value)}' for name, value in vectors().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _listed(value: Any) -> str:
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(f"  {json.dumps(each)}" for each in value) + "\n]"


if __name__ == "__main__":
    FILE.write_text(text())
