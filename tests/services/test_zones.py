"""Routers under routers, in the Arena: how players join, cross and come back in a tree."""

from io import StringIO
from typing import Any
from zlib import crc32

import pytest
from grown import deep
from rich.console import Console

from clientmigration.cli.tables import picture
from clientmigration.core.player.ledger import ABOVE
from clientmigration.router.overview import overview, told_of, world
from clientmigration.status import documents
from clientmigration.status.watcher import status
from clientmigration.testing import Arena
from clientmigration.testing.fakes import Disk
from clientmigration.wire.operators import Order


def tree(seed: int = 7, leaves: int = 2, servers: int = 2, cost: float = 0.004) -> Arena:
    """A root, `leaves` routers under it, each with some game servers."""
    arena = Arena(seed=seed, cost=cost)
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
        arena.cross(ada, here, there)
        arena.run(1.0)
        assert arena.home_of(ada)[0] == there
        assert arena.ledger.records[ada.name].owner == there
        assert arena.ledgers[here].records[ada.name].owner == ABOVE
    assert ada.tally.missed == 0
    assert ada.moves == 3
    arena.run(1.0)
    seen = overview(arena.routers["router"].overview_ports)
    assert (seen.felt, seen.missed) == (3, 0), "what a crossing cost its player the root is told"
    assert all(move.gap_ms is not None for move in seen.recent)


def test_the_root_is_shown_where_players_stand_on_each_game_server_of_any_depth() -> None:
    arena = deep()
    players = [arena.start_player() for _ in range(6)]
    arena.run(8.0)
    root = arena.routers["router"].overview_ports
    seen = world(root)
    assert (seen.players, seen.shown) == (6, 6)
    homes = {arena.home_of(each) for each in players}
    assert {name for name, dots in seen.members.items() if dots} == homes
    for each in players:
        there = [
            dot for dot in seen.members[arena.home_of(each)] if dot.id == crc32(each.name.encode())
        ]
        assert len(there) == 1


def test_of_many_players_a_router_tells_the_one_above_where_some_stand() -> None:
    arena = tree()
    for _ in range(30):
        arena.start_player()
    arena.run(8.0)
    told = told_of(arena.routers["a"].overview_ports, most=4)
    assert 2 <= sum(map(len, told.values())) <= 4


def test_in_a_tree_of_depth_three_players_join_and_cross_on_every_level() -> None:
    arena = deep()
    ada = arena.start_player()
    arena.run(2.0)
    arena.cross(ada, arena.home_of(ada)[0], "b" if arena.home_of(ada)[0] == "a" else "a")
    arena.run(1.0)
    zone, leaf = arena.home_of(ada)[0], arena.home_of(ada)[:2]
    other = zone + ("1" if leaf[1] == "2" else "2")
    arena.cross(ada, leaf, other, router=zone)
    arena.run(1.0)
    assert arena.home_of(ada) == f"{other}-gs"
    back = "b" if zone == "a" else "a"
    arena.cross(ada, zone, back)
    arena.run(1.0)
    assert arena.home_of(ada)[0] == back
    assert ada.tally.missed == 0
    assert ada.moves == 3
    epochs = [
        each.records[ada.name].epoch for each in arena.ledgers.values() if ada.name in each.records
    ]
    assert max(epochs) == arena.ledgers[arena.home_of(ada)[:2]].records[ada.name].epoch


def test_children_are_balanced_by_their_summaries() -> None:
    arena = tree(cost=0.05)
    players = [arena.start_player(router="a") for _ in range(12)]
    arena.run(3.0)
    assert all(arena.home_of(each)[0] == "a" for each in players)
    arena.run(40.0)
    at = [arena.home_of(each)[0] for each in players]
    assert 4 <= at.count("b") <= 8
    assert sum(each.tally.missed for each in players) == 0


def test_a_zone_is_drained_and_leaves_while_everybody_plays() -> None:
    arena = tree()
    players = [arena.start_player() for _ in range(10)]
    arena.run(3.0)
    desk = arena.start_desk("operator")
    arena.run(0.5)
    ended: list[Any] = []
    desk.ask(Order(0, "drain", "a")).addCallback(ended.append)
    arena.run_until(
        lambda: all(arena.home_of(each)[0] == "b" for each in players if arena.home_of(each)), 60
    )
    arena.run(3.0)
    assert [each.outcome for each in ended] == ["done"]
    assert arena.routers["router"].fleet.players("a") == 0
    arena.kill("a")
    arena.run(3.0)
    assert all(arena.home_of(each)[0] == "b" for each in players)
    assert sum(each.tally.missed for each in players) == 0


