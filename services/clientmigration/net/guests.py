"""Guests: whoever comes in by a door, counted by address; who is too many is sent away, cheaply.

What an address may have is decided in core/measures/bounds.py. Whoever is refused hears why, as
`crowded`, as long as that costs little; what comes faster is closed at once. There is one register
of doors for each clock, which is one for each daemon.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakKeyDictionary

from twisted.internet.interfaces import IReactorTime

from clientmigration.core.measures.bounds import (
    Bounds,
    Occupancy,
    Refusal,
    Trusted,
    source_of,
)
from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.errors import Crowded
from clientmigration.net.complaints import complaints

TOLD = (20.0, 20.0)  # refusals a second that are said in so many words, of one door, and at once
WHY: dict[Refusal, str] = {
    "connects": "too many connect from your address, or from all: come again later",
    "connections": "too many connections are open from your address, or from all",
    "strangers": "too many who have not said who they are come from your address, or from all",
    "joins": "too many join from your address, or from all: come again later",
}


class Guest(Protocol):
    """One connection, as its door counts it. `refused` is why it may not stay, "" if it may;
    `source` the address that it counts for, "" if for none."""

    refused: str

    @property
    def source(self) -> str: ...

    def comes_from(self, host: str, chain: str = "") -> None:
        """Its bytes come from this host, which may hand on somebody's connection: then this is the
        X-Forwarded-For that it says."""

    def join(self) -> None:
        """It wants to play; `Crowded` when too many do."""

    def known(self) -> None:
        """It has said who it is."""

    def proven(self) -> None:
        """It has proved that it belongs to us: it is not counted any more."""

    def left(self) -> None:
        """The connection is over."""


class _Welcome:
    """Who comes by no door that counts."""

    refused = source = ""

    def comes_from(self, host: str, chain: str = "") -> None:
        """Nobody asks."""

    def join(self) -> None:
        """Nobody asks."""

    def known(self) -> None:
        """Nobody asks."""

    def proven(self) -> None:
        """Nobody asks."""

    def left(self) -> None:
        """Nobody asks."""


WELCOME: Guest = _Welcome()


@dataclass
class Census:
    """What all doors of one daemon have counted; the two at the end since the last report."""

    connections: int = 0
    strangers: int = 0
    connects: int = 0
    joins: int = 0


class Guests:
    """The guests of one door. Nothing bounds those whom we trust, and who comes from no address,
    such as by a socket file."""

    def __init__(self, bounds: Bounds, trusted: Trusted, clock: IReactorTime) -> None:
        self.trusted = trusted
        self.occupancy, self.clock = Occupancy(bounds), clock
        self.census = doors(clock)
        self._told = TokenBucket(*TOLD)

    def admit(self, host: str) -> Guest | None:
        """Somebody has connected from this host ("": from no address). None: it is closed at once,
        without a word."""
        guest = _Counted(self)
        guest.comes_from(host)
        if not guest.refused or self._told.allows(self.clock.seconds()):
            return guest
        told = complaints(self.clock)
        told.say(("crowded", guest.refused), host, Crowded.code, guest.refused)
        return None


class _Counted:
    """One connection. It is counted for its source until it leaves, or has proved itself."""

    def __init__(self, door: Guests) -> None:
        self._door = door
        self.refused = ""
        self._host: str | None = None
        self.source = ""
        self._open = self._strange = False

    def comes_from(self, host: str, chain: str = "") -> None:
        host = self._door.trusted.forwarded(host, chain) if chain else host
        if host == self._host or self.refused:
            return
        self._host = host
        strange = self._strange or not self._open
        self.left()
        self._come(host, strange)

    def _come(self, host: str, strange: bool) -> None:
        door = self._door
        if host and host not in door.trusted:
            source = source_of(host)
            refusal = door.occupancy.come(source, door.clock.seconds())
            if refusal:
                self.refused = WHY[refusal]
                door.census.connects += 1
                return
            self.source = source
        self._open = self._strange = True
        door.census.connections += 1
        door.census.strangers += 1
        if not strange:
            self.known()

    def join(self) -> None:
        door = self._door
        if self.source and (why := door.occupancy.join(self.source, door.clock.seconds())):
            door.census.joins += 1
            raise Crowded(WHY[why])

    def known(self) -> None:
        if self._strange:
            self._strange = False
            self._door.census.strangers -= 1
            if self.source:
                self._door.occupancy.known(self.source)

    def proven(self) -> None:
        self.known()
        if self.source:
            self._door.occupancy.gone(self.source)
            self.source = ""

    def left(self) -> None:
        if self._open:
            self.proven()
            self._open = False
            self._door.census.connections -= 1


_OF: WeakKeyDictionary[IReactorTime, Census] = WeakKeyDictionary()


def doors(clock: IReactorTime) -> Census:
    """What all doors of the daemon that lives by this clock have counted."""
    found = _OF.get(clock)
    if found is None:
        found = _OF[clock] = Census()
    return found


def measures_of(clock: IReactorTime) -> Callable[[], dict[str, float]]:
    """Answers what they have counted, of the catalogue. Starts a new interval."""
    census = doors(clock)

    def take() -> dict[str, float]:
        connects, joins = census.connects, census.joins
        census.connects = census.joins = 0
        return {
            "connections": census.connections,
            "strangers": census.strangers,
            "crowded_connects": connects,
            "crowded_joins": joins,
        }

    return take
