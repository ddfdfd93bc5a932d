"""Places in the world."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.fleet.world import Position, around, cell_of, distance

metres = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_position_that_is_not_finite_cannot_be_made(wrong: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Position(wrong, 0.0)
    with pytest.raises(ValueError, match="finite"):
        Position(0.0, wrong)


def test_distance_is_as_the_crow_flies() -> None:
    assert distance(Position(1, 1), Position(4, 5)) == 5


def test_cells_left_of_and_below_the_origin_are_negative() -> None:
    assert cell_of(Position(-0.1, 31.9), 32) == (-1, 0)


@pytest.mark.parametrize("side", [0.0, -1.0, math.nan])
def test_a_cell_needs_a_side(side: float) -> None:
    with pytest.raises(ValueError, match="side"):
        cell_of(Position(0, 0), side)


def test_around_a_cell_are_nine_different_cells_with_itself() -> None:
    assert len(set(around((3, -2)))) == 9
    assert (3, -2) in around((3, -2))


@given(metres, metres, metres, metres)
def test_players_within_a_cell_length_always_see_each_other(
    x: float, y: float, dx: float, dy: float
) -> None:
    here, there = Position(x, y), Position(x + dx % 32, y + dy % 32)
    if abs(here.x - there.x) < 31.9 and abs(here.y - there.y) < 31.9:
        assert cell_of(there, 32) in around(cell_of(here, 32))


@given(metres, metres)
def test_seeing_is_mutual(x: float, y: float) -> None:
    here, origin = cell_of(Position(x, y), 32), (0, 0)
    assert (here in around(origin)) == (origin in around(here))
