"""What a flood from one address costs others: players who play, and newcomers, on loopback.

    python tests/bench/flood.py [--players 60] [--seconds 10] [--only hold|connects|joins]
    PYTHONPATH=OTHER_CHECKOUT/services python tests/bench/flood.py    # the code of another checkout

A router and two game servers with 200 seats each, real processes, and honest players from
127.0.0.1. The flood comes from 127.66.0.1, in a process of lower priority (as if it were another
machine's), against the router's door and one server's, in turn: 1,000 connections that are held
open, 2,000 connects a second, 20,000 joins of which nobody goes where it is sent. One honest
newcomer a second comes meanwhile. Prints what each phase cost, the first being without a flood.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psutil

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Greeting, Hello, Pings

PLAYERS, MEMBERS, SERVER = 45400, 45401, 45402
FROM = "127.66.0.1"
GREETING = encode(Greeting(role="player"))
JOIN = GREETING + encode(Hello(holder="0" * 64)) + encode(Pings(pings={}))
HELD, CONNECTS_PER_S, JOINS = 1000, 2000, 20_000
QUIET_S = 12.0  # seats that were kept for nobody are free again


# The flood, a process of its own.


class Flood:
    """Sockets of one kind, opened as fast as asked for, each closed when it has stayed long enough
    or has been closed by the other side."""

    def __init__(self, kind: str, port: int, seconds: float) -> None:
        self.port, self.seconds, self.seen = port, seconds, Counter[str]()
        self.per_s = {"hold": 500.0, "connects": CONNECTS_PER_S, "joins": JOINS / seconds}[kind]
        self.said = {"hold": GREETING, "connects": b"", "joins": JOIN}[kind]
        self.stays_s = {"hold": seconds, "connects": 0.0, "joins": 3.0}[kind]
        self.most = {"hold": HELD, "connects": 8000, "joins": 8000}[kind]
        self.open: deque[tuple[float, socket.socket]] = deque()

    def run(self) -> Counter[str]:
        """All of it."""
        began, n, looked = time.monotonic(), 0, 0.0
        while (passed := time.monotonic() - began) < self.seconds:
            self._close(time.monotonic() - self.stays_s)
            if passed - looked > 0.5:
                looked = passed
                self._drop_closed()
            while n < passed * self.per_s and len(self.open) < self.most:
                self._connect()
                n += 1
            n = max(n, int(passed * self.per_s) - 200)  # what could not be done is not made up for
            time.sleep(0.001)
        self._close(time.monotonic())
        return self.seen

    def _connect(self) -> None:
        visitor = socket.socket()
        try:
            visitor.bind((FROM, 0))
            visitor.settimeout(1.0)
            visitor.connect(("127.0.0.1", self.port))
            visitor.setblocking(False)
            self.seen["connected"] += 1
            if self.said:
                visitor.send(self.said)
            self.open.append((time.monotonic(), visitor))
        except OSError as error:
            self.seen[type(error).__name__] += 1
            visitor.close()

    def _close(self, before: float) -> None:
        """Those that came before this moment."""
        while self.open and self.open[0][0] <= before:
            self._over(self.open.popleft()[1])

    def _drop_closed(self) -> None:
        """Those that the other side has closed: others come in their place."""
        readable = select.poll()
        by_number = {each.fileno(): (at, each) for at, each in self.open}
        for number in by_number:
            readable.register(number, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        over = {number for number, _ in readable.poll(0)}
        for number in over:
            self._over(by_number[number][1])
            self.seen["closed"] += 1
        self.open = deque(each for number, each in by_number.items() if number not in over)

    def _over(self, visitor: socket.socket) -> None:
        try:
            said = visitor.recv(65536) if self.said else b""
        except OSError:
            said = b""
        self.seen["redirected"] += b'"t":"redirect"' in said
        self.seen["told"] += b"crowded" in said
        visitor.close()


# The honest ones, and what they feel.


@dataclass
class Phase:
    """One phase: who is flooded how, and what came of it."""

    name: str
    figures: dict[str, float] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)


def launched(folder: Path) -> dict[str, subprocess.Popen[bytes]]:
    """The router and its servers."""
    (folder / "secret").write_text("0" * 64)
    common = f"--secret-file {folder}/secret --carbon tcp:127.0.0.1:1"
    programs = {
        "router": f"router --players tcp:{PLAYERS}:interface=127.0.0.1 --forget"
        f" --ledger {folder}/ledger --members tcp:{MEMBERS}:interface=127.0.0.1"
        f" --graphite http://127.0.0.1:1 {common}"
    }
    for n in range(2):
        programs[f"gs-{n + 1}"] = (
            f"gameserver --router tcp:127.0.0.1:{MEMBERS} --name gs-{n + 1}"
            f" --listen tcp:{SERVER + n}:interface=127.0.0.1 {common}"
        )
    twistd = str(Path(sys.executable).with_name("twistd"))
    return {
        name: subprocess.Popen(
            [twistd, "-n", "--pidfile=", *program.split()],
            stdout=(folder / f"{name}.log").open("wb"), cwd=folder, env=dict(os.environ),
        )
        for name, program in programs.items()
    }  # fmt: skip


class Trial:
    """All phases, one after the other."""

    def __init__(self, reactor: Any, options: argparse.Namespace) -> None:
        self.reactor, self.options = reactor, options
        self.folder = Path(tempfile.mkdtemp())
        self.daemons = launched(self.folder)
        self.players: list[Player] = []
        self.waited: list[float] = []
        self.late = 0

    def player(self, seed: int) -> Player:
        """An honest one."""
        return Player(self.reactor, f"127.0.0.1:{PLAYERS}", dialer(self.reactor), Random(seed))

    def come(self) -> None:
        """An honest newcomer, who goes home when it has waited for its first view."""
        began, newcomer = time.monotonic(), self.player(len(self.waited) + 1000)

        def view(_view: object) -> None:
            if newcomer not in done:
                done.append(newcomer)
                self.waited.append(time.monotonic() - began)
                self.late -= 1
                self.reactor.callLater(0, newcomer.stop)

        done: list[Player] = []
        self.late += 1
        newcomer.on("view", view)
        newcomer.start()
        self.reactor.callLater(20.0, newcomer.stop)

    async def run(self) -> None:
        """Every phase."""
        for n in range(self.options.players):
            self.players.append(self.player(n))
            self.players[-1].start()
        while not all(each.counts.views for each in self.players):
            await self.sleep(0.5)
        await self.sleep(QUIET_S)
        kinds = [self.options.only] if self.options.only else ["hold", "connects", "joins"]
        ports = {"router": PLAYERS, "gs-1": SERVER}
        plan = [(kind, at) for kind in kinds for at in ports if (kind, at) != ("joins", "gs-1")]
        self.tell(await self.phase("no flood", None))
        for kind, at in plan:
            self.tell(await self.phase(f"{kind} at {at}", (kind, ports[at])))
            await self.sleep(QUIET_S)

    def sleep(self, seconds: float) -> Any:
        """So many seconds."""
        from twisted.internet.task import deferLater

        return deferLater(self.reactor, seconds, lambda: None)

    async def phase(self, name: str, flood: tuple[str, int] | None) -> Phase:
        """One of them."""
        phase, seconds = Phase(name), self.options.seconds
        processes = {name: psutil.Process(each.pid) for name, each in self.daemons.items()}
        before = {name: sum(each.cpu_times()[:2]) for name, each in processes.items()}
        lines = {name: self.lines(name) for name in processes}
        rss = {name: each.memory_info().rss for name, each in processes.items()}
        missed, views = self.missed(), self.views()
        self.waited.clear()
        process = self.flooding(*flood) if flood else None
        began = time.monotonic()
        for _ in range(int(seconds)):
            self.come()
            await self.sleep(1.0)
        await self.sleep(1.0)
        phase.figures["missed"] = self.missed() - missed
        phase.figures["views"] = self.views() - views
        took = time.monotonic() - began
        for name, each in processes.items():
            spent = sum(each.cpu_times()[:2]) - before[name]
            phase.figures[f"{name} cpu %"] = 100 * spent / took
            phase.figures[f"{name} MB"] = (each.memory_info().rss - rss[name]) / 1e6
            phase.figures[f"{name} log"] = self.lines(name) - lines[name]
        if process is not None:
            while process.poll() is None:
                await self.sleep(0.1)
            assert process.stdout is not None
            phase.seen = json.loads(process.stdout.read())
        phase.figures["newcomers late"] = self.late
        phase.figures["newcomers longest s"] = max(self.waited, default=0.0)
        return phase

    def flooding(self, kind: str, port: int) -> subprocess.Popen[bytes]:
        """The flood's own process."""
        seconds = str(self.options.seconds)
        command = [sys.executable, __file__, "--flood", kind, str(port), "--seconds", seconds]
        return subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=lambda: os.nice(5))

    def lines(self, name: str) -> int:
        """Of a daemon's log."""
        return (self.folder / f"{name}.log").read_bytes().count(b"\n")

    def missed(self) -> int:
        """Ticks that the honest ones missed."""
        return sum(each.counts.missed for each in self.players)

    def views(self) -> int:
        """Views that they got."""
        return sum(each.counts.views for each in self.players)

    def tell(self, phase: Phase) -> None:
        """Print it."""
        figures = ", ".join(f"{name} {value:.4g}" for name, value in phase.figures.items())
        print(f"{phase.name}: {figures}; the flood saw {phase.seen}", flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--only", choices=("hold", "connects", "joins"))
    parser.add_argument("--flood", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.flood:
        kind, port = options.flood
        print(json.dumps(Flood(kind, int(port), options.seconds).run()))
        return
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    trial, running = Trial(reactor, options), reactor
    going: Any = running

    def begin() -> None:
        done = Deferred.fromCoroutine(trial.run())
        done.addErrback(lambda failure: failure.printTraceback())
        done.addBoth(lambda _: going.stop())

    going.callWhenRunning(begin)
    try:
        going.run()
    finally:
        for process in reversed(list(trial.daemons.values())):
            process.kill()


if __name__ == "__main__":
    main()
