"""What a join costs the router: the whole way in, of players who come many at a time.

    python tests/bench/joins.py [--joins 1500] [--in-flight 50] [--rounds 3]
    python tests/bench/joins.py --before OTHER_CHECKOUT      # its code, too, in turn

A router on SQLite and one game server, as processes. Each player says hello, answers with pings,
follows its redirect, shows its ticket and is shown a first view; then it stays, so that as many are
always on their way in as `--in-flight` says. Told are the router's CPU per join, without what
those who play already cost it (measured when all are in), joins a second, and how long one took.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import statistics
import sys
import time
from pathlib import Path

from serving import GREETING, ROOT, SECRET, fleet, spent

from clientmigration.net.tickets import hashed
from clientmigration.wire.connection import (
    ROUTER_TO_PLAYER,
    SERVER_TO_PLAYER,
    Connection,
    encode,
)
from clientmigration.wire.messages import Candidates, Goodbye, Hello, Join, Pings, Redirect, View

SETTLED_S = 2.0  # for so long it is measured what those cost who play


class Newcomer:
    """One player on its way in: told when its socket can be read."""

    def __init__(self, router: int, server: int, waits: selectors.BaseSelector) -> None:
        self._server, self._waits = server, waits
        self.began, self.took = time.monotonic(), 0.0
        self._heard = Connection(ROUTER_TO_PLAYER)
        self._connect(router, GREETING + encode(Hello(holder=hashed(SECRET))))

    def _connect(self, port: int, said: bytes) -> None:
        self.line = socket.create_connection(("127.0.0.1", port))
        self.line.sendall(said)
        self._waits.register(self.line, selectors.EVENT_READ, self)

    def read(self) -> bool:
        """Go on; answers whether it has come in."""
        data = self.line.recv(65536)
        for message in self._heard.receive(data):
            if isinstance(message, Candidates):
                pings = {each.member: 5.0 for each in message.candidates}
                self.line.sendall(encode(Pings(pings=pings)))
            elif isinstance(message, Redirect):
                self._waits.unregister(self.line)
                self.line.close()
                self._heard = Connection(SERVER_TO_PLAYER)
                self._connect(
                    self._server, GREETING + encode(Join(ticket=message.ticket, secret=SECRET))
                )
                return False
            elif isinstance(message, View):
                self._waits.unregister(self.line)
                self.took = time.monotonic() - self.began
                return True
            elif isinstance(message, Goodbye):
                sys.exit(f"turned away: {message.code}: {message.text}")
        if not data:
            sys.exit("it hung up")
        return False


def measured(root: Path, asked: argparse.Namespace) -> dict[str, float]:
    """One round."""
    with fleet(root) as there, selectors.DefaultSelector() as waits:
        router, players, server = there.router, there.door, there.ports[0]
        time.sleep(2.5)  # the server attaches and reports
        inside = list[Newcomer]()
        coming, begun = 0, time.monotonic()
        before = spent(router)
        while len(inside) < asked.joins:
            while coming < asked.in_flight and coming + len(inside) < asked.joins:
                Newcomer(players, server, waits)
                coming += 1
            for key, _ in waits.select(5):
                if key.data.read():
                    inside.append(key.data)
                    coming -= 1
        took, cost = time.monotonic() - begun, spent(router) - before
        time.sleep(0.5)
        before = spent(router)
        time.sleep(SETTLED_S)
        playing = (spent(router) - before) / SETTLED_S
        for each in inside:
            each.line.close()
        times = sorted(each.took * 1000 for each in inside)
        return {
            "ms": (cost - playing * took / 2) / asked.joins * 1000,
            "per_s": asked.joins / took,
            "p50_ms": times[len(times) // 2],
            "p99_ms": times[int(len(times) * 0.99)],
            "playing_us": playing / asked.joins * 1e6,
        }


def main() -> None:
    """Rounds of both in turn; then the medians."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--joins", type=int, default=1500)
    flags.add_argument("--in-flight", type=int, default=50)
    flags.add_argument("--rounds", type=int, default=3)
    flags.add_argument("--before", type=Path, help="another checkout, to be compared with")
    flags.add_argument("--json", type=Path, help="a file for all figures")
    asked = flags.parse_args()
    roots = {"ours": ROOT} | ({"before": asked.before.resolve()} if asked.before else {})
    told: dict[str, list[dict[str, float]]] = {name: [] for name in roots}
    for n in range(asked.rounds):
        for name in [*roots][:: 1 if n % 2 else -1]:
            told[name].append(measured(roots[name], asked))
            print(name, {what: round(each, 3) for what, each in told[name][-1].items()}, flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1))
    medians = {
        name: {what: statistics.median(each[what] for each in rounds) for what in rounds[0]}
        for name, rounds in told.items()
    }
    print(f"\n{asked.joins} joins, {asked.in_flight} in flight, median of {asked.rounds} rounds\n")
    print("| | router's CPU, ms a join | joins a second | p50, p99 ms | a player, us a second |")
    print("|---|---:|---:|---:|---:|")
    for name, figures in medians.items():
        print(
            f"| {name} | {figures['ms']:.2f} | {figures['per_s']:.0f} |"
            f" {figures['p50_ms']:.0f}, {figures['p99_ms']:.0f} | {figures['playing_us']:.0f} |"
        )
    if asked.before:
        print(f"\nours / before: {medians['ours']['ms'] / medians['before']['ms']:.2f}")


if __name__ == "__main__":
    main()
