"""docs/vectors.json: what the code says, and what a decoder that does not know the code reads."""

import hashlib
import hmac
import json
import runpy
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from clientmigration.errors import PeersFault
from clientmigration.games.meadow import interest as sight
from clientmigration.games.meadow import wire as meadow
from clientmigration.wire import work
from clientmigration.wire.connection import Connection, Dialect, encode
from clientmigration.wire.messages import Greeting

MADE = runpy.run_path(str(Path(__file__).with_name("make_vectors.py")))
VECTORS: dict[str, Any] = json.loads(MADE["FILE"].read_text())
SAID: dict[str, tuple[Dialect, Any]] = MADE["SAID"]


def test_the_committed_file_is_what_the_code_says() -> None:
    assert MADE["FILE"].read_text() == MADE["text"](), "run tests/wire/make_vectors.py"
    assert len(VECTORS["bad"]) == len(MADE["BAD"])


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: str(vector["message"]))
def test_a_frame_is_read_and_written_alike(vector: dict[str, Any]) -> None:
    connection = Connection(SAID[vector["dialect"]][0])
    frame, greeting = bytes.fromhex(vector["hex"]), encode(Greeting(role="test"))
    messages = list(connection.receive(frame if is_greeting(vector) else greeting + frame))
    assert json.loads(json.dumps(MADE["shown"](messages[-1]))) == vector["message"]
    assert encode(messages[-1]) == frame


def is_greeting(vector: dict[str, Any]) -> bool:
    return bool(vector["message"].get("t") == "greeting")


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: str(vector["name"]))
def test_a_bad_stream_ends_in_its_fault(vector: dict[str, Any]) -> None:
    with pytest.raises(PeersFault) as caught:
        list(Connection(SAID[vector["dialect"]][0]).receive(bytes.fromhex(vector["hex"])))
    assert caught.value.code == vector["code"]


@pytest.mark.parametrize("vector", VECTORS["bad_inputs"], ids=lambda vector: str(vector["name"]))
def test_a_bad_input_is_malformed(vector: dict[str, Any]) -> None:
    body = bytes.fromhex(vector["hex"])
    with pytest.raises(PeersFault) as caught:
        (work if work.is_work(body) else meadow).decode(body)
    assert caught.value.code == "malformed_frame"


@pytest.mark.parametrize("vector", VECTORS["bad_views"], ids=lambda vector: str(vector["name"]))
def test_a_bad_view_is_malformed(vector: dict[str, Any]) -> None:
    with pytest.raises(PeersFault) as caught:
        meadow.look(bytes.fromhex(vector["hex"]))
    assert caught.value.code == "malformed_frame"


@pytest.mark.parametrize("vector", VECTORS["bad_sights"], ids=lambda vector: str(vector["name"]))
def test_a_bad_sight_is_malformed(vector: dict[str, Any]) -> None:
    with pytest.raises(PeersFault) as caught:
        sight.read_sight(bytes.fromhex(vector["hex"]))
    assert caught.value.code == "malformed_frame"


# From here on nothing of the package is used: this is what docs/protocol.md says, and no more.


def read_frame(frame: bytes) -> dict[str, Any]:
    size, kind = struct.unpack_from("<IB", frame)
    assert size == len(frame) - 4
    if kind == 0:
        message: dict[str, Any] = json.loads(frame[5:])
        return message
    if kind == 1:
        (seq,) = struct.unpack_from("<I", frame, 5)
        return {"kind": "input", "seq": seq, "body": frame[9:].hex()}
    if kind == 5:
        return {"kind": "look", "body": frame[5:].hex()}
    if kind == 6:
        (tick,) = struct.unpack_from("<Q", frame, 5)
        return {"kind": "sight", "tick": tick, "body": frame[13:].hex()}
    if kind in (3, 4):
        stream, place = struct.unpack_from("<IQ", frame, 5)
        names_of = {3: ("chunk", "offset"), 4: ("item", "seq")}[kind]
        return {"kind": names_of[0], "id": stream, names_of[1]: place, "body": frame[17:].hex()}
    assert kind == 2
    names = ("tick", "last", "applied", "digest")
    header = dict(zip(names, struct.unpack_from("<QIII", frame, 5), strict=True))
    return {"kind": "view", **header, "body": frame[25:].hex()}


def read_view(body: bytes) -> dict[str, Any]:
    x, y, coins, blocks = struct.unpack_from("<ffIH", body)
    at, others = 14, []
    for _ in range(blocks):
        column, row, count = struct.unpack_from("<hhH", body, at)
        at += 6
        for _ in range(count):
            player, across, along, owner, coins_of = struct.unpack_from("<8sHHBB", body, at)
            at += 14
            x_of, y_of = (column + across / 65535) * 50.0, (row + along / 65535) * 50.0
            others.append(
                {"player": player.hex(), "x": x_of, "y": y_of, "owner": owner, "coins": coins_of}
            )
    assert at == len(body)
    return {"x": x, "y": y, "coins": coins, "others": others}


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: str(vector["message"]))
def test_another_decoder_reads_the_same_frame(vector: dict[str, Any]) -> None:
    assert read_frame(bytes.fromhex(vector["hex"])) == vector["message"]


def test_another_decoder_reads_the_same_views() -> None:
    for vector in VECTORS["views"]:
        assert read_view(bytes.fromhex(vector["hex"])) == vector["decoded"]


def read_sight(body: bytes) -> list[dict[str, Any]]:
    cells, fading = struct.unpack_from("<HH", body)
    at, listed = 4, []
    for _ in range(cells):
        column, row, count = struct.unpack_from("<hhH", body, at)
        listed += [[column, row]] * count
        at += 6
    fades = {struct.unpack_from("<H", body, at + 2 * n)[0] for n in range(fading)}
    at += 2 * fading
    seen = []
    for n, cell in enumerate(listed):
        player, x, y, owner, coins = struct.unpack_from("<8sHHBB", body, at + 14 * n)
        seen.append(
            {"cell": cell, "fading": n in fades, "player": player.hex(), "x": x, "y": y,
             "owner": owner, "coins": coins}
        )  # fmt: skip
    assert at + 14 * len(listed) == len(body)
    return seen


def test_another_decoder_reads_the_same_sights() -> None:
    for vector in VECTORS["sights"]:
        assert read_sight(bytes.fromhex(vector["hex"])) == vector["decoded"]


def test_another_decoder_reads_the_same_looks() -> None:
    for vector in VECTORS["looks"]:
        body = bytes.fromhex(vector["hex"])
        bits = [n for n in range(400) if body[n // 8] >> n % 8 & 1]
        assert [[n // 20, n % 20] for n in bits] == vector["cells"]


def test_another_digest_is_the_same() -> None:
    digest = 0
    for step in VECTORS["digests"]:
        digest = zlib.crc32(struct.pack("<I", step["seq"]) + bytes.fromhex(step["body"]), digest)
        assert digest == step["digest"]


def test_another_proof_is_the_same() -> None:
    secret = VECTORS["proofs"]["secret"].encode()
    for vector in VECTORS["proofs"]["proofs"]:
        key = hmac.digest(secret, b"clientmigration 1 " + vector["use"].encode(), "sha256")
        text = "".join(f"{len(part)}:{part}" for part in (vector["side"], *vector["parts"]))
        assert hmac.new(key, text.encode(), "sha256").hexdigest() == vector["proof"]


def test_another_holder_is_the_same() -> None:
    for vector in VECTORS["holders"]:
        assert hashlib.sha256(vector["secret"].encode()).hexdigest() == vector["holder"]
