"""Two routers, each a process of its own, on one real NATS server: either is killed or stopped
while players play and are moved, and so is the engine.

The same with 300 players and 50 moves a second, and cut off, is `tests/bench/equals.py`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import pytest_twisted
from equal_parts import SERVERS, Group, Travels
from real_engine import engine
from real_parts import eventually
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater

from clientmigration.client.player import Player
from clientmigration.wire import meadow

PLAYERS = 12
AGAIN_S = 2.0  # by then somebody is moved again
JOIN_S = 1.0  # and somebody new plays; on a busy machine a process alone takes some of it
SLOW = 3.0  # times as long it may take here


@pytest_twisted.async_yield_fixture()
async def group(tmp_path: Path) -> AsyncIterator[Group]:
    nats = engine("nats-current", tmp_path)
    nats.start()
    running = Group(tmp_path, nats)
    for name in running.ports:
        running.router(name)
    for name in SERVERS:
        running.server(name)
    await running.complete()
    yield running
    await running.stop()
    nats.stop()


def act(players: list[Player]) -> None:
    for player in players:
        player.act(meadow.move(player.tally.seq % 7 - 3.0, 1.0))


async def joined(group: Group, count: int = 3) -> list[float]:
    """How long each of some newcomers takes until it plays."""
    took = []
    for _ in range(count):
        began, player = time.monotonic(), group.begin()
        await eventually(lambda player=player: player.state == "playing")  # type: ignore[misc]
        took.append(time.monotonic() - began)
    return took


async def in_play(
    group: Group,
    fault: Callable[[], Any],
    over: Callable[[], Any],
    repair: Callable[[], Any] = lambda: None,
) -> None:
    """What a fault costs those who play and are moved, and those who come; `repair` is done at
    once, `over` after a while."""
    players = [group.begin() for _ in range(PLAYERS)]
    await eventually(lambda: all(each.state == "playing" for each in players))
    acting = LoopingCall(act, players)
    acting.start(0.05)
    travels = Travels(group, players)
    await eventually(partial(travels.settled, time.monotonic()))
    await deferLater(group.reactor, 1.0)
    began = time.monotonic()
    fault()
    repair()
    joining = Deferred.fromCoroutine(joined(group))
    await eventually(partial(travels.settled, began))
    moved_s = min(ended for since, ended, _ in travels.settled_at if since > began) - began
    joins = await joining
    await deferLater(group.reactor, 3.0)
    done = over()
    if isinstance(done, Deferred):
        await done
    back = time.monotonic()
    await eventually(partial(travels.settled, back))
    await deferLater(group.reactor, 3.0)
    await travels.stop()
    acting.stop()
    await eventually(lambda: all(each.tally.acked == each.tally.seq for each in players))
    print(
        f"{travels.outcomes}; a move again after {moved_s:.2f} s; joins {median(joins):.2f} s,"
        f" {max(joins):.2f} s at most"
    )
    tallies = [(each.tally.missed, each.tally.lost, each.tally.doubled) for each in players]
    assert tallies == [(0, 0, 0)] * PLAYERS
    assert [each.rejoins for each in players] == [0] * PLAYERS
    assert moved_s < AGAIN_S * SLOW
    assert max(joins) < JOIN_S * SLOW


@pytest.mark.parametrize("name", ["r1", "r2"])
@pytest_twisted.ensureDeferred
async def test_either_router_killed_in_play_costs_no_tick_and_no_input(
    group: Group, name: str
) -> None:
    """It is started again by itself."""
    await in_play(group, group.children[name].kill, lambda: None)


@pytest.mark.parametrize("name", ["r1", "r2"])
@pytest_twisted.ensureDeferred
async def test_either_router_stopped_for_ten_seconds_costs_no_tick_and_no_input(
    group: Group, name: str
) -> None:
    child = group.children[name]

    def go_on() -> Deferred[None]:
        return deferLater(group.reactor, 7.0, child.tell, signal.SIGCONT)

    await in_play(group, lambda: child.tell("STOP"), go_on)


@pytest_twisted.ensureDeferred
async def test_an_engine_killed_under_two_routers_costs_no_tick_and_no_input(group: Group) -> None:
    await in_play(group, group.nats.kill, lambda: None, group.nats.start)
