"""Players whom their game wants together: the router brings them, or the game hears why not.

`Party` is a meadow with a record, "hall", that wishes what a test says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from clientmigration.client.player import Player
from clientmigration.core.fleet.lodging import better, lodging, obstacle
from clientmigration.games.meadow import Meadow
from clientmigration.games.splash import Splash
from clientmigration.testing import Arena, Parts


class Party(Meadow):
    """`wish` is what it wants, `why` what it was told; `needs` whether it needs the hall."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.wish: dict[str, str] = {}
        self.why: list[tuple[str, str]] = []
        self.groups: dict[str, str] = {}
        self.needs = self.engaged = False

    def gather(self) -> Mapping[str, str]:
        return self.wish

    def stays(self, player: str, why: str) -> None:
        self.why.append((player, why))

    def grouped(self, player: str, group: str) -> None:
        self.groups[player] = group

    def busy(self, player: str) -> bool:  # noqa: ARG002
        return self.engaged

    def records(self) -> Mapping[str, int]:
        return {"hall": 1} if self.needs else {}


def two(capacity: int = 200) -> tuple[Arena, Player, Player]:
    """Ada on a, Bob on b, and nobody was moved lately."""
    world = Arena(parts=Parts(game=Party))
    world.start_router()
    world.start_server("a")
    world.run(2.0)
    ada = world.start_player()
    world.run(1.0)
    world.start_server("b", capacity=capacity)
    world.run(3.0)
    bob = world.start_player(group="red")
    world.run(1.0)
    for player, server in ((ada, "a"), (bob, "b")):
        if world.home_of(player) != server:
            world.move(player, server)
    world.run(14.0)
    assert (world.home_of(ada), world.home_of(bob)) == ("a", "b")
    return world, ada, bob


def game(world: Arena, name: str) -> Party:
    found = world.servers[name].game
    assert isinstance(found, Party)
    return found


def test_a_player_is_brought_to_another() -> None:
    world, ada, bob = two()
    game(world, "a").wish = {ada.name: bob.name}
    world.run_until(lambda: world.home_of(ada) == "b", within=4.0)
    assert game(world, "b").groups == {bob.name: "red"}
    assert ada.tally.missed == 0


def test_a_player_is_brought_to_a_record() -> None:
    world, ada, _ = two()
    game(world, "b").needs = True
    game(world, "a").wish = {ada.name: "record-hall"}
    world.run_until(lambda: world.home_of(ada) == "b", within=4.0)
    assert ada.tally.missed == 0


def test_who_is_busy_or_was_moved_lately_stays_and_the_game_hears_why_once() -> None:
    world, ada, bob = two()
    game(world, "a").engaged = True
    world.run(3.0)
    game(world, "a").wish = {ada.name: bob.name}
    world.run(3.0)
    assert game(world, "a").why == [(ada.name, "busy")]
    game(world, "a").engaged = False
    world.run_until(lambda: world.home_of(ada) == "b", within=6.0)
    world.run(3.0)
    there = world.start_player()
    world.run(1.0)
    if world.home_of(there) == "b":
        world.move(there, "a")
        world.run(2.0)
    game(world, "b").wish = {ada.name: there.name}
    world.run(2.0)
    assert game(world, "b").why == [(ada.name, "moved_lately")]


def test_nobody_is_brought_where_there_is_no_seat_or_nobody() -> None:
    world, ada, bob = two(capacity=1)
    game(world, "a").wish = {ada.name: bob.name}
    world.run(3.0)
    game(world, "a").wish = {ada.name: "record-nowhere"}
    world.run(3.0)
    assert game(world, "a").why == [(ada.name, "full"), (ada.name, "nowhere")]
    assert world.home_of(ada) == "a"


@pytest.mark.parametrize(
    ("owner", "wanted", "able", "rested", "to"),
    [
        ("a", {"a": 1, "b": 3}, "ab", 9.0, "b"),
        ("a", {"a": 1, "b": 2}, "ab", 9.0, ""),  # no clear majority
        ("a", {"a": 1, "b": 3}, "ab", 1.0, ""),  # it has just come
        ("a", {"b": 1}, "ab", 9.0, "b"),  # nobody wants it there
        ("a", {"a": 9, "b": 1}, "b", 0.0, "b"),  # its server is to be empty
        ("a", {"a": 9}, "a", 9.0, ""),
        ("a", {"b": 9}, "a", 9.0, ""),
    ],
)
def test_a_record_follows_a_clear_majority_and_rests(
    owner: str, wanted: dict[str, int], able: str, rested: float, to: str
) -> None:
    assert better(owner, wanted, able, rested) == to


