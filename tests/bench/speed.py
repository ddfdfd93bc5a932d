"""How many players one core carries: our game server beside servers that play no game.

    python tests/bench/speed.py [--players 600] [--seconds 8] [--rounds 3] [--only ours,bare]
    python tests/bench/speed.py --before OTHER_CHECKOUT      # its code, too, in the same rounds
    python tests/bench/speed.py --json run/speed.json --picture run/speed.svg

Every server runs on one core and its players, in C, on another. Ours is a whole one: the meadow, a
router on SQLite, a carbon that is not there, players who walk. Told are microseconds of the
server's CPU per player and tick, what a view weighs, and how late views come; in turn, round after
round, and the median of the rounds. Needs a C compiler; Colyseus is installed by npm into a
temporary folder, and left out, which is said, where there is no node.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil

from clientmigration.net.tickets import hashed
from clientmigration.wire.connection import ROUTER_TO_PLAYER, Connection, encode
from clientmigration.wire.messages import Greeting, Hello, Join, Pings, Redirect

HERTZ, INPUTS_S = 20, 10
STARTS_S = 60.0
PATIENT = "[health]\nunhealthy = 0.0\nunhealthy_s = 0.0\nfresh_s = 60.0\n"  # on a busy machine, too
COLYSEUS = ("@colyseus/core@0.16", "@colyseus/ws-transport@0.16", "@colyseus/schema@3")
MOST_DROPPED = 0.5  # share of views: more, and a round does not count
SHOWN = ("us", "view_bytes", "late_p50_ms", "late_p99_ms", "late_p999_ms")
ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
SECRET = "0" * 64
GREETING = encode(Greeting(role="player"))
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@dataclass
class Figures:
    """Of one server in one round."""

    kind: str
    players: int
    us: float  # of CPU, per player and tick that was shown: a late server leaves some out
    view_bytes: float
    late_p50_ms: float
    late_p99_ms: float
    late_p999_ms: float
    late_most_ms: float
    gap_p99_ms: float
    gap_most_ms: float
    dropped: float  # share of views that nobody got
    cut: int


@dataclass
class Serving:
    """A server that is there: its process, its port, and how its players begin."""

    process: psutil.Process
    port: int
    openings: Callable[[int], Iterator[str]]  # as load.c reads them
    speaks: int = 0  # as load.c says: frames over TCP, a WebSocket, rooms of Colyseus


def compiled(folder: Path, name: str) -> str:
    """A program in C, made."""
    made = folder / name
    compiler = shutil.which("cc") or sys.exit("a C compiler is needed: apt install gcc libc6-dev")
    subprocess.run([compiler, "-O2", "-o", str(made), str(PEERS / f"{name}.c")], check=True)
    return str(made)


@contextmanager
def started(command: list[str], core: int, **how: Any) -> Iterator[subprocess.Popen[str]]:
    """A process on one core, for a while."""
    with subprocess.Popen(["taskset", "-c", str(core), *command], text=True, **how) as process:
        try:
            yield process
        finally:
            process.kill()


def free_ports(n: int) -> list[int]:
    """Ports that nobody has."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


