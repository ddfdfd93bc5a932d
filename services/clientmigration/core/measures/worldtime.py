"""World time: what date it is in the world, while the clocks of its hosts may be set at any moment.

Values and arithmetic, no clock. World time goes by a monotonic clock and is steered toward a
reference, by which it never goes back: it takes its seconds a little shorter or longer, so that no
tick comes twice and none is left out. Only when it is far behind it steps forward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

NEAR_S = 1.0
"""A host's own clock is believed while it is no further off: that is how clocks are corrected. What
is further off was set by somebody, and may be wrong."""
HEARD_S = 3.0
"""For how long it counts what a router said; it says so every second while it has to."""
FOLLOW_S = 10.0
"""A small error is gone after about so long."""
CONFIRMED = 3
"""So many times in a row it has to be far behind before it steps: clocks are set back again too."""


@dataclass(frozen=True)
class Steering:
    """How world time may be corrected: by how much its second may be shorter or longer, and how
    many seconds it has to be behind to step forward."""

    slew: float
    step_s: float


ROUTER = Steering(slew=0.05, step_s=60.0)
"""Half a minute is made up for in ten, and a game goes on at 19 or 21 ticks a second meanwhile."""
SERVER = Steering(slew=0.1, step_s=1.0)
"""Faster than what it follows. The same tick at the same moment on all servers comes first: a
player that is sent to one that is behind sees nothing new until that has caught up."""


@dataclass(frozen=True)
class WorldTime:
    """World time by a monotonic clock: `offset` ahead of it at `at`, `drift` seconds more in each
    second since. `behind` counts the corrections in a row that found it far behind."""

    at: float
    offset: float = 0.0
    drift: float = 0.0
    behind: int = 0

    @classmethod
    def starting(cls, monotonic: float, wall: float) -> WorldTime:
        """A world that begins at this date."""
        return cls(monotonic, wall - monotonic)

    def now(self, monotonic: float) -> float:
        """The date in the world, Unix seconds."""
        return monotonic + self.offset + self.drift * (monotonic - self.at)

    @property
    def rate(self) -> float:
        """Seconds of the world in one second of the monotonic clock."""
        return 1.0 + self.drift

    def stepped(self, monotonic: float, date: float) -> WorldTime:
        """From now on it is this date."""
        return WorldTime.starting(monotonic, date)

    def steered(self, monotonic: float, reference: float | None, how: Steering) -> WorldTime:
        """Toward `reference`, the date as it should be; None: nobody knows, so it just goes on."""
        on = replace(self, at=monotonic, offset=self.now(monotonic) - monotonic, drift=0.0)
        if self.drift == 0.0:
            on = replace(on, offset=self.offset)  # to the last bit
        if reference is None:
            return replace(on, behind=0)
        error = reference - monotonic - on.offset
        behind = self.behind + 1 if error > how.step_s else 0
        if behind >= CONFIRMED:
            return self.stepped(monotonic, reference)
        drift = max(-how.slew, min(how.slew, error / FOLLOW_S))
        return replace(on, drift=drift, behind=behind)


def believed(world: float, wall: float, told: float | None) -> float | None:
    """What date a server should have: what its router told; or its own clock's, as long as that is
    `NEAR_S`; or nobody knows."""
    if told is not None:
        return told
    return wall if abs(wall - world) <= NEAR_S else None
