"""Of what use this server is, for those who started it and ask: Docker, Kubernetes, Agones.

They see from outside whether a port is open; whether anybody can play there they have to be told.
Telling them never holds up a tick.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime

from clientmigration.net.beats import Beats

EVERY_S = 1.0
STILL_S = 2.0  # without a tick for so long, players have noticed, and go elsewhere


@dataclass(frozen=True)
class Use:
    """How a server does: its name in the fleet ("" before it has one), whether it is attached,
    whether its world goes on, and how many play of how many that may."""

    member: str
    attached: bool
    ticking: bool
    players: int
    capacity: int

    @property
    def useful(self) -> bool:
        """Whether somebody can be sent here, and plays."""
        return self.attached and self.ticking


class Ticking(Protocol):
    """The world's clock."""

    def since_tick_s(self) -> float:
        """Seconds since the last tick that did not fail."""


class InFleet(Protocol):
    """The fleet that the server may be in."""

    member: str

    @property
    def line(self) -> object:
        """None while there is no router."""


class Counted(Protocol):
    """Whoever plays here."""

    def __len__(self) -> int: ...


class Server(Protocol):
    """What is looked at."""

    @property
    def ticks(self) -> Ticking: ...

    @property
    def attachment(self) -> InFleet: ...

    @property
    def seats(self) -> Counted: ...


def use_of(server: Server, capacity: int) -> Use:
    """How it does now."""
    ticking = server.ticks.since_tick_s() < STILL_S
    fleet = server.attachment
    return Use(fleet.member, fleet.line is not None, ticking, len(server.seats), capacity)


class UsefulFile(Service):
    """Writes `file` anew each second while the server is useful, for a probe that looks how old it
    is. It is removed when the server stops."""

    def __init__(self, file: Path, use: Callable[[], Use], clock: IReactorTime) -> None:
        self._file, self._use = file, use
        self._beats = Beats(clock)
        self._beats.every(EVERY_S, "saying that this server is of use", self._look)

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._file.unlink(missing_ok=True)
        self._beats.start()

    def stopService(self) -> None:
        """It is of no use any more."""
        super().stopService()
        self._beats.stop()
        self._file.unlink(missing_ok=True)

    def _look(self) -> None:
        use = self._use()
        if use.useful:
            self._file.write_text(f"{use.member} {use.players}/{use.capacity}\n")
