"""Cells: the world as numbered squares in arrays, and which of them see each other.

Arithmetic. Players in the same or in touching cells are neighbours; a player without a position is
in the cell called nowhere, which nobody sees and from which nothing is seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from clientmigration.core.fleet.world import Position

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROWS = 2**31
"""Cells are coded as one number: column times this, plus row."""
TOUCHING = np.array([column * ROWS + row for column in (-1, 0, 1) for row in (-1, 0, 1)])
"""From a cell's code to those of the nine that its players see."""
NOWHERE = -(2**62)
"""The code of the cell of a player without a position."""
NO_PLACE = Position(0.0, 0.0)
"""Stands for the position of a player that has none."""
FARTHEST = 2.0**30
"""No column or row is farther from the origin."""


@dataclass(frozen=True, slots=True)
class CellSight:
    """The cells in which anybody is, numbered in order; the last number, `nowhere`, is nowhere.

    `seen` has a row for each cell: the numbers of those that are seen from it.
    """

    seen: Ints
    nowhere: int

    @classmethod
    def of(cls, positions: Sequence[Position | None], cell_m: float) -> tuple[Self, Ints]:
        """The sight among players who stand there, and the number of each one's cell."""
        codes = _codes(positions, cell_m)
        known, cells = np.unique(codes, return_inverse=True)
        cells[codes == NOWHERE] = nowhere = len(known)
        around = np.vstack((known[:, None] + TOUCHING, np.full(9, NOWHERE - 1)))
        return cls(_places_in(known, around), nowhere), cells

    def near(self, heads: Ints, cells: Ints) -> Ints:
        """How many players those in these cells see, when so many are in each cell."""
        heads[self.nowhere] = 0
        return np.asarray(heads[self.seen[cells]].sum(axis=1))

    def among(self, cells: Ints) -> Ints:
        """For each of some cells, sorted, where among them those are that it sees; the number after
        the last for those that are not."""
        seen = self.seen[cells]
        return _places_in(cells, np.where(seen == self.nowhere, NOWHERE, seen))


def _codes(positions: Sequence[Position | None], cell_m: float) -> Ints:
    """The cell of each, as one number; NOWHERE without a position."""
    at = [each or NO_PLACE for each in positions]
    lost = [n for n, position in enumerate(at) if position is NO_PLACE]
    codes = coded(np.array([(p.x, p.y) for p in at]), cell_m)
    codes[lost] = NOWHERE
    return codes


def coded(places: Floats, cell_m: float) -> Ints:
    """The code of the cell of each place, a row of x and y in metres."""
    columns, rows = (_steps(v, cell_m).astype(np.int64) for v in places.reshape(-1, 2).T)
    return np.asarray(columns * ROWS + rows)


def _steps(metres: Floats, cell_m: float) -> Floats:
    return np.asarray(np.floor(np.clip(metres / cell_m, -FARTHEST, FARTHEST)))


def _places_in(known: Ints, wanted: Ints) -> Ints:
    """Where in `known`, sorted, each wanted one is; the number after the last where it is not."""
    at = np.searchsorted(known, wanted)
    found = at < len(known)
    found[found] = known[at[found]] == wanted[found]
    return np.where(found, at, len(known))
