"""The crowd of a simulation: where simulated players are, and what they see.

Arrays with one row per player; a row moves when another player leaves. Chance is an argument.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clientmigration.core.fleet.cells import Floats, Ints
from clientmigration.core.simulation.scenario import Scenario

NOBODY = -1
"""The home of a player who waits."""
CELL_M = 50.0
"""Side of a cell: players in the same or touching cells see each other."""
SEEN = 50
"""Players that one player can see at most; more cost nothing more."""
STRAY_M = 80.0
"""How far from a town players walk."""
NEAR_BY = 4
"""Towns among which a wanderer chooses: those nearest to where it is."""


class SimulatedCrowd:
    """Who is in the world now. `home` is the number of a player's server, or NOBODY."""

    def __init__(self, scenario: Scenario, zones: int, rng: np.random.Generator) -> None:
        self.scenario, self.rng, self.zones = scenario, rng, zones
        self.names: list[str] = []
        self.groups: list[str] = []
        self.at = np.zeros((0, 2))
        self.goal = np.zeros((0, 2))
        self.home = np.zeros(0, np.int64)
        self.zone = np.zeros(0, np.int64)
        self.moved_at = np.zeros(0)
        self.waits = np.zeros(0, np.int64)
        self.towns = rng.uniform(0, scenario.size_m, (scenario.towns, 2))
        apart = np.hypot(*(self.towns[:, None] - self.towns[None, :]).T)
        self.near_by = np.argsort(apart, axis=1)[:, 1 : NEAR_BY + 1]
        self.meeting: Floats | None = None
        self.side = math.ceil(scenario.size_m / CELL_M) + 2
        self._born = 0

    def __len__(self) -> int:
        return len(self.names)

    def join(self, players: int, group: int) -> range:
        """Newcomers, each group at one town: their rows."""
        first = len(self.names)
        for n in range(players):
            self.names.append(f"p{self._born + n:06}")
            self.groups.append(f"g{(self._born + n) // group}" if group > 1 else "")
        self._born += players
        of_town = np.repeat(self.rng.integers(0, len(self.towns), players // group + 1), group)
        zone = np.repeat(self.rng.integers(0, self.zones, players // group + 1), group)
        at = self._near(self.towns[of_town[:players]])
        self.at, self.goal = np.vstack((self.at, at)), np.vstack((self.goal, at))
        self.home = np.append(self.home, np.full(players, NOBODY))
        self.zone = np.append(self.zone, zone[:players])
        self.moved_at = np.append(self.moved_at, np.full(players, -math.inf))
        self.waits = np.append(self.waits, np.zeros(players, np.int64))
        return range(first, first + players)

    def leave(self, rows: Sequence[int]) -> None:
        """These go home."""
        gone = set(rows)
        keep = [row for row in range(len(self.names)) if row not in gone]
        self.names = [self.names[row] for row in keep]
        self.groups = [self.groups[row] for row in keep]
        self.at, self.goal, self.home = self.at[keep], self.goal[keep], self.home[keep]
        self.zone, self.moved_at = self.zone[keep], self.moved_at[keep]
        self.waits = self.waits[keep]

    def _near(self, places: Floats) -> Floats:
        strayed = places + self.rng.normal(0, STRAY_M / 2, places.shape)
        return np.clip(strayed, 0, self.scenario.size_m - 1e-6)

    def gather(self, share: float) -> None:
        """A share of them walks to one place and stays around it."""
        self.meeting = self.towns[:1]
        called = self.rng.random(len(self)) < share
        self.goal[called] = self._near(np.repeat(self.meeting, int(called.sum()), axis=0))

    def scatter(self) -> None:
        """Everybody goes to a town of its own choice."""
        self.meeting = None
        self.goal = self._near(self.towns[self.rng.integers(0, len(self.towns), len(self))])

    def swap(self) -> None:
        """Everybody goes as far east as it was west."""
        self.goal = np.stack((self.scenario.size_m - 1e-6 - self.goal[:, 0], self.goal[:, 1]), 1)

    def _wander(self, arrived: NDArray[np.bool_]) -> None:
        """Some of those who have arrived set out for a town near by."""
        going = np.flatnonzero(arrived & (self.rng.random(len(self)) < 1 / self.scenario.wander_s))
        if len(going) and self.near_by.size:
            here = np.hypot(*(self.at[going][:, None] - self.towns[None, :]).T).argmin(axis=0)
            drawn = self.rng.integers(0, self.near_by.shape[1], len(going))
            self.goal[going] = self._near(self.towns[self.near_by[here, drawn]])

    def walk(self) -> None:
        """One second. Who has arrived stays a while, and strolls near by."""
        way = self.goal - self.at
        left = np.hypot(way[:, 0], way[:, 1])
        step = np.minimum(1.0, self.scenario.walk_m_s / np.maximum(left, 1e-9))
        self.at = self.at + way * step[:, None]
        strolls = (left < 1.0) & (self.rng.random(len(self)) < 0.1)
        self.goal[strolls] = np.clip(
            self.goal[strolls] + self.rng.normal(0, 10.0, (int(strolls.sum()), 2)),
            0,
            self.scenario.size_m - 1e-6,
        )
        if self.scenario.wander_s:
            self._wander(left < 1.0)

    def cells(self) -> Ints:
        """The number of each one's cell; a border of empty cells is around the world."""
        column, row = np.floor(self.at / CELL_M).astype(np.int64).T + 1
        return np.asarray(column * self.side + row, np.int64)

    def seen(self, cells: Ints) -> Floats:
        """How many others each one sees, on whatever server."""
        heads = np.bincount(cells, minlength=self.side**2)
        around = _around(heads.reshape(self.side, self.side)).ravel()
        return np.asarray(around[cells] - 1, np.float64)

    def pairs(self, servers: int) -> Ints:
        """How many players of each server the players of each see: (servers, servers)."""
        cells, playing = self.cells(), self.home != NOBODY
        places, where = np.unique(cells[playing], return_inverse=True)
        heads = np.zeros((servers, len(places)), np.int64)
        np.add.at(heads, (self.home[playing], where), 1)
        world = np.zeros((servers, self.side, self.side), np.int64)
        world.reshape(servers, -1)[:, places] = heads
        around = _around(world.swapaxes(0, 2)).swapaxes(0, 2).reshape(servers, -1)[:, places]
        return np.asarray(heads @ around.T - np.diag(heads.sum(axis=1)))

    def cut(self, servers: int) -> float:
        """Share of the pairs who see each other that are on two servers."""
        pairs = self.pairs(servers)
        return float(1 - pairs.trace() / pairs.sum()) if pairs.any() else 0.0


def _around(heads: Ints) -> Ints:
    """For each cell, who is in it and in the eight that touch it."""
    wide = heads.copy()
    wide[1:] += heads[:-1]
    wide[:-1] += heads[1:]
    both = wide.copy()
    both[:, 1:] += wide[:, :-1]
    both[:, :-1] += wide[:, 1:]
    return both
