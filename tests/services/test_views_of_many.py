"""A game may make the views of many at once: what it answers, and what goes wrong with it."""

from __future__ import annotations

from typing import Any

import pytest
from test_game_faults import ADA, Faults

from clientmigration.games.meadow.game import Meadow
from clientmigration.gameserver.game import VIEW_LIMIT
from clientmigration.gameserver.guard import GuardedGame
from clientmigration.testing.frail import Broken

EVE = "ee" * 8


class Many(Meadow):
    """Answers `views` with what a test says."""

    said: Any = ()

    def views(self, players: Any) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said(players)

    def view(self, player: str) -> bytes:
        return b"by itself " + player[:2].encode()


@pytest.mark.parametrize(
    ("said", "views", "told"),
    [
        (lambda _: [b"1", b"2"], [b"1", b"2"], []),
        (lambda _: [b"1", None], [b"1", b"by itself ee"], []),
        (
            lambda _: [b"1"],
            [b"by itself aa", b"by itself ee"],
            ["Many.views: 1 views for 2 players"],
        ),
        (
            lambda _: [b"1", "2"],
            [b"by itself aa", b"by itself ee"],
            ["Many.views: a value of type str, not bytes"],
        ),
        (
            lambda _: [b"1", bytes(VIEW_LIMIT + 1)],
            [b"by itself aa", b"by itself ee"],
            ["Many.views: 262,124 bytes; 262,123 are allowed"],
        ),
        (
            KeyError("eve"),
            [b"by itself aa", b"by itself ee"],
            ["Many.views: KeyError: 'eve'"],
        ),
    ],
)
def test_what_is_wrong_with_many_views_costs_nobody_its_own(
    said: Any, views: list[bytes], told: list[str]
) -> None:
    faults, many = Faults(), Many(20)
    many.said = said
    game = GuardedGame(many, faults)
    assert game.views([ADA, EVE]) == views
    assert faults.told == told


def test_whose_view_fails_alone_is_the_only_one_without() -> None:
    class Selfish(Many):
        def view(self, player: str) -> bytes:
            if player == EVE:
                raise Broken
            return b"1"

    faults = Faults()
    assert GuardedGame(Selfish(20), faults).views([ADA, EVE]) == [b"1", None]
    assert [each.split(".")[-1] for each in faults.told] == [f"view of {EVE}: Broken: "]


def test_a_view_that_is_put_before_those_of_many_counts() -> None:
    class Own(Meadow):
        def view(self, player: str) -> bytes:  # noqa: ARG002
            return b"mine"

    assert GuardedGame(Own(20), Faults()).views([ADA]) == [b"mine"]
    meadow = Meadow(20)
    vars(meadow)["view"] = lambda _: b"put in"
    assert GuardedGame(meadow, Faults()).views([ADA]) == [b"put in"]
