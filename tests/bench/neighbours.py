"""What a neighbour costs: bytes a second, and CPU, with many players on each side.

Two game servers in this process on the real reactor, with real sockets between them, a router that
introduces them, and players without connections that walk. The same is run without the link: the
difference is what the neighbour costs. `python tests/bench/neighbours.py --players 500`.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable
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


async def measured(
    reactor: Any, players: int, seconds: float, spread_m: float, linked: bool
) -> dict[str, float]:
    """Costs of one of two servers, per second."""
    watched = Watched()
    names = ("a", "b")
    servers = [await server(reactor, name, players, watched, spread_m) for name in names]
    numbers = numbered(names)
    for one, other in ((0, 1), (1, 0)):
        there = Neighbour(names[other], servers[other].attachment.address, numbers[names[other]])
        message = Neighbours(numbers[names[one]], [there] if linked else [])
        servers[one].neighbours.learn(message)
    await deferLater(reactor, 2.0)
    for each in servers:
        assert bool(each.neighbours.links) == linked
        each.measures()
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
    for each in servers:
        for seat in list(each.seats):
            seat.session.taken()
        await each.stopService()
    return result


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
    react(
        lambda reactor, given: Deferred.fromCoroutine(main(reactor, given)), [parser.parse_args()]
    )
