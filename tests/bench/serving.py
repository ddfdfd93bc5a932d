"""The servers of a speed measurement, ours and those beside it, and how their players begin.

Each server runs on one core, the router and the players' program on another, where there are so
many.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil

from clientmigration.net.tickets import hashed
from clientmigration.wire.connection import ROUTER_TO_PLAYER, Connection, encode
from clientmigration.wire.messages import Greeting, Hello, Join, Pings, Redirect

HERTZ, INPUTS_S = 20, 10  # what each player is shown and says in a second
STARTS_S = 60.0
AT_ONCE = 8  # players whom the router lets in at the same time
PATIENT = """
[health]
unhealthy = 0.0
unhealthy_s = 0.0
fresh_s = 60.0
[rebalance]
imbalance = 10.0
margin = 1.0
"""  # on a busy machine, too; and nobody is moved, for these players can not follow
COLYSEUS = ("@colyseus/core@0.16", "@colyseus/ws-transport@0.16", "@colyseus/schema@3")
ROOT = Path(__file__).parents[2]
PEERS = Path(__file__).parent / "peers"
SECRET = "0" * 64
GREETING = encode(Greeting(role="player"))
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


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


class Crowd:
    """Players in one program in C (`load.c`), who come, play, and say how it was."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._says, self._hears = process.stdin, process.stdout

    def come(self, opening: str) -> None:
        """One more player, who says this first; "" for: all are there."""
        self._says.write(f"{opening}\n")
        self._says.flush()

    def play(self) -> None:
        """All are there: wait until it has begun."""
        self.come("")
        self.begun()

    def begun(self) -> None:
        """Wait until each has been shown something, and two seconds more."""
        assert self._hears.readline() == "begun\n"

    def told(self) -> list[float]:
        """How it was, when it is over: as load.c says it."""
        return [float(each) for each in self._hears.readline().split()]


@contextmanager
def crowd(load: str, port: int, seconds: float, speaks: int = 0) -> Iterator[Crowd]:
    """Players who will play for so long."""
    words = [load, "127.0.0.1", str(port), str(seconds), str(INPUTS_S), str(speaks)]
    last = (os.cpu_count() or 1) - 1
    with started(words, last, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Crowd(process)


def spent(*processes: psutil.Process) -> float:
    """Seconds of CPU that they have used."""
    return float(sum(sum(each.cpu_times()[:2]) for each in processes))


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


@dataclass(frozen=True)
class Fleet:
    """A router and its game servers, as processes; the ports where players and members come to the
    router, and those of the servers."""

    router: psutil.Process
    servers: list[psutil.Process]
    door: int
    members: int
    ports: list[int]


@contextmanager
def fleet(root: Path, servers: int = 1, policy: str = PATIENT) -> Iterator[Fleet]:
    """A router and so many game servers of a checkout. The router is on the last core, the servers
    are on the others, and on all if they are more than those."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "secret").write_text(SECRET)
        (folder / "policy").write_text(policy)
        door, members, *ports = free_ports(2 + servers)
        common = f"--secret-file {folder}/secret --carbon tcp:127.0.0.1:1"
        commands = [
            f"router --players tcp:{door}:interface=127.0.0.1 --forget --ledger {folder}/ledger"
            f" --members tcp:{members}:interface=127.0.0.1 --graphite http://127.0.0.1:1"
            f" --policy {folder}/policy {common}",
            *(
                f"gameserver --router tcp:127.0.0.1:{members} --name gs-{n} --capacity 20000"
                f" --listen tcp:{port}:interface=127.0.0.1 {common}"
                for n, port in enumerate(ports, 1)
            ),
        ]
        twistd = [str(Path(sys.executable).with_name("twistd")), "-n", "--pidfile="]
        env = {**os.environ, "PYTHONPATH": str(root / "services")}
        processes = []
        last = max(1, (os.cpu_count() or 1) - 1)
        among = last if servers <= last else last + 1
        for n, (command, port) in enumerate(zip(commands, (members, *ports), strict=True)):
            log = stack.enter_context((folder / f"{n}.log").open("wb"))
            core = (n - 1) % among if n else last
            process = started(
                [*twistd, *command.split()], core, stdout=log, stderr=log, env=env, cwd=folder
            )
            processes.append(psutil.Process(stack.enter_context(process).pid))
            answers(port)
        yield Fleet(processes[0], processes[1:], door, members, ports)


@contextmanager
def ours(root: Path, websocket: bool) -> Iterator[Serving]:
    """A router and one game server of a checkout, to be played at."""
    with fleet(root) as there:
        openings = lambda n: (said for _, said in admitted(n, there.door, websocket))  # noqa: E731
        yield Serving(there.servers[0], there.ports[0], openings, int(websocket))


def answers(port: int) -> None:
    """Wait until somebody listens there."""
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return
        time.sleep(0.1)
    sys.exit(f"nobody listens at port {port}")


def admitted(n: int, door: int, websocket: bool) -> Iterator[tuple[int, str]]:
    """Of so many players, whom the router has let in: the port of the server where each is to be,
    and what it says there first."""
    hello = GREETING + encode(Hello(holder=hashed(SECRET))) + encode(Pings(pings={}))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for start in range(0, n, AT_ONCE):  # a ticket is good for some seconds only
            untils = [time.monotonic() + STARTS_S] * min(AT_ONCE, n - start)
            for where in pool.map(partial(_sent_on, door, hello), untils):
                yield int(where.address.rpartition(":")[2]), _shown(where, websocket)


def _shown(where: Redirect, websocket: bool) -> str:
    said = [Greeting(role="player"), Join(ticket=where.ticket, secret=SECRET)]
    frames = [encode(each) for each in said]
    if websocket:
        return f"{REQUEST.hex()} {b''.join(map(_masked, frames)).hex()}"
    return b"".join(frames).hex()


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
