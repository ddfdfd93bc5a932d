"""What a player costs who comes by WebSocket, beside one who comes by TCP.

One process holds the doors as a game server does and shows each player a view per tick; another is
all the players: they send inputs and read what comes. Told is the CPU time of the first. By hand:

    .venv/bin/python tests/bench/web.py [--players 500] [--seconds 10] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from clientmigration.net.line import Line, LineTerms
from clientmigration.net.web import Reception
from clientmigration.wire.connection import PLAYER_TO_SERVER, encode
from clientmigration.wire.messages import Greeting, Input, Ping, Pong, View
from clientmigration.wire.web import Origins

KINDS = ("tcp", "websocket")
HERTZ, INPUTS_S, BODY = 20, 10, 400
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Guest:
    """The `Listener` of one line: counts what it hears."""

    heard_so_far = 0

    def __init__(self, open_lines: set[Line]) -> None:
        self.open_lines = open_lines

    def opened(self, line: Line) -> None:
        self.line = line
        self.open_lines.add(line)

    def heard(self, message: Any) -> None:
        Guest.heard_so_far += 1
        if isinstance(message, Ping):
            self.line.say(Pong(n=message.n))

    def closed(self, reason: str) -> None:  # noqa: ARG002
        self.open_lines.discard(self.line)


def serve(players: int, seconds: float) -> None:
    """Be the server: say the port, wait for all, show views, say what it cost."""
    from twisted.internet import reactor
    from twisted.internet.endpoints import serverFromString
    from twisted.internet.task import LoopingCall

    from clientmigration.net.door import Door

    clock: Any = reactor
    lines: set[Line] = set()
    shown = 0
    began: list[tuple[float, float]] = []

    def line() -> Line:
        return Line("gameserver", LineTerms(PLAYER_TO_SERVER, (60, 600)), Guest(lines), clock)

    def tick() -> None:
        nonlocal shown
        if len(lines) < players:
            return
        if not began:
            began.append((time.monotonic(), time.process_time()))
        number, body = int(time.time() * HERTZ), bytes(BODY)
        shown += sum(each.show(encode(View(number, 1, 1, 1, body))) for each in lines)
        if time.monotonic() - began[0][0] > seconds:
            cpu = time.process_time() - began[0][1]
            print(cpu, shown, Guest.heard_so_far, flush=True)
            os._exit(0)

    reception = Reception(line, Origins(), clock, lambda _fault: None)
    endpoint = serverFromString(reactor, "tcp:0:interface=127.0.0.1:backlog=1000")
    told: Callable[[str], None] = lambda address: print(address, flush=True)  # noqa: E731
    Door(endpoint, reception, told).privilegedStartService()
    LoopingCall(tick).start(1 / HERTZ)
    clock.run()


def message(frame: bytes, kind: str) -> bytes:
    """A frame as a player sends it; the mask is nought, which costs the server the same."""
    payload = frame[4:]
    return frame if kind == "tcp" else bytes((0x82, 0x80 | len(payload))) + bytes(4) + payload


def visit(address: str, kind: str, players: int) -> None:
    """Be all the players, until the server goes."""
    host, _, port = address.rpartition(":")
    greeting = message(encode(Greeting(role="player")), kind)
    watch = selectors.DefaultSelector()
    crowd = []
    for _ in range(players):
        one = socket.create_connection((host, int(port)))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if kind == "websocket":
            one.sendall(REQUEST)
            assert b" 101 " in one.recv(4096)
        one.sendall(greeting)
        one.setblocking(False)
        watch.register(one, selectors.EVENT_READ)
        crowd.append(one)
    act = message(encode(Input(1, b"\1" + bytes(8))), kind)
    due, n = time.monotonic(), 0
    while True:
        for key, _ in watch.select(0.002):
            if not key.fileobj.recv(65536):  # type: ignore[union-attr]
                return
        while due < time.monotonic():
            crowd[n % players].send(act)
            due, n = due + 1 / (INPUTS_S * players), n + 1


def measured(kind: str, players: int, seconds: float) -> tuple[float, float]:
    """Microseconds of CPU per view (with its share of inputs), and per cent of a core."""
    argv = [sys.executable, __file__, "--players", str(players), "--seconds", str(seconds)]
    with subprocess.Popen([*argv, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        with subprocess.Popen([*argv, "--visit", address, kind], stderr=subprocess.DEVNULL):
            cpu, shown, heard = (float(each) for each in server.stdout.readline().split())
    assert heard > players
    return cpu / shown * 1e6, cpu / shown * players * HERTZ * 100


def main() -> None:
    """Each kind in turn, several rounds."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--players", type=int, default=500)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--serve", action="store_true")
    options.add_argument("--visit", nargs=2)
    asked = options.parse_args()
    if asked.serve:
        serve(asked.players, asked.seconds)
    elif asked.visit:
        address, kind = asked.visit
        visit(address, kind, asked.players)
    else:
        rounds = [
            {kind: measured(kind, asked.players, asked.seconds) for kind in KINDS}
            for _ in range(asked.rounds)
        ]
        for kind in KINDS:
            us, percent = (statistics.median(each[kind][n] for each in rounds) for n in (0, 1))
            print(f"{kind:>10}  {us:6.1f} us of CPU per view, {percent:5.1f} % of a core")


if __name__ == "__main__":
    main()
