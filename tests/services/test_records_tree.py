"""In a tree of routers a record is its router's: each has one of a name, and says of others no."""

from __future__ import annotations

from grown import add_zones
from test_gathering import Party
from test_records import Weather, owners

from clientmigration.games.meadow import Meadow
from clientmigration.testing import Arena, Parts


def tree(game: type[Meadow]) -> Arena:
    """Two zones under a root, each with two servers and a player."""
    arena = Arena(seed=7, parts=Parts(game=game))
    add_zones(arena)
    arena.run(3.0)
    for zone in "ab":
        player = arena.start_player()
        arena.run(2.0)
        here = arena.home_of(player)[0]
        if here != zone:
            arena.cross(player, here, zone)
            arena.run(2.0)
    arena.run(2.0)
    assert sorted(arena.home_of(player)[0] for player in arena.players) == ["a", "b"]
    return arena


def zones(arena: Arena) -> dict[str, int]:
    """Which zones have the weather, and for how many days it has been there."""
    return {name[0]: days for name, days in owners(arena).items()}


def test_each_zone_has_its_own_record_of_a_name_and_who_crosses_finds_that_one() -> None:
    arena = tree(Weather)
    assert len(owners(arena)) == 2
    before = zones(arena)
    assert sorted(before) == ["a", "b"]
    ada = next(player for player in arena.players if arena.home_of(player)[0] == "a")
    arena.cross(ada, "a", "b")
    arena.run(6.0)
    assert arena.home_of(ada)[0] == "b"
    assert ada.tally.missed == 0
    arena.run(20.0)
    assert list(zones(arena)) == ["b"]  # nobody is in the other zone: its weather is kept there
    kept = arena.ledgers["a"].records["record-weather"].snapshot
    assert kept is not None
    assert kept.game["days"] > before["a"]
    assert zones(arena)["b"] > before["b"] + 400
    assert "record-weather" not in arena.ledger.records


def test_a_record_survives_its_server_in_its_zone() -> None:
    arena = tree(Weather)
    home = next(name for name in owners(arena) if name[0] == "a")
    before = owners(arena)[home]
    arena.kill(home)
    arena.run_until(lambda: "a" in zones(arena), within=6.0)
    assert zones(arena)["a"] >= before - 20 - 1  # a second and a tick


def test_who_wants_to_be_at_a_record_or_player_of_another_zone_hears_that_it_is_nowhere() -> None:
    arena = tree(Party)
    ada, bob = sorted(arena.players, key=arena.home_of)
    here, there = (arena.servers[arena.home_of(player)].game for player in (ada, bob))
    assert isinstance(here, Party)
    assert isinstance(there, Party)
    there.needs = True
    arena.run(3.0)
    here.wish = {ada.name: "record-hall"}
    arena.run(4.5)
    here.wish = {ada.name: bob.name}
    arena.run(4.5)
    assert here.why == [(ada.name, "nowhere"), (ada.name, "nowhere")]
