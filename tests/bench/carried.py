"""What a router process carries: `python tests/bench/carried.py [--players 0 5000 10000]`.

A real router with a ledger in a file; its game servers are lines of this process, which say what
real ones say: a report each second with every measure, a roster of everybody each two seconds, and
a twentieth of the players' checkpoints (some 500 bytes of state each) at each tick. Prints the
router's CPU (of a core, by the kernel's count) for each number of players, and how many stood in
the ledger with the newest second at the end. `--profile FILE` has cProfile look at the last one.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

import msgspec
import psutil
from real_parts import eventually
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
from clientmigration.stack import processes
from clientmigration.stack.ports import LOOPBACK, Ports, settled
from clientmigration.stack.processes import Child, Program
from clientmigration.wire.messages import Checkpoint, Entry, Report, Roster, Stored

EACH = 200  # players of a game server
RATE = 20  # ticks per second
CUT = 500  # entries of one roster message
SETTLE_S = 6.0
STATE = {"coins": 3, "name": "x" * 500}
TWISTD = str(Path(sys.executable).with_name("twistd"))
VALUES = dict.fromkeys(measures("gameserver"), 0.25)


class Member:
    """A game server as far as its router can tell. The `Duties` of its uplink."""

    def __init__(self, name: str, players: Sequence[str], seals: Seals) -> None:
        self.name, self.players, self.seals = name, players, seals
        self.attachment = Attachment(name, f"{LOOPBACK}:{9}", "here")
        self.n = self.seq = self.stored = self.refused = 0

    def obey(self, message: Any, asker: Line) -> None:  # noqa: ARG002
        """It is asked for nothing but to hear what was stored."""
        if isinstance(message, Stored):
            self.stored, self.refused = message.n, self.refused + len(message.refused)

    def attached(self, line: Line, now: float | None) -> None:  # noqa: ARG002
        """Say who is here."""
        self.list()

    def detached(self, line: Line) -> None:  # noqa: ARG002
        """Nobody may go in this time."""
        print(f"{self.name} lost its router", flush=True)

    def line(self, reactor: Any) -> Line:
        """A new one."""
        uplink = Uplink(self.attachment, self.seals, os.urandom, self, "gameserver")
        return Line("gameserver", TERMS, uplink, reactor)

    def list(self) -> None:
        """A roster, in parts."""
        entries = [
            Entry(each, 1, "playing", "", 3.0 * n, 1.0, 20.0) for n, each in enumerate(self.players)
        ]
        for start in range(0, max(1, len(entries)), CUT):
            last = start + CUT >= len(entries)
            self.attachment.tell(Roster(entries[start : start + CUT], last))

    def report(self) -> None:
        """Each second."""
        values = {**VALUES, "players": len(self.players), "load": 0.5, "health": 1.0}
        points = datapoints("gameserver", self.name, values, int(time.time()))
        self.attachment.tell(Report([*points]))

    def tick(self, tick: int) -> None:
        """Each fiftieth of a second: some are stored."""
        self.seq += tick % RATE == 0
        turn = [snapshot(each, self.seq, tick) for each in self.players[tick % RATE :: RATE]]
        if turn:
            self.n += 1
            self.attachment.tell(Checkpoint(self.n, turn))


def snapshot(player: str, seq: int, tick: int) -> Snapshot:
    """What is kept of a player."""
    return Snapshot(
        player=player, epoch=1, seq=seq, tick=tick, x=1.0, y=2.0, holder="f" * 64,
        progress=Progress(tick, tick, 7), game=STATE,
    )  # fmt: skip


def seeded(path: Path, members: Sequence[Member]) -> None:
    """A ledger in which each member owns its players, as after a router's restart."""
    rows = [
        (player, each.name, 1, "", msgspec.json.encode(snapshot(player, 0, 0)), time.time())
        for each in members
        for player in each.players
    ]
    with sqlite3.connect(path) as file:
        file.executemany("insert or replace into player values (?, ?, ?, ?, ?, ?)", rows)
    file.close()


def newest(path: Path) -> int:
    """How many players have been stored within the last three seconds."""
    file = sqlite3.connect(path)
    (count,) = file.execute(
        "select count(*) from player where stored_at > ?", (time.time() - 3.0,)
    ).fetchone()
    file.close()
    return int(count)


