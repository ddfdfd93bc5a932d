"""Many players that behave, and that report to Graphite what they feel. A server cannot know that.

One process, one reactor; the players are the same `Player` that any program uses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from clientmigration.client.behaviour import Mood, Walker, mood
from clientmigration.client.loads import Loads, Shares
from clientmigration.client.player import Dial, Player
from clientmigration.client.streams import Streams
from clientmigration.client.summary import Summary
from clientmigration.core.measures.meter import Meter
from clientmigration.core.measures.metrics import Sink, datapoints
from clientmigration.core.player.tally import Cost
from clientmigration.net.probe import Probe
from clientmigration.wire import meadow
from clientmigration.wire.messages import View

log = Logger()

ACT_S = 0.1  # every player sends ten inputs a second
SLICES = 10  # in ten slices, so that they do not all send at once
START_PER_S = 50.0  # players that join per second


class Bot:
    """One player of the crowd and what drives it."""

    def __init__(self, player: Player, walker: Walker, loads: Loads) -> None:
        self.player, self.walker, self.loads = player, walker, loads
        player.on_view = self.see
        self.views = 0

    def see(self, view: View) -> None:
        """Remember where we are."""
        self.views += 1
        x, y, _ = meadow.own(view.body)
        self.walker.at = (x, y)

    def act(self, mood: Mood, others: list[str]) -> None:
        """Do something, if we are anywhere."""
        if self.player.member:
            self.player.act(self.walker.act(mood, self.player.member, others))
            self.loads.act(self.player.clock.seconds())


class Crowd(Service):
    """`size` players of the router at `address`, all decided by `seed`."""

    def __init__(
        self,
        clock: IReactorTime,
        member: str,
        address: str,
        dial: Dial,
        size: int,
        seed: int,
        burns: tuple[int, int],
        sink: Sink,
        probe: Probe,
        dropped: Callable[[], int] = lambda: 0,
        shares: Shares = Shares(),  # noqa: B008
        lays: bool = True,
    ) -> None:
        self.clock, self.member, self.sink, self.probe = clock, member, sink, probe
        self.dropped, self.seed = dropped, seed
        self.bots = [self._bot(address, dial, n, (*burns, lays), shares) for n in range(size)]
        self.started = 0
        self.began = 0.0
        self.members: list[str] = []  # where our players are, as of the last report
        self.meter = Meter(("missed_ticks", "moves"))
        self.summary = Summary()
        self._other = 0  # whom a moved player is compared with
        self.summary_file: Path | None = None  # where to write the summary at the end
        self.totals: defaultdict[str, float] = defaultdict(float)
        self._slice = 0
        self._loops = (
            (LoopingCall(self.start_more), 1.0 / 10),
            (LoopingCall(self.act), ACT_S / SLICES),
            (LoopingCall(self.report), 1.0),
        )

    def _bot(
        self, address: str, dial: Dial, n: int, habits: tuple[int, int, bool], shares: Shares
    ) -> Bot:
        random = Random(f"{self.seed} {n}")
        player = Player(self.clock, address, dial, random, on_move=self.moved)
        loads = Loads(player, Random(f"{self.seed} {n} loads"), shares)
        return Bot(player, Walker(random, *habits), loads)

    def start_more(self) -> None:
        """A few more join, until all have."""
        until = min(len(self.bots), self.started + round(START_PER_S / 10))
        for bot in self.bots[self.started : until]:
            bot.player.start()
        self.started = until

    def act(self) -> None:
        """One slice of the players acts."""
        self._slice = (self._slice + 1) % SLICES
        now = mood(self.seed, self.clock.seconds() - self.began, self.members)
        turn = self.bots[self._slice : self.started : SLICES]
        names = [bot.player.name for bot in turn if bot.player.name]
        for bot in turn:
            bot.act(now, names)

    def moved(self, member: str, cost: Cost) -> None:  # noqa: ARG002
        """A player has been moved, and says what it felt."""
        self.summary.moved(cost, self.clock.seconds())
        self._compare(cost.views)
        self.meter.count("moves")
        self.meter.sample("gap_ms", cost.gap_ms)
        self.meter.sample("stall_ms", cost.stall_ms)

    def _compare(self, views: int) -> None:
        """What did somebody feel in as many views just now who was not moved?"""
        self._other = (self._other + 1) % self.started
        tally = self.bots[self._other].player.tally
        if tally.spell is None and len(tally.gaps) >= views > 0:
            self.summary.unmoved_gap_ms.add(max(tally.gaps[-views:]) * 1000)

    def report(self) -> None:
        """One second's datapoints."""
        points = datapoints("crowd", self.member, self.measures(), int(self.clock.seconds()))
        self.sink.emit(points)

    def measures(self) -> dict[str, float]:
        """Every measure of the catalogue that has a value now. Starts a new interval."""
        players = [bot.player for bot in self.bots[: self.started]]
        for player in players:
            gaps, player.tally.gaps = player.tally.gaps, []
            for gap in gaps:
                self.meter.sample("idle_gap_ms", gap * 1000)
                self.summary.idle_gap_ms.add(gap * 1000)
            recoveries, player.tally.recoveries = player.tally.recoveries, []
            for took in recoveries:
                self.summary.recovery_ms.add(took * 1000)
            if player.home is not None and player.home.rtts:
                self.meter.sample("ping_ms", player.home.rtts[-1] * 1000)
        self.members = sorted({player.member for player in players if player.member})
        tallies = [player.tally for player in players]
        self.meter.count("missed_ticks", self._since("missed", sum(t.missed for t in tallies)))
        return {
            "views_per_s": self._since("views", sum(t.views for t in tallies)),
            "inputs_per_s": self._since("seq", sum(t.seq for t in tallies)),
            **self.meter.take(),
            **self.probe.sample(),
            "players": len(players),
            "playing": sum(bool(player.member) for player in players),
            "missed_ticks_total": sum(t.missed for t in tallies),
            "moves_total": sum(player.moves for player in players),
            "lost_inputs_total": sum(t.lost for t in tallies),
            "doubled_inputs_total": sum(t.doubled for t in tallies),
            "rejoins_total": sum(player.rejoins for player in players),
            **self._streamed([player.streams for player in players]),
            "carbon_dropped": self.dropped(),
        }

    def _streamed(self, streams: list[Streams]) -> dict[str, float]:
        """The measures of files and feeds."""
        finished, bad = sum(s.finished for s in streams), sum(s.bad for s in streams)
        return {
            "files": sum(len(s.files) for s in streams),
            "files_finished": self._since("finished", finished),
            "files_bad": self._since("bad", bad),
            "files_finished_total": finished,
            "files_bad_total": bad,
            "file_bytes_per_s": self._since("bytes", sum(s.bytes for s in streams)),
            "feeds": sum(len(s.feeds) for s in streams),
            "feed_entries_per_s": self._since("entries", sum(s.entries for s in streams)),
            "feed_gaps_total": sum(s.gaps for s in streams),
            "feed_duplicates_total": sum(s.duplicates for s in streams),
        }

    def _since(self, name: str, total: float) -> float:
        """What was added since the last report."""
        before, self.totals[name] = self.totals[name], total
        return total - before

    def startService(self) -> None:
        """Begin to join."""
        super().startService()
        self.began = self.clock.seconds()
        for loop, every in self._loops:
            loop.clock = self.clock
            loop.start(every, now=False)

    def stopService(self) -> Deferred[None]:
        """Everybody goes home, and gets a moment to say so."""
        super().stopService()
        for loop, _ in self._loops:
            loop.stop()
        if self.summary_file is not None:
            self.measures()
            self.summary.write(self.summary_file, [bot.player for bot in self.bots])
        for bot in self.bots[: self.started]:
            bot.player.stop()
        return deferLater(self.clock, 0.3, lambda: None)
