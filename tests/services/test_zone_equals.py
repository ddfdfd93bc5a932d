"""A zone of several equal routers, in the Arena: to the router above they are one member."""

from io import StringIO
from itertools import pairwise

import pytest
from grown import answer_of
from rich.console import Console
from twisted.logger import LogEvent, formatEvent

from clientmigration.cli.tables import picture
from clientmigration.client.player import Player
from clientmigration.core.player.ledger import ABOVE
from clientmigration.testing import Arena
from clientmigration.testing.fakes import Disk
from clientmigration.wire.operators import Listing, Order, Overview, Players


def tree(seed: int = 7, parents: str = "router", cost: float = 0.004) -> Arena:
    """A root, or several equal ones, a zone `a` of the routers `a1` and `a2`, and a zone `b` of
    one, each with two game servers."""
    equals = tuple(parents.split(","))
    arena = Arena(seed=seed, cost=cost, equals=equals, disk=Disk(0.001))
    for each in equals:
        arena.start_router(each)
    for each in ("a1", "a2"):
        arena.start_router(each, parent=parents, zone="a")
    arena.start_router("b", parent=parents)
    for n in (1, 2):
        arena.start_server(f"a-{n}", router="a1,a2")
        arena.start_server(f"b-{n}", router="b")
    arena.run(4.0)
    return arena


def settled(arena: Arena, players: list[Player], names: list[str]) -> None:
    arena.run(3.0)
    for each, name in zip(players, names, strict=True):
        assert each.name == name
        assert len(arena.homes_of(each)) == 1
        assert (each.tally.missed, each.tally.lost, each.tally.doubled) == (0, 0, 0)
        assert each.rejoins == 0


def zone_of(arena: Arena, player: Player) -> str:
    return arena.home_of(player)[:1]


@pytest.mark.parametrize("parents", ["router", "r1,r2"])
def test_equals_of_a_zone_are_one_member_whose_players_and_servers_count_once(
    parents: str,
) -> None:
    arena = tree(parents=parents)
    players = [arena.start_player() for _ in range(6)]
    arena.run(4.0)
    for each in parents.split(","):
        fleet = arena.routers[each].fleet
        assert [(m.name, m.role) for m in fleet.members()] == [("a", "router"), ("b", "router")]
        assert [m.newest.capacity for m in fleet.members() if m.newest] == [400, 400]
        assert sum(fleet.players(m.name) for m in fleet.members()) == 6
    for player in players:
        zone = zone_of(arena, player)
        assert arena.ledger.records[player.name].owner == zone
        assert arena.ledgers[zone].records[player.name].owner == arena.home_of(player)


@pytest.mark.parametrize(("parents", "gone"), [("router", "a1"), ("router", "a2"), ("r1,r2", "a1")])
@pytest.mark.parametrize("how", ["killed", "stopped", "cut off"])
def test_one_of_them_goes_while_players_cross_and_nobody_misses_anything(
    parents: str, gone: str, how: str
) -> None:
    arena = tree(parents=parents)
    players = [arena.start_player() for _ in range(6)]
    arena.run(3.0)
    names = [each.name for each in players]
    uppers = parents.split(",")
    for n, each in enumerate(players):
        here = zone_of(arena, each)
        arena.cross(each, here, "ab"["ba".index(here)], uppers[n % len(uppers)])
        if n == 2:
            arena.run(0.03)
            if how == "killed":
                arena.kill(gone)
            elif how == "stopped":
                arena.freeze(gone, 4.0)
            else:
                for upper in uppers:
                    arena.network.cut(gone, upper)
                    arena.network.cut(upper, gone)
    arena.run(8.0)
    assert all(arena.home_of(each) for each in players)
    for each in players:
        here = zone_of(arena, each)
        arena.cross(each, here, "ab"["ba".index(here)], uppers[0])
        arena.run(1.0)
        assert zone_of(arena, each) != here
        assert arena.ledgers[here].records[each.name].owner == ABOVE
    newcomer = arena.start_player()
    arena.run(2.0)
    assert arena.home_of(newcomer)
    settled(arena, players, names)


