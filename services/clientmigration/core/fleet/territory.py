"""Territory: which players should play together, by who sees whom and what a move costs.

Arithmetic on arrays. METIS divides the graph of who sees whom; each member has a vertex in it that
holds its present players with the worth of a move, so that the division changes no more than pays.
There is a METIS that can be installed without a compiler for few processors; where there is none,
only such moves are found as pay one by one.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from clientmigration.core.fleet.cells import CellSight, Floats, Ints

try:
    import pymetis
except ImportError:
    METIS = False
else:
    METIS = True

ROUGHLY = 0.03
"""Share of a member's players by which a division may be off; what is done is exact again."""
HEAVY = 2**30
"""Sum of edges that METIS is given at most: it reckons in 32 bits."""
STRONG = 100.0
"""Neighbours that a member to which somebody must not go counts as taking away."""
TIES, MANY = (1.0, 0.5, 2.0, 0.25), 5_000
"""How strongly players are tied to where they are, in the worth of a move, in each of the divisions
of which the best is taken; only the first where there are so many vertices."""

CUTS = 8
"""Divisions that METIS makes to answer with its best, where there are not too many vertices."""

Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Crowds:
    """Parties as a graph: those who stand in one cell, are at one member and may go to the same
    others are one vertex.

    `heads` players are at `home`, the number of a member; `allowed` (vertices, members) says where
    each may be. `ends` and `pairs` are the edges, each once: who sees whom, and how often.
    """

    heads: Ints
    home: Ints
    allowed: Marks
    ends: tuple[Ints, Ints]
    pairs: Floats

    @classmethod
    def of(cls, heads: Ints, home: Ints, allowed: Marks, cells: Ints, sight: CellSight) -> Self:
        """Vertices of which each stands in one cell."""
        order = np.argsort(cells, kind="stable")
        count = np.bincount(cells, minlength=sight.nowhere + 1)
        count[sight.nowhere] = 0  # nobody sees who has no position
        start = np.concatenate(([0], np.cumsum(np.bincount(cells, minlength=sight.nowhere + 1))))
        seen = sight.seen[cells]
        many = count[seen]
        first = np.repeat(np.arange(len(cells)), many.sum(axis=1))
        many, begin = many.ravel(), start[seen].ravel()
        before = np.concatenate(([0], np.cumsum(many)[:-1]))
        second = order[np.arange(many.sum()) + np.repeat(begin - before, many)]
        once = first < second
        ends = first[once], second[once]
        return cls(heads, home, allowed, ends, (heads[ends[0]] * heads[ends[1]]).astype(np.float64))

    def near(self, homes: Ints) -> Floats:
        """How many pairs each vertex would have with the players of each member, when each is at
        that of `homes`: (vertices, members)."""
        count, members = self.allowed.shape
        one, other = self.ends
        at = np.concatenate((one * members + homes[other], other * members + homes[one]))
        found = np.bincount(at, np.concatenate((self.pairs, self.pairs)), count * members)
        return np.asarray(found.reshape(count, members), np.float64)

    def apart(self, homes: Ints) -> float:
        """Pairs on two members, when each vertex is at that of `homes`."""
        return float(self.pairs[homes[self.ends[0]] != homes[self.ends[1]]].sum())


def divided(
    crowds: Crowds,
    sizes: Ints,
    limits: Ints,
    worth: float,
    forced: bool = False,
    metis: bool = METIS,
) -> Ints:
    """Where each vertex should be so that few pairs are apart and few players move: moving has to
    win `worth` neighbours for each who moves. `sizes` are the players that members should have,
    `limits` those they may have. The present
    homes when nothing is won by moving anybody, unless it is `forced`."""
    best, least = crowds.home, np.inf if forced else crowds.apart(crowds.home)
    known = set[bytes]()  # what METIS found before is repaired as before
    for seed, tie in enumerate(TIES if metis and len(crowds.heads) < MANY else TIES[:1]):
        homes = _metis(crowds, sizes, tie * worth, seed) if metis else crowds.home
        found = homes.tobytes()
        if found in known:
            continue
        known.add(found)
        homes = _Repair(crowds, homes, limits, worth).homes()
        moved = crowds.heads[homes != crowds.home].sum()
        costs = crowds.apart(homes) + worth * moved
        if costs < least:
            best, least = homes, costs
    return best


