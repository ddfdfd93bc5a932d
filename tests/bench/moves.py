"""What a move costs the router: players who are moved to and fro between two game servers.

    python tests/bench/moves.py [--moves 1500] [--players 300] [--per-second 200] [--rounds 3]
    python tests/bench/moves.py --before OTHER_CHECKOUT      # its code, too, in turn

A router on SQLite, as a process. Its two game servers are lines of this process: they say what real
ones say, and a player who is told where to go is there at once. One server says that it stops, so
that its players are moved to the other one; then the other one does. Told is the router's CPU per
move, without what those cost it who are not moved (measured before), and how long a move took.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from serving import PATIENT, ROOT, SECRET, fleet, spent
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall, deferLater, react

from clientmigration.core.measures.metrics import datapoints, measures
from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.net.attachment import Attachment
from clientmigration.net.line import Line
from clientmigration.net.tickets import Seals
from clientmigration.net.uplink import TERMS, Uplink
from clientmigration.wire.messages import (
    Arrived,
    Cancel,
    Copied,
    Copy,
    Direct,
    Entry,
    Freeze,
    Frozen,
    Own,
    Prepare,
    Prepared,
    Release,
    Report,
    Reserve,
    Reserved,
    Roster,
    Settled,
)

RESTS_S = 4.0  # for so long it is measured what those cost who are not moved
STARTS_S = 3.0
FAIL_S = 60.0
STATE = {"coins": 3, "name": "x" * 500}
VALUES = dict.fromkeys(measures("gameserver"), 0.1)


class Member:
    """A game server as far as its router can tell. The `Duties` of its uplink; `arrives` is told
    of a migration whose player shows its ticket at that member."""

    def __init__(self, name: str, seals: Seals, arrives: Callable[[str, Arrived], None]) -> None:
        self.name, self._seals, self._arrives = name, seals, arrives
        self.attachment = Attachment(name, "127.0.0.1:9", "here")
        self.players: dict[str, int] = {}  # and their epochs
        self.began: dict[str, float] = {}
        self.took: list[float] = []
        self.stops, self.called_off = False, 0

    def obey(self, message: Any, asker: Line) -> None:  # noqa: ARG002
        """Do what a real one does, at once."""
        match message:
            case Reserve(migration=migration, player=player):
                self.began[migration] = time.monotonic()
                self._say(Reserved(migration, player))
            case Copy(migration=migration, player=player):
                self._say(Copied(migration, self._snapshot(player)))
            case Prepare(migration=migration, snapshot=snapshot):
                self._say(Prepared(migration, snapshot.player))
            case Direct(migration=migration, player=player, redirect=redirect):
                self._arrives(redirect.member, Arrived(migration, player))
            case Freeze(migration=migration, player=player):
                self._say(Frozen(migration, self._snapshot(player)))
            case Own(migration=migration, player=player, epoch=epoch):
                self.players[player] = epoch
                self.took.append(time.monotonic() - self.began.pop(migration, time.monotonic()))
                self._say(Settled(migration, player))
            case Release(player=player):
                self.players.pop(player, None)
            case Cancel():
                self.called_off += 1

    def arrive(self, arrived: Arrived) -> None:
        """A player is here."""
        self._say(arrived)

    def _say(self, message: Any) -> None:
        self.attachment.tell(message)

    def _snapshot(self, player: str) -> Snapshot:
        return Snapshot(
            player=player, epoch=self.players[player], seq=1, tick=1, x=1.0, y=2.0, holder="f" * 64,
            progress=Progress(1, 1, 7), game=STATE,
        )  # fmt: skip

    def attached(self, line: Line, now: float | None) -> None:
        """The router is there."""

    def detached(self, line: Line) -> None:
        """It is gone."""

    def line(self, reactor: Any) -> Line:
        """A new one."""
        uplink = Uplink(self.attachment, self._seals, os.urandom, self, "gameserver")
        return Line("gameserver", TERMS, uplink, reactor)

    def report(self) -> None:
        """Each second."""
        players = len(self.players)
        values = {**VALUES, "players": players, "load": players / 10_000, "capacity": 5000}
        values |= {"health": 1.0, "grade": 0.0, "draining": float(self.stops)}
        self._say(Report([*datapoints("gameserver", self.name, values, int(time.time()))]))

    def list(self) -> None:
        """Each two seconds."""
        listed = [
            Entry(player, epoch, "playing", "", 3.0 * n, 1.0, 20.0)
            for n, (player, epoch) in enumerate(self.players.items())
        ]
        self._say(Roster(listed, last=True))


async def measured(reactor: Any, root: Path, asked: argparse.Namespace) -> dict[str, float]:
    """One round."""
    limits = f"[limits]\nmoves_per_second = {asked.per_second}\ncooldown_s = 0.0\n"
    seals, members = Seals(SECRET), dict[str, Member]()
    for name in ("gs-1", "gs-2"):
        members[name] = Member(name, seals, lambda target, said: members[target].arrive(said))
    one, other = members.values()
    one.players = {f"{n:016x}": 1 for n in range(asked.players)}
    with fleet(root, 0, PATIENT + limits) as there:
        for each in members.values():
            factory: Any = Factory.forProtocol(lambda each=each: each.line(reactor))  # type: ignore[misc]
            factory.noisy = False
            await TCP4ClientEndpoint(reactor, "127.0.0.1", there.members).connect(factory)
        beats = [LoopingCall(act) for each in members.values() for act in (each.report, each.list)]
        for n, beat in enumerate(beats):
            beat.start(1.0 + n % 2)
        await deferLater(reactor, STARTS_S)
        before, began = spent(there.router), time.monotonic()
        await deferLater(reactor, RESTS_S)
        rest = (spent(there.router) - before) / (time.monotonic() - began)
        before, began = spent(there.router), time.monotonic()
        one.stops = True
        while len(one.took) + len(other.took) < asked.moves:
            await deferLater(reactor, 0.05)
            if not (one if one.stops else other).players:
                one.stops, other.stops = not one.stops, not other.stops
            if time.monotonic() - began > FAIL_S:
                raise SystemExit(f"{len(one.took) + len(other.took)} moves in {FAIL_S:g} s")
        cost, lasted = spent(there.router) - before, time.monotonic() - began
        for beat in beats:
            beat.stop()
        for each in members.values():
            each.attachment.leave()
    took = sorted(1000 * each for each in one.took + other.took)
    return {
        "ms": (cost - rest * lasted) / len(took) * 1000,
        "per_s": len(took) / lasted,
        "p50_ms": took[len(took) // 2],
        "p99_ms": took[int(len(took) * 0.99)],
        "called_off": float(one.called_off + other.called_off),
        "rest": rest,
    }


async def run(reactor: Any, asked: argparse.Namespace) -> None:
    """Rounds of both in turn; then the medians."""
    roots = {"ours": ROOT} | ({"before": asked.before.resolve()} if asked.before else {})
    told: dict[str, list[dict[str, float]]] = {name: [] for name in roots}
    for n in range(asked.rounds):
        for name in [*roots][:: 1 if n % 2 else -1]:
            told[name].append(await measured(reactor, roots[name], asked))
            print(name, {what: round(each, 3) for what, each in told[name][-1].items()}, flush=True)
    medians = {
        name: {what: statistics.median(each[what] for each in rounds) for what in rounds[0]}
        for name, rounds in told.items()
    }
    print(f"\n{asked.moves} moves, median of {asked.rounds} rounds\n")
    print("| | router's CPU, ms a move | moves a second | a move, ms, p50 and p99 | called off |")
    print("|---|---:|---:|---:|---:|")
    for name, figures in medians.items():
        print(
            f"| {name} | {figures['ms']:.2f} | {figures['per_s']:.0f} |"
            f" {figures['p50_ms']:.0f}, {figures['p99_ms']:.0f} | {figures['called_off']:.0f} |"
        )
    if asked.before:
        print(f"\nours / before: {medians['ours']['ms'] / medians['before']['ms']:.2f}")


def main() -> None:
    """Read the flags."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--moves", type=int, default=1500)
    flags.add_argument("--players", type=int, default=300)
    flags.add_argument("--per-second", type=float, default=200.0)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--before", type=Path, help="another checkout, to be compared with")
    asked = flags.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(run(reactor, asked)), [])


if __name__ == "__main__":
    main()
