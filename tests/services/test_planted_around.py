"""Bugs planted on purpose around the players: one for each kind of fault of the repertoire all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import msgspec
import pytest
from twisted.internet.interfaces import IReactorTime
from twisted.logger import LogEvent

from clientmigration.client.player import Player
from clientmigration.core.fleet.health import Health
from clientmigration.core.fleet.policy import ReachPolicy
from clientmigration.errors import GameFault
from clientmigration.gameserver.condition import Condition
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.world import GameWorld
from clientmigration.net.beats import Beats
from clientmigration.testing import Parts
from clientmigration.testing.frail import Broken
from clientmigration.testing.schedule import ALL, AROUND, CALM, Repertoire
from clientmigration.testing.stage import STANDARD, perform

# Who cannot reach a server is sent there for ever.

BLIND = replace(ALL, policy=msgspec.structs.replace(ALL.policy, reach=ReachPolicy(arrive_s=60)))

# A server is as well as its game says, whether it ticks or not.


class Boastful(Condition):
    def health(self, *measures: Any) -> Health:
        return replace(super().health(*measures), health=1.0, load=0.01)


BOASTFUL = replace(STANDARD, condition=Boastful)


# What the game does wrong for one player ends the tick for everybody.


class Unguarded(Seat):
    def fail(self) -> None:
        raise Broken("this ends the tick")


UNGUARDED = replace(STANDARD, seat=Unguarded)


# A player whom the game failed once is let in never again.


class Resentful(Seat):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.failed = False

    def fail(self) -> None:
        super().fail()
        self.failed = True

    def admits(self, migration: str, epoch: int) -> bool:
        return not self.failed and super().admits(migration, epoch)


RESENTFUL = replace(STANDARD, seat=Resentful)


# A world that fails for good is tried for ever.


class Patient(GameWorld):
    def _failed(self, raised: GameFault) -> None:  # noqa: ARG002
        self.failed = 0


PATIENT = replace(STANDARD, world=Patient)


# A player's timers follow the wall clock.


class WallClock:
    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self.callLater = clock.callLater
        self.getDelayedCalls = clock.getDelayedCalls

    def seconds(self) -> float:
        return float(self._clock.wall())


class WallPlayer(Player):
    def __init__(self, clock: Any, *arguments: Any, **more: Any) -> None:
        wall: Any = WallClock(clock)
        super().__init__(wall, *arguments, **more)


WALL = replace(STANDARD, player=WallPlayer)


# A tick that comes late is left out.


class Proud(Beats):
    def attempt(self, name: str, act: Callable[[], object]) -> object:
        if name == "tick":
            tick, now = cast(Any, act).args[0], self._clock.seconds()
            if now * round(tick / now) - tick > 1.2:
                return None
        return super().attempt(name, act)


PROUD = replace(STANDARD, beats=Proud)


# What comes again comes never again once it has failed.


class Mortal(Beats):
    def __init__(self, clock: IReactorTime) -> None:
        super().__init__(clock)
        self.dead: set[str] = set()

    def attempt(self, name: str, act: Callable[[], object]) -> object:
        answer = super().attempt(name, act)
        if self.failed[name]:
            for loop, _ in self._loops:
                if loop.running and loop.a[0] == name:
                    loop.stop()
        return answer


MORTAL = replace(STANDARD, beats=Mortal)


# With the word of the fault, the seed that catches it, and what it is caught by.
PLANTED: dict[str, tuple[str, Parts, Repertoire, int, str]] = {
    "who cannot reach a server is sent there again": ("part", STANDARD, BLIND, 40, "place"),
    "whom a dead door parts is sent there again": ("part all", STANDARD, BLIND, 82, "place"),
    "who does not tick gets players": ("no ticks", BOASTFUL, ALL, 108, "health"),
    "one player's fault ends the tick": ("player fault", UNGUARDED, ALL, 22, "I3"),
    "one player's fault locks it out": ("player fault", RESENTFUL, ALL, 4600, "I8"),
    "a world that fails for good goes on": ("world fault", PATIENT, ALL, 39, "end"),
    "timers follow the wall clock": ("jump", WALL, ALL, 96, "place"),
    "late ticks are left out": ("starve", PROUD, ALL, 163, "I3"),
    "a beat that fails is the last": ("beat fault", MORTAL, ALL, 3, "beat"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught_by_the_fault_that_it_is_about(
    bug: str, no_logged_errors: list[LogEvent]
) -> None:
    word, planted, repertoire, seed, by = PLANTED[bug]
    verdict = perform(seed, planted, repertoire=repertoire)
    assert verdict.violation.startswith(by)
    assert set(verdict.done) - set(CALM) == {word}
    assert not perform(seed, repertoire=ALL).violation
    no_logged_errors.clear()  # the verdicts have judged them


def test_there_is_a_planted_bug_for_each_kind_of_fault_around_the_players() -> None:
    assert {word for word, *_ in PLANTED.values()} == set(AROUND)
