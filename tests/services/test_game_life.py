"""What a game is told of its own life: settings, its end, and connections that come and go."""

from __future__ import annotations

from typing import Any

import pytest

from clientmigration.errors import ConfigurationError, GameFault
from clientmigration.games.meadow import Meadow
from clientmigration.gameserver.guard import GuardedGame
from clientmigration.net.games import settings_of
from clientmigration.testing import Arena

TOLD: list[tuple[str, Any]] = []


class Diary(Meadow):
    """Writes down what it is told."""

    def begin(self, settings: dict[str, str]) -> None:
        """What is set."""
        TOLD.append(("begin", settings))

    def end(self) -> None:
        """It is over."""
        TOLD.append(("end", None))

    def connected(self, player: str, here: bool) -> None:  # noqa: ARG002
        """One came or went."""
        TOLD.append(("connected", here))


class Deaf:
    """Counts nothing."""

    def tell(self, fault: GameFault, cause: Exception) -> None:
        """Nothing."""


def test_a_game_is_told_of_its_start_and_of_a_connection_that_goes_and_comes_back() -> None:
    TOLD.clear()
    arena = Arena(seed=3)
    arena.start_router()
    arena.start_server("a", game=Diary)
    arena.run(2.0)
    ada = arena.start_player()
    arena.run(1.0)
    assert TOLD == [("begin", {}), ("connected", True)]
    seat = arena.servers["a"].seats[ada.name]
    assert seat.line is not None
    seat.line.hang_up("bye", "")
    arena.run(3.0)
    assert TOLD[2:4] == [
        ("connected", False),
        ("connected", True),
    ]


def test_a_game_is_told_of_its_end() -> None:
    TOLD.clear()
    arena = Arena(seed=3)
    arena.start_router()
    server = arena.start_server("a", game=Diary)
    arena.run(2.0)
    server.stopService()
    arena.run(2.0)
    assert TOLD[-1] == ("end", None)


def test_settings_are_pairs_or_a_file(tmp_path: Any) -> None:
    (tmp_path / "mine.toml").write_text("size = 7\nmap = 'moor'\n")
    assert settings_of("size=7, map=moor") == {"size": "7", "map": "moor"}
    assert settings_of(str(tmp_path / "mine.toml")) == {"size": "7", "map": "moor"}
    for wrong in ("size", "=7", "a=1,b"):
        with pytest.raises(ConfigurationError, match="--game-settings"):
            settings_of(wrong)


def test_settings_that_make_no_sense_to_the_game_are_one_line() -> None:
    guarded = GuardedGame(Meadow(20), Deaf())
    guarded.begin({})
    with pytest.raises(ConfigurationError, match="--game-settings: this game has no settings"):
        guarded.begin({"size": "7"})
