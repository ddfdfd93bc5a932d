"""A real game server whose world fails: its players go elsewhere, and its process ends."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from real_parts import Cluster, eventually


@pytest_twisted.async_yield_fixture()
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    running = Cluster(tmp_path)
    running.start()
    yield running
    await running.stop()


@pytest_twisted.ensureDeferred
async def test_a_world_that_fails_hands_its_players_over_and_its_process_ends(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = tmp_path / "flag"
    monkeypatch.setenv("FRAIL", str(flag))
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    cluster.launch("bad", "--game", "frail_game.FrailMeadow")
    await eventually(lambda: cluster.placeable("bad"))
    await cluster.server("good")
    players = [await cluster.player() for _ in range(8)]
    await cluster.spread(players, ["bad", "good"])
    flag.touch()
    await eventually(lambda: {each.member for each in players} == {"good"})
    last = "clientmigration: the world has failed 20 times in a row, the last time in"
    await eventually(lambda: last in cluster.log("bad"))
    assert f"{last} FrailMeadow.step: ZeroDivisionError: the physics exploded" in cluster.log("bad")
    assert "bad stops with 0 players left" in cluster.log("bad")
    flag.unlink()
    for player in players:
        await cluster.quiet(player)
    assert [player.rejoins for player in players] == [0] * len(players)
    assert {(each.tally.lost, each.tally.doubled) for each in players} == {(0, 0)}
