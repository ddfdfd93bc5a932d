"""Freezes with real processes: servers, router and crowd are stopped (SIGSTOP) amid moves.

    .venv/bin/python tests/bench/freezes.py --freezes 100 --for-s 1 5 12 --every 4

Each freeze picks a process and a length; SIGCONT thaws it. At the end everybody goes home, and for
each player the ledger has to say `last` = `applied`: no input was lost or skipped. Prints one
table; exits 1 when an input was lost or doubled, a coin appeared or went, or somebody does not
play.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import globalLogBeginner, textFileLogObserver

from clientmigration.core.player.mailbox import under_way
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.errors import Away
from clientmigration.net.operator import Credentials, OperatorClient, entered
from clientmigration.net.tickets import Seals
from clientmigration.stack.ports import Ports, settled
from clientmigration.stack.processes import Child, Program
from clientmigration.wire.operators import Order

TWISTD = str(Path(sys.executable).with_name("twistd"))
KINDS = ("server", "router", "crowd")
BEGIN_S, END_S = 8.0, 25.0  # until everybody plays; and after the last thaw, until all is well


class Freezes:
    """One run. `asked` is what the flags say."""

    def __init__(self, reactor: Any, asked: argparse.Namespace, folder: Path) -> None:
        self.reactor, self.asked, self.folder = reactor, asked, folder
        self.random = Random(asked.seed)
        self.secret = folder / "cluster.secret"
        self.secret.write_text(os.urandom(32).hex())
        self.ports = settled(Ports(0, 0, 0, 0, 0))
        self.children: dict[str, Child] = {}
        self.frozen: set[str] = set()
        self.done: Counter[str] = Counter()
        self.orders: Counter[str] = Counter()
        self.desk: OperatorClient | None = None

    def start(self, name: str, *argv: str) -> None:
        """One daemon under the process monitor."""
        common = ("--secret-file", str(self.secret), "--carbon", "tcp:127.0.0.1:9")
        words = (sys.executable, TWISTD, "-n", "--pidfile=", *argv, *common)
        program = Program(name, words, self.folder / f"{name}.log", dict(os.environ))
        self.children[name] = Child(self.reactor, program, lambda _program, how: print(name, how))
        self.children[name].startService()

    def start_all(self) -> None:
        """Router, servers, crowd."""
        here = "interface=127.0.0.1"
        players, members = self.ports.players, self.ports.members
        doors = ("--players", f"tcp:{players}:{here}", "--members", f"tcp:{members}:{here}")
        ledger = (
            "--ledger",
            str(self.folder / "ledger.sqlite"),
            "--graphite",
            "http://127.0.0.1:9",
        )
        self.start("router", "router", *doors, *ledger)
        for n in range(1, self.asked.servers + 1):
            name, where = f"gs-{n}", ("--router", f"tcp:127.0.0.1:{members}")
            self.start(name, "gameserver", "--name", name, "--capacity", "1000", *where)
        size = (
            "--players",
            str(self.asked.players),
            "--summary",
            str(self.folder / "summary.json"),
        )
        loads = ("--downloads", "30", "--subscriptions", "40", "--hold-coins")
        where = ("--router", f"clientmigration://127.0.0.1:{players}")
        self.start("crowd", "crowd", *size, *loads, *where)

    # Moves.

    async def at_desk(self) -> OperatorClient:
        """An operator's connection; another one when the last has ended."""
        if self.desk is None or self.desk.over is not None:
            key = Credentials("operator", Seals.from_file(self.secret).proofs("operator"))
            endpoint = clientFromString(self.reactor, f"tcp:127.0.0.1:{self.ports.members}")
            self.desk = await entered(endpoint, OperatorClient(self.reactor, key), "here")
        return self.desk

    async def move_somebody(self) -> None:
        """Order one player to another server; what becomes of it is counted."""
        homes = {record.player: owner for record, owner in self.records() if owner}
        if not homes:
            return
        player = self.random.choice(sorted(homes))
        others = [f"gs-{n}" for n in range(1, self.asked.servers + 1)]
        target = self.random.choice([each for each in others if each != homes[player]])
        try:
            desk = await self.at_desk()
            ended: Any = await desk.ask(Order(n=0, do="move", player=player, member=target))
            self.orders[ended.outcome] += 1
        except Away:
            self.orders["router away"] += 1

    def records(self) -> list[tuple[Snapshot, str]]:
        """Every player's last snapshot in the ledger, and its owner."""
        path = self.folder / "ledger.sqlite"
        if not path.exists():
            return []
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5.0) as ledger:
            rows = ledger.execute("select snapshot, owner from player where snapshot is not null")
            return [(msgspec.json.decode(text, type=Snapshot), owner) for text, owner in rows]

    # Freezes.

    async def freeze_somebody(self, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after so many seconds."""
        kind = self.random.choice(self.asked.kinds)
        names = (
            [f"gs-{n}" for n in range(1, self.asked.servers + 1)] if kind == "server" else [kind]
        )
        name = self.random.choice([each for each in names if each not in self.frozen] or names)
        self.done[f"{kind} {seconds:g} s"] += 1
        print(f"{time.strftime('%H:%M:%S')} {name} frozen for {seconds:g} s", flush=True)
        self.frozen.add(name)
        self.tell(name, signal.SIGSTOP)
        await deferLater(self.reactor, seconds)
        self.tell(name, signal.SIGCONT)
        self.frozen.discard(name)

    def tell(self, name: str, number: signal.Signals) -> None:
        """Twisted knows no name for SIGCONT."""
        self.children[name].tell(int(number))

    async def run(self) -> int:
        asked = self.asked
        self.start_all()
        await deferLater(self.reactor, BEGIN_S)
        moving = LoopingCall(lambda: self._spawn(self.move_somebody()))
        moving.start(1.0 / asked.moves_per_s, now=False)
        for n in range(asked.freezes):
            seconds = asked.for_s[n % len(asked.for_s)]
            freezing = Deferred.fromCoroutine(self.freeze_somebody(seconds))
            await (freezing if asked.every == 0 else deferLater(self.reactor, asked.every))
            if asked.every == 0:
                await deferLater(self.reactor, self.random.uniform(0.5, 3.0))
        await deferLater(self.reactor, max(asked.for_s))
        moving.stop()
        await deferLater(self.reactor, END_S)
        await self.children["crowd"].stopService(30)
        await deferLater(self.reactor, 4.0)
        for child in self.children.values():
            if child.running:
                await child.stopService(30)
        return self.report()

    def _spawn(self, work: Any) -> None:
        Deferred.fromCoroutine(work).addErrback(lambda failure: print(failure, flush=True))

    def report(self) -> int:
        felt = json.loads((self.folder / "summary.json").read_text())
        records = [snapshot for snapshot, _ in self.records()]
        apart = {
            each.player: each.progress
            for each in records
            if each.progress.last != each.progress.applied
        }
        letters = under_way([(each.player, each.mail) for each in records])
        coins = sum(each.game["coins"] for each in records)
        coins += sum(letter.body["coins"] for letter in letters)
        asked, minted = self.asked, 10 * len(records)
        rows = {
            "freezes": f"{self.done.total()}: {dict(sorted(self.done.items()))}",
            "players; at the end": f"{asked.players}; {felt['playing']}",
            "moves felt; orders by outcome": f"{felt['moves']}; {dict(self.orders)}",
            "inputs": felt["inputs"],
            "inputs lost; doubled": f"{felt['inputs_lost']}; {felt['inputs_doubled']}",
            "records with last other than applied": f"{len(apart)} of {len(records)} {apart or ''}",
            "coins": f"{coins} of {minted}",
            "missed ticks in moves; in all play": f"{felt['missed_ticks_in_moves']}; "
            f"{felt['missed_ticks']} of {felt['views']}",
            "players that came back": felt["rejoins"],
            "recovery_ms": felt["recovery_ms"],
            "files bad; feed gaps": f"{felt['files_bad']}; {felt['feed_gaps']}",
        }
        for name, value in rows.items():
            print(f"| {name} | {value} |")
        never = ("inputs_lost", "inputs_doubled", "files_bad", "feed_gaps")
        wrong = sum(felt[name] for name in never) + len(apart) + (coins != minted)
        return 1 if wrong or felt["playing"] < asked.players else 0


def main() -> None:
    from twisted.internet import reactor
    from twisted.internet.task import react

    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--freezes", type=int, default=18)
    flags.add_argument("--for-s", type=float, nargs="+", default=[5.0])
    flags.add_argument("--every", type=float, default=0.0, help="0: after the last has thawed")
    flags.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    flags.add_argument("--players", type=int, default=20)
    flags.add_argument("--servers", type=int, default=2)
    flags.add_argument("--moves-per-s", type=float, default=10.0)
    flags.add_argument("--seed", type=int, default=1)
    flags.add_argument("--folder", type=Path)
    asked = flags.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="freezes-"))
    folder.mkdir(parents=True, exist_ok=True)
    codes: list[int] = []
    log = textFileLogObserver((folder / "bench.log").open("w"))
    globalLogBeginner.beginLoggingTo([log], redirectStandardIO=False)

    async def whole(_reactor: Any) -> None:
        codes.append(await Freezes(reactor, asked, folder).run())

    try:
        react(lambda r: Deferred.fromCoroutine(whole(r)))
    except SystemExit as ended:
        if ended.code:
            raise
    sys.exit(codes[0] if codes else 1)


if __name__ == "__main__":
    main()
