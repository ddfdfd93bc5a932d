"""Two routers, each a process of its own, on one real NATS server: either is killed or stopped
while players play and are moved, and so is the engine.

The same with 300 players and 50 moves a second, and cut off, is `tests/bench/equals.py`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import pytest
import pytest_twisted
from equal_parts import SERVERS, Group, Travels
from node_player import NodePlayer
from real_engine import engine
from real_parts import eventually
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater

from clientmigration.client.player import Player
from clientmigration.games.meadow import wire as meadow

PLAYERS = 12
AGAIN_S = 2.0  # by then somebody is moved again
JOIN_S = 1.0  # and somebody new plays; on a busy machine a process alone takes some of it
SLOW = 3.0  # times as long it may take here


@pytest_twisted.async_yield_fixture(scope="module")
async def group(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Group]:
    folder = tmp_path_factory.mktemp("equals")
    nats = engine("nats-current", folder)
    nats.start()
    running = Group(folder, nats)
    for name in running.ports:
        running.router(name)
    for name in SERVERS:
        running.server(name)
    await running.complete()
    yield running
    await running.stop()
    nats.stop()


@dataclass(frozen=True)
class Cost:
    """What a fault has cost: of each player the ticks that it missed, and the inputs that were lost
    and doubled; how often somebody had to come back; how long it took until somebody was moved
    again, and until each newcomer played."""

    tallies: list[tuple[int, int, int]]
    rejoins: int
    moved_s: float
    joins: list[float]

    def nobody_noticed(self) -> bool:
        """Whether those who played have felt nothing."""
        return not self.rejoins and self.tallies == [(0, 0, 0)] * PLAYERS

    def in_time(self) -> bool:
        """Whether moves and joins were possible again as soon as they have to be."""
        return self.moved_s < AGAIN_S * SLOW and max(self.joins) < JOIN_S * SLOW


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
        player.stop()
    return took


async def in_play(
    group: Group,
    fault: Callable[[], Any],
    over: Callable[[], Any] = lambda: None,
    repair: Callable[[], Any] = lambda: None,
) -> Cost:
    """What a fault costs those who play and are moved, and those who come; `repair` is done at
    once, `over` after a while."""
    await group.complete()
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
    await deferLater(group.reactor, 2.0)
    done = over()
    if isinstance(done, Deferred):
        await done
    back = time.monotonic()
    await eventually(partial(travels.settled, back))
    await deferLater(group.reactor, 2.0)
    await travels.stop()
    acting.stop()
    await eventually(lambda: all(each.tally.acked == each.tally.seq for each in players))
    print(
        f"{travels.outcomes}; a move again after {moved_s:.2f} s; joins {median(joins):.2f} s,"
        f" {max(joins):.2f} s at most"
    )
    tallies = [(each.tally.missed, each.tally.lost, each.tally.doubled) for each in players]
    rejoins = sum(each.rejoins for each in players)
    for each in players:
        each.stop()
        group.players.remove(each)
    return Cost(tallies, rejoins, moved_s, joins)


@pytest.mark.parametrize("name", ["r1", "r2"])
@pytest_twisted.ensureDeferred
async def test_either_router_killed_in_play_costs_no_tick_and_no_input(
    group: Group, name: str
) -> None:
    """It is started again by itself."""
    cost = await in_play(group, group.children[name].kill)
    assert cost.nobody_noticed(), cost
    assert cost.in_time(), cost


@pytest.mark.parametrize("name", ["r1", "r2"])
@pytest_twisted.ensureDeferred
async def test_either_router_stopped_for_ten_seconds_costs_no_tick_and_no_input(
    group: Group, name: str
) -> None:
    child = group.children[name]

    def go_on() -> Deferred[None]:
        return deferLater(group.reactor, 7.0, child.tell, signal.SIGCONT)

    cost = await in_play(group, lambda: child.tell("STOP"), go_on)
    assert cost.nobody_noticed(), cost
    assert cost.in_time(), cost


@pytest_twisted.ensureDeferred
async def test_an_engine_killed_under_two_routers_costs_no_tick_and_no_input(group: Group) -> None:
    cost = await in_play(group, group.nats.kill, repair=group.nats.start)
    assert cost.nobody_noticed(), cost
    assert cost.in_time(), cost


@pytest.mark.parametrize("how", ["KILL", "STOP"])
@pytest_twisted.ensureDeferred
async def test_players_in_python_and_in_javascript_go_on_to_the_router_that_is_left(
    group: Group, how: str
) -> None:
    """Which router each asks first is by chance: some ask the one that is gone."""
    await group.complete()
    ports = [each.players for each in group.ports.values()]
    group.children["r1"].tell(how)
    script = [
        NodePlayer(group.reactor, ",".join(f"ws://127.0.0.1:{each}" for each in ports))
        for _ in range(3)
    ]
    url = ",".join(f"clientmigration://127.0.0.1:{each}" for each in ports)
    python = [Player.by_url(group.reactor, url).start() for _ in range(4)]
    await eventually(lambda: all(each.state == "playing" for each in python), 10.0)
    await eventually(lambda: all(each.member in SERVERS for each in script), 15.0)
    group.children["r1"].tell(signal.SIGCONT)
    assert not any(each.rejoins for each in python)
    for player in python:
        player.stop()
    for node in script:
        node.order("stop")
    await eventually(lambda: all(each.over for each in script))
