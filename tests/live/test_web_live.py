"""A player that comes by WebSocket, at real doors, moved between real servers."""

from __future__ import annotations

from functools import partial

import pytest_twisted
from node_player import NodePlayer
from real_parts import Cluster, eventually
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from web_dial import web_dialer

from clientmigration.core.migration import Outcome
from clientmigration.wire import meadow
from clientmigration.wire.messages import View

MOVES = 20
SCRIPT_MOVES = 8


@pytest_twisted.ensureDeferred
async def test_a_browser_is_moved_twenty_times_without_a_missed_tick(cluster: Cluster) -> None:
    for name in ("one", "two"):
        await cluster.server(name)
    bob = await cluster.player()
    ada = await cluster.player(dial=web_dialer(cluster.reactor))
    ticks: list[int] = []

    def see(view: View) -> None:
        ticks.append(view.tick)

    ada.on_view = see
    acting = LoopingCall(lambda: ada.act(meadow.move(ada.tally.seq % 7 - 3.0, 1.0)))
    acting.start(0.05)
    outcomes: list[Outcome | None] = []
    for _ in range(MOVES):
        here = ada.member
        moving = cluster.router.moves.start(ada.name, here, "two" if here == "one" else "one")
        outcomes.append(await Deferred.fromCoroutine(moving))
    acting.stop()
    await cluster.quiet(ada)
    assert outcomes == [Outcome.SETTLED] * MOVES
    assert ada.moves == MOVES
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))
    assert (ada.tally.missed, ada.tally.lost, ada.tally.doubled, ada.rejoins) == (0, 0, 0, 0)
    assert ada.tally.acked == ada.tally.seq > MOVES / 2
    assert (bob.tally.missed, bob.rejoins) == (0, 0)


@pytest_twisted.ensureDeferred
async def test_the_javascript_player_is_moved_without_a_missed_tick(cluster: Cluster) -> None:
    for name in ("one", "two"):
        await cluster.server(name)
    ada = NodePlayer(cluster.reactor, f"ws://127.0.0.1:{cluster.ports.players}")
    await eventually(lambda: ada.member)
    for _ in range(SCRIPT_MOVES):
        here, there = ada.member, "two" if ada.member == "one" else "one"
        moving = cluster.router.moves.start(ada.name, here, there)
        assert await Deferred.fromCoroutine(moving) is Outcome.SETTLED
        await eventually(partial(ada.landed, there))
    ada.order("counts")
    counts = await eventually(lambda: ada.last("counts"))
    assert ada.last("inOrder")
    assert counts["moves"] == SCRIPT_MOVES
    assert [counts[each] for each in ("missed", "lost", "doubled", "rejoins")] == [0, 0, 0, 0]
    assert counts["acked"] > SCRIPT_MOVES
    assert ada.last("coins") == 10
    assert ada.name in ada.last("sees")
    ada.order("stop")
    await eventually(lambda: ada.over)
    await eventually(lambda: ada.name not in cluster.router.members[there].roster)
