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
    Walk,
)
from clientmigration.gameserver.game import Game, PostLetter

SIZE_M = SIDE * CELL_M
FASTEST_M_PER_S = 20.0
COINS = 10  # what a newcomer gets: no others are minted but those that players find
AHEAD_M = 10.0  # half a second's walk: what comes into sight then is asked for now
STALE_TICKS = 10  # what a neighbour showed longer ago is not shown any more
_HELD, _HERE, _GHOST = 1, 2, 4
HEAD_SIZE = HEADS.itemsize
_SIDEWAYS, _DOWN = np.array([(-1, 0), (0, 0), (1, 0)]), np.array([0, 1])
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
        self._heads, self._around = b"", list[bytes]()
        self._cells: list[int] = []  # by row, the place in `_around`

    def numbered(self, owner: int) -> None:
        """Mark those who play here with this number from now on."""
        self.owner = owner

    def _make(self, room: int) -> None:
        self.at = np.zeros((room, 2))
        self.speed = np.zeros((room, 2))
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
        self._walk(np.array([row]), ticks)

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
        row, verb = self.rows[player], wire.decode(body)
        if isinstance(verb, Walk):
            self.speed[row, 0], self.speed[row, 1] = _slowed(verb.vx, verb.vy)  # half of the time
        elif isinstance(verb, Give):
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
        self._walk(np.flatnonzero(self.flags), 1)
        for player, (row, left) in list(self.ghosts.items()):
            self.ghosts[player] = (row, left - 1)
            if not left:
                self._vanish(player)

    def _walk(self, rows: NDArray[np.int64], ticks: int) -> None:
        """Straight on, and back from the hedge."""
        at = self.at[rows] + self.speed[rows] * (self.dt * ticks)
        out = (at < 0) | (at >= SIZE_M)
        self.speed[rows] = np.where(out, -self.speed[rows], self.speed[rows])
        self.at[rows] = np.clip(at, 0, SIZE_M - 1e-6)

    def draw(self, tick: int) -> None:
        """Pack everyone once, by cells, with those whom neighbours have shown lately."""
        rows = np.flatnonzero(self.flags)
        cells = (self.at[rows] // CELL_M).astype(np.int64)
        order = in_order(cells)
        rows, cells = rows[order], cells[order]
        packed = np.zeros(len(rows), ENTITY)
        within = (self.at[rows] / CELL_M - cells) * STEPS
        packed["player"] = self.names[rows]
        packed["x"], packed["y"] = within[:, 0], within[:, 1]
        packed["owner"] = self.owner
        packed["coins"] = np.minimum(self.coins[rows], 255)
        self.own = Drawn(cells, packed, (self.flags[rows] & (_HELD | _GHOST)) != 0)
        self.lent = {who: each for who, each in self.lent.items() if tick - each[0] <= STALE_TICKS}
        newest = sorted(self.lent.items(), key=lambda each: (-each[1][0], each[0]))
        lent = [drawn for _, (_, drawn) in newest]
        self.drawn = sight.merged(self.own, lent) if lent else self.own
        self._prepare(rows, cells)

    def _prepare(self, rows: NDArray[np.int64], cells: NDArray[np.int64]) -> None:
        """What each of `rows`, sorted by their `cells`, will be shown: its own head, and what its
        cell has around it."""
        if not len(rows):
            return
        starts = cuts(cells)
        count, self._around = _around(self.drawn, cells[starts])
        which = np.repeat(np.arange(len(starts)), sizes(starts, len(rows)))
        heads = np.zeros(len(self.flags), HEADS)
        heads["x"][rows], heads["y"][rows] = self.at[rows].T
        heads["coins"][rows], heads["blocks"][rows] = self.coins[rows], count[which]
        places = np.zeros(len(self.flags), np.int64)
        places[rows] = which
        self._heads, self._cells = heads.tobytes(), places.tolist()

    def look(self, coming: Sequence[tuple[float, float]]) -> bytes:
        """The cells around everyone's own, also around those it may soon stand in."""
        places = np.concatenate([self.at[(self.flags & _HERE) != 0], np.reshape(coming, (-1, 2))])
        cells = (places[:, None] + _AHEAD) // CELL_M
        columns, lines = np.clip(cells, 0, SIDE - 1).astype(np.int64).reshape(-1, 2).T
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
        at = row * HEAD_SIZE
        return self._heads[at : at + HEAD_SIZE] + self._around[self._cells[row]]

    def state(self, player: str) -> dict[str, Any]:
        """Where it stands and walks to, and its coins."""
        row = self.rows[player]
        (x, y), (vx, vy) = self.at[row].tolist(), self.speed[row].tolist()
        state = {"x": x, "y": y, "vx": vx, "vy": vy, "coins": int(self.coins[row])}
        return {**state, "found": [*self.found[player]]} if self.found[player] else state

    def position(self, player: str) -> tuple[float, float]:
        """Where it stands, metres."""
        x, y = self.at[self.rows[player]].tolist()
        return x, y

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
    """This velocity, metres per second, or as much of it as anybody can walk with."""
    if hypot(vx, vy) <= FASTEST_M_PER_S:
        return vx, vy
    vx, vy = (each if isfinite(each) else 0.0 for each in (vx, vy))
    slower = FASTEST_M_PER_S / max(hypot(vx, vy), FASTEST_M_PER_S)
    return vx * slower, vy * slower


def newborn(player: str) -> dict[str, Any]:
    """The state of somebody new: the name decides the place, so every run is the same."""
    across, along = int(player[:8], 16) / 2**32, int(player[8:], 16) / 2**32
    return {"x": across * SIZE_M, "y": along * SIZE_M, "vx": 0.0, "vy": 0.0, "coins": COINS}


def _around(drawn: Drawn, cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[bytes]]:
    """How many blocks each of these cells (n, 2) has in and around it, and their bytes.

    Blocks lie in memory as they are sorted: the three of one column are one piece of it."""
    starts = cuts(drawn.cells)
    everyone, begins = _blocks(drawn, starts, sizes(starts, len(drawn.cells)))
    known = in_line(drawn.cells[starts])
    columns = cells[:, None] + _SIDEWAYS
    first = np.searchsorted(known, in_line(columns - _DOWN), "left")
    after = np.searchsorted(known, in_line(columns + _DOWN), "right")
    pieces = np.stack([begins[first], begins[after]], axis=-1).reshape(-1, 6).tolist()
    around = [everyone[a:b] + everyone[c:d] + everyone[e:f] for a, b, c, d, e, f in pieces]
    return (after - first).sum(axis=1), around


def _blocks(
    drawn: Drawn, starts: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[bytes, NDArray[np.int64]]:
    """The bytes of all cells, of which each begins and has so many, and where each begins there;
    at last where they end."""
    cells, people, size = len(starts), len(drawn.cells), ENTITY.itemsize
    begins = np.append(starts, people) * size + np.arange(cells + 1) * BLOCKS.itemsize
    everyone = np.empty(begins[-1], np.uint8)
    heads = np.empty(cells, BLOCKS)
    heads["column"], heads["row"] = drawn.cells[starts].T
    heads["count"] = counts
    _lay(everyone, begins[:-1], heads)
    places = np.arange(people) * size + np.repeat(np.arange(1, cells + 1), counts) * BLOCKS.itemsize
    _lay(everyone, places, drawn.packed)
    return everyone.tobytes(), begins


def _lay(into: NDArray[np.uint8], places: NDArray[np.int64], what: NDArray[np.void]) -> None:
    """The bytes of each of these, there."""
    size = what.dtype.itemsize
    into[places[:, None] + np.arange(size)] = np.frombuffer(what.tobytes(), np.uint8).reshape(
        -1, size
    )
