"""How the players of a crowd behave: they wander, gather and disperse, so that load gets uneven.

Pure: a seed decides everything, the tick of the crowd is the only clock. Now and then the players
of one server hold a party: they meet at one spot and each asks for more CPU than usual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from clientmigration.wire import meadow, work

PHASE_S = 20.0  # a party, and then as long a quiet time
WALK_M_PER_S = 8.0
SIZE_M = 1000.0


@dataclass(frozen=True)
class Mood:
    """What goes on now: the server that has a party ("" for none) and where."""

    member: str = ""
    x: float = SIZE_M / 2
    y: float = SIZE_M / 2


def mood(seed: int, now_s: float, members: list[str]) -> Mood:
    """The mood `now_s` seconds after the start: quiet, party, quiet, party, at seeded servers."""
    phase = int(now_s / PHASE_S)
    if phase % 2 == 0 or not members:
        return Mood()
    random = Random(seed * 1_000_003 + phase)
    spot = (random.uniform(100, SIZE_M - 100), random.uniform(100, SIZE_M - 100))
    return Mood(random.choice(sorted(members)), *spot)


class Walker:
    """One player of a crowd: asked ten times a second what it does next."""

    def __init__(self, random: Random, burn_us: int, party_us: int, lays: bool = True) -> None:
        self.random, self.burn_us, self.party_us = random, burn_us, party_us
        self.lays = lays  # whether it also lays coins down, which a killed server loses
        self.at = (SIZE_M / 2, SIZE_M / 2)
        self.burning = -1

    def stand(self, x: float, y: float) -> None:
        """It stands here now (metres)."""
        self.at = (x, y)

    def act(self, mood: Mood, member: str, others: list[str]) -> bytes:
        """The body of the next input."""
        party = bool(mood.member) and mood.member == member
        wanted = self.party_us if party else self.burn_us
        if wanted != self.burning:
            self.burning = wanted
            return work.burn(wanted)
        dice = self.random.random()
        if dice < 0.02 and others:
            return meadow.give(self.random.choice(others))
        if dice < 0.04 and self.lays:
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
