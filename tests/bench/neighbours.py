"""What a neighbour costs: bytes a second, and CPU, with many players on each side.

Two game servers in this process on the real reactor, with real sockets between them, a router that
introduces them, and players without connections that walk. The same is run without the link: the
difference is what the neighbour costs. `python tests/bench/neighbours.py --players 500`.

    python tests/bench/neighbours.py --among 1,2,4,8 --players 800 [--before OTHER_CHECKOUT]

divides so many players among one server, two and so on, all neighbours, and tells what a tick costs
per player, with another checkout in turn. Over the whole meadow; CPU of the process, without
connections of players.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.task import deferLater, react

from clientmigration.core.fleet.numbers import numbered
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.metrics import MemorySink
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.core.player.standing import Claim
from clientmigration.games.meadow.game import Meadow
from clientmigration.gameserver.files import Files
from clientmigration.gameserver.service import (
    GameServer,
    ServerOutside,
    ServerParts,
    Setting,
    build,
)
from clientmigration.net.door import Door, dialer
from clientmigration.net.probe import Probe
from clientmigration.net.tickets import Seals
from clientmigration.wire.messages import Neighbour, Neighbours

STEPS = ("neighbours.show", "game.lend", "game.draw", "game.seen")


class Watched:
    """CPU seconds spent in some functions."""

    def __init__(self) -> None:
        self.spent = dict.fromkeys(STEPS, 0.0)

    def wrap(self, name: str, what: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, its CPU counted."""

        def timed(*args: Any) -> Any:
            began = time.thread_time()
            try:
                return what(*args)
            finally:
                self.spent[name] += time.thread_time() - began

        return timed


async def server(
    reactor: Any, name: str, players: int, watched: Watched, spread_m: float
) -> GameServer:
    """A game server at a port of its own, with walking players."""
    sink, probe, seals = MemorySink(), Probe(reactor), Seals("bench " * 8)
    outside = ServerOutside(
        reactor, seals, sink, probe, time.process_time, os.urandom, dialer(reactor)
    )
    setting = Setting(name, "", players, 20, Policy())
    made = build(outside, setting, ServerParts(Meadow, Files()))
    endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    Door(endpoint, made.player_line, made.found_at).privilegedStartService()
    dice = random.Random(name)
    for n in range(players):
        player = f"{dice.getrandbits(64):016x}"
        x, y = (500 + dice.uniform(-spread_m, spread_m) / 2 for _ in "xy")
        walk = {"vx": dice.uniform(-8, 8), "vy": dice.uniform(-8, 8), "coins": n}
        state = {"x": x, "y": y, **walk}
        there = Snapshot(player=player, epoch=1, seq=1, tick=made.ticks.tick, x=x, y=y,
                         holder="", game=state)  # fmt: skip
        made.seats.session(player).own(Claim("", 1, there))
        made.seats[player].wait_until(float("inf"))
    game: Any = made.game
    for attribute in ("lend", "draw", "seen"):
        setattr(game, attribute, watched.wrap(f"game.{attribute}", getattr(game, attribute)))
    shows: Any = made.neighbours
    shows.show = watched.wrap("neighbours.show", shows.show)
    made.startService()
    return made


async def together(
    reactor: Any, names: str, players: int, watched: Watched, spread_m: float, linked: bool
) -> list[GameServer]:
    """Servers of these names, with so many players each, who have met if they are to be linked."""
    servers = {name: await server(reactor, name, players, watched, spread_m) for name in names}
    numbers = numbered(list(names))
    for one, each in servers.items():
        there = [
            Neighbour(other, servers[other].attachment.address, numbers[other])
            for other in names
            if other != one and linked
        ]
        each.neighbours.learn(Neighbours(numbers[one], there))
    await deferLater(reactor, 2.0)
    for each in servers.values():
        assert len(each.neighbours.links) == (len(names) - 1 if linked else 0)
        each.measures()
    return [*servers.values()]


async def ended(servers: list[GameServer]) -> None:
    """They are not needed any more."""
    for each in servers:
        for seat in list(each.seats):
            seat.session.taken()
        await each.stopService()


async def of_a_tick(reactor: Any, servers: int, players: int, seconds: float) -> float:
    """Microseconds of CPU per player and tick, of so many players divided among so many servers."""
    names = "abcdefgh"[:servers]
    made = await together(reactor, names, players // servers, Watched(), 1000.0, True)
    ticks, cpu = sum(each.ticks.tick for each in made), time.process_time()
    await deferLater(reactor, seconds)
    spent = time.process_time() - cpu
    ticks = sum(each.ticks.tick for each in made) - ticks
    await ended(made)
    return spent / (ticks * (players // servers)) * 1e6


async def measured(
    reactor: Any, players: int, seconds: float, spread_m: float, linked: bool
) -> dict[str, float]:
    """Costs of one of two servers, per second."""
    watched = Watched()
    servers = await together(reactor, "ab", players, watched, spread_m, linked)
    watched.spent = dict.fromkeys(STEPS, 0.0)
    began, cpu = time.monotonic(), time.process_time()
    await deferLater(reactor, seconds)
    passed = time.monotonic() - began
    result = {"cpu %": 100 * (time.process_time() - cpu) / passed / 2}
    result |= {f"{name} %": 100 * spent / passed / 2 for name, spent in watched.spent.items()}
    sink: Any = servers[0].rooms.reporter
    sink = sink._sink
    sent = [each.value for each in sink.seen if each.path.endswith("neighbour_sent_bytes_per_s")]
    result["kB/s sent"] = sum(sent[2:]) / len(sent[2:]) / 1000
    await ended(servers)
    return result


def among(asked: argparse.Namespace) -> None:
    """What a tick costs by the number of servers, here and in another checkout, in turn."""
    here = Path(__file__).parents[2]
    roots = {"ours": here} | ({"before": asked.before.resolve()} if asked.before else {})
    told: dict[tuple[str, int], list[float]] = {}
    for servers in map(int, asked.among.split(",")):
        for _ in range(asked.rounds):
            for name, root in roots.items():
                env = {**os.environ, "PYTHONPATH": str(root / "services")}
                words = ["--tick", str(servers), "--players", str(asked.players)]
                command = [sys.executable, __file__, *words, "--seconds", str(asked.seconds)]
                said = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
                told.setdefault((name, servers), []).append(float(said.stdout))
        said_of = [f"{name} {statistics.median(told[name, servers]):.2f} us" for name in roots]
        print("  ".join([f"{servers} servers:", *said_of]), flush=True)


async def tick(reactor: Any, asked: argparse.Namespace) -> None:
    """One figure."""
    print(await of_a_tick(reactor, asked.tick, asked.players, asked.seconds))


async def main(reactor: Any, arguments: argparse.Namespace) -> None:
    """Both, and the difference."""
    for spread_m in (1000.0, 150.0):
        alone, linked = [
            await measured(reactor, arguments.players, arguments.seconds, spread_m, link)
            for link in (False, True)
        ]
        print(f"{arguments.players} players each side, within {spread_m:.0f} m, 20 Hz")
        print(f"{'per server':<22}{'alone':>10}{'linked':>10}{'neighbour':>11}")
        for name in alone:
            more = linked[name] - alone[name]
            print(f"{name:<22}{alone[name]:>10.2f}{linked[name]:>10.2f}{more:>11.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--among", default="", help="numbers of servers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path, help="another checkout, to be compared with")
    parser.add_argument("--tick", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.among:
        among(given)
    else:
        what = tick if given.tick else main
        react(lambda reactor, asked: Deferred.fromCoroutine(what(reactor, asked)), [given])
