"""Places in the world: positions in metres, distances, and the cells that decide who sees whom.

Values and arithmetic only. Nothing here knows players, servers or how large the world is.
"""

import math
from dataclasses import dataclass

Cell = tuple[int, int]
"""Column and row of a square of the world; (0, 0) has its lower left corner at the origin."""


@dataclass(frozen=True, slots=True)
class Position:
    """A point in metres. ValueError when a coordinate is not finite."""

    x: float
    y: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.x) and math.isfinite(self.y)):
            raise ValueError(f"a position needs two finite coordinates, not ({self.x}, {self.y})")


def distance(a: Position, b: Position) -> float:
    """Metres between two points, as the crow flies."""
    return math.hypot(a.x - b.x, a.y - b.y)


def cell_of(position: Position, cell_m: float) -> Cell:
    """The cell, `cell_m` metres a side, that holds this point. ValueError unless `cell_m` > 0."""
    if not cell_m > 0:
        raise ValueError(f"a cell needs a side longer than 0 m, not {cell_m}")
    return math.floor(position.x / cell_m), math.floor(position.y / cell_m)


def around(cell: Cell) -> tuple[Cell, ...]:
    """The nine cells that a player in `cell` can see: its own and the eight that touch it."""
    column, row = cell
    return tuple((column + dx, row + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
