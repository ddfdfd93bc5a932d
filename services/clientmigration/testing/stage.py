"""Carries out the schedule of a seed in an arena, looks at it after every event, and judges it.

The stage lets time go on and says how a run ended. What may be wrong is in `checks.py` and
`ending.py`, what is done in `faults.py`.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from clientmigration.gameserver.guard import WrongValue
from clientmigration.net.line import MEMBER_SILENCE_S
from clientmigration.testing.arena import EPOCH, Parts
from clientmigration.testing.checks import BACK_S
from clientmigration.testing.ending import unsettled
from clientmigration.testing.engine import STEPS as ENGINE_STEPS
from clientmigration.testing.equals import STEPS as EQUAL_STEPS
from clientmigration.testing.fakes import Glade, LedgerAway
from clientmigration.testing.faults import STEPS
from clientmigration.testing.frail import Broken
from clientmigration.testing.scene import HEALED, Scene
from clientmigration.testing.schedule import (
    FAULTS,
    FIRST,
    OPEN_S,
    Repertoire,
    Step,
    schedule,
)
from clientmigration.testing.surroundings import STEPS as AROUND_STEPS
from clientmigration.wire.connection import INPUT, LOOK, SIGHT

CALM_DOWN_S = 30.0  # so long after the last fault everything is as it should be, at the latest
STILL_S = 1.0  # and so much longer it stays so
WATCH_S = 0.25  # how often what lasts for seconds is looked at
STANDARD = Parts(game=Glade)
WORDS = STEPS | AROUND_STEPS | ENGINE_STEPS | EQUAL_STEPS


@dataclass(frozen=True)
class Verdict:
    """How a run ended. `violation` is "" when every invariant held.

    `kind` is the schedule's; `digest` is that of all that was said; `done` counts the steps that
    were really carried out, by their word; `back_s` is how long each player of a killed server was
    away, `gap_s` the longest time for which somebody was shown nothing. Seconds are simulated ones.
    """

    seed: int
    kind: str
    violation: str
    digest: str
    moves: int
    faults: int
    done: dict[str, int]
    seconds: float
    back_s: tuple[float, ...]
    gap_s: float
    lines: tuple[str, ...] = ()


def perform(
    seed: int, parts: Parts = STANDARD, kept: bool = False, repertoire: Repertoire = FIRST
) -> Verdict:
    """Carry out the schedule of a seed, with other `parts` than the real ones where they are given.

    With `kept` the verdict has every line of the transcript, and an exception is raised, not
    reported.
    """
    stage = Stage(Scene(schedule(seed, repertoire), parts, kept))
    fail = stage.scene.checker.fail
    with _errors(stage.scene.frail) as errors:
        try:
            stage.play()
        except Exception as error:
            fail("crash", f"{type(error).__name__}: {error}")
            if kept:
                raise
        gc.collect()
    for text in errors:
        fail("log", text)
    return stage.verdict()


class Stage:
    """One run of a scene, from its first server to its verdict."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.arena, self.checker = scene, scene.arena, scene.checker
        self._done: Counter[str] = Counter()

    def play(self) -> None:
        """From the first server to the last check, or to the first violation."""
        scene, at = self.scene, self.arena.clock.at
        for name in scene.schedule.routers:
            self.arena.start_router(name)
        for name in scene.schedule.servers:
            scene.start_server(name)
        for n in range(scene.schedule.players):
            at(EPOCH + OPEN_S + 0.05 * n, None, scene.bots.enter)
        for step in scene.schedule.steps:
            at(EPOCH + step.at, None, self._do, step)
        at(HEALED, None, scene.heal)
        at(EPOCH + OPEN_S, None, self._watch)
        if self._run(HEALED + 0.5) and self._run(scene.thawed + 0.5):
            self._calm_down()

    def _watch(self) -> None:
        self.scene.watch()
        self.arena.clock.at(self.arena.clock.seconds() + WATCH_S, None, self._watch)

    def _do(self, step: Step) -> None:
        what = WORDS[step.word](self.scene, step)
        if what:
            self._done[step.word] += 1
            self.scene.transcript.note(f"--- {step.word}: {what}")

    def _run(self, until: float) -> bool:
        """Until then, or until something is broken (False)."""
        step, look, newest = (
            self.arena.clock.step,
            self.checker.look,
            self.arena.network.take_newest,
        )
        broken, peers = self.checker.broken, self.scene.peers
        while not broken and step(until):
            arrived = newest()
            if arrived is None or not _dull(*arrived):
                look()
                peers.look()
        return not broken

    def _calm_down(self) -> None:
        """Everybody has to find its place again, soon, and to have one also a moment later."""
        settled = self._settles() and self._run(self.arena.clock.seconds() + STILL_S)
        if settled and self._settles():
            if not self.scene.schedule.ground:
                self.checker.look_at_coins(at_rest=True)
            if late := self.scene.overdue():
                self.checker.fail("beat", late)
            self._check_recovery()

    def _settles(self) -> bool:
        """Whether everything gets as it should be; moves that are under way may end first."""
        clock, give_up = self.arena.clock, self.arena.clock.seconds() + CALM_DOWN_S
        while self.checker.faults or unsettled(self.checker):
            if clock.seconds() > give_up:
                self.checker.fail("end", unsettled(self.checker) or "a fault is not over")
            if not self._run(clock.seconds() + 0.2):
                return False
        return True

    def _check_recovery(self) -> None:
        """I8, where nothing else is wrong: back within two seconds and a few ways; from a frozen
        server that much after it has been silent for too long."""
        schedule = self.scene.schedule
        furthest = max(schedule.ways.values()) + schedule.jitter_s
        within = BACK_S + 12 * furthest + 12 * self.scene.disk.slow_s
        gap_s = self.checker.gap_s
        bound_s = {"freeze": MEMBER_SILENCE_S + within, "clocks": within, "beats": within}
        if gap_s > bound_s.get(schedule.kind, inf):
            self.checker.fail("I8", f"nothing shown for {gap_s:.2f} s")
        for back_s in self.checker.back_s:
            if schedule.kind in ("crash", "freeze") and back_s > within:
                self.checker.fail("I8", f"back after {back_s:.2f} s")

    def verdict(self) -> Verdict:
        """How it went."""
        broken, transcript = self.checker.broken, self.scene.transcript
        transcript.note(f"VIOLATION {broken[0]}" if broken else "all is well")
        return Verdict(
            seed=self.scene.schedule.seed,
            kind=self.scene.schedule.kind,
            violation=broken[0] if broken else "",
            digest=transcript.digest(),
            moves=sum(player.moves for player in self.arena.players),
            faults=sum(n for word, n in self._done.items() if word in FAULTS),
            done=dict(self._done),
            seconds=self.arena.clock.seconds() - EPOCH,
            back_s=tuple(self.checker.back_s),
            gap_s=self.checker.gap_s,
            lines=tuple(transcript.lines),
        )


