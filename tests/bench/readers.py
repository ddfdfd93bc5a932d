"""Thousands of readers of the event stream on one status daemon: what they cost, and whether a slow
one is felt by the others.

    python tests/bench/readers.py --readers 2000 --slow 200 --seconds 20

The daemon is a process of its own and shows a pretended fleet (300 players): a status each second,
the world twice a second, moves. The readers are in this process. `slow` ones ask and never read.
CPU is the daemon's own, of one core. Spread: from the first to the last reader that had an event.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import selectors
import socket
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from clientmigration.core.measures.metrics import spread_of
from clientmigration.stack.ports import LOOPBACK

TWISTD = str(Path(sys.executable).with_name("twistd"))
ASK = b"GET /api/v1/events%s HTTP/1.1\r\nHost: bench\r\n\r\n"
STATUS = re.compile(rb'event: status\ndata: {"version":1,"state":"\w+","at":([\d.]+)')
LITTLE = 4096  # bytes that the kernel keeps for a slow reader, at most about so many


@dataclass
class Crowd:
    """Readers in this process."""

    port: int
    choose: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)
    slow: list[socket.socket] = field(default_factory=list)
    readers: int = 0
    lost: int = 0
    received: int = 0
    seen: dict[bytes, list[float]] = field(default_factory=lambda: defaultdict(list))

    def enter(self, path: bytes) -> None:
        """One reader that reads."""
        each = socket.create_connection((LOOPBACK, self.port))
        each.sendall(ASK % path)
        each.setblocking(False)
        self.choose.register(each, selectors.EVENT_READ)
        self.readers += 1

    def dawdle(self) -> None:
        """One that does not."""
        each = socket.socket()
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
        each.connect((LOOPBACK, self.port))
        each.sendall(ASK % b"?with=world")
        self.slow.append(each)

    def read(self, seconds: float) -> None:
        """Read whatever comes, for so long."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            for key, _ in self.choose.select(left):
                self._take(key.fileobj)  # type: ignore[arg-type]

    def _take(self, each: socket.socket) -> None:
        said = b""
        with suppress(OSError):
            said = each.recv(262_144)
        if not said:
            self.choose.unregister(each)
            self.lost += 1
            return
        self.received += len(said)
        now = time.monotonic()
        for found in STATUS.finditer(said):
            self.seen[found[1]].append(now)

    def begin(self) -> None:
        """Count from now."""
        self.received = 0
        self.seen.clear()

    def gone(self) -> int:
        """Slow ones whose connection the daemon has closed."""
        closed = 0
        for each in self.slow:
            each.setblocking(False)
            try:
                while each.recv(65_536):
                    pass
                closed += 1
            except BlockingIOError:
                pass
            except OSError:
                closed += 1
        return closed


def measured(crowd: Crowd, daemon: psutil.Process, seconds: float, name: str) -> None:
    """One line: what the daemon used and the readers felt."""
    crowd.begin()
    before, began = daemon.cpu_times(), time.monotonic()
    crowd.read(seconds)
    after, took = daemon.cpu_times(), time.monotonic() - began
    used = after.user + after.system - before.user - before.system
    whole = sorted(crowd.seen)[1:-1]  # the first and last may be cut off by the clock
    spreads = [(max(times) - min(times)) * 1000 for at in whole if (times := crowd.seen[at])]
    full = sum(len(crowd.seen[at]) for at in whole) / max(1, len(whole) * crowd.readers)
    ranks = spread_of(spreads)
    print(
        f"{name:32} {100 * used / took:5.1f} % CPU, {daemon.memory_info().rss / 1e6:6.1f} MB,"
        f" {crowd.received / took / 1e6:6.2f} MB/s"
        + (
            f", each event to {full:.1%} of the readers,"
            f" spread p50 {ranks['p50']:.0f} ms, max {ranks['max']:.0f} ms"
            if ranks
            else ""
        ),
        flush=True,
    )


def free_port() -> int:
    """A port that nobody has now."""
    with socket.create_server((LOOPBACK, 0)) as held:
        return int(held.getsockname()[1])


def started(port: int, most: int) -> subprocess.Popen[bytes]:
    """The daemon, serving."""
    flags = ("--router", "sample", "--listen", f"tcp:{port}:interface={LOOPBACK}")
    limits = ("--readers", "--readers-each", "--requests-each")
    allowed = [word for limit in limits for word in (limit, str(most))]
    argv = (sys.executable, TWISTD, "-n", "--pidfile=", "status", *flags, *allowed)
    daemon = subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=dict(os.environ))
    for _ in range(600):
        try:
            socket.create_connection((LOOPBACK, port)).close()
            return daemon
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the status daemon does not serve")


def main() -> None:
    """See the module."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--readers", type=int, default=2000)
    asked.add_argument("--slow", type=int, default=200)
    asked.add_argument("--seconds", type=float, default=20)
    flags = asked.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    port = free_port()
    daemon = started(port, 2 * (flags.readers + flags.slow))
    try:
        watched, crowd = psutil.Process(daemon.pid), Crowd(port)
        measured(crowd, watched, flags.seconds, "nobody")
        for n in range(flags.readers):
            crowd.enter(b"?with=world" if n % 2 else b"")
            crowd.read(0.001)
        crowd.read(2)
        measured(crowd, watched, flags.seconds, f"{flags.readers} readers, half of the world")
        for _ in range(flags.slow):
            crowd.dawdle()
        measured(crowd, watched, flags.seconds, f"and {flags.slow} that do not read")
        crowd.read(flags.seconds)
        measured(crowd, watched, flags.seconds, "afterwards")
        print(f"{crowd.gone()} of the {flags.slow} were let go, {crowd.lost} of the others")
    finally:
        daemon.terminate()
        daemon.wait()


if __name__ == "__main__":
    main()
