"""What one tick costs a game server, on a machine that has other things to do, too.

    python tests/bench/tick.py [--players 800] [--ticks 100] [--rounds 6] [--websocket]
    python tests/bench/tick.py --before OTHER_CHECKOUT      # its code, too, in turn
    python tests/bench/tick.py --profile 25                 # where the time goes, by function

A whole game server of the meadow and its players in one process, over real sockets. Of a tick two
parts are timed, each by the thread's own CPU time: hearing what the players say (half of them say
something), and the tick itself, with its views sent. What the players do is not. The median of all
ticks of a round is told in microseconds per player; rounds of both checkouts come in turn, and the
ratio is that of the medians of the rounds. Before each tick nothing is done for `--rest` ms, as in
a server that ticks 20 times a second: what a tick needs is out of the CPU's caches by then, which
costs as much again. `speed.py` measures the same from outside, of two processes, with the reports,
timers and garbage of a server that lasts.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import os
import pstats
import random
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.epollreactor import EPollReactor

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.metrics import MemorySink
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.core.player.standing import Claim, Reservation
from clientmigration.games.meadow.game import Meadow
from clientmigration.gameserver.files import Files
from clientmigration.gameserver.service import ServerOutside, ServerParts, Setting, build
from clientmigration.net.door import Lines
from clientmigration.net.polling import short
from clientmigration.net.probe import Probe
from clientmigration.net.settings import keep_what_is_loaded
from clientmigration.net.tickets import Seals, Ticket, hashed
from clientmigration.net.web import Reception
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Checkpoint, Greeting, Join, Stored
from clientmigration.wire.web import Origins

ROOT = Path(__file__).parents[2]
MOVE = struct.Struct("<IBIBff")
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Router:
    """As far as a tick needs one: what is stored there is encoded, and confirmed."""

    over = False

    def __init__(self, encode: Callable[[Any], bytes]) -> None:
        self.encode = encode
        self.rounds: Any = None

    def say(self, message: Any) -> None:
        """It is heard at once."""
        self.encode(message)
        if isinstance(message, Checkpoint):
            self.rounds(Stored(n=message.n))


class Inside:
    """One server and its players, in this process."""

    def __init__(self, players: int, websocket: bool, gathered: bool) -> None:
        self.reactor: Any = short(EPollReactor())
        self.websocket = websocket
        self.server = self._server()
        self.clients = list[socket.socket]()
        self.seq = self.ticks = 0
        self.names = [f"{random.Random(n).getrandbits(64):016x}" for n in range(players)]
        for name in self.names:
            self._join(name, gathered)
        self._until(lambda: self._seated() == players)

    def _server(self) -> Any:
        self.seals = Seals("0" * 64)
        endpoint: Any = None  # no neighbour is called
        outside = ServerOutside(
            self.reactor, self.seals, MemorySink(), Probe(self.reactor), time.process_time,
            os.urandom, lambda _address: endpoint,
        )  # fmt: skip
        setting = Setting("gs-1", "127.0.0.1:1", 100_000, 20, Policy())
        server: Any = build(outside, setting, ServerParts(Meadow, Files()))
        server.ticks._step = server._step  # as `start` would, but that the clock is ours
        self.router: Any = Router(encode)
        self.router.rounds = server.rooms.duties._orders._stored
        server.attachment.attached(self.router, "gs-1", "")
        reception = Reception(server.player_line, Origins(frozenset()), self.reactor, server.blame)
        door = self.reactor.listenTCP(0, Lines(reception), 4096, "127.0.0.1")
        self.port = door.getHost().port
        return server

    def _join(self, name: str, gathered: bool) -> None:
        state: dict[str, Any] = {"x": 510.0, "y": 510.0, "vx": 0.0, "vy": 0.0, "coins": 10}
        snapshot = (
            Snapshot(
                player=name,
                epoch=0,
                seq=1,
                tick=0,
                x=510.0,
                y=510.0,
                holder="",
                game=state,
                title="meadow",
            )
            if gathered
            else None
        )
        holder = hashed("0" * 64)
        kept = Reservation(name, 1, self.server.ticks.now() + 60)
        self.server.seats.reserve(name, kept, self.router)
        self.server.seats.own(name, Claim(name, 1, snapshot, holder), self.router)
        now = self.server.ticks.date()
        ticket = self.seals.ticket(Ticket(name, name, "gs-1", 1, holder), now)
        said = [encode(Greeting(role="player")), encode(Join(ticket=ticket, secret="0" * 64))]
        client = socket.create_connection(("127.0.0.1", self.port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setblocking(False)
        self.clients.append(client)
        if self.websocket:
            client.send(REQUEST)
            heard = bytearray()
            self._until(lambda: b"\r\n\r\n" in self._heard(client, heard))
            said = [masked(frame) for frame in said]
        client.send(b"".join(said))
        self.poll()

    def _heard(self, client: socket.socket, into: bytearray) -> bytearray:
        with suppress(BlockingIOError):
            into += client.recv(65536)
        return into

    def _until(self, done: Any) -> None:
        for _ in range(10_000):
            self.poll()
            if done():
                return
        raise SystemExit("it did not come to that")

    def _seated(self) -> int:
        return sum(seat.line is not None for seat in self.server.seats)

    def poll(self) -> None:
        """Hear what there is."""
        self.reactor.doIteration(0)

    def say(self) -> None:
        """Half of the players walk on, the others at the next tick."""
        half = self.seq % 2
        for client in self.clients[half::2]:
            towards = random.randrange(9) - 4, random.randrange(9) - 4
            frame = MOVE.pack(14, 1, self.seq // 2 + 1, 1, *towards)
            client.send(masked(frame) if self.websocket else frame)
        self.seq += 1

    def hear(self) -> int:
        """What the players are shown; answers how many bytes."""
        size = 0
        for client in self.clients:
            with suppress(BlockingIOError):
                size += len(client.recv(65536))
        return size

    def tick(self) -> None:
        """As the server's own clock does."""
        ticks = self.server.ticks
        ticks.tick = max(ticks.tick + 1, int(ticks.date() * 20))
        ticks._simulate(ticks.tick)


