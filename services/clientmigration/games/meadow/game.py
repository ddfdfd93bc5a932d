"""The demo game: a square meadow on which players walk, pick up coins and give them to each other.

All players are rows of a few arrays. A cell's bytes are built once per tick and shared by everyone
who sees the cell; nobody sees further than the cells around its own. Who plays on a neighbour is
drawn like everyone else, as the neighbour last showed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clientmigration.games.meadow import coins, wire
from clientmigration.games.meadow import interest as sight
from clientmigration.games.meadow.interest import NOBODY, Drawn, cuts, in_line, in_order, sizes
from clientmigration.games.meadow.wire import (
    BLOCKS,
    CELL_M,
    DROP,
    ENTITY,
    HEADS,
    PICK,
    SIDE,
    STEPS,
    Give,
    Pickup,
)
from clientmigration.gameserver.game import Game, PostLetter

SIZE_M = SIDE * CELL_M
FASTEST_M_PER_S = 20.0
COINS = 10  # what a newcomer gets: no others are minted but those that players find
AHEAD_M = 10.0  # half a second's walk: what comes into sight then is asked for now
STALE_TICKS = 10  # what a neighbour showed longer ago is not shown any more
_HELD, _HERE, _GHOST = 1, 2, 4
_HEAD = np.dtype((np.void, HEADS.itemsize))
_WORD = np.dtype("<u2")  # of which everything that is drawn is made
_BORDERED = in_line(np.array([[(n, m) for m in range(-1, SIDE + 2)] for n in range(-1, SIDE + 1)]))
_AHEAD = np.array([(right, down) for right in (-AHEAD_M, AHEAD_M) for down in (-AHEAD_M, AHEAD_M)])


class Meadow(Game):
    """A `Game`. Rows are reused; `rows` says which row is whose. Without a `post` coins are given
    from hand to hand, and only here."""

    name = "meadow"
    version = 1
    crowd = "clientmigration.games.meadow.behaviour:Walker"
    page = "page"
    area = (SIDE * CELL_M, CELL_M)

    def __init__(self, rate: int, post: PostLetter | None = None) -> None:
        self.dt = 1.0 / rate
        self.post = post or self._hand
        self.owner = 0
        self.ghosts: dict[str, tuple[int, int]] = {}
        self.lent: dict[str, tuple[int, Drawn]] = {}
        self.own = self.drawn = NOBODY
        self.rows: dict[str, int] = {}
        self.found: dict[str, tuple[int, ...]] = {}  # coins of plots, by player, if any
        self.free: list[int] = []
        self.ground: dict[tuple[int, int], int] = {}
        self._make(256)
        self._heads, self._around = list[bytes](), list[bytes]()
        self._cells: list[int] = []  # by row, the place in `_around`

    def numbered(self, owner: int) -> None:
        """Mark those who play here with this number from now on."""
        self.owner = owner

    def _make(self, room: int) -> None:
        self.at = np.zeros((room, 2))
        self.speed = np.zeros((room, 2))
        self._x_y, self._vx_vy = _flat(self.at), _flat(self.speed)
        self.coins = np.zeros(room, np.int64)
        self.names = np.zeros(room, "V8")
        self.flags = np.zeros(room, np.uint8)
        self.free = list(range(room))

    def _grow(self) -> None:
        old, room = (self.at, self.speed, self.coins, self.names, self.flags), len(self.at)
        self._make(2 * room)
        grown: tuple[NDArray[Any], ...] = (self.at, self.speed, self.coins, self.names, self.flags)
        for new, kept in zip(grown, old, strict=True):
            new[:room] = kept
        self.free = list(range(room, 2 * room))

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:
        """A newcomer stands somewhere that its name decides."""
        self._vanish(player)
        if not self.free:
            self._grow()
        row = self.rows[player] = self.free.pop()
        state = state or newborn(player)
        self.at[row] = state["x"], state["y"]
        self.speed[row] = state["vx"], state["vy"]
        self.coins[row] = state["coins"]
        self.found[player] = coins.believed(state.get("found"))
        self.names[row] = np.void(bytes.fromhex(player))
        self.flags[row] = _HERE
        self._walk(slice(row, row + 1), ticks)

    def leave(self, player: str) -> None:
        """Who was held has gone to another server: it is drawn until that one shows it,
        so that nobody sees it flicker."""
        row = self.rows.pop(player)
        self.found.pop(player, None)
        if self.flags[row] & _HELD:
            self.flags[row] = _GHOST
            self.ghosts[player] = (row, STALE_TICKS)
        else:
            self.flags[row] = 0
            self.free.append(row)

    def _vanish(self, player: str) -> None:
        if player in self.ghosts:
            row, _ = self.ghosts.pop(player)
            self.flags[row] = 0
            self.free.append(row)

    def hold(self, player: str) -> None:
        """Nothing of this player changes any more but where it walks."""
        self.flags[self.rows[player]] |= _HELD

    def resume(self, player: str) -> None:
        """It can be changed again."""
        self.flags[self.rows[player]] = _HERE

    def apply(self, player: str, body: bytes) -> None:
        """Walk, give a coin, pick one up, lay one down, or find one."""
        row, walk = self.rows[player], wire.walk(body)
        if walk is not None:  # nearly all
            vx, vy = walk
            if not hypot(vx, vy) <= FASTEST_M_PER_S:
                vx, vy = _slowed(vx, vy)
            self._vx_vy[2 * row], self._vx_vy[2 * row + 1] = vx, vy
            return
        verb = wire.decode(body)
        if isinstance(verb, Give):
            self._give(row, verb.player)
        elif isinstance(verb, Pickup):
            self._find(player, verb)
        elif verb == PICK:
            self._lay(row, -1)
        elif verb == DROP:
            self._lay(row, 1)

    def _give(self, row: int, player: str) -> None:
        place = self._place(player)
        if place is None or not self.coins[row] or self.rows.get(player) == row:
            return
        giver = bytes(self.names[row]).hex()
        near = np.abs(self.at[row] - place).max() <= CELL_M
        if near and self.post(giver, player, {"coins": 1}):
            self.coins[row] -= 1

    def _find(self, player: str, verb: Pickup) -> None:
        known = coins.found(self.found[player], verb.column, verb.row, self.position(player))
        if known is not None:
            self.found[player] = known
            self.coins[self.rows[player]] += 1

    def _place(self, player: str) -> NDArray[np.float64] | None:
        """Where somebody is that can be seen from this server."""
        row = self.rows.get(player)
        if row is not None:
            here: NDArray[np.float64] = self.at[row]
            return here
        found = np.flatnonzero(self.drawn.packed["player"] == np.void(bytes.fromhex(player)))
        if not len(found):
            return None
        packed = self.drawn.packed[found[0]]
        within = np.array([packed["x"], packed["y"]]) / STEPS
        place: NDArray[np.float64] = (self.drawn.cells[found[0]] + within) * CELL_M
        return place

    def _hand(self, sender: str, to: str, body: dict[str, Any]) -> bool:
        row = self.rows.get(to)
        if row is None or self.flags[row] & _HELD:
            return False
        self.receive(to, sender, body)
        return True

    def receive(self, player: str, sender: str, body: dict[str, Any]) -> None:  # noqa: ARG002
        """Coins that another player has sent."""
        self.coins[self.rows[player]] += body["coins"]

    def _lay(self, row: int, coins: int) -> None:
        column, line = (int(part) for part in self.at[row] // CELL_M)
        lying = self.ground.get((column, line), 0)
        if lying + coins >= 0 and self.coins[row] - coins >= 0:
            self.ground[column, line] = lying + coins
            self.coins[row] -= coins

    def step(self, tick: int) -> None:  # noqa: ARG002
        """Everybody walks on; who went to another server fades after a while."""
        self._walk(slice(None), 1)  # whoever is not here walks, too, and nobody knows
        for player, (row, left) in list(self.ghosts.items()):
            self.ghosts[player] = (row, left - 1)
            if not left:
                self._vanish(player)

    def _walk(self, rows: slice, ticks: int) -> None:
        """Straight on, and back from the hedge."""
        at, speed = self.at[rows], self.speed[rows]
        at += speed * (self.dt * ticks)
        out = (at < 0) | (at >= SIZE_M)
        if out.any():
            speed[out] *= -1
            np.clip(at, 0, SIZE_M - 1e-6, out=at)

    def draw(self, tick: int) -> None:
        """Pack everyone once, by cells, with those whom neighbours have shown lately."""
        rows = np.flatnonzero(self.flags)
        rows = rows[in_order((self.at[rows] / CELL_M).astype(np.int64))]
        at, coins = self.at[rows], self.coins[rows]
        cells = (at / CELL_M).astype(np.int64)
        within = (at / CELL_M - cells) * STEPS
        packed = np.empty(len(rows), ENTITY)
        packed["player"] = self.names[rows]
        packed["x"], packed["y"] = within[:, 0], within[:, 1]
        packed["owner"] = self.owner
        packed["coins"] = np.minimum(coins, 255)
        self.own = Drawn(cells, packed, (self.flags[rows] & (_HELD | _GHOST)) != 0)
        self.lent = {who: each for who, each in self.lent.items() if tick - each[0] <= STALE_TICKS}
        newest = sorted(self.lent.items(), key=lambda each: (-each[1][0], each[0]))
        lent = [drawn for _, (_, drawn) in newest]
        self.drawn = sight.merged(self.own, lent) if lent else self.own
        if len(rows):
            self._prepare(rows, at, coins)

    def _prepare(
        self, rows: NDArray[np.int64], at: NDArray[np.float64], coins: NDArray[np.int64]
    ) -> None:
        """What each of `rows`, sorted by cell, will be shown, who stands there and has so many: its
        own head, and what its cell has around it."""
        cells = self.own.cells
        starts = cuts(cells)
        count, self._around = _around(self.drawn, cells[starts])
        which = np.repeat(np.arange(len(starts)), sizes(starts, len(rows)))
        packed = np.empty(len(rows), HEADS)
        packed["x"], packed["y"], packed["coins"] = at[:, 0], at[:, 1], coins
        packed["blocks"] = count[which]
        heads: NDArray[Any] = np.zeros(len(self.flags), _HEAD)
        places = np.zeros(len(self.flags), np.int64)
        heads[rows], places[rows] = packed.view(_HEAD), which
        self._heads, self._cells = heads.tolist(), places.tolist()

    def look(self, coming: Sequence[tuple[float, float]]) -> bytes:
        """The cells around everyone's own, also around those it may soon stand in."""
        places = np.concatenate([self.at[(self.flags & _HERE) != 0], np.reshape(coming, (-1, 2))])
        cells = np.clip((places[:, None] + _AHEAD) / CELL_M, 0, SIDE - 1)
        columns, lines = cells.astype(np.int64).reshape(-1, 2).T
        seen = np.zeros((SIDE + 2, SIDE + 2), np.bool_)  # with a border that nobody can stand on
        seen[columns + 1, lines + 1] = True
        wide = seen[:-2] | seen[1:-1] | seen[2:]
        return sight.pack_look(wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:])

    def sight(self, look: bytes) -> bytes:
        """Those of our own players who stand in the cells of this look."""
        wanted = sight.read_look(look)
        return sight.pack_sight(self.own.only(wanted[self.own.cells[:, 0], self.own.cells[:, 1]]))

    def lend(self, neighbour: str, tick: int, body: bytes) -> None:
        """Keep what a neighbour has shown, until it shows something newer."""
        self.lent[neighbour] = (tick, sight.read_sight(body))

    def seen(self) -> tuple[int, dict[int, int]]:
        """How many see each one who is drawn, added up by where it plays."""
        own, drawn = (each.only(~each.fading) for each in (self.own, self.drawn))
        eyes = np.zeros((SIDE + 4, SIDE + 4), np.int64)  # beyond its border nobody sees anything
        np.add.at(eyes, tuple(own.cells.T + 2), 1)
        for axis in (0, 1):
            eyes = eyes + np.roll(eyes, 1, axis) + np.roll(eyes, -1, axis)
        ours, all_ = (_by_owner(each, eyes) for each in (own, drawn))
        elsewhere = all_ - ours  # of our own nobody is drawn twice, and nobody is left out
        counted = {int(number): int(elsewhere[number]) for number in np.flatnonzero(elsewhere)}
        return int(ours.sum()) - len(own.cells), counted

    def view(self, player: str) -> bytes:
        """The player itself, and everyone in the cells around its own."""
        row = self.rows[player]
        return self._heads[row] + self._around[self._cells[row]]

    def views(self, players: Sequence[str]) -> Sequence[bytes | None]:
        """The same of many."""
        rows, heads, around, cells = self.rows, self._heads, self._around, self._cells
        return [heads[row] + around[cells[row]] for row in map(rows.__getitem__, players)]

    def state(self, player: str) -> dict[str, Any]:
        """Where it stands and walks to, and its coins."""
        row = self.rows[player]
        (x, y), across, down = self.position(player), self._vx_vy[2 * row], self._vx_vy[2 * row + 1]
        state = {"x": x, "y": y, "vx": across, "vy": down, "coins": int(self.coins[row])}
        return {**state, "found": [*self.found[player]]} if self.found[player] else state

    def position(self, player: str) -> tuple[float, float]:
        """Where it stands, metres."""
        row = self.rows[player]
        return self._x_y[2 * row], self._x_y[2 * row + 1]

    def measures(self) -> dict[str, float]:
        """Coins are those in pockets and on the ground of this server."""
        here = (self.flags & _HERE) != 0
        lying = sum(self.ground.values())
        coins = float(self.coins[here].sum() + lying)
        if not here.any():
            return {"centre_x_m": 0.0, "centre_y_m": 0.0, "spread_m": 0.0, "coins": coins}
        centre = self.at[here].mean(axis=0)
        spread = float(np.sqrt(((self.at[here] - centre) ** 2).sum(axis=1).mean()))
        x, y = centre.tolist()
        return {"centre_x_m": x, "centre_y_m": y, "spread_m": spread, "coins": coins}


