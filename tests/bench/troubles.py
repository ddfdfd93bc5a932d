"""What bad surroundings cost players, with real processes on loopback: issue by issue, in figures.

    python tests/bench/troubles.py relay|unreachable|descriptors|clock|flood|talkers|game
                       [--players 8] [--hosts one,router] [--seconds -30] [--services FOLDER]

A router, two game servers `one` and `two`, players in this process, who act ten times a second.
`relay`: who goes to `one` goes through a program that is killed. `unreachable`: it never ran.
`descriptors`: `one` may have 48. `clock`: the clocks of some hosts are set. `flood`: 40,000
strangers, 2,000 a second. `talkers`: three who talk on after the goodbye. `game`: the world of
`one` raises at each tick. Prints, of those who played, the longest time without a view and how many
came back; of newcomers, how long they waited.
`--services` runs daemons of another version: its players are this one's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import psutil
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import LoopingCall, deferLater, react

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.games.meadow import wire as meadow
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Greeting, Hello

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "live"))

from wall_clocks import WallClocks  # noqa: E402

SERVICES = HERE.parents[1] / "services"
PLAYERS, MEMBERS, ONE = 45600, 45601, 45602
APART = "127.0.0.2"  # where the relay listens
COMMAND = "import sys; from clientmigration.cli.main import main; sys.exit(main())"
HELLO = encode(Greeting(role="player")) + encode(Hello(holder="0" * 64))
WEB = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Watched:
    """A player, when it began, when it first saw something, and its longest time without a view."""

    def __init__(self, reactor: Any, n: int) -> None:
        self.player = Player(reactor, f"127.0.0.1:{PLAYERS}", dialer(reactor), Random(n))
        self.began = self.seen_at = time.monotonic()
        self.waited, self.longest, self.views, self.missed = 0.0, 0.0, 0, 0
        self.player.start()

    def look(self) -> None:
        """Is there anything new?"""
        now = time.monotonic()
        if self.player.tally.views != self.views:
            self.waited = self.waited or now - self.began
            self.views, self.seen_at = self.player.tally.views, now
        elif self.waited:
            self.longest = max(self.longest, now - self.seen_at)

    def mark(self) -> None:
        """From now on."""
        self.longest, self.missed = 0.0, self.player.tally.missed


class Fleet:
    """Daemons that are started here and end here, and players who act."""

    def __init__(self, reactor: Any, services: Path) -> None:
        self.reactor, self.folder = reactor, Path(tempfile.mkdtemp())
        self.environ = {**os.environ, "PYTHONPATH": str(services)}
        (self.folder / "secret").write_text("0" * 64)
        self.environs: dict[str, dict[str, str]] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.watched: list[Watched] = []
        LoopingCall(self._act).start(0.1)
        LoopingCall(self._look).start(0.02)

    def _look(self) -> None:
        for each in self.watched:
            each.look()

    def _act(self) -> None:
        for each in self.watched:
            if each.player.member:
                each.player.act(meadow.move(1.0, 0.5))

    def run(self, name: str, *words: str, files: int = 0) -> None:
        """Start a program, with so many descriptors, and what `environs` has for it."""

        def few() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

        environ = {**self.environ, **self.environs.get(name, {})}
        self.running[name] = subprocess.Popen(
            [sys.executable, *words], cwd=self.folder, env=environ,
            stdout=(self.folder / f"{name}.log").open("wb"), stderr=subprocess.STDOUT,
            preexec_fn=few if files else None,
        )  # fmt: skip

    def daemon(self, name: str, flags: str, files: int = 0) -> None:
        """Start a daemon."""
        twistd = str(Path(sys.executable).with_name("twistd"))
        common = f"--secret-file {self.folder}/secret --carbon tcp:127.0.0.1:1"
        words = ("-n", "--pidfile=", *flags.split(), *common.split())
        self.run(name, twistd, *words, files=files)

    def router(self) -> None:
        """The router."""
        doors = f"--players tcp:{PLAYERS}:interface=127.0.0.1 --members tcp:{MEMBERS}"
        rest = f"--ledger {self.folder}/ledger --graphite http://127.0.0.1:1"
        self.daemon("router", f"router {doors} --forget {rest}")

    def server(self, name: str, more: str = "", files: int = 0) -> None:
        """A game server."""
        flags = f"gameserver --name {name} --router tcp:127.0.0.1:{MEMBERS} {more}"
        self.daemon(name, flags, files)

    def log(self, name: str) -> str:
        """What it said so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    async def until(self, true: Callable[[], Any], within_s: float = 90.0) -> bool:
        """Whether it came true in time."""
        end = time.monotonic() + within_s
        while not true():
            if time.monotonic() > end:
                return False
            await self.wait(0.1)
        return True

    async def wait(self, seconds: float) -> None:
        """Go on for so long."""
        await deferLater(self.reactor, seconds)

    async def ready(self, *names: str) -> None:
        """All servers are in the fleet, and have reported."""
        there = await self.until(lambda: all(f"{n} at " in self.log("router") for n in names))
        assert there, self.log("router")
        await self.wait(3.0)

    async def players(self, many: int, pause_s: float = 0.1) -> list[Watched]:
        """So many more."""
        come = []
        for _ in range(many):
            come.append(Watched(self.reactor, len(self.watched)))
            self.watched.append(come[-1])
            await self.wait(pause_s)
        return come

    def rss(self, name: str) -> float:
        """Its memory, MB."""
        return psutil.Process(self.running[name].pid).memory_info().rss / 1e6

    def closed(self) -> dict[str, str]:
        """Which servers nobody is sent to, as status says."""
        words = ("status", "--json", "--router", f"tcp:127.0.0.1:{MEMBERS}")
        argv = [sys.executable, "-c", COMMAND, *words, "--secret-file", f"{self.folder}/secret"]
        done = subprocess.run(argv, env=self.environ, capture_output=True, check=False)
        members = json.loads(done.stdout or b"{}").get("members", [])
        return {each["name"]: each.get("closed", "") for each in members}

    def felt(self, who: Sequence[Watched]) -> str:
        """What these say."""
        there = [each for each in who if time.monotonic() - each.seen_at < 1.0]
        waits = sorted(each.waited for each in who if each.waited) or [float("nan")]
        missed = sum(each.player.tally.missed - each.missed for each in who)
        return (
            f"{len(there)} of {len(who)} play at the end; first view after"
            f" {waits[len(waits) // 2]:.1f} s (median), {waits[-1]:.1f} s (longest);"
            f" longest without a view {max(each.longest for each in who):.1f} s;"
            f" came back {sum(each.player.rejoins for each in who)}; missed ticks {missed}"
        )

    def end(self) -> None:
        """Everybody stops."""
        for each in self.watched:
            each.player.stop()
        for process in self.running.values():
            process.kill()


