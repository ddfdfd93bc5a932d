"""One real player, moved again and again between real server processes, over real sockets."""

from __future__ import annotations

import pytest
import pytest_twisted
from real_parts import Cluster
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from clientmigration.core.player.migration import Outcome
from clientmigration.games.meadow import wire as meadow
from clientmigration.wire.messages import View


@pytest.mark.parametrize("moves", [40, pytest.param(200, marks=pytest.mark.soak)])
@pytest_twisted.ensureDeferred
async def test_one_move_after_the_other_costs_no_tick_no_input_and_no_coin(
    cluster: Cluster, moves: int
) -> None:
    await cluster.server("one", "two")
    ada = await cluster.player()
    ticks: list[int] = []
    coins: list[int] = []

    def see(view: View) -> None:
        ticks.append(view.tick)
        coins.append(meadow.own(view.body)[2])

    ada.on("view", see)
    acting = LoopingCall(lambda: ada.act(meadow.move(ada.tally.seq % 7 - 3.0, 1.0)))
    acting.start(0.05)
    unmade: list[str] = []
    here, there = ada.member, "two" if ada.member == "one" else "one"
    for _ in range(moves):
        moving = cluster.router.moves.start(ada.name, here, there)
        ended = await Deferred.fromCoroutine(moving)
        here, there = there, here  # the player itself hears so a moment later
        if ended is None or ended.outcome is not Outcome.SETTLED:
            unmade.append(f"{ended and ended.outcome}: {ended and ended.reason}")
    acting.stop()
    await cluster.quiet(ada)
    assert unmade == []
    assert ada.moves == moves
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))
    assert (ada.tally.missed, ada.tally.lost, ada.tally.doubled, ada.rejoins) == (0, 0, 0, 0)
    assert ada.tally.acked == ada.tally.seq > moves / 2
    assert set(coins) == {10}
