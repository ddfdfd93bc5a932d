"""Places in the world."""

import math

import pytest

from clientmigration.core.fleet.world import Position, distance


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_position_that_is_not_finite_cannot_be_made(wrong: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Position(wrong, 0.0)
    with pytest.raises(ValueError, match="finite"):
        Position(0.0, wrong)


def test_distance_is_as_the_crow_flies() -> None:
    assert distance(Position(1, 1), Position(4, 5)) == 5