async def relay(fleet: Fleet, options: argparse.Namespace, runs: bool = True) -> None:
    """The way to `one` breaks while they play there, or never was one; `two` comes after them."""
    fleet.router()
    if runs:
        fleet.run("relay", str(HERE / "relay.py"), "--rtt-ms", "1", "--listen", APART, str(ONE))
    fleet.server("one", f"--listen tcp:{ONE}:interface=127.0.0.1 --advertise {APART}:{ONE}")
    await fleet.ready("one")
    who = await fleet.players(options.players)
    if runs:
        await fleet.until(lambda: all(each.waited for each in who))
    fleet.server("two")
    await fleet.ready("one", "two")
    if runs:
        at = [each.player.member for each in who].count("one")
        for each in who:
            each.mark()
        fleet.running["relay"].kill()
        print(f"killed, with {at} at `one`;", end=" ")
    await fleet.wait(40.0)
    print(fleet.felt(who), "; closed:", fleet.closed())
    late = await fleet.players(4)
    await fleet.wait(15.0)
    print("newcomers after it:", fleet.felt(late))


async def unreachable(fleet: Fleet, options: argparse.Namespace) -> None:
    """Dead from the first join."""
    await relay(fleet, options, runs=False)


async def descriptors(fleet: Fleet, options: argparse.Namespace) -> None:
    """`one` has few descriptors, and more players come than it has room for."""
    fleet.router()
    fleet.server("one", files=48)
    await fleet.ready("one")
    fleet.server("two")
    await fleet.ready("one", "two")
    who = await fleet.players(max(80, options.players), 0.05)
    await fleet.wait(30.0)
    at = [each.player.member for each in who]
    print(fleet.felt(who), f"; at one {at.count('one')}, two {at.count('two')};", fleet.closed())
    began = time.monotonic()
    fleet.running["one"].terminate()
    await fleet.until(lambda: fleet.running["one"].poll() is not None, 40.0)
    said = [line for line in fleet.log("one").splitlines() if "players left" in line]
    print(f"SIGTERM: ended after {time.monotonic() - began:.1f} s: {said[-1:]}")
    await fleet.wait(5.0)
    print("after it:", fleet.felt(who))
    for words in ("descriptors are", "turning strangers", "Traceback", "cannot measure"):
        print(f"  lines of one with {words!r}: {fleet.log('one').count(words)}")


