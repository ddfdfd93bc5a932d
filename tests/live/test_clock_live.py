"""Somebody sets the clock of real processes, while players play: nobody notices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from real_parts import Cluster
from test_ends_live import acting, counts
from twisted.internet.task import deferLater
from wall_clocks import WallClocks, can_be_set

from clientmigration.client.player import Player

HOSTS = (("one",), ("router",), ("router", "one", "two"))
JUMPS = (-30, 30, -7200)  # seconds off the true time, one after the other
WATCHED_S = 3.0


@pytest.fixture
def clocks(tmp_path: Path, hosts: tuple[str, ...]) -> WallClocks:
    if not can_be_set():
        pytest.skip("needs a C compiler")
    return WallClocks(tmp_path, hosts)


@pytest_twisted.async_yield_fixture()
async def apart(tmp_path: Path, clocks: WallClocks) -> AsyncIterator[Cluster]:
    """A router and game servers, each a process with a clock that can be set."""
    running = Cluster(tmp_path)
    running.environments = clocks.environs
    running.launch_router()
    for name in ("one", "two"):
        running.launch(name)
    yield running
    await running.stop_processes()


def longest_ms(players: list[Player]) -> float:
    """The longest extra wait for a view that anybody had so far."""
    return max(player.counts.longest_gap_ms for player in players)


@pytest.mark.parametrize("hosts", HOSTS, ids=" ".join)
@pytest_twisted.ensureDeferred
async def test_a_clock_that_is_set_disconnects_nobody(
    apart: Cluster, clocks: WallClocks, hosts: tuple[str, ...]
) -> None:
    players: list[Player] = []
    while len(players) < 4 or {player.member for player in players} != {"one", "two"}:
        players.append(await apart.player())  # the first ones may come before the second server
        assert len(players) < 40
    with acting(players):
        for player in players:
            await apart.quiet(player)
        for seconds in JUMPS:
            views = [player.counts.views for player in players]
            clocks.set(hosts, seconds)
            await deferLater(apart.reactor, WATCHED_S)
            got = [player.counts.views - had for player, had in zip(players, views, strict=False)]
            rejoins = [player.rejoins for player in players]
            print(
                f"{' '.join(hosts)} set to {seconds:+d} s: views in {WATCHED_S:g} s {got},"
                f" longest extra wait {longest_ms(players):.0f} ms, rejoins {rejoins}"
            )
            assert min(got) > (WATCHED_S - 1) * 20
            newcomer = await apart.player()
            await apart.quiet(newcomer)
            newcomer.stop()
        for player in players:
            await apart.quiet(player)
    assert longest_ms(players) < 1000
    assert [player.rejoins for player in players] == [0] * len(players)
    assert counts(players) == {(0, 0)}
    for host in hosts:
        assert "this host's clock is -30.0 s off the world's time" in apart.log(host)
