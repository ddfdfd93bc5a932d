"""Players who cannot reach a server that the router believes in: they are placed elsewhere."""

from __future__ import annotations

from clientmigration.client.player import Player
from clientmigration.testing import Arena


def arena_with(*servers: str, capacity: int = 200, seed: int = 1) -> Arena:
    arena = Arena(seed=seed)
    arena.start_router()
    for name in servers:
        arena.start_server(name, capacity)
    arena.run(2.0)
    return arena


def part(arena: Arena, player: Player, server: str) -> None:
    """From now on this player and this server cannot reach each other; routers can reach both."""
    host = arena.host_of(player)
    arena.network.cut(host, server)
    arena.network.cut(server, host)


def meet(arena: Arena, player: Player, server: str) -> None:
    host = arena.host_of(player)
    arena.network.heal(host, server)
    arena.network.heal(server, host)


def test_who_cannot_reach_its_server_any_more_plays_elsewhere_within_15_s() -> None:
    arena = arena_with("eu", "us")
    ada = arena.start_player()
    arena.run(2.0)
    home = arena.home_of(ada)
    part(arena, ada, home)
    arena.run(15.0)
    assert ada.state == "playing"
    assert arena.home_of(ada) == ({"eu", "us"} - {home}).pop()
    assert arena.ledger.records[ada.name].epoch == 2
