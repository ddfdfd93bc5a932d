"""Stand-ins for what is outside the package: Graphite, psutil, a slow disk, and a small meadow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from clientmigration.core.player.bans import is_kept
from clientmigration.core.player.ledger import Record
from clientmigration.games.meadow.game import Meadow, newborn
from clientmigration.net.ledger import Change, Changed, MemoryLedger
from clientmigration.testing.clock import HostClock

T = TypeVar("T")


class Silent:
    """Stands in for graphite-web: events go nowhere, and are kept for a test to read."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, str]] = []

    def post(self, what: str, tags: list[str], when: int, data: str = "") -> None:  # noqa: ARG002
        """Keep what happened, for a test to read."""
        self.posted.append((what, data))

    def take_dropped(self) -> int:
        """None was ever dropped."""
        return 0


class Still:
    """Stands in for psutil: a process that uses no memory, and CPU only as it is told."""

    user = system = rss = 0

    def cpu_times(self) -> Still:
        """Seconds of CPU so far, as `user` and `system`."""
        return self

    def memory_info(self) -> Still:
        """Bytes of memory in use, as `rss`."""
        return self


class LedgerAway(Exception):
    """The ledger did not answer: whatever was asked of it may have been done, or not."""


OLD_S = 3.0


@dataclass
class Disk:
    """How slow and how bad a ledger is: seconds until it acts and until it answers, at most; the
    share of requests that fail, and of those that are carried out and then not answered."""

    slow_s: float = 0.0
    failing: float = 0.0
    unknown: float = 0.0

    @property
    def good(self) -> bool:
        """Whether every request is answered."""
        return not (self.failing or self.unknown)


@dataclass
class Elsewhere:
    """What a ledger on other machines does beside that. `stale` is the share of reads that answer
    what was so before the owner changed, if that is not longer ago than `OLD_S`; before
    `away_until` it does nothing, nor for those who are `parted` from it until then. `ambush` is
    told whom each change is about, and answers how many seconds later than it would it is carried
    out."""

    stale: float = 0.0
    away_until: float = 0.0
    ambush: Callable[[Sequence[str]], float] | None = None
    parted: dict[str, float] = field(default_factory=dict)
    old: dict[str, tuple[float, Record]] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether every request is answered, with what is so."""
        return not (self.stale or self.away_until)


class SlowLedger:
    """A `Ledger` for one router: requests take their time and overtake each other, some fail, and
    some are carried out and fail all the same. What is carried out is in `kept`, whoever dies."""

    def __init__(
        self,
        kept: MemoryLedger,
        disk: Disk,
        engine: Elsewhere,
        clock: HostClock,
        random: Random,
        host: str = "router",
    ) -> None:
        self.kept, self.disk, self.engine, self.host = kept, disk, engine, host
        self.clock, self.random = clock, random
        self._besides = Random(
            1
        )  # for what is no player's: it changes nothing of what a seed shows

    def read(self, player: str) -> Deferred[Record]:
        """The player's record, or an empty one; fails with `LedgerAway`."""
        random = self._besides if is_kept(player) else self.random
        return self._ask(lambda: self._read(player), random=random)

    def _read(self, player: str) -> Record:
        now = self.kept.records.get(player) or Record(player)
        if not self.engine.stale or is_kept(player) or self.random.random() >= self.engine.stale:
            return now
        changed_at, before = self.engine.old.get(player, (0.0, now))
        return before if self.clock.timeline.seconds() - changed_at < OLD_S else now

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Changed]]:
        """Change records as the ledger's rules allow; fails with `LedgerAway`, done or not."""

        def act() -> list[Changed]:
            before = [self.kept.records.get(player) or Record(player) for player in players]
            answers = _now(self.kept.change(players, changes))
            for was, (_, record) in zip(before, answers, strict=True):
                if was.claim != record.claim:
                    self.engine.old[was.player] = self.clock.timeline.seconds(), was
            return answers

        return self._ask(act, self.engine.ambush(players) if self.engine.ambush else 0.0)

    def forget(self, before: float, kept: Collection[str]) -> Deferred[int]:
        """Drop old records; fails with `LedgerAway`, done or not."""
        return self._ask(lambda: _now(self.kept.forget(before, kept)))

    def each(self, take: Callable[[Record], None]) -> Deferred[int]:
        """Hand over every record; fails with `LedgerAway`, done or not."""
        return self._ask(lambda: _now(self.kept.each(take)))

    def check(self) -> Deferred[list[str]]:
        """What is wrong with it."""
        return self.kept.check()

    def close(self) -> None:
        """What is kept stays: another router may ask for it."""

    def _ask(
        self, act: Callable[[], T], later_s: float = 0.0, random: Random | None = None
    ) -> Deferred[T]:
        random = random or self.random
        answered: Deferred[T] = Deferred()
        timeline, slow, dice = self.clock.timeline, self.disk.slow_s, random.random()
        away_until = max(self.engine.away_until, self.engine.parted.get(self.host, 0.0))
        begun = max(timeline.seconds() + later_s, away_until)
        there = begun + random.uniform(0, slow)
        back = there + random.uniform(0, slow)

        def arrive() -> None:
            if self.clock.frozen:  # so is the thread that asks
                timeline.at(self.clock.thaws_at, self.clock, arrive)
                return
            if dice < self.disk.failing:
                timeline.at(back, self.clock, answered.errback, Failure(LedgerAway()))
                return
            result = act()
            if dice < self.disk.failing + self.disk.unknown:
                timeline.at(back, self.clock, answered.errback, Failure(LedgerAway()))
            else:
                timeline.at(back, self.clock, answered.callback, result)

        timeline.at(there, None, arrive)
        return answered


def _now(answer: Deferred[T]) -> T:
    """What is there already: a dictionary answers at once."""
    answers: list[T] = []
    answer.addCallback(answers.append)
    return answers[0]


class Glade(Meadow):
    """A meadow on which newcomers stand close enough to give each other coins."""

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:
        """A newcomer is born near all the others; who has a state comes as it was."""
        if state is None:
            born = newborn(player)
            state = {**born, "x": 490.0 + born["x"] / 50, "y": 490.0 + born["y"] / 50}
        super().enter(player, state, ticks)