def test_a_record_is_placed_where_most_want_it_who_are_able() -> None:
    assert lodging({"b": 2, "a": 2, "c": 1}, "abc") == "a"
    assert lodging({"b": 2, "c": 1}, "c") == "c"
    assert lodging({"b": 2}, "") == ""


def test_what_keeps_a_player_where_it_is() -> None:
    assert obstacle(True, True, True, "draining", True, True, 0) == "away"
    assert obstacle(False, True, True, "draining", True, True, 0) == "busy"
    assert obstacle(False, False, True, "draining", True, True, 0) == "moved_lately"
    assert obstacle(False, False, False, "draining", True, True, 0) == "draining"
    assert obstacle(False, False, False, "", True, True, 0) == "older"
    assert obstacle(False, False, False, "", False, True, 0) == "overloaded"
    assert obstacle(False, False, False, "", False, False, 0) == "full"
    assert obstacle(False, False, False, "", False, False, 1) == ""


# No wish is left without an answer.


class NewParty(Party):
    """A newer version of it."""

    version = 2


def test_who_would_have_to_go_to_an_older_version_is_told_so() -> None:
    world = Arena(parts=Parts(game=Party))
    world.start_router()
    world.start_server("a")
    world.run(2.0)
    ada = world.start_player()
    world.run(1.0)
    game(world, "a").needs = True
    world.start_server("b", game=NewParty)
    world.run(3.0)
    bob = world.start_player()
    world.run(1.0)
    assert (world.home_of(ada), world.home_of(bob)) == ("a", "b")
    game(world, "b").wish = {bob.name: "record-hall"}
    world.run(4.5)
    assert game(world, "b").why == [(bob.name, "older")]
    assert world.home_of(bob) == "b"


def test_whose_connection_is_away_is_told_so_and_is_brought_when_it_is_back() -> None:
    world, ada, bob = two()
    for other in ("a", "b", "router"):
        world.network.cut(world.host_of(ada), other)
    world.run(6.0)
    game(world, "a").wish = {ada.name: bob.name}
    world.run(4.5)
    assert game(world, "a").why == [(ada.name, "away")]
    for other in ("a", "b", "router"):
        world.network.heal(world.host_of(ada), other)
    world.run_until(lambda: world.home_of(ada) == "b", within=8.0)


class Needy(Party):
    """So many here need the hall; `has` says whether it is here."""

    count, has = 0, False

    def records(self) -> Mapping[str, int]:
        return {"hall": self.count} if self.count else {}

    def open(self, name: str, state: dict[str, Any] | None, ticks: int) -> None:  # noqa: ARG002
        self.has = True

    def stored(self, name: str) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def close(self, name: str) -> None:  # noqa: ARG002
        self.has = False


class NewNeedy(Needy):
    """A newer version of it."""

    version = 2


def test_a_record_goes_to_most_of_those_who_can_read_it() -> None:
    world = Arena(parts=Parts(game=NewNeedy))
    world.start_router()
    needy: dict[str, Any] = {
        "old": world.start_server("old", game=Needy),
        "here": world.start_server("here"),
        "there": world.start_server("there"),
    }
    world.run(2.0)
    needy["here"].game.count = 1
    world.run(6.0)
    assert needy["here"].game.has
    needy["old"].game.count, needy["there"].game.count = 9, 3
    world.run_until(lambda: needy["there"].game.has, within=4.0)
    assert not needy["here"].game.has
    assert not needy["old"].game.has


class TwoRooms(Splash):
    """It has two rooms, and nobody is ever busy."""

    def begin(self, settings: dict[str, str]) -> None:
        super().begin({**settings, "rooms": "2"})

    def busy(self, player: str) -> bool:  # noqa: ARG002
        return False


def test_the_balance_does_not_take_away_again_whom_a_game_has_brought() -> None:
    """Two rooms that are never quite as full: one player went forth and back, ten times in 200 s,
    and half of the time was not where its game wanted it."""
    world = Arena(seed=3, parts=Parts(game=TwoRooms), cost=0.045)
    world.start_router()
    world.start_server("a")
    world.start_server("b")
    world.run(3.0)
    players = [world.start_player() for _ in range(18)]
    world.run(160.0)
    assert max(player.moves for player in players) <= 2
    before = sum(player.moves for player in players)
    world.run(30.0)
    assert sum(player.moves for player in players) == before
