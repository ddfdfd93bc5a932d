"""A soak with real processes: a crowd, moves all the time, servers that are killed or restarted.

    .venv/bin/python tests/bench/soak.py --seconds 600 --kill-every 60 --rtt-ms 40
    .venv/bin/python tests/bench/soak.py --seconds 600 --kill-every 60 --down-s 15
    .venv/bin/python tests/bench/soak.py --seconds 120 --moves-per-s 0 --restart-every 25

The router runs here, so that moves can be ordered; game servers, crowd and relay are processes of
their own. With a round trip the crowd lives in a network namespace of its own (root and iproute2
needed) and reaches everything through the relay. Prints one table; exits 1 when something that must
not happen happened.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import globalLogBeginner, textFileLogObserver

from clientmigration.client.summary import Durations
from clientmigration.core.player.mailbox import under_way
from clientmigration.core.player.migration import Outcome
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.gameserver.rosters import ROSTER_S
from clientmigration.net.settings import keep_what_is_loaded
from clientmigration.router import tap
from clientmigration.router.service import Router
from clientmigration.stack.ports import Ports, settled
from clientmigration.stack.processes import Child, Program

HERE, THERE = "10.77.0.1", "10.77.0.2"  # this side and the crowd's side of the pair of interfaces
SPACE = "cm-soak"
SPREADS = ("gap_ms", "unmoved_gap_ms", "idle_gap_ms", "stall_ms", "recovery_ms")
STORM_S = 4.0  # a new process starts and a third of the players come back on the same cores
TWISTD = str(Path(sys.executable).with_name("twistd"))
RELAY = str(Path(__file__).with_name("relay.py"))


class Soak:
    """One run. `asked` is what the flags say."""

    def __init__(self, reactor: Any, asked: argparse.Namespace, folder: Path) -> None:
        self.reactor, self.asked, self.folder = reactor, asked, folder
        self.random = Random(asked.seed)
        self.secret = folder / "cluster.secret"
        self.secret.write_text(os.urandom(32).hex())
        self.ports = settled(Ports(0, 0, 0, 0, 0))
        self.host = HERE if asked.rtt_ms else "127.0.0.1"
        self.outcomes: Counter[str] = Counter()
        self.kills: list[float] = []  # when
        self.restarts: list[float] = []  # seconds from SIGTERM to the last player's departure
        self.servers: dict[str, Child] = {}
        self.others: list[Child] = []
        options = tap.Options()
        doors = [
            *("--players", f"tcp:{self.ports.players}:interface=127.0.0.1"),
            *("--members", f"tcp:{self.ports.members}:interface=127.0.0.1"),
        ]
        ledger = ["--ledger", str(folder / "ledger.sqlite"), "--graphite", "http://127.0.0.1:9"]
        options.parseOptions([*self._common(), *doors, *ledger])
        self.parts = tap.assemble(reactor, options)
        keep_what_is_loaded()
        self.router = next(part for part in self.parts if isinstance(part, Router))
        self.files = folder / "files"
        self.files.mkdir(exist_ok=True)
        for name, size in (("small", 20_000), ("middling", 200_000), ("large", 2_000_000)):
            (self.files / name).write_bytes(self.random.randbytes(size))

    def _common(self) -> list[str]:
        return ["--secret-file", str(self.secret), "--carbon", "tcp:127.0.0.1:9"]

    def _run(self, name: str, *argv: str) -> Child:
        program = Program(name, argv, self.folder / f"{name}.log", dict(os.environ))
        child = Child(self.reactor, program, lambda _program, _how: None)
        child.startService()
        return child

    def start_server(self, name: str, port: int) -> None:
        door = ("--listen", f"tcp:{port}:interface=127.0.0.1", "--advertise", f"{self.host}:{port}")
        router = ("--router", f"tcp:127.0.0.1:{self.ports.members}", "--capacity", "1000")
        offers = ("--files", str(self.files))
        argv = (sys.executable, TWISTD, "-n", "--pidfile=", "gameserver", "--burns", "--name", name)
        self.servers[name] = self._run(name, *argv, *router, *door, *offers, *self._common())

    def start_crowd(self) -> Child:
        inside = ("/usr/bin/env", "ip", "netns", "exec", SPACE) if self.asked.rtt_ms else ()
        loads = ("--burn", "20", "--party", "60", "--downloads", "30", "--subscriptions", "40")
        argv = (sys.executable, TWISTD, "-n", "--pidfile=", "crowd", *loads, "--hold-coins")
        where = ("--router", f"clientmigration://{self.host}:{self.ports.players}")
        size = ("--players", str(self.asked.players), "--seed", str(self.asked.seed))
        end = ("--summary", str(self.folder / "summary.json"))
        return self._run("crowd", *inside, *argv, *where, *size, *end, *self._common())

    def start_relay(self, ports: list[int]) -> Child:
        words = ("--rtt-ms", str(self.asked.rtt_ms), "--listen", HERE, *map(str, ports))
        return self._run("relay", sys.executable, RELAY, *words)

    def move_some(self, times: int) -> None:
        """So many players, one after the other."""
        for _ in range(times):
            self.move_somebody()

    def move_somebody(self) -> None:
        """One player that plays, to another server that is there. Who was moved since the last
        rosters is not where they say."""
        moves, listed_at = self.router.moves, self.router.now() - 1.25 * ROSTER_S
        playing = [
            (entry.player, name)
            for name, member in self.router.members.items()
            for entry in member.roster.values()
            if entry.state == "playing"
            and entry.player not in moves.by_player
            and self.router.cooldowns.moved_at.get(entry.player, 0.0) < listed_at
        ]
        targets = sorted(self.router.members)
        if not playing or len(targets) < 2:
            return
        player, source = self.random.choice(playing)
        target = self.random.choice([name for name in targets if name != source])
        starting = Deferred.fromCoroutine(self.router.moves.start(player, source, target))
        starting.addCallback(
            lambda ended: self.outcomes.update([str(ended.outcome if ended else "moved already")])
        )

    async def kill_somebody(self) -> None:
        """kill -9. The process monitor starts it again, at once or after `--down-s`."""
        name = self.random.choice(sorted(self.servers))
        child = self.servers[name]
        self.kills.append(time.time())
        print(f"{time.strftime('%H:%M:%S')} kill -9 {name}", flush=True)
        child.kill()
        if self.asked.down_s:
            await child.stopService()
            await deferLater(self.reactor, self.asked.down_s)
            child.startService()

    def calm(self, felt: dict[str, Any]) -> dict[str, int]:
        """What the moves cost that did not end in the storm after a kill."""
        calm = Durations()
        for at, ms in felt["each_gap_ms"]:
            if not any(0 <= at - kill < STORM_S for kill in self.kills):
                calm.add(ms)
        return calm.spread()

    async def restart_all(self) -> None:
        """SIGTERM one after the other; the process monitor starts each again when it has ended."""
        for name in sorted(self.servers):
            began = time.monotonic()
            print(f"{time.strftime('%H:%M:%S')} SIGTERM {name}", flush=True)
            self.servers[name].tell("TERM")
            await self._until(lambda name=name: name not in self.router.members)
            self.restarts.append(time.monotonic() - began)
            await self._until(lambda name=name: name in self.router.members)
            await deferLater(self.reactor, self.asked.restart_every)

    async def run(self) -> int:
        asked = self.asked
        self.parts.privilegedStartService()
        self.parts.startService()
        ports = [settled(Ports(0, 0, 0, 0, 0)).players for _ in range(asked.servers)]
        for n, port in enumerate(ports, 1):
            self.start_server(f"gs-{n}", port)
        if asked.rtt_ms:
            self.others.append(self.start_relay([self.ports.players, *ports]))
        await self._until(lambda: len(self.router.members) == asked.servers)
        await deferLater(self.reactor, 3.0)
        crowd = self.start_crowd()
        await self._until(lambda: self._playing() >= asked.players)
        print(f"{self._playing()} players on {asked.servers} servers", flush=True)
        moving = LoopingCall.withCount(self.move_some)  # a late turn makes up for those it missed
        if asked.moves_per_s:
            moving.start(1.0 / asked.moves_per_s, now=False)
        killing = LoopingCall(lambda: Deferred.fromCoroutine(self.kill_somebody()))
        if asked.kill_every:  # in the middle of each period, so that all of it falls within the run
            self.reactor.callLater(asked.kill_every / 2, killing.start, asked.kill_every)
        if asked.restart_every:
            await self.restart_all()
        await deferLater(self.reactor, asked.seconds)
        for loop in (moving, killing):
            if loop.running:
                loop.stop()
        await deferLater(self.reactor, 5.0)
        await self._until(lambda: len(self.router.members) == asked.servers)
        await crowd.stopService()
        await deferLater(self.reactor, 3.0)  # the last words of those who went home
        for child in (*self.servers.values(), *self.others):
            await child.stopService()
        await self.parts.stopService()
        return self.report()

    def _playing(self) -> int:
        return sum(len(member.roster) for member in self.router.members.values())

    async def _until(self, true: Any, within_s: float = 90.0) -> None:
        until = time.monotonic() + within_s
        while not true():
            if time.monotonic() > until:
                raise SystemExit(f"did not begin within {within_s:g} s: see {self.folder}")
            await deferLater(self.reactor, 0.1)

    def coins(self) -> int:
        """What everybody has by the ledger, in pockets and in letters under way."""
        with sqlite3.connect(self.folder / "ledger.sqlite") as ledger:
            rows = ledger.execute("select snapshot from player where snapshot is not null")
            kept = [msgspec.json.decode(stored, type=Snapshot) for (stored,) in rows]
        letters = under_way([(each.player, each.mail) for each in kept])
        pockets = sum(each.game["coins"] for each in kept)
        return int(pockets + sum(letter.body["coins"] for letter in letters))

    def report(self) -> int:
        felt = json.loads((self.folder / "summary.json").read_text())
        asked = self.asked
        rows = {
            "round trip, ms": asked.rtt_ms,
            "seconds": asked.seconds,
            "players; at the end": f"{asked.players}; {felt['playing']}",
            "moves felt; by outcome": f"{felt['moves']}; {dict(self.outcomes)}",
            "kills; players that came back": f"{len(self.kills)}; {felt['rejoins']}",
            "drains, seconds each": ", ".join(f"{took:.1f}" for took in self.restarts) or "none",
            "missed ticks in moves": felt["missed_ticks_in_moves"],
            "missed ticks in all play": f"{felt['missed_ticks']} of {felt['views']}",
            "coins at the end": f"{self.coins()} of {10 * asked.players}",
            "files finished; bad": f"{felt['files_finished']}; {felt['files_bad']}",
            "feed entries": felt["feed_entries"],
            "feed gaps; duplicates": f"{felt['feed_gaps']}; {felt['feed_duplicates']}",
            "inputs": felt["inputs"],
            "inputs lost; doubled": f"{felt['inputs_lost']}; {felt['inputs_doubled']}",
            f"gap_ms, but for the {STORM_S:g} s after a kill": self.calm(felt),
        } | {name: felt[name] for name in SPREADS}
        for name, value in rows.items():
            print(f"| {name} | {value} |")
        never = ("missed_ticks_in_moves", "inputs_lost", "inputs_doubled", "files_bad", "feed_gaps")
        wrong = sum(felt[name] for name in never) + (self.coins() != 10 * asked.players)
        wrong += felt["rejoins"] if not self.kills else 0
        still = asked.moves_per_s and not self.outcomes[Outcome.SETTLED]
        return 1 if wrong or felt["playing"] < asked.players or still else 0


def make_space() -> None:
    """A network namespace for the crowd, and a pair of interfaces to it."""
    drop_space()
    for words in (
        f"netns add {SPACE}",
        f"link add {SPACE} type veth peer name {SPACE}-in netns {SPACE}",
        f"addr add {HERE}/30 dev {SPACE}",
        f"link set {SPACE} up",
        f"-n {SPACE} addr add {THERE}/30 dev {SPACE}-in",
        f"-n {SPACE} link set {SPACE}-in up",
        f"-n {SPACE} link set lo up",
    ):
        subprocess.run(["ip", *words.split()], check=True)


def drop_space() -> None:
    """Both ends go with the namespace."""
    subprocess.run(["ip", "netns", "del", SPACE], stderr=subprocess.DEVNULL, check=False)
    subprocess.run(["ip", "link", "del", SPACE], stderr=subprocess.DEVNULL, check=False)


def main() -> None:
    from twisted.internet import reactor
    from twisted.internet.task import react

    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--seconds", type=float, default=60.0)
    flags.add_argument("--players", type=int, default=300)
    flags.add_argument("--servers", type=int, default=3)
    flags.add_argument("--moves-per-s", type=float, default=50.0)
    flags.add_argument("--kill-every", type=float, default=0.0)
    flags.add_argument("--down-s", type=float, default=0.0)
    flags.add_argument("--restart-every", type=float, default=0.0)
    flags.add_argument("--rtt-ms", type=float, default=0.0)
    flags.add_argument("--seed", type=int, default=1)
    flags.add_argument("--folder", type=Path)
    asked = flags.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    if asked.rtt_ms:
        make_space()
    codes: list[int] = []
    router_log = textFileLogObserver((folder / "router.log").open("w"))
    globalLogBeginner.beginLoggingTo([router_log], redirectStandardIO=False)

    async def whole(_reactor: Any) -> None:
        codes.append(await Soak(reactor, asked, folder).run())

    try:
        react(lambda r: Deferred.fromCoroutine(whole(r)))
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        if asked.rtt_ms:
            drop_space()
    sys.exit(codes[0])


if __name__ == "__main__":
    main()
