"""How well this server does: one `Health` a second, from its load, its lateness and its game.

Health is what players feel: ticks that are late count as load, and without ticks it is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from clientmigration.core.fleet.health import Grade, Health, grade, health_of
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.split import Split
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.ticks import behind, still
from clientmigration.gameserver.load import Load
from clientmigration.gameserver.seats import Seats


class Pace(Protocol):
    """How fast the world goes on, and what time it is there."""

    rate: int

    def date(self) -> float:
        """Seconds since the epoch."""

    def since_tick_s(self) -> float:
        """How long ago the last tick ended that did not fail."""


class Condition:
    """`split` answers whom the players see and where those are; `grade` is the newest: it falls
    more slowly than it rises."""

    def __init__(
        self, load: Load, seats: Seats, time: Pace, policy: Policy, split: Callable[[], Split]
    ) -> None:
        self._load, self._seats, self._time, self._policy = load, seats, time, policy
        self._split = split
        self.grade = Grade.FIT

    def govern(self, policy: Policy) -> None:
        """Judge by this one from now on."""
        self._policy = policy

    def health(
        self, counted: Mapping[str, float], sample: Mapping[str, float], game: Mapping[str, float]
    ) -> Health:
        """By what was counted since the last report, what the probe says, and where the game's
        players are."""
        seats, time = self._seats, self._time
        stands = still(time.since_tick_s(), time.rate)
        late = behind(
            counted.get("lateness_ms_p50", 0.0),
            counted.get("skipped_ticks", 0.0),
            time.rate,
        )
        self._load.judge(1.0 if stands else late)
        load = self._load.share
        self.grade = grade(self.grade, load, self._policy)
        lateness_ms, lag_ms = counted.get("lateness_ms_p95", 0.0), sample.get("reactor_lag_ms", 0.0)
        health = health_of(load, lateness_ms, lag_ms, 1000 / time.rate)
        return Health(
            load=load,
            health=0.0 if stands else health,
            grade=self.grade,
            players=seats.count(),
            capacity=seats.capacity,
            draining=seats.draining,
            centre=Position(game["centre_x_m"], game["centre_y_m"]),
            spread_m=game["spread_m"],
            timestamp=int(time.date()),
            split=self._split(),
        )


MakeCondition = Callable[[Load, Seats, Pace, Policy, Callable[[], Split]], Condition]
