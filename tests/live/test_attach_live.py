"""A server that joins real ones while players play, takes its share, and leaves by a drain."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_twisted
from real_parts import Cluster, eventually

PLAYERS, FAIR = 24, 6  # with so few, what is less than a player of the distance stays as it is
BY_SEATS = "[health]\nseats_weight = 20.0\n"  # a few players weigh much, and burn nothing


@pytest_twisted.async_yield_fixture()
async def weighty(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster in which each player weighs a tenth of a server."""
    policy = tmp_path / "policy.toml"
    policy.write_text(BY_SEATS)
    running = Cluster(tmp_path, flags=("--policy", str(policy)))
    running.start()
    yield running
    await running.stop()


@pytest_twisted.ensureDeferred
async def test_a_fourth_server_takes_its_share_and_gives_it_back_and_nobody_is_cut_off(
    weighty: Cluster,
) -> None:
    for name in ("one", "two", "three"):
        await weighty.server(name)
    players = [await weighty.player() for _ in range(PLAYERS)]
    weighty.launch("four")

    def there() -> int:
        return Counter(player.member for player in players)["four"]

    await eventually(lambda: there() >= FAIR / 2, within_s=90)
    stopping = weighty.children["four"].stopService(patience_s=60)
    await eventually(lambda: there() == 0, within_s=60)
    await stopping
    for player in players:
        await weighty.quiet(player)
    assert "four stops with 0 players left" in weighty.log("four")
    assert sum(player.moves for player in players) < 2 * PLAYERS
    assert [player.rejoins for player in players] == [0] * PLAYERS
    assert {(player.tally.lost, player.tally.doubled) for player in players} == {(0, 0)}