def _dull(host: str, data: bytes) -> bool:
    """Whether this arrival can not change what is true of any player at any server."""
    return bool(data) and (host.startswith("player") or data[4] in (INPUT, SIGHT, LOOK))


COLLECTED = "cannot reuse already awaited coroutine"
"""What a killed daemon leaves behind is collected in any order: a coroutine that lets go of a lock
then wakes one that is gone already. A process that is killed does not do so."""


def _meant(event: LogEvent, frail: bool) -> bool:
    """Whether what is logged is a fault of the schedule; `frail`: games and beats have some."""
    failure, text = event.get("log_failure"), str(event.get("log_format"))
    if failure is None:
        return frail and text.startswith("{name} ends: ")
    if failure.check(RuntimeError) and failure.getErrorMessage() == COLLECTED:
        return True
    return bool(failure.check(LedgerAway, *((Broken, WrongValue) if frail else ())))


@contextmanager
def _errors(frail: bool) -> Iterator[list[str]]:
    """What is logged as an error meanwhile, but for the ledger's absence and what the game and the
    beats are made to do wrong, which are no bugs of ours."""
    found: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_level") in (LogLevel.error, LogLevel.critical):
            failure = event.get("log_failure")
            if not _meant(event, frail):
                found.append(failure.getTraceback() if failure else str(event.get("log_format")))

    globalLogPublisher.addObserver(observe)
    try:
        yield found
    finally:
        globalLogPublisher.removeObserver(observe)
