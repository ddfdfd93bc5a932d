"""Health: how one member fares in one second, and the grade that this makes.

Values and functions. Nothing here measures anything or remembers an earlier sample.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.split import UNSEEN, Split
from clientmigration.core.fleet.world import Position

FEW = 20
"""With fewer players than this, load says more about the idle server than about a player's cost."""
LITTLE = 0.3
"""Load that no idle server has: with more, its players cost something, however few they are."""


class Grade(IntEnum):
    """How hard a member works, as humans and panels see it; the number is the measure's value."""

    FIT = 0
    STRAINED = 1
    OVERLOADED = 2


def _plain(load: float, policy: Policy) -> Grade:
    if load >= policy.health.overloaded:
        return Grade.OVERLOADED
    return Grade.STRAINED if load >= policy.health.strained else Grade.FIT


def grade(previous: Grade, load: float, policy: Policy) -> Grade:
    """The grade at this load (0..1 and above). It rises at once and falls with hysteresis."""
    at_least, at_most = _plain(load, policy), _plain(load + policy.health.hysteresis, policy)
    return max(at_least, min(previous, at_most))


def believed(values: Sequence[float]) -> float:
    """What these values say together, whatever a few of them say: the mean of the middle half."""
    edge = max(1, len(values) // 4)
    inner = sorted(values)[edge:-edge] or values
    return math.fsum(inner) / len(inner)


def health_of(load: float, tick_lateness_ms: float, reactor_lag_ms: float, tick_ms: float) -> float:
    """How well a server keeps up, 1 perfect to 0 not at all: the worst of three parts.

    Load counts squared (half loaded is still 0.75); a tick or a reactor that is late by a whole
    tick of `tick_ms` is worth 0. ValueError unless `tick_ms` is above 0 and all are finite.
    """
    if not (tick_ms > 0 and all(map(math.isfinite, (load, tick_lateness_ms, reactor_lag_ms)))):
        raise ValueError("health needs finite measurements and a tick longer than 0 ms")
    parts = 1 - load * load, 1 - tick_lateness_ms / tick_ms, 1 - reactor_lag_ms / tick_ms
    return max(0.0, min(1.0, *parts))


@dataclass(frozen=True, slots=True)
class Health:
    """One second of one member. ValueError when a field cannot be true."""

    load: float  # share of a tick spent working, smoothed; above 1 it cannot keep up
    health: float  # 0..1, see health_of
    grade: Grade
    players: int
    capacity: int  # players that it may own, at most
    draining: bool  # it sends its players away to stop
    centre: Position  # mean position of its players; means nothing without any
    spread_m: float  # mean distance of its players from that centre
    timestamp: int  # whole Unix second
    split: Split = UNSEEN  # who of its players sees whom on other servers

    def __post_init__(self) -> None:
        if not (0 <= self.load < math.inf and 0 <= self.spread_m < math.inf):
            raise ValueError(f"load {self.load} and spread {self.spread_m} m must be 0 or more")
        if not 0 <= self.health <= 1:
            raise ValueError(f"health must be from 0 to 1, not {self.health}")
        if self.players < 0 or self.capacity < 0:
            raise ValueError(f"{self.players} players of {self.capacity} cannot be")

    @classmethod
    def from_measures(cls, measures: Mapping[str, float], timestamp: int) -> Self:
        """The sample that one second's measures of one member say; other measures are left out.

        KeyError when `load`, `health`, `players` or `capacity` is missing, ValueError when a value
        cannot be true.
        """
        if not all(map(math.isfinite, measures.values())):
            raise ValueError("measures must be finite")
        return cls(
            load=measures["load"],
            health=measures["health"],
            grade=Grade(int(measures.get("grade", Grade.FIT))),
            players=round(measures["players"]),
            capacity=round(measures["capacity"]),
            draining=measures.get("draining", 0) > 0,
            centre=Position(measures.get("centre_x_m", 0.0), measures.get("centre_y_m", 0.0)),
            spread_m=measures.get("spread_m", 0.0),
            timestamp=timestamp,
            split=Split.from_measures(measures),
        )

    def measures(self) -> dict[str, float]:
        """The same sample by measure name: what every member emits, and what from_measures reads. A
        game server emits those of its `split` too."""
        return {
            "health": self.health,
            "load": self.load,
            "grade": float(self.grade),
            "players": float(self.players),
            "capacity": float(self.capacity),
            "draining": float(self.draining),
            "centre_x_m": self.centre.x,
            "centre_y_m": self.centre.y,
            "spread_m": self.spread_m,
            "pairs": float(self.split.pairs),
            "pairs_split": float(self.split.apart),
        }

    def cost(self, usual: float) -> float:
        """Load that one player brings here; `usual` when there are too few players to tell."""
        return self.load / self.players if self.players >= FEW else usual

    def careful_cost(self, usual: float) -> float:
        """The same, but few players who bring much load cost what they do: a slow server has few,
        and would be filled beyond what it carries, or emptied to get below it."""
        much = self.players and self.load > LITTLE
        return max(self.load / self.players if much else 0.0, self.cost(usual))

    def plus(self, players: int, usual: float) -> Self:
        """This sample with so many players more (or fewer), and their load."""
        if not players:
            return self
        load = max(0.0, self.load + players * self.cost(usual))
        return replace(self, load=load, players=max(0, self.players + players))

    def seat(self, weight: float) -> float:
        """What one taken seat adds to `pressure`."""
        return weight / self.capacity if self.capacity else weight

    def pressure(self, weight: float) -> float:
        """How full a member is: its load, and `weight` times the share of its seats taken.

        So an idle server with many players still gives some to an empty one.
        """
        return self.load + self.players * self.seat(weight)
