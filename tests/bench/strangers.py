"""How long honest newcomers wait while strangers say hello and hang up at once, in the Arena.

    python tests/bench/strangers.py [--per-s 60] [--seconds 20] [--seats 400]

Simulated time; the router and the servers are the real ones. Prints what newcomers waited, how many
seats were taken by nobody, and how many records the ledger has of whom nobody heard again.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from twisted.internet.protocol import Protocol

from clientmigration.client.player import Player
from clientmigration.net.door import Lines
from clientmigration.testing import Arena
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Greeting, Hello, Pings

SERVERS = 4
HONEST_PER_S = 2.0
HI = encode(Greeting(role="player")) + encode(Hello(holder="0" * 64))
SAID = {"hello": HI, "hello and pings": HI + encode(Pings(pings={}))}


class SaidAndGone(Protocol):
    """Says something, and does not wait for an answer."""

    def __init__(self, said: bytes) -> None:
        self.said = said

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self.said)
        self.transport.loseConnection()


def flood(arena: Arena, said: bytes, per_s: float, seconds: float) -> None:
    """So many strangers a second, from now on."""
    for n in range(int(per_s * seconds)):
        host = f"stranger {n}"

        def come(host: str = host) -> None:
            arena.network.connect(host, "router:4100", Lines(lambda: SaidAndGone(said)))

        arena.clock.callLater(n / per_s, come)


class Newcomers:
    """Honest players who come one by one, and how long each waited until it saw its first view."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.waited: list[float] = []
        self.players: list[Player] = []

    def come(self) -> None:
        """One more."""
        began, seen = self.arena.clock.seconds(), list[int]()
        player = self.arena.start_player()
        self.players.append(player)

        def view(_view: object) -> None:
            if not seen:
                seen.append(1)
                self.waited.append(self.arena.clock.seconds() - began)

        player.on("view", view)


def measured(what: str, per_s: float, seconds: float, seats: int) -> dict[str, float]:
    """What a flood of so many a second did to honest newcomers."""
    arena = Arena(seed=1)
    arena.start_router()
    for n in range(SERVERS):
        arena.start_server(f"gs-{n}", seats // SERVERS)
    arena.run(3.0)
    newcomers = Newcomers(arena)
    flood(arena, SAID[what], per_s, seconds)
    for n in range(int(HONEST_PER_S * seconds)):
        arena.clock.callLater(n / HONEST_PER_S, newcomers.come)
    taken = 0
    for _ in range(int(seconds)):
        arena.run(1.0)
        taken = max(taken, sum(len(server.seats) for server in arena.servers.values()))
    arena.run(15.0)
    waited = sorted(newcomers.waited) or [float("inf")]
    known = {player.name for player in newcomers.players}
    return {
        "came": len(newcomers.players),
        "played": len(newcomers.waited),
        "median_s": waited[len(waited) // 2],
        "worst_s": waited[-1],
        "seats_taken": taken,
        "records": len(arena.ledger.records.keys() - known),
        "queued": len(arena.router.queue._order),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Print a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-s", type=float, nargs="+", default=[60.0, 200.0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seats", type=int, default=400)
    options = parser.parse_args(argv)
    for what, per_s in [(what, per_s) for what in SAID for per_s in options.per_s]:
        row = measured(what, per_s, options.seconds, options.seats)
        print(
            f"{what}, {per_s:g}/s:", ", ".join(f"{name} {value:.3g}" for name, value in row.items())
        )


if __name__ == "__main__":
    main()