def test_a_zone_is_drained_whichever_of_its_routers_is_there() -> None:
    arena = tree()
    players = [arena.start_player() for _ in range(6)]
    arena.run(3.0)
    desk = arena.start_desk("operator")
    arena.run(0.5)
    desk.ask(Order(0, "drain", "a"))
    arena.run(0.5)
    arena.kill("a1")
    arena.run(2.0)
    arena.start_router("a1")
    arena.run(3.0)
    assert [arena.routers[each].above.draining for each in ("a1", "a2")] == [True, True]
    arena.run_until(lambda: all(zone_of(arena, each) == "b" for each in players), 60)
    newcomer = arena.start_player()
    arena.run(3.0)
    assert zone_of(arena, newcomer) == "b"
    assert sum(each.tally.missed for each in players) == 0
    desk.ask(Order(0, "undrain", "a"))
    arena.run(1.0)
    assert [arena.routers[each].above.draining for each in ("a1", "a2")] == [False, False]


def test_bans_hold_at_every_door_of_the_zone_and_one_that_comes_later_hears_of_them() -> None:
    arena = tree()
    ada = arena.start_player()
    arena.run(2.0)
    desk = arena.start_desk("operator")
    arena.run(0.5)
    arena.kill("a2")
    desk.ask(Order(0, "ban", player=ada.name))
    arena.run(2.0)
    assert ada.ended.startswith("banned")
    arena.start_router("a2")
    arena.run(3.0)
    for door in ("router", "a1", "a2"):
        again = arena.start_player(token=ada.token, router=door)
        arena.run(2.0)
        assert not arena.home_of(again)
        again.stop()


def test_operators_see_each_player_once_and_how_many_routers_a_zone_has() -> None:
    arena = tree()
    players = [arena.start_player() for _ in range(6)]
    arena.run(3.0)
    arena.freeze("a1", 1.0)
    answer = answer_of(arena, Listing(0))
    assert isinstance(answer, Players)
    assert sorted(each.player for each in answer.players) == sorted(each.name for each in players)
    assert (answer.total, answer.missing) == (6, ())
    told: list[Overview] = []
    arena.start_desk(on_update=told.append)
    arena.run(4.0)
    seen = told[-1]
    assert (seen.players, seen.capacity) == (6, 800)
    assert [(each.name, each.routers) for each in seen.members] == [("a", 2), ("b", 1)]
    assert [each.name for each in seen.members[0].under] == ["a-1", "a-2"]
    printed = StringIO()
    Console(file=printed, width=120).print(picture(seen))
    assert "a (2 routers)" in printed.getvalue()


def test_carbon_hears_of_the_zone_once_whichever_of_its_routers_tells_it() -> None:
    arena = tree()
    for _ in range(6):
        arena.start_player()
    arena.run(4.0)
    arena.kill("a1")
    arena.run(6.0)
    zone = [each for each in arena.sink.seen if each.path.endswith("router.a.players")]
    seconds = [each.timestamp for each in zone]
    assert len(seconds) == len(set(seconds)), "one value for each second"
    assert max(b - a for a, b in pairwise(seconds)) <= 3
    assert seconds[-1] >= arena.clock.seconds() - 2
    counted = arena.routers["router"].fleet.players("a")
    assert zone[-1].value == counted == sum(zone_of(arena, each) == "a" for each in arena.players)
    own = {each.path.split(".")[-2] for each in arena.sink.seen if each.path.endswith(".players")}
    assert not {"a1", "a2"} & own


def test_a_zone_of_another_ledger_cannot_have_the_name() -> None:
    arena = tree()
    kept = arena.ledgers.pop("a")
    arena.start_router("c", parent="router", zone="a")
    arena.ledgers["a"] = kept
    arena.run(2.0)
    assert not arena.routers["c"].above.there
    assert len([*arena.routers["router"].members.links("a")]) == 2


def test_a_router_with_the_ledger_of_a_zone_of_another_name_says_so_and_is_not_attached(
    no_logged_errors: list[LogEvent],
) -> None:
    arena = tree()
    arena.ledgers["x"] = arena.ledgers["a"]
    arena.start_router("a3", parent="router", zone="x")
    arena.run(2.0)
    assert not arena.routers["a3"].above.there
    (said,) = (formatEvent(each) for each in no_logged_errors)
    assert said.startswith("the ledger is that of the zone a:")
    no_logged_errors.clear()
