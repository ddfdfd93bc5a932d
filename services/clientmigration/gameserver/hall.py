"""What all seats of one server have in common: time, game, fleet, and where it is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from clientmigration.core.measures.meter import Meter
from clientmigration.gameserver.game import Game
from clientmigration.gameserver.workloads import Workloads


class Time(Protocol):
    """The tick that is simulated, how many there are a second, and a clock for waits."""

    tick: int
    rate: int

    def now(self) -> float:
        """Seconds."""


class Membership(Protocol):
    """The fleet that this server may be in, as `member`."""

    member: str

    @property
    def line(self) -> object:
        """That to the router that stores what is to be stored, None if there is none."""

    def tell(self, message: Any) -> None:
        """Say it to the router, if it is there."""


class Register(Protocol):
    """Where a seat is kept for as long as somebody is expected at it, or here."""

    def keep(self, seat: Any) -> None:
        """From now on."""

    def drop(self, seat: Any) -> None:
        """Not any more."""

    def changed(self) -> None:
        """Somebody has entered the game, or left it."""

    def unhear(self, seat: Any) -> None:
        """What its player has said since the last tick is not to be applied."""

    def stir(self, seat: Any) -> None:
        """The next tick has to look at it for more than its inputs and its view."""


@dataclass(frozen=True)
class Hall:
    """What all seats of one server have in common. `workloads` makes room for what a player asks
    for; `coming` is told that somebody will soon stand where nobody looked before."""

    time: Time
    game: Game
    meter: Meter
    fleet: Membership
    workloads: Callable[[str], Workloads]
    coming: Callable[[], None]
