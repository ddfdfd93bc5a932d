"""How a crowd plays Splash: it paints towards the others' colours, and now and then changes rooms.

Pure: a seed decides everything.
"""

from __future__ import annotations

from random import Random

from clientmigration.client.habits import Around, Habits
from clientmigration.games.splash import wire
from clientmigration.games.splash.wire import HIGH, WIDE, SplashView

EAGER = 0.35  # how likely it paints when it is asked, ten times a second
RESTLESS = 0.0008  # how likely it goes to another room


class Dabbler:
    """One player of a crowd. A `Behaviour`."""

    def __init__(self, random: Random, habits: Habits) -> None:
        self.random, self.habits = random, habits
        self.seen: SplashView | None = None
        self.at = (random.randrange(WIDE), random.randrange(HIGH))

    def see(self, body: bytes) -> None:
        """Its room."""
        self.seen = wire.look(body)

    def act(self, scene: Around) -> bytes | None:  # noqa: ARG002
        """The body of its next input, or None."""
        if self.seen is None or self.random.random() > EAGER:
            return None
        if self.random.random() < RESTLESS / EAGER:
            return wire.go(self.random.randrange(wire.ROOMS))
        return wire.paint(*self._next(self.seen))

    def _next(self, seen: SplashView) -> tuple[int, int]:
        """A cell beside the last one, of another colour if there is one."""
        x, y = self.at
        near = [
            (x + right, y + down)
            for right in (-1, 0, 1)
            for down in (-1, 0, 1)
            if 0 <= x + right < WIDE and 0 <= y + down < HIGH
        ]
        others = [(a, b) for a, b in near if seen.board.cells[b * WIDE + a] != seen.team]
        if not others and self.random.random() < 0.3:
            others = [(self.random.randrange(WIDE), self.random.randrange(HIGH))]
        self.at = self.random.choice(others or near)
        return self.at
