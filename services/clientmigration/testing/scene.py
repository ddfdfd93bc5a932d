"""Where a schedule is carried out: its arena, network and ledger, its players and its checkers.

A scene offers what can be done, and how long it lasts. It never decides what is done or when:
`schedule.py` says that, `faults.py` does it, and `stage.py` lets the time go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from clientmigration.testing.arena import EPOCH, Arena, Parts
from clientmigration.testing.bots import Bots
from clientmigration.testing.checks import Checker
from clientmigration.testing.clock import HostClock, Timeline
from clientmigration.testing.fakes import Disk
from clientmigration.testing.network import Network
from clientmigration.testing.schedule import HEAL_S, POLICY, Schedule
from clientmigration.testing.ticket_replay import HOST, TicketReplay
from clientmigration.testing.transcript import Transcript
from clientmigration.testing.workload import offered

HEALED = EPOCH + HEAL_S  # from here on everything is well


class Scene:
    """All that takes part in one run. With `kept` the transcript keeps every line."""

    def __init__(self, schedule: Schedule, parts: Parts, kept: bool = False) -> None:
        self.schedule = schedule
        # What these sources are called decides what a seed does: letter for letter.
        self._chance = Random(f"network {schedule.seed}")
        self._jitter = Random(f"jitter {schedule.seed}")
        acts = Random(f"stage {schedule.seed}")
        usual = schedule.disk
        self.disk = Disk(usual.slow_s, usual.failing, usual.unknown)
        self._healed = False
        self.thawed = HEALED  # from here on also nobody is frozen any more
        self.arena = Arena(
            seed=schedule.seed,
            cost=schedule.cost,
            policy=POLICY,
            parts=parts,
            files=offered(),
            skew=lambda host: schedule.skew[_zone(host)],
            disk=self.disk,
            make_network=self._make_network,
        )
        self.checker = Checker(self.arena)
        self.transcript = Transcript(self.arena.clock, kept)
        self.ticket_replay = TicketReplay(self.arena, self.checker.fail)
        self.bots = Bots(self.arena, self.checker, acts, schedule.ground, lambda: self.thawed)
        taps = (self.transcript.tap, self.checker.carried, self.ticket_replay.tap)
        self.arena.network.taps.extend(taps)

    def _make_network(self, clock: Timeline, hosts: Mapping[str, HostClock]) -> Network:
        return Network(clock, self._delay, hosts, self._chance, self.schedule.lossy)

    def _delay(self, a: str, b: str) -> float:
        way = self.schedule.ways[_zone(a), _zone(b)]
        return 0.0 if a == b else way + self._jitter.random() * self.schedule.jitter_s

    # What lasts.

    def later(self, seconds: float, act: Any, *args: Any) -> None:
        """Call `act` after so long, but no later than all is made well; after that at once."""
        now = self.arena.clock.seconds()
        self.arena.clock.at(min(now + seconds, max(HEALED, now)), None, act, *args)

    def fault(self, seconds: float, over: Any, *args: Any) -> None:
        """A fault begins now and lasts so long; then `over` is called to end it."""

        def ends() -> None:
            over(*args)
            self.checker.healed()

        self.checker.fault()
        self.later(seconds, ends)

    def frozen(self, host: str) -> bool:
        """Whether a host is there and frozen."""
        clock = self.arena.hosts.get(host)
        return clock is not None and clock.frozen

    def freeze(self, host: str, seconds: float) -> None:
        """A host is frozen. That may last longer than all other faults: nobody can end it."""
        now = self.arena.clock.seconds()
        self.thawed = max(self.thawed, now + seconds)
        self.checker.fault()
        self.arena.freeze(host, seconds)
        self.arena.clock.at(now + seconds, None, self.checker.healed)

    # Servers and routers.

    def start_server(self, name: str) -> None:
        """A server at the schedule's tick rate."""
        self.arena.start_server(name, rate=self.schedule.rate)

    def restart(self, name: str) -> None:
        """A server of this name again, unless there is one."""
        if name not in self.arena.hosts:
            self.start_server(name)
            self.transcript.note(f"--- {name} starts")

    def restart_router(self) -> None:
        """The router again, with the ledger that it had."""
        self.arena.start_router()
        self.transcript.note("--- router starts")

    # The ledger's disk, and the end of all faults.

    def spoil(self, failing: float, unknown: float, slow_s: float) -> None:
        """The ledger gets bad: shares of requests that fail or go unanswered, and its slowness."""
        self.disk.failing, self.disk.unknown, self.disk.slow_s = failing, unknown, slow_s

    def repair(self) -> None:
        """The ledger is as good as it ever was in this schedule; once all is made well, good."""
        usual = self.schedule.disk
        bad = (0.0, 0.0) if self._healed else (usual.failing, usual.unknown)
        self.spoil(*bad, usual.slow_s)

    def heal(self) -> None:
        """All is made well: nothing is lost on the way any more, and the ledger answers."""
        self.transcript.note("--- all is made well")
        self._healed = True
        self.arena.network.lose_nothing()
        self.repair()


def _zone(host: str) -> str:
    """All players are equally far from everything."""
    return "player" if host.startswith("player") or host == HOST else host
