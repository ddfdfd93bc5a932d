"""World: positions in metres, and the distance between two of them.

Values and arithmetic only. Nothing here knows players, servers or how large the world is.
"""

import math
from dataclasses import dataclass


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
