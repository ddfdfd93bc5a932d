"""Oracle: how few pairs would be apart if METIS divided the players from nothing, moving anybody.

It knows where everybody is and nobody's server, so it is no policy: it says what could be had.
"""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from clientmigration.core.fleet.cells import CellSight, Ints
from clientmigration.core.fleet.territory import Crowds
from clientmigration.core.fleet.world import Position
from clientmigration.core.simulation.crowd import CELL_M, NOBODY, SimulatedCrowd

with suppress(ImportError):  # then it is not asked
    import pymetis

ROUGHLY = 20
"""Thousandths by which a part may be too large."""


def least_apart(
    crowd: SimulatedCrowd, servers: Sequence[tuple[float, int]], bound: bool = False
) -> float:
    """Share of the pairs who see each other that METIS parts, in parts as large as the servers.

    `servers` are those that take players: how fast each is, and the number of its zone. `bound`:
    each zone's players are divided among the servers of their own zone.
    """
    playing = np.flatnonzero(crowd.home != NOBODY)
    if not len(playing) or not servers:
        return 0.0
    positions = [Position(x, y) for x, y in crowd.at[playing].tolist()]
    sight, cells = CellSight.of(positions, CELL_M)
    part = np.zeros(len(playing), np.int64)
    zones = crowd.zone[playing] if bound else np.zeros(len(playing), np.int64)
    for zone in np.unique(zones).tolist():
        speeds = [speed for speed, number in servers if number == zone or not bound]
        here = np.flatnonzero(zones == zone)
        part[here] = _parts(_graph(cells[here], sight), speeds) + len(servers) * zone
    whole = _graph(cells, sight)
    pairs = float(whole.pairs.sum())
    return whole.apart(part) / pairs if pairs else 0.0


def _graph(cells: Ints, sight: CellSight) -> Crowds:
    """A vertex for each player."""
    count = len(cells)
    ones = np.ones(count, np.int64)
    return Crowds.of(ones, ones * 0, np.ones((count, 1), bool), cells, sight)


def _parts(graph: Crowds, speeds: Sequence[float]) -> Ints:
    if len(speeds) < 2:
        return np.zeros(len(graph.heads), np.int64)
    ends = np.concatenate(graph.ends)
    order = np.argsort(ends, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(ends, minlength=len(graph.heads)))))
    others = np.concatenate(graph.ends[::-1])[order]
    options = pymetis.Options()
    options.ufactor = ROUGHLY
    _, parts = pymetis.part_graph(
        len(speeds),
        pymetis.CSRAdjacency(starts.astype(np.int32), others.astype(np.int32)),
        tpwgts=[speed / sum(speeds) for speed in speeds],
        options=options,
    )
    return np.array(parts, np.int64)
