"""A plan carried out in an arena: players act, things are done to them, and the watch looks on."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from clientmigration.client.player import Player
from clientmigration.testing.arena import EPOCH, Arena, Parts
from clientmigration.testing.checks import BACK_S, Checker, Track
from clientmigration.testing.ending import unsettled
from clientmigration.testing.fakes import Disk, Glade, LedgerAway
from clientmigration.testing.faults import DEEDS
from clientmigration.testing.network import Network
from clientmigration.testing.schedule import (
    FAULTS,
    HEAL_S,
    OPEN_S,
    POLICY,
    Deed,
    Schedule,
    schedule,
)
from clientmigration.testing.ticket_replay import Thief
from clientmigration.testing.transcript import Transcript
from clientmigration.testing.workload import Errands, offered
from clientmigration.wire import meadow
from clientmigration.wire.connection import LOOK, SIGHT

ACT_S = 0.2  # how often a player does something
CALM_DOWN_S = 30.0  # so long after the last fault everything is as it should be, at the latest
STILL_S = 1.0  # and so much longer it stays so
STANDARD = Parts(game=Glade)


@dataclass(frozen=True)
class Verdict:
    """How a run ended. `violation` is "" when every invariant held."""

    seed: int
    kind: str
    violation: str
    digest: str
    moves: int
    faults: int
    deeds: dict[str, int]
    seconds: float  # simulated
    back_s: tuple[float, ...]
    lines: tuple[str, ...] = ()


def perform(seed: int, parts: Parts = STANDARD, kept: bool = False) -> Verdict:
    """Carry out the plan of a seed. With `kept` the verdict has every line of its transcript."""
    stage = Stage(schedule(seed), parts, kept)
    with _errors() as errors:
        try:
            stage.play()
        except Exception as error:
            stage.watch.fail("crash", f"{type(error).__name__}: {error}")
            if kept:
                raise
        gc.collect()
    for text in errors:
        stage.watch.fail("log", text)
    return stage.verdict()


class Stage:
    """One run."""

    def __init__(self, schedule: Schedule, parts: Parts = STANDARD, kept: bool = False) -> None:
        self.schedule, self.random = schedule, Random(f"stage {schedule.seed}")
        self.disk = Disk(schedule.disk.slow_s, schedule.disk.failing, schedule.disk.unknown)
        self.arena = Arena(
            seed=schedule.seed,
            cost=schedule.cost,
            policy=POLICY,
            parts=parts,
            files=offered(),
            skew=lambda host: schedule.skew[_zone(host)],
            disk=self.disk,
        )
        self._jitter = Random(f"jitter {schedule.seed}")
        self.arena.network = self.network = Network(
            self.arena.clock, self._delay, Random(f"network {schedule.seed}"), schedule.lossy
        )
        self.watch = Checker(self.arena)
        self.transcript = Transcript(self.arena.clock, kept)
        self.thief = Thief(self.arena, self.watch)
        self.network.taps += [self.transcript.tap, self.watch.carried, self.thief.tap]
        self.done: Counter[str] = Counter()
        self.healed = False
        self.away: list[Track] = []

    def _delay(self, a: str, b: str) -> float:
        way = self.schedule.ways[_zone(a), _zone(b)]
        return 0.0 if a == b else way + self._jitter.random() * self.schedule.jitter_s

    def play(self) -> None:
        """From the first server to the last check, or to the first violation."""
        clock, arena = self.arena.clock, self.arena
        arena.start_router()
        for name in self.schedule.servers:
            arena.start_server(name, rate=self.schedule.rate)
        for n in range(self.schedule.players):
            clock.at(EPOCH + OPEN_S + 0.05 * n, None, self.enter)
        for deed in self.schedule.deeds:
            clock.at(EPOCH + deed.at, None, self._do, deed)
        clock.at(EPOCH + HEAL_S, None, self._heal)
        if self._run(EPOCH + HEAL_S + 0.5):
            self._calm_down()

    def _run(self, until: float) -> bool:
        """Until then, or until something is broken (False)."""
        step, look, network = self.arena.clock.step, self.watch.look, self.network
        broken = self.watch.broken
        while not broken and step(until):
            if network.newest is None or not _dull(*network.newest):
                look()
            network.newest = None
        return not broken

    def _calm_down(self) -> None:
        """Everybody has to find its place again, soon, and to have one also a moment later."""
        settled = self._settles() and self._run(self.arena.clock.seconds() + STILL_S)
        if settled and self._settles():
            if not self.schedule.ground:
                self.watch.look_at_coins(at_rest=True)
            if self.schedule.kind == "crash":
                self._check_recovery()

    def _settles(self) -> bool:
        """Whether everything gets as it should be; moves that are under way may end first."""
        clock, give_up = self.arena.clock, self.arena.clock.seconds() + CALM_DOWN_S
        while self.watch.faults or unsettled(self.watch):
            if clock.seconds() > give_up:
                self.watch.fail("end", unsettled(self.watch) or "a fault is not over")
            if not self._run(clock.seconds() + 0.2):
                return False
        return True

    def _check_recovery(self) -> None:
        """I8, where nothing else is wrong: back within two seconds and a few ways."""
        ways = (
            12 * (max(self.schedule.ways.values()) + self.schedule.jitter_s) + 12 * self.disk.slow_s
        )
        for back_s in self.watch.back_s:
            if back_s > BACK_S + ways:
                self.watch.fail("I8", f"back after {back_s:.2f} s")

    def verdict(self) -> Verdict:
        """How it went."""
        broken, clock = self.watch.broken, self.arena.clock
        self.transcript.note(f"VIOLATION {broken[0]}" if broken else "all is well")
        return Verdict(
            seed=self.schedule.seed,
            kind=self.schedule.kind,
            violation=broken[0] if broken else "",
            digest=self.transcript.digest(),
            moves=sum(player.moves for player in self.arena.players),
            faults=sum(n for word, n in self.done.items() if word in FAULTS),
            deeds=dict(self.done),
            seconds=clock.seconds() - EPOCH,
            back_s=tuple(self.watch.back_s),
            lines=tuple(self.transcript.lines),
        )

    # Players.

    def enter(self, token: str = "", track: Track | None = None) -> str:
        """A player program starts; for a player that has been here, `track` is its."""
        player = self.arena.start_player(token)
        host = self.arena.host_of(player)
        track = self.watch.follow(player, host, track)
        track.errands = Errands(player, self.random, self.watch.fail)
        self._act(track, player)
        return host

    def stop(self, track: Track) -> None:
        """It goes home."""
        track.wanted, track.errands = False, None
        track.player.stop()

    def playing(self) -> list[Track]:
        """Everyone who wants to play and has a name."""
        return [track for track in self.watch.tracks if track.wanted and track.name]

    def _act(self, track: Track, player: Player) -> None:
        """Something, and again a moment later, while all goes on."""
        if track.player is not player or not track.wanted:
            return
        if self.arena.clock.seconds() < EPOCH + HEAL_S + 1.0:
            if player.member:
                player.act(self._body())
            again = self.arena.clock.seconds() + ACT_S * self.random.uniform(0.5, 1.5)
            self.arena.clock.at(again, None, self._act, track, player)

    def _body(self) -> bytes:
        names = [track.name for track in self.watch.tracks if track.name]
        dice = self.random.random()
        if dice < 0.3:
            return meadow.give(self.random.choice(names))
        if self.schedule.ground and dice < 0.6:
            return meadow.drop() if dice < 0.4 else meadow.pick()
        return meadow.move(self.random.uniform(-1, 1), self.random.uniform(-1, 1))

    # What deeds need (see deeds.py).

    def _do(self, deed: Deed) -> None:
        what = DEEDS[deed.word](self, deed)
        if what:
            self.done[deed.word] += 1
            self.transcript.note(f"--- {deed.word}: {what}")

    def later(self, seconds: float, act: Any, *args: Any) -> None:
        """Then, and no later than all is made well; after that at once."""
        now = self.arena.clock.seconds()
        self.arena.clock.at(min(now + seconds, max(EPOCH + HEAL_S, now)), None, act, *args)

    def fault(self, seconds: float, over: Any, *args: Any) -> None:
        """A fault begins, of which `over` is the end."""

        def ends() -> None:
            over(*args)
            self.watch.healed()

        self.watch.fault()
        self.later(seconds, ends)

    def restart(self, name: str) -> None:
        """A server of this name, unless there is one."""
        if name not in self.arena.hosts:
            self.arena.start_server(name, rate=self.schedule.rate)
            self.transcript.note(f"--- {name} starts")

    def repair(self) -> None:
        """The ledger is as good as it ever was; after all is made well, good."""
        usual = self.schedule.disk
        bad = (0.0, 0.0) if self.healed else (usual.failing, usual.unknown)
        self.disk.failing, self.disk.unknown, self.disk.slow_s = *bad, usual.slow_s

    def _heal(self) -> None:
        """From here on everything is well."""
        self.transcript.note("--- all is made well")
        self.healed = True
        self.network.lossy = 0.0
        self.repair()


def _dull(host: str, data: bytes) -> bool:
    """Whether this arrival can not change what is true of any player at any server."""
    return bool(data) and (host.startswith("player") or data[4] in (SIGHT, LOOK))


def _zone(host: str) -> str:
    return "player" if host.startswith("player") or host == "thief" else host


@contextmanager
def _errors() -> Iterator[list[str]]:
    """What is logged as an error meanwhile, but for the ledger's absence, which is no bug."""
    found: list[str] = []

    @implementer(ILogObserver)
    def watch(event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            failure = event.get("log_failure")
            if failure is None or not failure.check(LedgerAway):
                found.append(failure.getTraceback() if failure else str(event.get("log_format")))

    globalLogPublisher.addObserver(watch)
    try:
        yield found
    finally:
        globalLogPublisher.removeObserver(watch)
