"""Coins that lie on the meadow: found once, near, and taken along when one is moved."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from clientmigration.games.meadow import coins
from clientmigration.games.meadow import wire as meadow
from clientmigration.games.meadow.game import COINS, Meadow

ADA = "11" * 8
PAGE = Path(__file__).parents[2] / "services/clientmigration/games/meadow/page/coins.js"
PLOT = next((c, r) for c in range(40) for r in range(40) if coins.coin(c, r))


def standing(at: tuple[float, float], found: list[int] | None = None) -> Meadow:
    game = Meadow(20)
    state = {"x": at[0], "y": at[1], "vx": 0.0, "vy": 0.0, "coins": COINS}
    game.enter(ADA, {**state, **({"found": found} if found else {})}, 0)
    return game


def test_a_coin_is_found_once_and_stays_found_at_the_next_server() -> None:
    place = coins.coin(*PLOT)
    assert place is not None
    here = standing(place)
    for _ in range(3):
        here.apply(ADA, meadow.find(*PLOT))
    state = here.state(ADA)
    assert state["coins"] == COINS + 1
    there = Meadow(20)
    there.enter(ADA, state, 0)
    there.apply(ADA, meadow.find(*PLOT))
    assert there.state(ADA) == state


def test_a_coin_that_is_far_or_not_there_is_not_found() -> None:
    place = coins.coin(*PLOT)
    assert place is not None
    game = standing((place[0] + coins.REACH_M + 1, place[1]))
    for plot in (PLOT, (255, 255)):
        game.apply(ADA, meadow.find(*plot))
    assert game.state(ADA)["coins"] == COINS
    assert "found" not in game.state(ADA)


def test_it_lies_there_again_when_many_others_were_found() -> None:
    known: tuple[int, ...] = ()
    for column in range(40):
        for row in range(40):
            if place := coins.coin(column, row):
                known = coins.found(known, column, row, place) or known
    assert len(known) == coins.REMEMBERED
    assert coins.believed(["x", 3, None]) == (3,)
    assert coins.believed("nonsense") == ()


def test_the_page_has_the_coins_where_the_server_has_them() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    program = f"""import {{ coinOf }} from {json.dumps(PAGE.as_uri())};
      const all = [];
      for (let c = 0; c < 40; c += 1) for (let r = 0; r < 40; r += 1) all.push(coinOf(c, r));
      console.log(JSON.stringify(all.map((coin) => coin && [coin.x, coin.y])));"""
    said = subprocess.run(
        [node, "--no-warnings", "--input-type=module", "-e", program],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    ours = [coins.coin(c, r) for c in range(40) for r in range(40)]
    for one, other in zip(json.loads(said.stdout), ours, strict=True):
        assert (one is None) == (other is None)
        assert one is None or one == pytest.approx(other)
    assert 600 < sum(each is not None for each in ours) < 1000
