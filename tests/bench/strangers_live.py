"""How long honest newcomers wait while strangers say hello and hang up at once, on loopback.

    python tests/bench/strangers_live.py [--per-s 60] [--seconds 10]

A router and two game servers with 200 seats each, real processes; strangers come from a thread
here, and one honest player a second. Prints how long those waited until their first view.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Greeting, Hello, Pings

PLAYERS, MEMBERS = 45300, 45301
SAID = encode(Greeting(role="player")) + encode(Hello(holder="0" * 64)) + encode(Pings(pings={}))
START_S = 12.0


def flood(per_s: float, seconds: float) -> None:
    """So many strangers a second, for so long."""
    began = time.monotonic()
    for n in range(int(per_s * seconds)):
        with socket.create_connection(("127.0.0.1", PLAYERS)) as visitor:
            visitor.sendall(SAID)
        time.sleep(max(0.0, began + (n + 1) / per_s - time.monotonic()))


def launched(folder: Path) -> list[subprocess.Popen[bytes]]:
    """The router and its servers."""
    (folder / "secret").write_text("0" * 64)
    common = f"--secret-file {folder}/secret --carbon tcp:127.0.0.1:1"
    programs = [
        f"router --players tcp:{PLAYERS}:interface=127.0.0.1 --forget --ledger {folder}/ledger "
        f"--members tcp:{MEMBERS}:interface=127.0.0.1 --graphite http://127.0.0.1:1 {common}"
    ]
    programs += [f"gameserver --router tcp:127.0.0.1:{MEMBERS} {common}" for _ in range(2)]
    twistd = str(Path(sys.executable).with_name("twistd"))
    return [
        subprocess.Popen(
            [twistd, "-n", "--pidfile=", *program.split()],
            stdout=subprocess.DEVNULL, cwd=folder, env=dict(os.environ),
        )
        for program in programs
    ]  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-s", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args(argv)
    from twisted.internet import reactor

    clock: Any = reactor
    processes = launched(Path(tempfile.mkdtemp()))
    waited: list[float] = []
    players: list[Player] = []

    def come() -> None:
        began, seen = time.monotonic(), list[int]()
        player = Player(clock, f"127.0.0.1:{PLAYERS}", dialer(clock), Random(len(players)))
        players.append(player)

        def view(_view: object) -> None:
            if not seen:
                seen.append(1)
                waited.append(time.monotonic() - began)

        player.on("view", view)
        player.start()

    flooding = threading.Thread(target=flood, args=(options.per_s, options.seconds))
    clock.callLater(START_S, flooding.start)
    for n in range(int(options.seconds)):
        clock.callLater(START_S + 0.5 + n, come)
    clock.callLater(START_S + options.seconds + 12.0, clock.stop)
    try:
        clock.run()
    finally:
        for process in reversed(processes):
            process.kill()
    waited.sort()
    print(
        f"{options.per_s:g} strangers a second: {len(waited)} of {len(players)} played, "
        f"median {waited[len(waited) // 2]:.2f} s, longest {waited[-1]:.2f} s"
    )


if __name__ == "__main__":
    main()
