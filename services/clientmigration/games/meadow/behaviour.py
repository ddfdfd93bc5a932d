"""How a crowd behaves on the meadow: it wanders, gathers and disperses, so that load gets uneven.

Pure: a seed decides everything, the tick of the crowd is the only clock. Now and then the players
of one server hold a party: they meet at one spot and each asks for more CPU than usual.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from clientmigration.client.habits import Around, Habits
from clientmigration.games.meadow import wire as meadow
from clientmigration.wire import work

PHASE_S = 20.0  # a party, and then as long a quiet time
WALK_M_PER_S = 8.0
SIZE_M = 1000.0


@dataclass(frozen=True)
class Mood:
    """What goes on now: the server that has a party ("" for none) and where."""

    member: str = ""
    x: float = SIZE_M / 2
    y: float = SIZE_M / 2


def mood(seed: int, now_s: float, members: Sequence[str]) -> Mood:
    """The mood `now_s` seconds after the start: quiet, party, quiet, party, at seeded servers."""
    phase = int(now_s / PHASE_S)
    return Mood() if phase % 2 == 0 or not members else _party(seed, phase, tuple(sorted(members)))


@lru_cache(maxsize=64)
def _party(seed: int, phase: int, members: tuple[str, ...]) -> Mood:
    random = Random(seed * 1_000_003 + phase)
    spot = (random.uniform(100, SIZE_M - 100), random.uniform(100, SIZE_M - 100))
    return Mood(random.choice(members), *spot)


class Walker:
    """One player of a crowd: asked ten times a second what it does next. A `Behaviour`."""

    def __init__(self, random: Random, habits: Habits) -> None:
        self.random, self.habits = random, habits
        self.at = (SIZE_M / 2, SIZE_M / 2)
        self.burning = -1

    def see(self, body: bytes) -> None:
        """It stands here now."""
        x, y, _ = meadow.own(body)
        self.at = (x, y)

    def act(self, scene: Around) -> bytes:
        """The body of the next input."""
        feeling = mood(self.habits.seed, scene.now_s, scene.members)
        return self.decide(feeling, scene.member, scene.others)

    def decide(self, mood: Mood, member: str, others: Sequence[str]) -> bytes:
        """The same, in this mood."""
        party = bool(mood.member) and mood.member == member
        wanted = self.habits.party_us if party else self.habits.burn_us
        if wanted != self.burning:
            self.burning = wanted
            return work.burn(wanted)
        dice = self.random.random()
        if dice < 0.02 and others:
            return meadow.give(self.random.choice(others))
        if dice < 0.04 and self.habits.lays:
            return meadow.drop()
        if dice < 0.08:
            return meadow.pick()
        return self._walk(mood if party else None)

    def _walk(self, towards: Mood | None) -> bytes:
        if towards is None or math.dist(self.at, (towards.x, towards.y)) < 30:
            angle = self.random.uniform(0, 2 * math.pi)
        else:
            angle = math.atan2(towards.y - self.at[1], towards.x - self.at[0])
        return meadow.move(WALK_M_PER_S * math.cos(angle), WALK_M_PER_S * math.sin(angle))
