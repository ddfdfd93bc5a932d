"""Cells: who sees whom."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.fleet.cells import CellSight
from clientmigration.core.fleet.world import Position

metres = st.floats(-1e6, 1e6)


def seen_by_first(*positions: Position | None, cell_m: float = 32.0) -> int:
    """How many of all these the first one sees, itself included."""
    sight, cells = CellSight.of(positions, cell_m)
    heads = np.bincount(cells, minlength=sight.nowhere + 1)
    return int(sight.near(heads, cells[:1])[0])


def test_a_player_sees_those_in_its_own_cell_and_in_the_eight_that_touch_it() -> None:
    around = [Position(48 + dx, 48 + dy) for dx in (-32, 0, 32) for dy in (-32, 0, 32)]
    assert seen_by_first(Position(48, 48), *around) == 10


@pytest.mark.parametrize("far", [Position(-32.1, 0), Position(64, 0), Position(0, 64)])
def test_a_player_does_not_see_beyond_them(far: Position) -> None:
    assert seen_by_first(Position(0, 0), far) == 1


def test_cells_left_of_and_below_the_origin_are_cells_of_their_own() -> None:
    assert seen_by_first(Position(31.9, 0), Position(-0.1, 0)) == 2
    assert seen_by_first(Position(32.1, 0), Position(-0.1, 0)) == 1


def test_who_is_nowhere_sees_nobody_and_is_seen_by_nobody() -> None:
    assert seen_by_first(None, Position(0, 0), None) == 0
    assert seen_by_first(Position(0, 0), None) == 1


@given(metres, metres, metres, metres)
def test_players_within_a_cell_length_always_see_each_other(
    x: float, y: float, dx: float, dy: float
) -> None:
    here, there = Position(x, y), Position(x + dx % 32, y + dy % 32)
    if abs(here.x - there.x) < 31.9 and abs(here.y - there.y) < 31.9:
        assert seen_by_first(here, there) == 2


@given(st.floats(-100, 100), st.floats(-100, 100))
def test_seeing_is_mutual(x: float, y: float) -> None:
    here, origin = Position(x, y), Position(0, 0)
    assert seen_by_first(here, origin) == seen_by_first(origin, here)
