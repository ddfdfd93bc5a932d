"""Burning CPU for players is a test load: a game server does it only if a flag allows it."""

from __future__ import annotations

import pytest

from clientmigration.gameserver.tap import Options
from clientmigration.testing import Arena


def playing(burns: bool) -> Arena:
    arena = Arena(burns=burns)
    arena.start_router()
    for name in ("eu", "us"):
        arena.start_server(name)
    arena.run(2.0)
    arena.start_player()
    arena.run(2.0)
    return arena


@pytest.mark.parametrize(("burns", "burning"), [(True, 1), (False, 0)])
def test_a_burn_runs_only_where_it_is_allowed_and_the_player_plays_on(
    burns: bool, burning: int
) -> None:
    arena = playing(burns)
    (ada,) = arena.players
    home = arena.home_of(ada)
    seq = ada.burn(2000)
    arena.run(0.5)
    assert ada.tally.acked == seq
    measured = arena.servers[home].measures()
    assert (measured["workload_burns"], measured["burns_refused"]) == (burning, 1 - burning)
    arena.move(ada, "us" if home == "eu" else "eu")
    arena.run(2.0)
    assert arena.home_of(ada) != home
    assert arena.servers[arena.home_of(ada)].measures()["workload_burns"] == burning
    assert (ada.state, ada.tally.missed, ada.tally.lost) == ("playing", 0, 0)


def test_no_game_server_allows_it_by_itself() -> None:
    assert not Options()["burns"]
