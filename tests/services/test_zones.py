"""Routers under routers, in the Arena: how players join, cross and come back in a tree."""

import pytest

from clientmigration.core.player.ledger import ABOVE
from clientmigration.testing import Arena


def tree(seed: int = 7, leaves: int = 2, servers: int = 2) -> Arena:
    """A root, `leaves` routers under it, each with some game servers."""
    arena = Arena(seed=seed)
    arena.start_router("router")
    for leaf in "ab"[:leaves]:
        arena.start_router(leaf, parent="router")
        for n in range(servers):
            arena.start_server(f"{leaf}-{n + 1}", router=leaf)
    arena.run(3.0)
    return arena


def test_a_router_attaches_to_another_and_reports_its_fleet_as_one_member() -> None:
    arena = tree()
    members = arena.routers["router"].fleet.members()
    assert [(each.name, each.role) for each in members] == [("a", "router"), ("b", "router")]
    assert all(each.newest and each.newest.capacity == 400 for each in members)
    assert members[0].address in ("a-1:1", "a-2:1")


def test_a_player_joins_at_the_root_and_plays_on_a_server_of_a_leaf() -> None:
    arena = tree()
    ada = arena.start_player()
    arena.run(2.0)
    home = arena.home_of(ada)
    leaf = home[0]
    assert home
    assert arena.ledger.records[ada.name].owner == leaf
    assert arena.ledgers[leaf].records[ada.name].owner == home
    assert ada.tally.missed == 0


def test_a_player_crosses_from_one_leaf_to_another_and_misses_nothing() -> None:
    arena = tree()
    ada = arena.start_player()
    arena.run(2.0)
    source = arena.home_of(ada)[0]
    target = "b" if source == "a" else "a"
    for there in (target, source, target):
        here = arena.home_of(ada)[0]
        arena.routers["router"].crossings.one(ada.name, here, there).send(None)
        arena.run(0.2)
        arena.order(ada.name, here, there, "router")
        arena.run(2.0)
        assert arena.home_of(ada)[0] == there
        assert arena.ledger.records[ada.name].owner == there
        assert arena.ledgers[here].records[ada.name].owner == ABOVE
    assert ada.tally.missed == 0
    assert ada.moves == 3