def _by_owner(drawn: Drawn, eyes: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of those who look around themselves, by cell, see these: added up by owner."""
    at = np.clip(drawn.cells, -2, SIDE + 1) + 2
    return np.bincount(drawn.packed["owner"], eyes[at[:, 0], at[:, 1]], 256).astype(np.int64)


def _slowed(vx: float, vy: float) -> tuple[float, float]:
    """As much of this velocity, metres per second, as anybody can walk with."""
    vx, vy = (each if isfinite(each) else 0.0 for each in (vx, vy))
    slower = FASTEST_M_PER_S / max(hypot(vx, vy), FASTEST_M_PER_S)
    return vx * slower, vy * slower


def _flat(pairs: NDArray[np.float64]) -> Any:
    """All numbers of these rows, one after the other: a single one is read and written much faster
    there."""
    flat: Any = pairs.reshape(-1)
    return memoryview(flat)


def newborn(player: str) -> dict[str, Any]:
    """The state of somebody new: the name decides the place, so every run is the same."""
    across, along = int(player[:8], 16) / 2**32, int(player[8:], 16) / 2**32
    return {"x": across * SIZE_M, "y": along * SIZE_M, "vx": 0.0, "vy": 0.0, "coins": COINS}


def _around(drawn: Drawn, cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[bytes]]:
    """How many blocks each of these cells (n, 2) has in and around it, and their bytes.

    Blocks lie in memory as they are sorted: the three of one column are one piece of it."""
    starts = cuts(drawn.cells)
    everyone, begins = _blocks(drawn, starts, sizes(starts, len(drawn.cells)))
    first = np.searchsorted(in_line(drawn.cells[starts]), _BORDERED)  # by column and line, and 1
    many = first[:, 3:] - first[:, :-3]
    ends = np.stack([begins[first[:, :-3]], begins[first[:, 3:]]], axis=-1).reshape(-1, 2)
    pieces = [everyone[begin:end] for begin, end in ends.tolist()]  # by column and 1, and line
    columns, lines = cells.T
    count = many[columns, lines] + many[columns + 1, lines] + many[columns + 2, lines]
    left = (columns * SIDE + lines).tolist()
    return count, [pieces[n] + pieces[n + SIDE] + pieces[n + 2 * SIDE] for n in left]


def _blocks(
    drawn: Drawn, starts: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[bytes, NDArray[np.int64]]:
    """The bytes of all cells, of which each begins and has so many, and where each begins there;
    at last where they end."""
    cells, people = len(starts), len(drawn.cells)
    begins = np.append(starts, people) * ENTITY.itemsize
    begins += np.arange(cells + 1) * BLOCKS.itemsize
    heads = np.empty(cells, BLOCKS)
    heads["column"], heads["row"] = drawn.cells[starts].T
    heads["count"] = counts
    everyone = np.empty(begins[-1] // _WORD.itemsize, _WORD)
    is_head = np.zeros(len(everyone), np.bool_)
    for word in range(BLOCKS.itemsize // _WORD.itemsize):
        is_head[begins[:-1] // _WORD.itemsize + word] = True
    everyone[is_head] = heads.view(_WORD)
    everyone[~is_head] = drawn.packed.view(_WORD)
    return everyone.tobytes(), begins
