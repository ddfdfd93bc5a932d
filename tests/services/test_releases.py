"""A fleet runs one game, perhaps in two versions: players go from old to new and lose nothing."""

from __future__ import annotations

from typing import Any

import pytest

from clientmigration.core.fleet.release import GameRelease
from clientmigration.games.meadow import Meadow
from clientmigration.games.meadow import wire as meadow
from clientmigration.testing import Arena

ONE, TWO = GameRelease("meadow", 1), GameRelease("meadow", 2)
BACK = GameRelease("meadow", 1, reads=2)
OTHER = GameRelease("chess", 2)
NOBODY_SAID = GameRelease()


@pytest.mark.parametrize(
    ("taker", "giver", "emptied", "takes"),
    [
        (ONE, ONE, False, True),
        (TWO, ONE, False, True),
        (ONE, TWO, False, False),
        (ONE, TWO, True, False),
        (BACK, TWO, False, False),
        (BACK, TWO, True, True),
        (OTHER, ONE, True, False),
        (NOBODY_SAID, ONE, False, True),
        (ONE, NOBODY_SAID, False, True),
    ],
)
def test_players_go_from_old_to_new_and_back_only_when_a_server_is_emptied(
    taker: GameRelease, giver: GameRelease, emptied: bool, takes: bool
) -> None:
    assert taker.takes(giver, emptied) is takes


class Hatted(Meadow):
    """Version 2: everybody has a hat, whose size is the coins that it had when it got it."""

    version = 2

    def __init__(self, rate: int, post: Any = None) -> None:
        super().__init__(rate, post)
        self.hats: dict[str, int] = {}

    def convert(self, state: dict[str, Any], version: int) -> dict[str, Any]:
        """Version 1 knew no hats."""
        return {**state, "hat": state.get("hat", state["coins"])} if version == 1 else state

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:
        """With its hat."""
        super().enter(player, state, ticks)
        self.hats[player] = state["hat"] if state else 0

    def state(self, player: str) -> dict[str, Any]:
        """With its hat."""
        return {**super().state(player), "hat": self.hats[player]}


class Careful(Meadow):
    """Version 1 as it is shipped for a way back: it keeps what it does not know."""

    reads = 2

    def __init__(self, rate: int, post: Any = None) -> None:
        super().__init__(rate, post)
        self.rest: dict[str, dict[str, Any]] = {}

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:
        """What is unknown here is kept."""
        super().enter(player, state, ticks)
        self.rest[player] = state or {}

    def state(self, player: str) -> dict[str, Any]:
        """And given back."""
        return {**self.rest[player], **super().state(player)}


class Chess(Meadow):
    """Another game."""

    name = "chess"


def arena(**servers: Any) -> Arena:
    made = Arena(seed=7)
    made.start_router()
    for name, game in servers.items():
        made.start_server(name, game=game)
    made.run(2.0)
    return made


def hats(played: Arena) -> dict[str, Any]:
    return {
        who: record.snapshot.game.get("hat")
        for who, record in played.ledger.records.items()
        if record.snapshot is not None
    }


def test_a_server_of_another_game_is_not_attached() -> None:
    played = arena(a=Meadow, b=Chess)
    assert set(played.router.members) == {"a"}


def test_nobody_is_moved_to_an_older_version_not_even_by_an_operator() -> None:
    played = arena(new=Hatted)
    ada = played.start_player()
    played.run(1.0)
    played.start_server("old", game=Meadow)
    played.run(2.0)
    assert played.router.members["old"].release == ONE
    played.move(ada, "old")
    played.run(2.0)
    assert played.home_of(ada) == "new"


def test_an_upgrade_moves_everybody_from_old_to_new_with_what_they_had() -> None:
    played = arena(a=Meadow, b=Meadow)
    players = [played.start_player() for _ in range(8)]
    for each in players:
        each.act(meadow.move(1.0, 0.0))
    played.run(1.0)
    for name in ("new-a", "new-b"):
        played.start_server(name, game=Hatted)
    played.run(2.0)
    for name in ("a", "b"):
        played.servers[name].drain(True)
    played.run(20.0)
    assert {played.home_of(each) for each in players} <= {"new-a", "new-b"}
    assert sum(each.tally.missed for each in players) == 0
    assert set(hats(played).values()) == {10}


def test_old_to_new_to_old_loses_nothing_of_either() -> None:
    played = arena(old=Careful)
    ada = played.start_player()
    played.run(1.0)
    played.start_server("new", game=Hatted)
    played.run(2.0)
    played.servers["old"].drain(True)
    played.run(5.0)
    assert played.home_of(ada) == "new"
    played.start_server("again", game=Careful)
    played.run(2.0)
    played.servers["new"].drain(True)
    played.run(5.0)
    assert played.home_of(ada) == "again"
    assert set(hats(played).values()) == {10}
    assert ada.tally.missed == 0


def test_who_has_a_state_that_no_server_can_read_is_told_so_and_keeps_it() -> None:
    played = arena(new=Hatted)
    ada = played.start_player()
    played.run(2.0)
    before = hats(played)
    played.kill("new")
    played.start_server("old", game=Meadow)
    played.run(20.0)
    assert not ada.member
    assert hats(played) == before
    played.start_server("newer", game=Hatted)
    played.run(20.0)
    assert played.home_of(ada) == "newer"
