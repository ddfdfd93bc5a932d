"""Whether a game server can attach while silent strangers take all descriptors they can get.

    python tests/bench/descriptors.py [--limit 64] [--strangers 100]

Loopback; a router with so few descriptors. Prints how many strangers were let in, whether a game
server attached while they were there, and what the router said.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

PLAYERS, MEMBERS = 45400, 45401


def let_in(visitor: socket.socket) -> bool:
    """Whether it was not hung up on at once."""
    visitor.settimeout(0.05)
    try:
        return visitor.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def main(argv: Sequence[str] | None = None) -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=64)
    parser.add_argument("--strangers", type=int, default=100)
    options = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp())
    (folder / "secret").write_text("0" * 64)
    twistd = str(Path(sys.executable).with_name("twistd"))
    common = f"--secret-file {folder}/secret --carbon tcp:127.0.0.1:1"
    router = (
        f"router --players tcp:{PLAYERS}:interface=127.0.0.1 --forget --ledger {folder}/ledger "
        f"--members tcp:{MEMBERS}:interface=127.0.0.1 --graphite http://127.0.0.1:1 {common}"
    )
    server = f"gameserver --router tcp:127.0.0.1:{MEMBERS} {common}"

    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (options.limit, options.limit))

    def launch(flags: str, log: str, limited: bool) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [twistd, "-n", "--pidfile=", *flags.split()],
            stdout=(folder / log).open("wb"), stderr=subprocess.STDOUT,
            env=dict(os.environ), cwd=folder, preexec_fn=few if limited else None,
        )  # fmt: skip

    running = [launch(router, "router.log", limited=True)]
    try:
        time.sleep(8.0)
        door = ("127.0.0.1", PLAYERS)
        visitors = [socket.create_connection(door) for _ in range(options.strangers)]
        inside = sum(let_in(each) for each in visitors)
        running.append(launch(server, "server.log", limited=False))
        until, attached = time.monotonic() + 20.0, False
        while time.monotonic() < until and not attached:
            attached = "joins the fleet" in (folder / "router.log").read_text()
            for n, each in enumerate(visitors):  # they come again and again
                if not let_in(each):
                    each.close()
                    visitors[n] = socket.create_connection(door)
    finally:
        for process in running:
            process.kill()
    said = (folder / "router.log").read_text()
    print(f"{inside} of {options.strangers} strangers were let in; server attached: {attached}")
    for words in ("descriptors are", "turning strangers", "Traceback", "EMFILE"):
        print(f"  lines with {words!r}: {said.count(words)}")


if __name__ == "__main__":
    main()