async def clock(fleet: Fleet, options: argparse.Namespace) -> None:
    """Somebody sets clocks."""
    hosts = options.hosts.split(",")
    clocks = WallClocks(fleet.folder, hosts)
    fleet.environs = clocks.environs
    fleet.router()
    for name in ("one", "two"):
        fleet.server(name)
    await fleet.ready("one", "two")
    who = await fleet.players(options.players)
    await fleet.until(lambda: all(each.waited for each in who))
    await fleet.wait(3.0)
    for each in who:
        each.mark()
    clocks.set(hosts, options.seconds)
    await fleet.wait(20.0)
    print(f"{options.hosts} set by {options.seconds:+d} s:", fleet.felt(who))
    late = await fleet.players(2)
    await fleet.wait(15.0)
    print("newcomers after it:", fleet.felt(late))
    off = [host for host in hosts if "off the world's time" in fleet.log(host)]
    print(
        "said by", off, "; tracebacks:", sum(fleet.log(n).count("Traceback") for n in fleet.running)
    )


async def at_play(fleet: Fleet, players: int, one: str = "") -> list[Watched]:
    """So many players of two servers, watched from now on; flags of the first one."""
    fleet.router()
    fleet.server("one", one)
    fleet.server("two")
    await fleet.ready("one", "two")
    who = await fleet.players(players)
    await fleet.wait(5.0)
    for each in who:
        each.mark()
    return who


