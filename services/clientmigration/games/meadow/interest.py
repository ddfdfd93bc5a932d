"""How the meadow's game servers say what their players look at, and who of their own stands there.

A look is a bitmap of the cells. A sight has its cells first and then everyone in them, packed as in
a view. Little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clientmigration.errors import MalformedFrame
from clientmigration.games.meadow.wire import BLOCKS, ENTITY, SIDE

_SIGHT = struct.Struct("<HH")
_FADING = np.dtype("<u2")
_WHOLE = np.dtype((np.void, ENTITY.itemsize))  # joined without a look at the fields: much faster
_ROWS, _WIDTH = np.dtype("<u2"), ENTITY.itemsize // 2  # and chosen from
LOOK_SIZE = (SIDE * SIDE + 7) // 8

Cells = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Drawn:
    """Players as they are drawn, sorted by cell: `cells` (n, 2) column and row, `packed` (n) as in
    a view, `fading` (n) whether another server may have the player by now, and knows better."""

    cells: Cells
    packed: NDArray[np.void]
    fading: Marks

    def only(self, which: Marks | Cells) -> Drawn:
        """Some of them: a mask, or indices."""
        packed = self.packed.view(_ROWS).reshape(-1, _WIDTH)[which].view(ENTITY).reshape(-1)
        return Drawn(self.cells[which], packed, self.fading[which])


NOBODY = Drawn(np.empty((0, 2), np.int64), np.empty(0, ENTITY), np.empty(0, np.bool_))


def pack_look(seen: Marks) -> bytes:
    """Bit `column * 20 + row`, from the lowest of the first byte, for `seen` (20, 20)."""
    return np.packbits(seen.ravel(), bitorder="little").tobytes()


def read_look(body: bytes) -> Marks:
    """The cells of a look: (20, 20), by column and row."""
    if len(body) != LOOK_SIZE:
        raise MalformedFrame(f"a look at the meadow of {len(body)} bytes")
    bits = np.unpackbits(np.frombuffer(body, np.uint8), count=SIDE * SIDE, bitorder="little")
    return bits.astype(np.bool_).reshape(SIDE, SIDE)


def pack_sight(drawn: Drawn) -> bytes:
    """Counts of cells and of the fading, the cells, the indices of the fading, everyone."""
    heads = np.zeros(0, BLOCKS)
    if len(drawn.cells):
        starts = cuts(drawn.cells)
        heads = np.zeros(len(starts), BLOCKS)
        heads["column"], heads["row"] = drawn.cells[starts].T
        heads["count"] = sizes(starts, len(drawn.cells))
    fading = np.flatnonzero(drawn.fading).astype(_FADING)
    counts = _SIGHT.pack(len(heads), len(fading))
    return counts + heads.tobytes() + fading.tobytes() + drawn.packed.tobytes()


def read_sight(body: bytes) -> Drawn:
    """Everyone in a sight."""
    if len(body) < _SIGHT.size:
        raise MalformedFrame(f"a sight of the meadow of {len(body)} bytes")
    cells, fading = _SIGHT.unpack_from(body)
    at = _SIGHT.size + cells * BLOCKS.itemsize
    then = at + fading * _FADING.itemsize
    if then > len(body) or (len(body) - then) % ENTITY.itemsize:
        raise MalformedFrame(f"a sight of the meadow ends early, at {len(body)} bytes")
    heads = np.frombuffer(body, BLOCKS, cells, _SIGHT.size)
    packed = np.frombuffer(body, ENTITY, -1, then)
    indices = np.frombuffer(body, _FADING, fading, at)
    if heads["count"].sum() != len(packed) or (indices >= len(packed)).any():
        raise MalformedFrame("a sight of the meadow does not add up")
    marks = np.zeros(len(packed), np.bool_)
    marks[indices] = True
    where = heads.view("<i2").reshape(-1, 3)[:, :2].astype(np.int64)
    return Drawn(np.repeat(where, heads["count"], axis=0), packed, marks)


def cuts(cells: Cells) -> Cells:
    """Where another cell begins; `cells` (n, 2), n > 0, is sorted."""
    line = in_line(cells)
    begins = np.ones(len(line), np.bool_)
    np.not_equal(line[1:], line[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def sizes(starts: Cells, end: int) -> Cells:
    """How many there are from each of these places to the next, or to the end."""
    after = np.empty(len(starts), np.int64)
    after[:-1] = starts[1:]
    after[-1] = end
    return after - starts


def merged(own: Drawn, lent: list[Drawn]) -> Drawn:
    """Everyone once, sorted by cell. Of two of the same name the first counts, `own` before `lent`
    and these in their order, unless it is fading and the other is not."""
    everyone = (own, *lent)
    cells = np.concatenate([each.cells for each in everyone])
    packed = np.concatenate([each.packed.view(_WHOLE) for each in everyone]).view(ENTITY)
    fading = np.concatenate([each.fading for each in everyone])
    names = np.ascontiguousarray(packed["player"]).view("<u8")
    known = np.sort(names)
    if not (known[1:] == known[:-1]).any():  # most often nobody is there twice
        return Drawn(cells, packed, fading).only(in_order(cells))
    which = np.argsort(fading, kind="stable")
    which = which[np.unique(names[which], return_index=True)[1]]
    return Drawn(cells, packed, fading).only(which[in_order(cells[which])])


def in_order(cells: Cells) -> Cells:
    """The indices that sort cells (n, 2)."""
    order: Cells = np.argsort(in_line(cells), kind="stable")
    return order


def in_line(cells: Cells) -> Cells:
    """One number for each cell (..., 2), in the order in which cells are sorted."""
    line: Cells = cells[..., 0] * 2**20 + cells[..., 1]
    return line
