"""A sample fleet, for work on the page and for tests: what it shows is a function of time.

Players walk in loops around three places that drift; each plays on the server whose place is
nearest, and is moved when that changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from clientmigration.core.fleet.cells import CellSight
from clientmigration.core.fleet.world import Position
from clientmigration.net.beats import Beats
from clientmigration.status.feed import (
    Audience,
    PublicMove,
    PublicServer,
    PublicWorld,
    Sighting,
    Status,
)

SIZE, CELL = 1000.0, 50.0
EVERY_S = 0.5
Pairs = dict[tuple[int, int], int]  # by the servers of who looks and of who is seen


def place(number: int, servers: int, now: float) -> tuple[float, float]:
    """Where a server's players gather: around the middle, slowly turning."""
    angle = 2 * math.pi * number / servers + now / 40
    return 500 + 260 * math.cos(angle), 500 + 260 * math.sin(angle)


def walker(number: int, now: float) -> tuple[float, float]:
    """Where one player is."""
    wide, turn = 120 + number * 37 % 330, number * 2.399963
    speed = 0.02 + number % 7 * 0.005
    x = 500 + wide * math.cos(turn + speed * now) + 60 * math.sin(turn * 3 + now * 0.11)
    y = 500 + wide * math.sin(turn + speed * now * 1.3) + 60 * math.cos(turn * 5 + now * 0.07)
    return min(999.0, max(1.0, x)), min(999.0, max(1.0, y))


def sightings(players: int, servers: int, now: float) -> tuple[Sighting, ...]:
    """Everybody."""
    places = [place(number, servers, now) for number in range(servers)]
    found = []
    for number in range(players):
        x, y = walker(number, now)
        home = min(range(servers), key=lambda each: math.dist(places[each], (x, y)))
        found.append(Sighting(f"{number:016x}", x, y, home + 1))
    return tuple(found)


def pairs(players: tuple[Sighting, ...]) -> Pairs:
    """How many others those of one server see on one server, added up, by both their numbers."""
    sight, cells = CellSight.of([Position(each.x, each.y) for each in players], CELL)
    counted = {}
    numbers = np.array([each.server for each in players])
    known = set(numbers.tolist())
    for number in known:
        heads = np.bincount(cells[numbers == number], minlength=sight.nowhere + 1)
        seen = sight.near(heads, cells) - (numbers == number)
        for one in known:
            counted[one, number] = int(seen[numbers == one].sum())
    return counted


def server(number: int, here: list[Sighting], capacity: int, counts: Pairs) -> PublicServer:
    """One server with these players."""
    count = len(here)
    x = sum(each.x for each in here) / count if count else 0.0
    y = sum(each.y for each in here) / count if count else 0.0
    spread = sum(math.dist((x, y), (each.x, each.y)) for each in here) / count if count else 0.0
    load = count / capacity * 0.9
    return PublicServer(
        name=f"gs-{number}",
        number=number,
        grade="fit" if load < 0.5 else "strained" if load < 0.8 else "overloaded",
        health=max(0.0, 1 - load * load),
        load=load,
        players=count,
        capacity=capacity,
        tick_ms=1 + 20 * load,
        late_ms=0.4 + 3 * load,
        x=x,
        y=y,
        spread=spread,
        pairs=sum(n for (one, _), n in counts.items() if one == number),
        pairs_split=sum(n for (one, other), n in counts.items() if one == number != other),
    )


@dataclass
class SampleFeed(Service):
    """Shows such a fleet to an audience until it is stopped."""

    audience: Audience
    clock: IReactorTime
    players: int = 300
    servers: int = 3
    capacity: int = 200
    _homes: dict[str, int] = field(default_factory=dict)
    _settled: int = 0
    _recent: tuple[PublicMove, ...] = ()
    _ticks: int = 0

    def __post_init__(self) -> None:
        self._beats = Beats(self.clock)
        self._beats.every(EVERY_S, "showing the sample", self._show)

    def startService(self) -> None:
        """Show it now, and then twice a second."""
        super().startService()
        self._beats.attempt("showing the sample", self._show)
        self._beats.start()

    def stopService(self) -> None:
        """Show nothing more, as if the router had died."""
        super().stopService()
        self._beats.stop()

    def _show(self) -> None:
        now = self.clock.seconds()
        seen = sightings(self.players, self.servers, now)
        for each in seen:
            before = self._homes.get(each.player, each.server)
            self._homes[each.player] = each.server
            if before != each.server:
                self._settled += 1
                gap = 5 + each.x % 15
                moved = PublicMove(
                    now, f"gs-{before}", f"gs-{each.server}", "settled", 80 + gap, gap, 0
                )
                self._recent = (moved, *self._recent[:9])
                self.audience.moved(moved)
        self.audience.world(PublicWorld(now, SIZE, CELL, seen))
        self._ticks += 1
        if self._ticks % 2:
            self.audience.status(self._status(now, seen))

    def _status(self, now: float, seen: tuple[Sighting, ...]) -> Status:
        numbers = range(1, self.servers + 1)
        homes: dict[int, list[Sighting]] = {number: [] for number in numbers}
        for each in seen:
            homes[each.server].append(each)
        counts = pairs(seen)
        servers = tuple(server(each, homes[each], self.capacity, counts) for each in numbers)
        return Status(now, servers, settled=self._settled, recent=self._recent, felt=self._settled)