async def flood(fleet: Fleet, options: argparse.Namespace) -> None:
    """Strangers who say hello and hang up, from processes of their own."""
    who = await at_play(fleet, options.players)
    await fleet.wait(10.0)
    print("before it:", fleet.felt(who), f"; router {fleet.rss('router'):.0f} MB")
    for each in who:
        each.mark()
    for half in range(2):
        fleet.run(f"strangers {half}", __file__, "strangers", str(options.connects // 2))
    began, late = time.monotonic(), list[Watched]()
    while any(fleet.running[f"strangers {half}"].poll() is None for half in range(2)):
        late += await fleet.players(1, 1.0)
    took = time.monotonic() - began
    print(f"{options.connects} strangers in {took:.0f} s; others meanwhile:", fleet.felt(who))
    print("newcomers meanwhile:", fleet.felt(late), f"; router {fleet.rss('router'):.0f} MB")
    await fleet.wait(15.0)
    print(f"15 s after it: router {fleet.rss('router'):.0f} MB; newcomers", fleet.felt(late))


async def talkers(fleet: Fleet, options: argparse.Namespace) -> None:
    """Three WebSocket strangers go on sending after the goodbye."""
    who = await at_play(fleet, options.players)
    before = most = fleet.rss("router")
    for n in range(3):
        fleet.run(f"talker {n}", __file__, "talk")
    late = list[Watched]()
    while most < 2500 and any(fleet.running[f"talker {n}"].poll() is None for n in range(3)):
        most = max(most, fleet.rss("router"))
        if len(late) < 3:
            late += await fleet.players(1)
        await fleet.wait(0.1)
    print(f"router {before:.0f} MB before, {most:.0f} MB at most; others:", fleet.felt(who))
    await fleet.wait(10.0)
    print("newcomers:", fleet.felt(late), f"; router {fleet.rss('router'):.0f} MB at the end")


async def game(fleet: Fleet, options: argparse.Namespace) -> None:
    """The world of `one` raises at each tick, from some moment on."""
    flag, paths = fleet.folder / "flag", (fleet.environ["PYTHONPATH"], str(HERE.parent / "live"))
    fleet.environs["one"] = {"FRAIL": str(flag), "PYTHONPATH": os.pathsep.join(paths)}
    who = await at_play(fleet, options.players, "--game frail_game.FrailMeadow")
    flag.touch()
    print(f"it fails, with {[each.player.member for each in who].count('one')} at `one`;", end=" ")
    await fleet.wait(10.0)
    print(fleet.felt(who), "; closed:", fleet.closed())
    late = await fleet.players(4)
    await fleet.wait(10.0)
    print("newcomers after it:", fleet.felt(late))
    print(f"`one` has ended with {fleet.running['one'].poll()}; its last line:")
    print(" ", fleet.log("one").splitlines()[-1][:300])


def strangers(many: int, per_s: float = 1000.0) -> None:
    """A process of strangers."""
    began = time.monotonic()
    for n in range(many):
        with socket.create_connection(("127.0.0.1", PLAYERS)) as visitor:
            visitor.sendall(HELLO)
        time.sleep(max(0.0, began + n / per_s - time.monotonic()))


def talk() -> None:
    """One who says what may not be said, and goes on talking for 5 s."""
    frame = b"\x82\xfe\x0f\xa0" + bytes(4) + bytes(4000)
    with socket.create_connection(("127.0.0.1", PLAYERS)) as visitor:
        visitor.settimeout(1.0)
        visitor.sendall(WEB)
        visitor.recv(65536)
        end = time.monotonic() + 5.0
        while time.monotonic() < end:
            visitor.sendall(frame * 64)


TROUBLES: dict[str, Callable[[Fleet, argparse.Namespace], Awaitable[None]]] = {
    "relay": relay, "unreachable": unreachable, "descriptors": descriptors,
    "clock": clock, "flood": flood, "talkers": talkers, "game": game,
}  # fmt: skip


def main(argv: Sequence[str]) -> None:
    """One trouble."""
    if argv[:1] == ["strangers"]:
        strangers(int(argv[1]))
        return
    if argv[:1] == ["talk"]:
        talk()
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trouble", choices=TROUBLES)
    parser.add_argument("--players", type=int, default=8)
    parser.add_argument("--hosts", default="one")
    parser.add_argument("--seconds", type=int, default=-30)
    parser.add_argument("--connects", type=int, default=40_000)
    parser.add_argument("--services", type=Path, default=SERVICES)
    options = parser.parse_args(argv)

    async def alone(reactor: Any) -> None:
        fleet = Fleet(reactor, options.services.resolve())
        try:
            await TROUBLES[options.trouble](fleet, options)
        finally:
            fleet.end()

    def begun(reactor: Any) -> Deferred[None]:
        return ensureDeferred(alone(reactor))

    react(begun)


if __name__ == "__main__":
    main(sys.argv[1:])
