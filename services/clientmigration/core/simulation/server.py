"""A simulated game server: how hard it works, and what it reports of itself each second.

Arithmetic on what a scenario says. Chance is an argument: it comes in as noise.
"""

import math
from dataclasses import dataclass

import numpy as np

from clientmigration.core.fleet.cells import Floats, Ints
from clientmigration.core.fleet.health import Grade, Health, grade, health_of
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.split import SHARED, Split
from clientmigration.core.fleet.world import Position
from clientmigration.core.simulation.scenario import Machines

IDLE = 0.01
"""Load of a server of speed 1 without players."""
SMOOTHING = 1 - math.exp(-1 / 2)
"""Share of the way that a reported load goes to the real one in a second, as on a real server."""


@dataclass
class SimulatedServer:
    """One of them. `load` is the real one, `reported` the smoothed one that it tells, but for
    noise; both are shares of a tick."""

    name: str
    kind: Machines
    load: float = 0.0
    reported: float = 0.0
    grade: Grade = Grade.FIT
    draining: bool = False
    gone: bool = False

    def work(self, load: float) -> None:
        """One second, in which its players cost so much on a machine of speed 1."""
        self.load = (IDLE + load) / self.kind.speed
        self.reported += (self.load - self.reported) * SMOOTHING

    def settle(self, load: float) -> None:
        """Its players have cost so much for long: it reports what they do."""
        self.work(load)
        self.reported = self.load

    def drain(self) -> None:
        """It empties itself from now on."""
        self.draining = True

    def tells(self, noise: float, policy: Policy) -> float:
        """The load that it reports, which its grade follows; `noise` is a share of its load."""
        load = self.reported * (1 + noise)
        self.grade = grade(self.grade, load, policy)
        return load

    def seats(self, players: int) -> int:
        """How many more than these it would take."""
        return 0 if self.gone or self.draining else self.kind.capacity - players

    def report(
        self, here: Floats, noise: float, split: Split, policy: Policy, second: int
    ) -> Health:
        """What it says of itself when its players stand there; `noise` is a share of its load,
        `split` who of them sees whom."""
        load = self.tells(noise, policy)
        centre = here.mean(axis=0) if len(here) else np.zeros(2)
        away = here - centre
        return Health(
            load=load,
            health=health_of(load, 0.0, 0.0, 50.0),
            grade=self.grade,
            players=len(here),
            capacity=self.kind.capacity,
            draining=self.draining,
            centre=Position(*centre.tolist()),
            spread_m=float(np.hypot(away[:, 0], away[:, 1]).mean()) if len(here) else 0.0,
            timestamp=second,
            split=split,
        )


def split_of(server: int, pairs: Ints) -> Split:
    """Whom the players of a server see: so many `pairs` with those of each, counted from 0."""
    others = pairs.copy()
    others[server] = 0
    most = np.argsort(-others, kind="stable")[:SHARED].tolist()
    shared = tuple((other + 1, int(others[other])) for other in most if others[other])
    return Split(server + 1, int(pairs.sum()), int(others.sum()), shared)
