"""The demo game's bodies: written and read alike, and never trusted."""

import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clientmigration.errors import MalformedFrame
from clientmigration.games.meadow import wire as meadow
from clientmigration.games.meadow.wire import BLOCK, CELL_M, ENTITY, SELF, STEPS, Give, Walk

ADA = "a1b2c3d4e5f60718"


def entity(player: str, x: int, y: int, owner: int = 0, coins: int = 0) -> bytes:
    return bytes.fromhex(player) + struct.pack("<HHBB", x, y, owner, coins)


def test_verbs_are_pinned() -> None:
    assert (meadow.MOVE, meadow.PICK, meadow.GIVE, meadow.DROP) == (1, 2, 3, 4)
    assert meadow.move(1.0, -0.5) == bytes.fromhex("010000803f000000bf")
    assert meadow.pick() == b"\2"
    assert meadow.give(ADA) == b"\3" + bytes.fromhex(ADA)
    assert meadow.drop() == b"\4"


@given(vx=st.floats(width=32), vy=st.floats(width=32))
def test_a_move_is_read_as_it_was_written(vx: float, vy: float) -> None:
    read = meadow.decode(meadow.move(vx, vy))
    assert isinstance(read, Walk)
    assert np.array_equal([read.vx, read.vy], [vx, vy], equal_nan=True)


def test_the_other_verbs_are_read_as_they_were_written() -> None:
    assert meadow.decode(meadow.give(ADA)) == Give(ADA)
    assert meadow.decode(meadow.pick()) == meadow.PICK
    assert meadow.decode(meadow.drop()) == meadow.DROP


@given(body=st.binary(max_size=12))
def test_any_input_is_a_verb_or_malformed(body: bytes) -> None:
    try:
        meadow.decode(body)
    except MalformedFrame:
        assert (body[:1], len(body)) not in ((b"\1", 9), (b"\2", 1), (b"\3", 9), (b"\4", 1))


def test_layouts_are_pinned() -> None:
    assert (SELF.size, BLOCK.size, ENTITY.itemsize) == (14, 6, 14)
    assert SELF.format == "<ffIH"
    assert BLOCK.format == "<hhH"


def test_a_view_is_the_player_and_the_cells_around_it() -> None:
    body = SELF.pack(60.0, 10.0, 7, 2)
    body += BLOCK.pack(1, 0, 2) + entity(ADA, 0, STEPS) + entity("00" * 8, STEPS, 0, 3, 255)
    body += BLOCK.pack(-1, 2, 1) + entity("ff" * 8, 13107, 0)
    seen = meadow.look(body)
    assert (seen.x, seen.y, seen.coins) == (60.0, 10.0, 7)
    assert [bytes(who).hex() for who in seen.others["player"]] == [ADA, "00" * 8, "ff" * 8]
    assert seen.others["x"].tolist() == [CELL_M, 2 * CELL_M, -0.8 * CELL_M]
    assert seen.others["y"].tolist() == [CELL_M, 0.0, 2 * CELL_M]
    assert seen.others["owner"].tolist() == [0, 3, 0]
    assert seen.others["coins"].tolist() == [0, 255, 0]
    assert meadow.own(body) == (60.0, 10.0, 7)


def test_a_view_may_be_empty_around_the_player() -> None:
    assert len(meadow.look(SELF.pack(0.0, 0.0, 0, 0)).others) == 0
    assert len(meadow.look(SELF.pack(0.0, 0.0, 0, 1) + BLOCK.pack(0, 0, 0)).others) == 0


def test_a_view_cut_anywhere_is_malformed() -> None:
    body = SELF.pack(60.0, 10.0, 7, 2) + BLOCK.pack(1, 0, 1) + entity(ADA, 0, 0)
    body += BLOCK.pack(1, 1, 0)
    meadow.look(body)
    for size in range(len(body)):
        with pytest.raises(MalformedFrame):
            meadow.look(body[:size])
    with pytest.raises(MalformedFrame, match="1 bytes too many"):
        meadow.look(body + b"\0")


@given(body=st.binary(max_size=100))
@example(SELF.pack(0.0, 0.0, 0, 1) + BLOCK.pack(0, 0, 65535))
@example(SELF.pack(0.0, 0.0, 0, 65535))
def test_any_view_is_one_or_malformed(body: bytes) -> None:
    for read in (meadow.look, meadow.own):
        seen: object = None
        with suppress(MalformedFrame):
            seen = read(body)
        assert seen is None or isinstance(seen, meadow.MeadowView | tuple)
