"""Many players that behave, and that report to Graphite what they feel. A server cannot know that.

One process, one reactor; the players are the same `Player` that any program uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from clientmigration.client.felt import CrowdReport
from clientmigration.client.habits import Around, Behaviour, Habits, MakeBehaviour
from clientmigration.client.loads import Loads
from clientmigration.client.player import Player
from clientmigration.client.summary import Summary
from clientmigration.client.told import FeltMove
from clientmigration.core.measures.metrics import Sink, datapoints
from clientmigration.net.beats import Beats
from clientmigration.net.door import Dial
from clientmigration.net.probe import Probe
from clientmigration.net.worldclock import FOLLOW_EVERY_S, WorldClock
from clientmigration.wire.messages import View

ACT_S = 0.1  # every player sends ten inputs a second
SLICES = 10  # in ten slices, so that they do not all send at once
START_S = 0.1  # a few more players join this often
START_PER_S = 50.0  # players that join per second
REPORT_S = 1.0


@dataclass(frozen=True)
class Telling:
    """How a crowd tells what it felt: each second to `sink`, as `member`, together with what
    `probe` sees of the process and with the datapoints that were `dropped` on the way; and at the
    end in a summary `file`, if there is one. `wall` answers the date, if the crowd's clock shows
    another."""

    member: str
    sink: Sink
    probe: Probe
    dropped: Callable[[], int] = lambda: 0
    file: Path | None = None
    wall: Callable[[], float] | None = None


class Bot:
    """One player of the crowd and what drives it."""

    def __init__(self, player: Player, behaviour: Behaviour, loads: Loads) -> None:
        self.player, self.behaviour, self.loads = player, behaviour, loads
        player.on("view", self.see)

    def see(self, view: View) -> None:
        """Let it look."""
        self.behaviour.see(view.body)

    def act(self, scene: Around, now: float) -> None:
        """Do something, if we are anywhere."""
        if self.player.member:
            body = self.behaviour.act(replace(scene, member=self.player.member))
            if body is not None:
                self.player.act(body)
            self.loads.act(now)


class Crowd(Service):
    """Many players of the router at `address`, reached by `dial`, who behave as `behaving` says."""

    def __init__(
        self,
        clock: IReactorTime,
        address: str,
        dial: Dial,
        habits: Habits,
        telling: Telling,
        behaving: MakeBehaviour,
    ) -> None:
        self._clock, self._habits, self._telling = clock, habits, telling
        self._behaving = behaving
        self._beats = Beats(clock)
        self._beats.every(START_S, "start players", self.start_more)
        self._beats.every(ACT_S / SLICES, "act", self.act)
        self._beats.every(REPORT_S, "report", self.report)
        self._world = WorldClock(clock, telling.wall)
        self._beats.every(FOLLOW_EVERY_S, "keeping the world's time", self._world.lead)
        self.bots = [
            self._bot(partial(Player, clock, address, dial), n) for n in range(habits.size)
        ]
        self.summary = Summary()
        self._counted = CrowdReport(self.summary)
        self._started = 0
        self._began = 0.0
        self._slice = 0
        self._other = 0  # whom a moved player is compared with

    def _bot(self, playing: Callable[[Random], Player], n: int) -> Bot:
        habits = self._habits
        random = Random(f"{habits.seed} {n}")
        player = playing(random)
        player.on("move", self.moved)
        dice = Random(f"{habits.seed} {n} loads")
        loads = Loads(player, dice, habits.shares, self._beats.spawn)
        return Bot(player, self._behaving(random, habits), loads)

    @property
    def playing(self) -> list[Player]:
        """Those that have begun to join."""
        return [bot.player for bot in self.bots[: self._started]]

    def start_more(self) -> None:
        """A few more join, until all have."""
        until = min(len(self.bots), self._started + round(START_PER_S * START_S))
        for bot in self.bots[self._started : until]:
            bot.player.start()
        self._started = until

    def act(self) -> None:
        """One slice of the players acts."""
        self._slice = (self._slice + 1) % SLICES
        now = self._clock.seconds()
        turn = self.bots[self._slice : self._started : SLICES]
        names = [bot.player.name for bot in turn if bot.player.name]
        scene = Around(now - self._began, "", self._counted.members, names)
        for bot in turn:
            bot.act(scene, now)

    def moved(self, move: FeltMove) -> None:
        """A player has been moved, and says what it felt."""
        self._counted.moved(move, self._clock.seconds())
        self._other = (self._other + 1) % self._started
        self._counted.compare(self.bots[self._other].player, move.views)

    def report(self) -> None:
        """One second's datapoints."""
        now = int(self._world.now())
        points = datapoints("crowd", self._telling.member, self.measures(), now)
        self._telling.sink.emit(points)

    def measures(self) -> dict[str, float]:
        """Every measure of the catalogue that has a value now. Starts a new interval."""
        return {
            **self._counted.take(self.playing),
            **self._telling.probe.sample(),
            "carbon_dropped": self._telling.dropped(),
        }

    def startService(self) -> None:
        """Begin to join."""
        super().startService()
        self._began = self._clock.seconds()
        self._beats.start()

    def stopService(self) -> Deferred[None]:
        """Everybody goes home, and gets a moment to say so."""
        super().stopService()
        self._beats.stop()
        if self._telling.file is not None:
            self.measures()
            self.summary.write(self._telling.file, [bot.player for bot in self.bots])
        for player in self.playing:
            player.stop()
        return deferLater(self._clock, 0.3, lambda: None)
