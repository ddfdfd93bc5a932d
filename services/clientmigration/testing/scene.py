"""Where a schedule is carried out: its arena, network and ledger, its players and its checkers.

A scene offers what can be done, and how long it lasts. It never decides what is done or when:
`schedule.py` says that, `faults.py` does it, and `stage.py` lets the time go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from clientmigration.client.entrance import QUICK_S
from clientmigration.testing.arena import EPOCH, Arena, Parts
from clientmigration.testing.bots import Bots
from clientmigration.testing.checks import Checker
from clientmigration.testing.clock import HostClock, Timeline
from clientmigration.testing.fakes import Disk
from clientmigration.testing.frail import FrailBeats, Frailty, Rhythm
from clientmigration.testing.hearsay import Hearsay
from clientmigration.testing.network import Network
from clientmigration.testing.peers import Peers
from clientmigration.testing.schedule import AROUND, EQUALS_ALONE, HEAL_S, Schedule
from clientmigration.testing.standstill import Standstill
from clientmigration.testing.ticket_replay import HOST, TicketReplay
from clientmigration.testing.transcript import Transcript
from clientmigration.testing.unplaced import Unplaced
from clientmigration.testing.workload import offered

HEALED = EPOCH + HEAL_S  # from here on everything is well
NAP_S = 0.2  # who sleeps no longer in one piece is only slow
REFUSED_S = 45.0  # a flaw of a game, and for how long its refusals are remembered


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
        self.thawed = HEALED  # from here on also what lasts longer is over
        self._refused: dict[str, float] = {}
        self.parted: set[str] = set()  # the routers that are cut off from everything
        self.arena = Arena(
            seed=schedule.seed,
            cost=schedule.cost,
            policy=schedule.policy,
            parts=self._frail(parts),
            files=offered(),
            skew=lambda host: schedule.skew[_zone(host)],
            disk=self.disk,
            make_network=self._make_network,
            equals=schedule.routers,
        )
        self.checker = Checker(self.arena)
        self.transcript = Transcript(self.arena.clock, kept)
        self.ticket_replay = TicketReplay(self.arena, self.checker.fail)
        self.bots = Bots(self.arena, self.checker, acts, schedule.ground, lambda: self.thawed)
        self.standstill = Standstill(self.arena, self.checker.linked, self.checker.fail)
        self.unplaced = Unplaced(self.arena, self._takes)
        self.hearsay = Hearsay(self.arena, self.checker.fail)
        self.peers = Peers(self.arena, self._only_routers, self._slack_s(), self.checker.fail)
        taps = (
            self.hearsay.tap,
            self.peers.tap,
            self.transcript.tap,
            self.checker.carried,
            self.ticket_replay.tap,
            self.standstill.tap,
        )
        self.arena.network.taps.extend(taps)

    def _make_network(self, clock: Timeline, hosts: Mapping[str, HostClock]) -> Network:
        return Network(clock, self._delay, hosts, self._chance, self.schedule.lossy)

    def _delay(self, a: str, b: str) -> float:
        way = self.schedule.ways[_zone(a), _zone(b)]
        return 0.0 if a == b else way + self._jitter.random() * self.schedule.jitter_s

    def _slack_s(self) -> float:
        """What ways, routers that do not answer, and the ledger add to a join."""
        furthest = max(self.schedule.ways.values()) + self.schedule.jitter_s
        routers = QUICK_S * (len(self.schedule.routers) - 1)
        return 0.5 + routers + 14 * furthest + 14 * self.schedule.disk.slow_s

    def _only_routers(self) -> bool:
        """Whether nothing is wrong but with one of several routers, at most."""
        return self.schedule.kind in EQUALS_ALONE and not self.checker.excused()

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

    def lasting(self, seconds: float, over: Any) -> None:
        """A fault that may last longer than all others: nothing makes it well before."""
        now = self.arena.clock.seconds()
        self.thawed = max(self.thawed, now + seconds)
        self.checker.fault()
        self.arena.clock.at(now + seconds, None, over)
        self.arena.clock.at(now + seconds, None, self.checker.healed)

    def rest(self, seconds: float) -> None:
        """Something that is no fault lasts so long."""
        self.thawed = max(self.thawed, self.arena.clock.seconds() + seconds)

    def frozen(self, host: str) -> bool:
        """Whether a host is there and frozen."""
        clock = self.arena.hosts.get(host)
        return clock is not None and clock.frozen

    def freeze(self, host: str, seconds: float) -> None:
        """A host is frozen. That may last longer than all other faults: nobody can end it."""
        self.arena.freeze(host, seconds)
        self.lasting(seconds, lambda: None)

    def starve(self, host: str, seconds: float, awake_s: float, asleep_s: float) -> None:
        """A host is awake only in slices. While nothing sleeps for long that is no fault: nobody
        may be disconnected by it."""
        now = self.arena.clock.seconds()
        if asleep_s > NAP_S:
            self.lasting(seconds, lambda: None)
        else:
            self.thawed = max(self.thawed, now + seconds)
        self._slice(host, now + seconds, awake_s, asleep_s)

    def _slice(self, host: str, until: float, awake_s: float, asleep_s: float) -> None:
        now = self.arena.clock.seconds()
        if now >= until:
            return
        if host in self.arena.hosts:
            if asleep_s > NAP_S:
                self.checker.freezing(host)
            self.arena.freeze(host, min(asleep_s, until - now))
        again = now + asleep_s + awake_s
        self.arena.clock.at(again, None, self._slice, host, until, awake_s, asleep_s)

    # The game, and what comes again.

    def _frail(self, parts: Parts) -> Parts:
        """The same parts, with games and beats that can be made to fail, if they ever are."""
        self.frailty, self.beats = Frailty(base=parts.game), FrailBeats(parts.beats)
        self.frail = any(step.word in AROUND for step in self.schedule.steps)
        if not self.frail:
            return parts
        return replace(parts, game=self.frailty.make, beats=self.beats.make)

    def game_of(self, server: str) -> int:
        """Which of all games is that of this server."""
        return self.frailty.games.index(self.arena.servers[server].game)

    def rhythm(self, host: str) -> Rhythm:
        """The beats of the daemon on this host."""
        return self.beats.rhythms[self.arena.hosts[host]]

    def overdue(self) -> str:
        """What does not come again any more, or nothing."""
        for host in (*self.arena.routers, *self.arena.servers):
            clock = self.arena.hosts[host]
            if clock in self.beats.rhythms and (late := self.beats.rhythms[clock].overdue()):
                return f"{late[0]} does not come again at {host}"
        return ""

    def refuses(self, server: str) -> None:
        """A server's game may not take players in from now on, and they are kept away a while."""
        self._refused[server] = self.arena.clock.seconds()

    # What is looked at now and then.

    def watch(self) -> None:
        """Look who is unplaced, and which servers do not tick."""
        self.standstill.look()
        self.unplaced.look()
        self.peers.watch()
        for text in self.unplaced.broken[:1]:
            self.checker.fail("place", text)

    def _takes(self, host: str, server: str) -> bool:
        """Whether nothing keeps a player from getting to this server by way of the router."""
        arena, now = self.arena, self.arena.clock.seconds()
        if not any(self._lets_in(host, router) for router in arena.routers):
            return False
        if self.frozen(host) or self.frozen(server):
            return False
        refused = now - self._refused.get(server, -REFUSED_S) < REFUSED_S
        ticks = arena.servers[server].ticks.since_tick_s() < 1.0
        return ticks and not refused and self.checker.linked(server) and self.arena.answers

    # Servers
    # Servers and routers.

    def start_server(self, name: str) -> None:
        """A server at the schedule's tick rate."""
        self.arena.start_server(name, rate=self.schedule.rate)

    def restart(self, name: str) -> None:
        """A server of this name again, unless there is one."""
        if name not in self.arena.hosts:
            self.start_server(name)
            self.transcript.note(f"--- {name} starts")

    def restart_router(self, name: str = "router") -> None:
        """A router again, with the ledger that it had, unless there is one."""
        if name not in self.arena.hosts:
            self.arena.start_router(name)
            self.transcript.note(f"--- {name} starts")

    def _lets_in(self, host: str, router: str) -> bool:
        """Whether this host gets to this router."""
        network = self.arena.network
        cut = network.is_cut(host, router) or network.is_cut(router, host)
        return not cut and not self.frozen(router)

    def spares(self, router: str) -> bool:
        """Whether all is well without this router: that it goes is no fault then, and nobody may
        feel it."""
        others = [each for each in self.arena.routers if each != router]
        well = [each for each in others if not self.frozen(each) and each not in self.parted]
        return self.schedule.kind in EQUALS_ALONE and len(well) > 0

    # The ledger's disk, and the end of all faults.

    def spoil(self, failing: float, unknown: float, slow_s: float) -> None:
        """The ledger gets bad: shares of requests that fail or go unanswered, and its slowness."""
        self.disk.failing, self.disk.unknown, self.disk.slow_s = failing, unknown, slow_s

    def estrange(self, stale: float = 0.0, away_s: float = 0.0) -> None:
        """The ledger is on other machines: from now on this share of reads may be old, and for so
        long it does nothing."""
        engine = self.arena.engine
        engine.stale = stale
        engine.away_until = self.arena.clock.seconds() + away_s if away_s else 0.0

    def repair(self) -> None:
        """The ledger is as good as it ever was in this schedule; once all is made well, good."""
        usual = self.schedule.disk
        bad = (0.0, 0.0) if self._healed else (usual.failing, usual.unknown)
        self.spoil(*bad, usual.slow_s)
        self.estrange()

    def heal(self) -> None:
        """All is made well: nothing is lost on the way any more, and the ledger answers."""
        self.transcript.note("--- all is made well")
        self._healed = True
        self.arena.network.lose_nothing()
        self.repair()


def _zone(host: str) -> str:
    """All players are equally far from everything."""
    if host.startswith("router"):
        return "router"
    return "player" if host.startswith("player") or host == HOST else host
