"""What measuring and reporting cost a game server: CPU per second, with many players.

    .venv/bin/python tests/bench/emission.py [--players 500] [--rounds 300]

One server of the Arena with so many players, walking. Timed: a report as it happens each second
(measures, datapoints, the message to the router, carbon's lines into a socket's transport), and
the counting and sampling between two reports, by its number of calls and the time of one.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactor, StringTransport

from clientmigration.core.measures.meter import Meter
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.carbon import Carbon
from clientmigration.net.probe import Probe
from clientmigration.testing import Arena


class Counted(Meter):
    """A meter that knows how often it was told something."""

    calls: Counter[str]

    def count(self, name: str, by: float = 1) -> None:
        self.calls["count"] += 1
        super().count(name, by)

    def sample(self, name: str, value: float) -> None:
        self.calls["sample"] += 1
        super().sample(name, value)


def busy_arena(players: int) -> Arena:
    """One server, so many players that walk and act ten times a second."""
    arena = Arena(seed=1, cost=0.00001)
    arena.start_router()
    arena.start_server("gs-1", capacity=2 * players)
    arena.run(2.0)
    for _ in range(players):
        arena.start_player()
        arena.run(0.01)
    arena.run(3.0)
    return arena


def play(arena: Arena, seconds: float) -> None:
    """Everybody sends ten inputs a second."""
    for step in range(round(seconds * 10)):
        for player in arena.players:
            player.act(meadow.move(step % 7 - 3.0, 1.0))
        arena.run(0.1)


def cpu_of(what: Callable[[], Any], rounds: int) -> float:
    """Seconds of CPU that one call takes."""
    began = time.process_time()
    for _ in range(rounds):
        what()
    return (time.process_time() - began) / rounds


def to_carbon() -> Carbon:
    """A sink with a connection that takes everything."""
    reactor: Any = MemoryReactor()
    clock: Any = Clock()
    sink = Carbon(TCP4ClientEndpoint(reactor, "carbon", 2003), clock)
    sink.startService()
    protocol = reactor.tcpClients[0][2].buildProtocol(None)
    protocol.makeConnection(StringTransport())
    return sink


def told(arena: Arena) -> Counter[str]:
    """How often the server's meter is told something in a second of play."""
    server = arena.servers["gs-1"]
    meter: Any = server.rooms.meter
    meter.__class__, meter.calls = Counted, Counter()
    play(arena, 1.0)
    meter.__class__ = Meter
    return Counter(meter.calls)


def main() -> None:
    """The script."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--players", type=int, default=500)
    flags.add_argument("--rounds", type=int, default=300)
    asked = flags.parse_args()
    arena = busy_arena(asked.players)
    server = arena.servers["gs-1"]
    calls = told(arena)
    samples = [0.001 * n for n in range(calls["sample"])]
    measures: Any = server.rooms.measures
    reporter: Any = server.rooms.reporter
    reporter._sink, measures._probe = to_carbon(), Probe(arena.clock)  # the real ones
    meter = server.rooms.meter

    def second() -> None:
        for value in samples:
            meter.sample("apply_ms", value)
        reporter.report()

    def one_count() -> None:
        meter.count("views")

    counts = calls["count"] * cpu_of(one_count, 100_000)
    whole = cpu_of(second, asked.rounds) + counts
    print(f"{asked.players} players, {len(server.seats)} seats, {dict(calls)} calls per second")
    print(f"counting       {100 * counts:.2f} % of a core")
    print(f"whole          {100 * whole:.2f} % of a core, one report a second")


if __name__ == "__main__":
    main()
