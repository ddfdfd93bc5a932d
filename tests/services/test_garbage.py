"""All stops while all objects are looked through, so that does not happen while players play."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from clientmigration.net.settings import keep_what_is_loaded
from clientmigration.testing import Arena

PLAYERS = 25


@pytest.fixture
def as_shipped() -> Iterator[None]:
    before = gc.get_threshold()
    keep_what_is_loaded()
    yield
    gc.set_threshold(*before)


def whole_looks() -> int:
    """How often everything was looked through."""
    found: int = gc.get_stats()[2]["collections"]
    return found


@pytest.mark.usefixtures("as_shipped")
def test_nothing_is_looked_through_whole_while_many_join_play_and_are_moved() -> None:
    arena = Arena(seed=1)
    arena.start_router()
    for name in ("eu", "us"):
        arena.start_server(name, 2 * PLAYERS)
    arena.run(2.0)
    before, objects = whole_looks(), len(gc.get_objects())
    players = [arena.start_player() for _ in range(PLAYERS)]
    arena.run(3.0)
    for each in players[:10]:
        here = arena.home_of(each)
        arena.move(each, "us" if here == "eu" else "eu")
    arena.run(3.0)
    assert whole_looks() == before
    # What a player leaves of objects, its own program and both servers together, is far from the
    # million at which it would happen.
    assert (len(gc.get_objects()) - objects) / PLAYERS < 1500


@pytest.mark.usefixtures("as_shipped")
def test_it_happens_after_a_million_objects_that_stay() -> None:
    most, between, rarely = gc.get_threshold()
    assert most * between * rarely >= 1_000_000