def test_operators_see_the_tree_and_each_player_of_it_once() -> None:
    arena = deep()
    for _ in range(4):
        arena.start_player()
    arena.run(4.0)
    told: list[Any] = []
    arena.start_desk(on_update=told.append)
    arena.run(2.5)
    seen = told[-1]
    assert seen.players == 4
    assert [each.name for each in seen.members] == ["a", "b"]
    under = [[each.name for each in zone.under] for zone in seen.members]
    assert under == [["a1", "a2"], ["b1", "b2"]]
    assert [each.name for each in seen.members[0].under[0].under] == ["a1-gs"]
    sums = documents.fleet(status(seen))
    assert (sums["players"], sums["capacity"], sums["servers"]) == (4, 800, 4)
    printed = StringIO()
    Console(file=printed, width=120).print(picture(seen))
    assert "    ● a1-gs" in printed.getvalue()
    assert "4 of 800 players on 4 servers" in printed.getvalue()


def two_roots(seed: int = 7) -> Arena:
    """Two equal routers, and two routers under both, with two servers each."""
    arena = Arena(seed=seed, equals=("r1", "r2"))
    for root in ("r1", "r2"):
        arena.start_router(root)
    for leaf in "ab":
        arena.start_router(leaf, parent="r1,r2")
        for n in "12":
            arena.start_server(f"{leaf}-{n}", router=leaf)
    arena.run(4.0)
    return arena


def test_a_router_is_attached_to_every_equal_above_it() -> None:
    arena = two_roots()
    for root in ("r1", "r2"):
        router = arena.routers[root]
        assert sorted(router.members) == ["a", "b"]
        assert all(link.routers == ["r1", "r2"] for link in router.members.values())
    players = [arena.start_player() for _ in range(8)]
    arena.run(3.0)
    assert all(arena.ledger.records[each.name].owner == arena.home_of(each)[0] for each in players)


def test_when_one_of_two_equals_above_is_killed_the_other_goes_on_at_once() -> None:
    for killed, left in (("r1", "r2"), ("r2", "r1")):
        arena = two_roots()
        ada = arena.start_player()
        arena.run(2.0)
        here = arena.home_of(ada)[0]
        there = "b" if here == "a" else "a"
        arena.cross(ada, here, there, killed)
        arena.run(0.06)
        arena.kill(killed)
        arena.run(2.0)
        home = arena.home_of(ada)
        assert home
        assert arena.ledger.records[ada.name].owner == home[0]
        arena.cross(ada, home[0], "b" if home[0] == "a" else "a", left)
        bob = arena.start_player()
        arena.run(2.0)
        assert arena.home_of(ada)[0] != home[0]
        assert arena.home_of(bob)
        assert (ada.tally.missed, ada.tally.lost, ada.rejoins) == (0, 0, 0)
        arena.start_router(killed)
        arena.run(5.0)
        assert sorted(arena.routers[killed].members) == ["a", "b"]


def test_a_ban_that_is_given_at_the_root_holds_at_every_door_below() -> None:
    arena = deep()
    ada, ben = arena.start_player(), arena.start_player()
    arena.run(2.0)
    zone = arena.home_of(ada)[0]
    desk = arena.start_desk("operator")
    arena.run(0.5)
    answers: list[Any] = []
    desk.ask(Order(0, "kick", player=ben.name)).addCallback(answers.append)
    desk.ask(Order(0, "ban", player=ada.name)).addCallback(answers.append)
    arena.run(3.0)
    assert [each.outcome for each in answers] == ["done", "done"]
    assert not arena.home_of(ada)
    assert ada.ended.startswith("banned")
    assert ben.ended.startswith("kicked")
    arena.kill("router")
    arena.run(4.0)
    for door in (zone, f"{zone}1", f"{zone}2"):
        again = arena.start_player(token=ada.token, router=door)
        arena.run(3.0)
        assert not arena.home_of(again)
        again.stop()


@pytest.mark.parametrize("slow_s", [0.0, 0.02])
@pytest.mark.parametrize("later_s", [0.0, 0.008])
def test_who_crosses_as_the_router_of_its_new_zone_dies_sees_the_world_until_that_is_back(
    slow_s: float, later_s: float
) -> None:
    arena = Arena(seed=7, cost=0.004, delay_s=0.01, disk=Disk(slow_s), equals=("router",))
    arena.start_router("router")
    for leaf in "ab":
        arena.start_router(leaf, parent="router")
        arena.start_server(f"{leaf}-1", router=leaf)
    arena.run(3.0)
    ada = arena.start_player(router="a")
    arena.run(2.0)
    arena.cross(ada, "a", "b")
    arena.run_until(lambda: arena.ledger.records[ada.name].owner == "b")
    arena.run(later_s)
    arena.kill("b")
    arena.run(1.0)
    arena.start_router("b", parent="router")
    arena.run(12.0)
    assert arena.home_of(ada) == "b-1"
    assert (ada.tally.missed, ada.tally.lost, ada.tally.doubled, ada.rejoins) == (0, 0, 0, 0)
    assert arena.servers["a-1"].seats.find(ada.name) is None
