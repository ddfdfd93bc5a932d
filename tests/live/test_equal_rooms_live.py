"""A room of Splash, two routers and a real NATS server: its server and a router die together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest_twisted
from equal_parts import SERVERS, Group
from real_engine import engine
from real_parts import eventually
from test_splash_live import LOST, age

from clientmigration.games.splash import wire
from clientmigration.games.splash.wire import SplashView
from clientmigration.wire.messages import View


@pytest_twisted.async_yield_fixture
async def group(tmp_path: Path) -> AsyncIterator[Group]:
    """Everything runs, and plays Splash."""
    nats = engine("nats-current", tmp_path)
    nats.start()
    running = Group(tmp_path, nats)
    for name in running.ports:
        running.router(name)
    for name in SERVERS:
        running.server(name, "--game", "splash")
    await running.complete()
    yield running
    await running.stop()
    nats.stop()


@pytest_twisted.ensureDeferred
async def test_rooms_survive_kill_9_of_their_server_and_of_a_router(group: Group) -> None:
    players = [group.begin() for _ in range(6)]
    seen: dict[str, list[SplashView]] = {}

    def saw(number: str, view: View) -> None:
        seen.setdefault(number, []).append(wire.look(view.body))

    for n, player in enumerate(players):
        player.on("view", partial(saw, str(n)))
    held = lambda n: (views := seen.get(n)) and views[-1].where == 1 and age(views[-1]) > 30  # noqa: E731
    await eventually(lambda: all(held(str(n)) for n in range(6)))
    server = players[0].member
    hit = [n for n, player in enumerate(players) if player.member == server]
    before = {n: age(seen[str(n)][-1]) for n in hit}
    rooms = {n: seen[str(n)][-1].room for n in hit}
    seen.clear()
    group.children["r1"].kill()
    group.children[server].kill()
    await eventually(lambda: all(held(str(n)) for n in hit))
    for n in hit:
        first = next(age(each) for each in seen[str(n)] if each.where == 1)
        assert seen[str(n)][-1].room == rooms[n]
        assert before[n] - LOST <= first
        print(f"room {rooms[n]} was {before[n] / 10} s old, and {first / 10} s afterwards")
