"""kill -9 of a real server process: its players are back elsewhere, as they were."""

from __future__ import annotations

import pytest_twisted
from real_parts import Cluster, eventually
from twisted.internet.task import LoopingCall

from clientmigration.client.player import Player
from clientmigration.wire import meadow


@pytest_twisted.ensureDeferred
async def test_players_of_a_killed_server_play_on_elsewhere_and_lose_no_input(
    cluster: Cluster,
) -> None:
    for name in ("one", "two"):
        await cluster.server(name)
    players = [await cluster.player() for _ in range(8)]
    acting = LoopingCall(act, players)
    acting.start(0.1)
    for player in players:
        await cluster.quiet(player)
    names = {player.name for player in players}
    struck = [player for player in players if player.member == "one"]
    spared = [player for player in players if player.member == "two"]
    cluster.children["one"].kill()
    await eventually(lambda: all(player.rejoins == 1 and player.member for player in struck))
    acting.stop()
    for player in players:
        await cluster.quiet(player)
    assert struck
    assert {player.name for player in players} == names
    assert [player.rejoins for player in spared] == [0] * len(spared)
    assert [(p.tally.lost, p.tally.doubled) for p in players] == [(0, 0)] * len(players)


def act(players: list[Player]) -> None:
    for player in players:
        player.act(meadow.move(1.0, 0.5))
