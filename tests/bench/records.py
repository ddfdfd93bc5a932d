"""What records cost a game server: its CPU with none beside its CPU with some, in turn.

    python tests/bench/records.py [--players 100] [--seconds 10] [--rounds 3] [--bytes 800]

Everything is real: a router on SQLite, one game server, a crowd. The game does next to nothing, so
what is seen is the server's own. A room of Splash is 800 bytes. Told are microseconds of the game
server's CPU per tick, the median of the rounds, and what one record adds; and the router's, which
stores each once a second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from twisted.internet.task import deferLater, react

from clientmigration.gameserver.game import Game

HERTZ, WARM_S = 20, 5.0
COUNTS = (0, 20, 200)


class Rooms(Game):
    """Everybody sees eight bytes; it has as many rooms as it is told, of so many bytes each."""

    name = "rooms"
    crowd = "records:Idler"

    def __init__(self, *_: Any) -> None:
        self.players: dict[str, dict[str, Any]] = {}

    def begin(self, settings: dict[str, str]) -> None:
        self.count, self.cells = int(settings["records"]), "0" * int(settings["bytes"])

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:  # noqa: ARG002
        self.players[player] = state or {"n": 0}

    def leave(self, player: str) -> None:
        del self.players[player]

    def hold(self, player: str) -> None: ...

    def resume(self, player: str) -> None: ...

    def apply(self, player: str, body: bytes) -> None: ...

    def step(self, tick: int) -> None: ...

    def draw(self, tick: int) -> None: ...

    def view(self, player: str) -> bytes:  # noqa: ARG002
        return bytes(8)

    def state(self, player: str) -> dict[str, Any]:
        return self.players[player]

    def position(self, player: str) -> tuple[float, float]:  # noqa: ARG002
        return 0.0, 0.0

    def measures(self) -> dict[str, float]:
        return {"centre_x_m": 0.0, "centre_y_m": 0.0, "spread_m": 0.0}

    def records(self) -> Mapping[str, int]:
        return dict.fromkeys((f"room-{n}" for n in range(self.count)), 1)

    def open(self, name: str, state: dict[str, Any] | None, ticks: int) -> None: ...

    def close(self, name: str) -> None: ...

    def stored(self, name: str) -> dict[str, Any]:  # noqa: ARG002
        return {"cells": self.cells}


class Idler:
    """It looks on."""

    def __init__(self, *_: Any) -> None: ...

    def see(self, body: bytes) -> None: ...

    def act(self, scene: Any) -> bytes | None: ...


async def measured(reactor: Any, flags: argparse.Namespace, records: int) -> tuple[float, float]:
    """CPU seconds per second of the game server, and of the router."""
    from real_parts import Cluster, eventually

    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder))
        settings = f"records={records},bytes={flags.bytes}"
        path = os.pathsep.join(
            filter(None, (os.environ.get("PYTHONPATH"), str(Path(__file__).parent)))
        )
        cluster.environments = {name: {"PYTHONPATH": path} for name in ("one", "crowd")}
        cluster.start()
        try:
            cluster.launch("one", "--game", "records:Rooms", "--game-settings", settings)
            await eventually(lambda: cluster.placeable("one"))
            door = f"clientmigration://127.0.0.1:{cluster.ports.players}"
            crowd = ("--game", "records:Rooms", "--router", door, "--players", str(flags.players))
            cluster._run("crowd", "crowd", *cluster._common(), *crowd)
            link = cluster.router.members["one"]
            await eventually(lambda: len(link.roster) == flags.players)
            await eventually(lambda: len(link.records) == records)
            await deferLater(reactor, WARM_S)
            (server,) = [
                each for each in psutil.Process().children(True) if "one" in each.cmdline()
            ]
            before = [sum(each.cpu_times()[:2]) for each in (server, psutil.Process())]
            await deferLater(reactor, flags.seconds)
            after = [sum(each.cpu_times()[:2]) for each in (server, psutil.Process())]
            server_s, router_s = (b - a for a, b in zip(before, after, strict=True))
            return server_s / flags.seconds, router_s / flags.seconds
        finally:
            await cluster.stop()


async def compare(reactor: Any) -> None:
    """Round after round, each count in turn."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--players", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bytes", type=int, default=800)
    flags = parser.parse_args()
    taken: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(flags.rounds):
        for count in COUNTS:
            taken[count].append(await measured(reactor, flags, count))
            load, (server_s, router_s) = os.getloadavg()[0], taken[count][-1]
            print(f"{count} records: {server_s:.3f}, router {router_s:.3f} cores, load {load:.1f}")
    cores = {
        n: [statistics.median(part) for part in zip(*each, strict=True)]
        for n, each in taken.items()
    }
    for count, (server_s, router_s) in cores.items():
        line = (
            f"{count:4} records, {flags.players} players: {1e6 * server_s / HERTZ:.0f} µs per tick"
        )
        if count:
            extra, routed = server_s - cores[0][0], router_s - cores[0][1]
            line += f", {1e6 * extra / HERTZ / count:.1f} µs per record and tick"
            line += f", {server_s / cores[0][0]:.2f} times as much"
            line += f"; the router {1e6 * routed / count:.0f} µs per record and second"
        print(line)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "live"))
    react(compare)
