"""What the status daemon knows of a fleet, as values, and the port through which they come in.

Whoever feeds it turns what a router says into these. Nothing here knows where they come from, and
none of them holds an address or a secret: what is not in these values cannot get onto a page.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

import msgspec

from clientmigration.core.player.notices import Announcement

GradeWord = Literal["fit", "strained", "overloaded", "silent"]
"""How hard a server works; silent: it has not reported lately."""


class PublicServer(msgspec.Struct, frozen=True):
    """One game server in one second."""

    name: str
    number: int  # what views call it: the owner of a player
    grade: GradeWord
    health: float  # 0..1
    load: float  # share of a tick spent working
    players: int
    capacity: int
    draining: bool = False
    closed: str = ""  # why nobody is sent there: silent, draining, unhealthy, unreachable
    tick_ms: float | None = None  # 95th percentile of the second
    late_ms: float | None = None  # the same, of ticks' lateness
    x: float = 0.0  # mean place of its players, metres
    y: float = 0.0
    spread: float = 0.0  # their mean distance from it
    pairs: int = 0  # others whom its players see, added up over them
    pairs_split: int = 0  # of these, those who play on another server
    zone: str = ""  # the router that it is attached to, below the one that is watched


class PublicZone(msgspec.Struct, frozen=True):
    """One router below the one that is watched, with all that is below itself."""

    name: str
    above: str  # the router that it is attached to, if that is below the one that is watched
    servers: int  # game servers, whether they are shown or not
    players: int
    capacity: int
    load: float  # of its servers
    grade: GradeWord  # the best of its servers
    draining: bool = False
    closed: str = ""  # why nobody is sent there, as of a server


class PublicMove(msgspec.Struct, frozen=True):
    """A move that ended."""

    at: float  # Unix seconds
    source: str
    target: str
    outcome: str  # settled, refused, timed_out, player_left, lost
    ms: float | None = None  # from asking to settling
    gap_ms: float | None = None  # how much longer than a tick its player waited for a view
    missed: int | None = None  # ticks that its player was never shown


class Status(msgspec.Struct, frozen=True):
    """One second of a fleet, as its router sees it."""

    at: float  # Unix seconds, by the clock of whoever feeds us
    servers: tuple[PublicServer, ...] = ()
    waiting: int = 0  # players in line
    moving: int = 0  # moves under way
    settled: int = 0  # moves that ended well, since the router started
    failed: int = 0  # moves that ended otherwise
    recent: tuple[PublicMove, ...] = ()  # the latest moves, newest first
    felt: int = 0  # moves of which players told what they cost, since the router started
    missed: int = 0  # ticks that they missed in these
    notices: tuple[Announcement, ...] = ()  # what operators tell everybody
    zones: tuple[PublicZone, ...] = ()  # of a tree of routers, each before those below it


class Sighting(NamedTuple):
    """Where one player stands: metres, and the number of its server."""

    player: str
    x: float
    y: float
    server: int


class PublicWorld(NamedTuple):
    """Where everybody stands at one moment, on a square of `size` metres with cells of `cell`."""

    at: float
    size: float
    cell: float
    players: tuple[Sighting, ...]


class Audience(Protocol):
    """Whoever shows these values. Each call may come at any time; none may raise."""

    def status(self, status: Status) -> None:
        """Once a second, while there is a router."""

    def world(self, world: PublicWorld) -> None:
        """A few times a second, at most."""

    def moved(self, moved: PublicMove) -> None:
        """A move ended."""