class Router:
    """The process, and what it costs."""

    def __init__(self, reactor: Any, folder: Path, profile: str) -> None:
        self.reactor, self.ports = reactor, settled(Ports(0, 0, 0, 0, 0))
        self.ledger, secret = folder / "ledger.sqlite", folder / "cluster.secret"
        secret.write_text(os.urandom(32).hex())
        self.seals = Seals.from_file(secret)
        here = f"interface={LOOPBACK}"
        wrapped = ("--profiler=cprofile", f"--profile={profile}", "--savestats") if profile else ()
        argv = (
            sys.executable, TWISTD, *wrapped, "-n", "--pidfile=", "router",
            "--secret-file", str(secret), "--players", f"tcp:{self.ports.players}:{here}",
            "--carbon", f"tcp:{LOOPBACK}:9",
            "--members", f"tcp:{self.ports.members}:{here}", "--ledger", str(self.ledger),
            "--graphite", f"http://{LOOPBACK}:9", "--forget",
        )  # fmt: skip
        doors = (self.ports.players, self.ports.members)
        program = Program(
            "router", argv, folder / "router.log", dict(os.environ), folder=folder, ports=doors
        )
        self.child = Child(reactor, program, lambda _program, how: print(f"router ended {how}"))

    async def start(self) -> None:
        """Return when it serves."""
        self.child.startService()
        await self.child.serving(lambda port: processes.accepts(self.reactor, port))

    def cpu(self) -> float:
        """Seconds so far."""
        (process,) = (
            each for each in psutil.Process().children() if "router" in " ".join(each.cmdline())
        )
        taken = process.cpu_times()
        return float(taken.user + taken.system)


async def carried(reactor: Any, players: int, seconds: float, profile: str) -> None:
    """One row."""
    with tempfile.TemporaryDirectory() as folder:
        router = Router(reactor, Path(folder), profile)
        await router.start()  # makes the ledger's table
        await router.child.stopService()
        names = [f"player-{n}" for n in range(players)]
        members = [
            Member(f"gs-{n}", names[n * EACH : (n + 1) * EACH], router.seals)
            for n in range(max(1, players // EACH))
        ]
        seeded(router.ledger, members)
        await router.start()
        for each in members:
            factory: Any = Factory.forProtocol(lambda each=each: each.line(reactor))  # type: ignore[misc]
            factory.noisy = False
            await TCP4ClientEndpoint(reactor, LOOPBACK, router.ports.members).connect(factory)
        await eventually(lambda: all(each.attachment.line for each in members))
        calls = begin(members)
        await deferLater(reactor, SETTLE_S)
        cpu, began = router.cpu(), time.monotonic()
        own = time.process_time()
        await deferLater(reactor, seconds)
        took = time.monotonic() - began
        share, ours = (router.cpu() - cpu) / took, (time.process_time() - own) / took
        stored = newest(router.ledger)
        late = max(each.n - each.stored for each in members)
        for call in calls:
            call.stop()
        for each in members:
            each.attachment.leave()
        await router.child.stopService(30)
        a_player = f"{share / players * 1e6:.1f}" if players else "-"
        print(
            f"| {players} | {len(members)} | {share:.2f} | {a_player} | {stored} | {late} | "
            f"{sum(each.refused for each in members)} | {ours:.2f} |",
            flush=True,
        )


def begin(members: Sequence[Member]) -> list[LoopingCall]:
    """Have all of them talk, each at another moment of a tick, a second, and two."""
    clock = {"tick": 0}

    def tick() -> None:
        now = clock["tick"] = clock["tick"] + 1
        for n, each in enumerate(members):
            each.tick(now + n)
            if (now + n) % RATE == 0:
                each.report()
            if (now + n) % (2 * RATE) == 1:
                each.list()

    call = LoopingCall(tick)
    call.start(1 / RATE)
    return [call]


async def run(reactor: Any, asked: argparse.Namespace) -> None:
    """All rows."""
    print("| players | servers | CPU | us a player | stored lately | behind | refused | ours |")
    for n, players in enumerate(asked.players):
        last = n == len(asked.players) - 1
        await carried(reactor, players, asked.seconds, asked.profile if last else "")


def main() -> None:
    """Read the flags."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, nargs="+", default=[0, 5000, 10000])
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--profile", default="")
    asked = parser.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(run(reactor, asked)), [])


if __name__ == "__main__":
    main()