def masked(frame: bytes) -> bytes:
    """A WebSocket message, masked with nothing."""
    body = frame[4:]
    size = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2, "big")
    return b"\x82" + size + bytes(4) + body


def worker(asked: argparse.Namespace) -> None:
    """One round, in this process: says its figures as JSON."""
    random.seed(1)
    inside = Inside(asked.players, asked.websocket, asked.gathered)
    keep_what_is_loaded()
    profile = cProfile.Profile(time.thread_time) if asked.profile else None
    hearing, ticking, size = list[float](), list[float](), 0
    for n in range(asked.ticks + 20):
        inside.say()
        time.sleep(asked.rest / 1000)
        if profile and n > 20:
            profile.enable()
        began = time.thread_time()
        inside.poll()
        inside.poll()
        heard = time.thread_time()
        inside.tick()
        ended = time.thread_time()
        if profile:
            profile.disable()
        if n % 20 == 0:
            inside.server.measures()
        got = inside.hear()
        if n >= 20:
            hearing.append(heard - began)
            ticking.append(ended - heard)
            size += got
    if profile:
        stats = pstats.Stats(profile)
        stats.sort_stats("tottime").print_stats(asked.profile)
        stats.sort_stats("cumtime").print_stats(asked.profile)
    n = asked.players
    applied = sum(seat.inbox.progress.applied for seat in inside.server.seats)
    told = {
        "hear": statistics.median(hearing) / n * 1e6,
        "tick": statistics.median(ticking) / n * 1e6,
        "bytes": size / asked.ticks / n,
        "applied": applied / n / inside.seq,
        "gc": gc.get_stats()[1]["collections"],
    }
    print(json.dumps(told), flush=True)


def round_of(root: Path, words: list[str]) -> dict[str, float]:
    """One round of a checkout, in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(root / "services"), "PYTHONHASHSEED": "0"}
    command = [sys.executable, __file__, "--worker", *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Rounds of both in turn; then the medians."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--players", type=int, default=800)
    flags.add_argument("--ticks", type=int, default=100)
    flags.add_argument("--rounds", type=int, default=6)
    flags.add_argument("--websocket", action="store_true")
    flags.add_argument("--rest", type=float, default=35.0, help="ms before each tick")
    flags.add_argument("--gathered", action="store_true", help="all in one cell")
    flags.add_argument("--before", type=Path, help="another checkout, to be compared with")
    flags.add_argument("--profile", type=int, default=0, help="rows of a profile of one round")
    flags.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = flags.parse_args()
    if asked.worker or asked.profile:
        worker(asked)
        return
    words = [each for each in sys.argv[1:] if each in ("--websocket", "--gathered")]
    words += ["--players", str(asked.players), "--ticks", str(asked.ticks)]
    words += ["--rest", str(asked.rest)]
    roots = {"ours": ROOT} | ({"before": asked.before.resolve()} if asked.before else {})
    told: dict[str, list[dict[str, float]]] = {name: [] for name in roots}
    for n in range(asked.rounds):
        for name in [*roots][:: 1 if n % 2 else -1]:
            told[name].append(round_of(roots[name], words))
    totals = {}
    for name, rounds in told.items():
        hear, tick, size, applied = (
            statistics.median(each[what] for each in rounds)
            for what in ("hear", "tick", "bytes", "applied")
        )
        totals[name] = hear + tick
        print(
            f"{name:7} {hear + tick:6.2f} us per player and tick: {hear:5.2f} hearing,"
            f" {tick:5.2f} ticking; {size:.0f} bytes a view, {applied:.2f} inputs a tick"
        )
    if asked.before:
        print(f"ours / before: {totals['ours'] / totals['before']:.3f}")


if __name__ == "__main__":
    main()