def _metis(crowds: Crowds, sizes: Ints, worth: float, seed: int) -> Ints:
    """The division by METIS. Each member is a vertex as heavy as all players, so that there is one
    in each part, tied to those who are there by what their move has to win."""
    count, members = crowds.allowed.shape
    total, rows = int(crowds.heads.sum()), np.arange(count)
    ties = [(rows, count + crowds.home, worth * crowds.heads)]
    some = ~np.all(crowds.allowed, axis=1, keepdims=True)
    bound, free = np.nonzero(crowds.allowed & some)
    ties.append((bound, count + free, STRONG * crowds.heads[bound]))
    one = np.concatenate((crowds.ends[0], *(each for each, _, _ in ties)))
    other = np.concatenate((crowds.ends[1], *(each for _, each, _ in ties)))
    weights = np.concatenate((crowds.pairs, *(each for _, _, each in ties)))
    weights = np.maximum(1, weights * min(8.0, HEAVY / max(1.0, 2 * weights.sum())))
    ends, others = np.concatenate((one, other)), np.concatenate((other, one))
    order = np.argsort(ends, kind="stable")
    starts = np.concatenate(([0], np.cumsum(np.bincount(ends, minlength=count + members))))
    graph = pymetis.CSRAdjacency(starts.astype(np.int32), others[order].astype(np.int32))
    shares = sizes / sizes.sum() + 1.0
    options = pymetis.Options()
    options.seed, options.ncuts = seed, CUTS if count < MANY else 1
    options.ufactor = max(1, round(1000 * ROUGHLY / (members + 1)))
    _, parts = pymetis.part_graph(
        members,
        graph,
        eweights=np.concatenate((weights, weights))[order].astype(np.int32),
        vweights=np.concatenate((crowds.heads, np.full(members, total))).astype(np.int32),
        tpwgts=(shares / shares.sum()).tolist(),
        options=options,
    )
    found = np.array(parts, np.int64)
    called = np.full(members, -1)
    called[found[count:]] = np.arange(members)
    homes = called[found[:count]]
    known = (homes >= 0) & crowds.allowed[rows, homes]
    return np.where(known, homes, crowds.home)


class _Repair:
    """Makes a division good: nobody above its limit, and no move that does not pay."""

    def __init__(self, crowds: Crowds, homes: Ints, limits: Ints, worth: float) -> None:
        self._crowds, self._homes, self._limits = crowds, homes.copy(), limits
        self._heads = crowds.heads.astype(np.float64)[:, None]
        self._count = np.bincount(homes, crowds.heads, minlength=len(limits))
        self._near = crowds.near(homes)
        away = np.arange(len(limits))[None, :] != crowds.home[:, None]
        self._away = worth * self._heads * away
        self._away[~crowds.allowed] = np.inf
        ends = np.concatenate(crowds.ends)
        order = np.argsort(ends, kind="stable")
        self._other = np.concatenate(crowds.ends[::-1])[order]
        self._pairs = np.concatenate((crowds.pairs, crowds.pairs))[order]
        self._start = np.concatenate(([0], np.cumsum(np.bincount(ends, minlength=len(homes)))))
        self._costs = np.empty_like(self._away)
        self._reckon(np.arange(len(homes)))

    def homes(self) -> Ints:
        """The better division: by the cheapest change, again and again; of many vertices several
        at a time."""
        at_once = 1 + len(self._homes) ** 2 // 500_000
        for _ in range(2 * len(self._homes)):
            over = self._count > self._limits
            crowded = bool(over.any())
            costs = np.where(self._heads > self._limits - self._count, np.inf, self._costs)
            if crowded:
                costs[~over[self._homes]] = np.inf
            some = _cheapest(costs, np.inf if crowded else -1e-9, at_once)
            if not some:
                break
            for vertex, member in some:
                fits = self._count[member] + self._crowds.heads[vertex] <= self._limits[member]
                still = not crowded or self._over(self._homes[vertex])
                if fits and still:
                    self._move(vertex, member)
        return self._homes

    def _over(self, member: int) -> bool:
        return bool(self._count[member] > self._limits[member])

    def _reckon(self, rows: Ints) -> None:
        """What a change of each of these vertices would cost for each player, (rows, members)."""
        costs: Floats = self._away[rows] - self._near[rows]
        here = np.arange(len(rows)), self._homes[rows]
        costs -= costs[here][:, None]
        costs /= self._heads[rows]
        costs[here] = np.inf
        self._costs[rows] = costs

    def _move(self, vertex: int, member: int) -> None:
        before, edges = self._homes[vertex], slice(self._start[vertex], self._start[vertex + 1])
        others, pairs = self._other[edges], self._pairs[edges]
        self._near[others, before] -= pairs
        self._near[others, member] += pairs
        self._count[before] -= self._crowds.heads[vertex]
        self._count[member] += self._crowds.heads[vertex]
        self._homes[vertex] = member
        self._reckon(np.append(others, vertex))


def _cheapest(costs: Floats, below: float, most: int) -> list[tuple[int, int]]:
    """The vertices whose cheapest change costs less than that, the cheapest first, at most so many;
    and the member that each goes to."""
    if most == 1:
        vertex, member = divmod(int(costs.argmin()), costs.shape[1])
        return [(vertex, member)] if costs[vertex, member] < below else []
    least = costs.min(axis=1)
    some = np.flatnonzero(least < below)
    some = some[np.argsort(least[some], kind="stable")[:most]]
    return list(zip(some.tolist(), costs[some].argmin(axis=1).tolist(), strict=True))