@contextmanager
def peer(command: list[str]) -> Iterator[Serving]:
    """A server that says its port and lets everybody in."""
    with started(command, 0, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield Serving(psutil.Process(process.pid), port, lambda n: iter(["-"] * n))


@contextmanager
def colyseus(folder: Path) -> Iterator[Serving]:
    """Rooms of Colyseus, from the folder in which npm has installed it."""
    command = ["node", str(PEERS / "colyseus.mjs"), str(folder)]
    with started(command, 0, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        openings = lambda n: (_seated(port) for _ in range(n))  # noqa: E731
        yield Serving(psutil.Process(process.pid), port, openings, 2)


def _seated(port: int) -> str:
    """What a player says first to whom a room has given a seat."""
    asked = Request(f"http://127.0.0.1:{port}/matchmake/joinOrCreate/meadow", b"{}")
    asked.add_header("Content-Type", "application/json")
    with urlopen(asked, timeout=10) as answer:
        seat = json.loads(answer.read())
    path = f"/{seat['room']['processId']}/{seat['room']['roomId']}?sessionId={seat['sessionId']}"
    return f"{REQUEST.replace(b'GET / ', f'GET {path} '.encode()).hex()} -"


def installed(folder: Path) -> bool:
    """Whether npm could install Colyseus there; else it is left out, and that is said."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        print("Colyseus is left out: there is no node here")
        return False
    words = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]
    done = subprocess.run([*words, str(folder), *COLYSEUS], capture_output=True, check=False)
    if done.returncode:
        print(f"Colyseus is left out: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.returncode == 0


@contextmanager
def running(root: Path) -> Iterator[tuple[psutil.Process, int, int]]:
    """A router and one game server of a checkout: the router's process, the port where players come
    to it, and the server's. The server's process is the router's next."""
    with started_both(root) as (processes, players, server):
        yield processes[0], players, server


@contextmanager
def ours(root: Path, websocket: bool) -> Iterator[Serving]:
    """The same, to be played at."""
    with started_both(root) as (processes, players, server):
        openings = lambda n: admitted(n, players, websocket)  # noqa: E731
        yield Serving(processes[1], server, openings, int(websocket))


@contextmanager
def started_both(root: Path) -> Iterator[tuple[list[psutil.Process], int, int]]:
    """Both processes, and the ports where players come."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "secret").write_text("0" * 64)
        (folder / "policy").write_text(PATIENT)
        players, members, server = free_ports(3)
        common = f"--secret-file {folder}/secret --carbon tcp:127.0.0.1:1"
        commands = (
            f"router --players tcp:{players}:interface=127.0.0.1 --forget --ledger {folder}/ledger"
            f" --members tcp:{members}:interface=127.0.0.1 --graphite http://127.0.0.1:1"
            f" --policy {folder}/policy {common}",
            f"gameserver --router tcp:127.0.0.1:{members} --name gs-1 --capacity 20000"
            f" --listen tcp:{server}:interface=127.0.0.1 {common}",
        )
        twistd = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile="]
        env = {**os.environ, "PYTHONPATH": str(root / "services") + os.environ.get("MORE", "")}
        processes = []
        for core, command in zip((1, 0), commands, strict=True):
            log = stack.enter_context((folder / f"{core}.log").open("wb"))
            process = started(
                [*twistd, *command.split()], core, stdout=log, stderr=log, env=env, cwd=folder
            )
            processes.append(psutil.Process(stack.enter_context(process).pid))
            answers(members if core else server)
        yield processes, players, server


def answers(port: int) -> None:
    """Wait until somebody listens there."""
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return
        time.sleep(0.1)
    sys.exit(f"nobody listens at port {port}")


def admitted(n: int, port: int, websocket: bool) -> Iterator[str]:
    """What so many players say to the game server first: the router has let them in."""
    hello = GREETING + encode(Hello(holder=hashed(SECRET))) + encode(Pings(pings={}))
    for _ in range(n):
        where = _sent_on(port, hello, time.monotonic() + STARTS_S)
        said = [Greeting(role="player"), Join(ticket=where.ticket, secret=SECRET)]
        frames = [encode(each) for each in said]
        if websocket:
            yield f"{REQUEST.hex()} {b''.join(map(_masked, frames)).hex()}"
        else:
            yield b"".join(frames).hex()


def _sent_on(port: int, hello: bytes, until: float) -> Redirect:
    while time.monotonic() < until:
        with socket.create_connection(("127.0.0.1", port), 5) as line, suppress(TimeoutError):
            line.sendall(hello)
            heard = Connection(ROUTER_TO_PLAYER)
            while data := line.recv(65536):
                for message in heard.receive(data):
                    if isinstance(message, Redirect):
                        return message
        time.sleep(0.1)
    sys.exit("the router lets nobody in: the machine may have too much else to do")


def _masked(frame: bytes) -> bytes:
    """A WebSocket message, masked with nothing."""
    body = frame[4:]
    size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    return b"\x82" + size + bytes(4) + body


def measured(kind: str, serving: Serving, load: str, asked: argparse.Namespace) -> Figures:
    """Its players come, play for a while, and say how it was."""
    n, process = asked.players, serving.process
    words = [str(asked.seconds), str(INPUTS_S), str(serving.speaks)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with started([load, "127.0.0.1", str(serving.port), *words], 1, **pipes) as players:
        assert players.stdin is not None
        assert players.stdout is not None
        for opening in serving.openings(n):
            players.stdin.write(f"{opening}\n")
            players.stdin.flush()
        players.stdin.write("\n")
        players.stdin.flush()
        assert players.stdout.readline() == "begun\n"
        began, before = time.monotonic(), sum(process.cpu_times()[:2])
        said = players.stdout.readline().split()
        spent, took = sum(process.cpu_times()[:2]) - before, time.monotonic() - began
    views, size, _inputs, *late = (float(each) for each in said)
    ticks = took * HERTZ * n
    dropped, cut = max(0.0, 1 - views / ticks), int(late.pop())
    measured: tuple[Any, ...] = (
        spent / max(1, views) * 1e6,
        size / max(1, views),
        *late,
        dropped,
        cut,
    )
    return Figures(kind, n, *measured)


def servers(asked: argparse.Namespace, folder: Path) -> dict[str, Callable[[], Any]]:
    """How each kind is started."""
    size, epoll = str(asked.bytes), compiled(folder, "epoll")
    every: dict[str, Callable[[], Any]] = {
        "epoll": lambda: peer([epoll, size]),
        "bare": lambda: peer([sys.executable, str(PEERS / "bare.py"), size]),
    }
    roots = {"ours": ROOT} | ({"before": asked.before.resolve()} if asked.before else {})
    for name, root in roots.items():
        every[f"{name} tcp"] = partial(ours, root, False)
        every[f"{name} websocket"] = partial(ours, root, True)
    if "colyseus" in (asked.only or "colyseus") and installed(folder / "npm"):
        every["colyseus"] = partial(colyseus, folder / "npm")
    words = asked.only.split(",") if asked.only else list(every)
    return {kind: start for kind, start in every.items() if any(word in kind for word in words)}


@dataclass
class Table:
    """All rounds in one table, and as a picture. `kinds` is in the order of the rows."""

    told: list[Figures]
    kinds: list[str]

    def __post_init__(self) -> None:
        """A round in which a server was so late that most of its views were left out says nothing
        of what they cost, and is not counted: the machine had too much else to do."""
        known = {each.kind for each in self.told if each.dropped < MOST_DROPPED}
        self.kinds = [kind for kind in self.kinds if kind in known]

    def rounds(self, kind: str) -> list[Figures]:
        """Those of one server that count."""
        return [x for x in self.told if x.kind == kind and x.dropped < MOST_DROPPED]

    def median(self, kind: str, figure: str) -> float:
        """The median of the rounds of one server."""
        return float(statistics.median(getattr(each, figure) for each in self.rounds(kind)))

    def beside(self, kind: str, other: str) -> str:
        """How many times as many players as that one this one would carry."""
        if other not in self.kinds:
            return "-"
        return f"{self.median(other, 'us') / self.median(kind, 'us'):.2f}"

    def __str__(self) -> str:
        rows = [
            "| server | us | times bare | times Colyseus | bytes | late p50, p99, p99.9 ms |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for kind in self.kinds:
            us, size, *late = (self.median(kind, figure) for figure in SHOWN)
            ratios = [self.beside(kind, other) for other in ("bare", "colyseus")]
            said = ", ".join(f"{each:.1f}" for each in late)
            rows.append(f"| {kind} | {us:.1f} | {' | '.join(ratios)} | {size:.0f} | {said} |")
        return "\n".join(rows)

    def picture(self) -> str:
        """Bars of microseconds, and thin lines from the least to the most of the rounds, as SVG."""
        most = max((each.us for kind in self.kinds for each in self.rounds(kind)), default=1.0)
        across = lambda us: 170 + 400 * us / most  # noqa: E731
        drawn = [
            f'<text x="10" y="24" class="t">Microseconds of the server\'s CPU per player and tick,'
            f" {self.told[0].players} players</text>"
        ]
        for n, kind in enumerate(self.kinds):
            y, us = 44 + 30 * n, self.median(kind, "us")
            rounds = [each.us for each in self.rounds(kind)]
            low, high = across(min(rounds)), across(max(rounds))
            color = "#3f51b5" if kind.startswith("ours") else "#9e9e9e"
            drawn += [
                f'<text x="160" y="{y + 15}" text-anchor="end">{kind}</text>',
                f'<path d="M170 {y + 10}H{across(us):.0f}" stroke="{color}" stroke-width="20"/>',
                f'<path d="M{low:.0f} {y + 10}H{high:.0f}" stroke="#ff9800" stroke-width="2"/>',
                f'<text x="{high + 8:.0f}" y="{y + 15}">{us:.1f}</text>',
            ]
        height = 54 + 30 * len(self.kinds)
        style = "text{font:14px sans-serif;fill:#212121}.t{font-weight:bold}"
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {height}" width="640">'
        ground = f'<rect width="640" height="{height}" fill="#ffffff"/>'
        return f"{head}<style>{style}</style>{ground}{''.join(drawn)}</svg>\n"


def main() -> None:
    """Every server in every round; then the medians."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--players", type=int, default=600)
    flags.add_argument("--seconds", type=float, default=8.0)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--bytes", type=int, default=385, help="of a view where there is no game")
    flags.add_argument("--only", default="", help="kinds that contain one of these words")
    flags.add_argument("--before", type=Path, help="another checkout, to be compared with")
    flags.add_argument("--json", type=Path, help="a file for all figures")
    flags.add_argument("--picture", type=Path, help="a file for a picture, SVG")
    asked = flags.parse_args()
    told: list[Figures] = []
    with tempfile.TemporaryDirectory() as made:
        load = compiled(Path(made), "load")
        every = servers(asked, Path(made))
        for _ in range(asked.rounds):
            for kind, start in every.items():
                with start() as serving:
                    told.append(measured(kind, serving, load, asked))
                print(asdict(told[-1]), flush=True)
                if asked.json:  # anew each time: it may be stopped
                    asked.json.write_text(json.dumps([asdict(each) for each in told], indent=1))
    told_of = Table(told, [*every])
    print(f"\n{asked.players} players, median of {asked.rounds} rounds of {asked.seconds:g} s\n")
    print(told_of)
    if asked.picture:
        asked.picture.write_text(told_of.picture())


if __name__ == "__main__":
    main()
