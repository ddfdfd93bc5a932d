"""Two routers, each a process of its own, on one real NATS server: either is killed or stopped
while players play and are moved, and so is the engine.

What is ordered goes to the routers by the operators' door, as the command line does it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import pytest
import pytest_twisted
from real_engine import Engine, engine
from real_parts import TWISTD, eventually
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import clientFromString
from twisted.internet.task import LoopingCall, deferLater

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.errors import Away, Refused
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.operator import Credentials, OperatorClient, entered
from clientmigration.net.tickets import Seals
from clientmigration.stack.ports import LOOPBACK, Ports, settled
from clientmigration.stack.processes import Child, Program
from clientmigration.wire.operators import Ended, Order

PLAYERS = 12
SERVERS = ("one", "two", "three")
AGAIN_S = 2.0  # by then somebody is moved again
JOIN_S = 1.0  # and somebody new plays; on a busy machine a process alone takes some of it
SLOW = 3.0  # times as long it may take here


class Group:
    """The processes, and those who play and order in this one."""

    def __init__(self, folder: Path, nats: Engine) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder, self.nats = folder, nats
        self.secret = folder / "cluster.secret"
        self.secret.write_text(os.urandom(32).hex())
        self.ports = {name: settled(Ports(0, 0, 0, 0, 0)) for name in ("r1", "r2")}
        self.children: dict[str, Child] = {}
        self.players: list[Player] = []
        self.desks: dict[str, OperatorClient] = {}

    def _run(self, name: str, daemon: str, *flags: str) -> None:
        common = ("--secret-file", str(self.secret), "--carbon", f"tcp:{LOOPBACK}:9")
        argv = (sys.executable, TWISTD, "-n", "--pidfile=", daemon, *common, "--name", name, *flags)
        program = Program(name, argv, self.folder / f"{name}.log", {**os.environ})
        self.children[name] = Child(self.reactor, program, lambda _program, _how: None)
        self.children[name].startService()

    def router(self, name: str) -> None:
        ports, here = self.ports[name], f"interface={LOOPBACK}"
        self._run(
            name,
            "router",
            *("--players", f"tcp:{ports.players}:{here}"),
            *("--members", f"tcp:{ports.members}:{here}"),
            *("--ledger", self.nats.address(), "--graphite", f"http://{LOOPBACK}:9"),
        )

    def server(self, name: str) -> None:
        doors = (f"tcp:{LOOPBACK}:{each.members}" for each in self.ports.values())
        self._run(name, "gameserver", *(word for each in doors for word in ("--router", each)))

    async def desk(self, name: str, patience_s: float = 1.0) -> OperatorClient:
        """Somebody who orders this router; `Away` if it lets nobody in."""
        desk = self.desks.get(name)
        if desk is None or desk.over is not None:
            proofs = Seals.from_file(self.secret).proofs("operator")
            desk = OperatorClient(self.reactor, Credentials("operator", proofs))
            where = f"tcp:{LOOPBACK}:{self.ports[name].members}"
            self.desks[name] = await entered(
                clientFromString(self.reactor, where), desk, where, patience_s
            )
        return self.desks[name]

    async def complete(self) -> None:
        """Until each router has all servers."""
        for name in self.ports:
            while True:
                try:
                    overview = await (await self.desk(name)).next_overview()
                except Away:
                    await deferLater(self.reactor, 0.1)
                    continue
                if all(each.sample for each in overview.members) and len(overview.members) == 3:
                    break

    def begin(self) -> Player:
        """A player that has just come."""
        address = ",".join(f"{LOOPBACK}:{each.players}" for each in self.ports.values())
        player = Player(self.reactor, address, dialer(self.reactor), Random(len(self.players)))
        self.players.append(player)
        return player.start()

    async def stop(self) -> None:
        for player in self.players:
            player.stop()
        for desk in self.desks.values():
            if desk.over is None:
                desk.leave()
        for name in sorted(self.children, key=lambda each: each in self.ports):
            self.children[name].tell(signal.SIGCONT)
            await self.children[name].stopService()


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


class Travels:
    """Everybody is moved from server to server, by whichever router answers."""

    def __init__(self, group: Group, players: list[Player]) -> None:
        self._group, self._players, self._going = group, players, True
        self.settled_at: list[tuple[float, float, str]] = []  # began, ended, by
        self.outcomes: dict[str, int] = {}
        self._each = [
            Deferred.fromCoroutine(self._travel(n, each)) for n, each in enumerate(players)
        ]

    async def _travel(self, n: int, player: Player) -> None:
        names = list(self._group.ports)
        while self._going:
            n += 1
            router = names[n % 2]
            there = next(each for each in SERVERS[n % 3 :] + SERVERS if each != player.member)
            began = time.monotonic()
            try:
                desk = await self._group.desk(router)
                order = desk.ask(Order(0, "move", player=player.name, member=there))
                ended = await order.addTimeout(2.0, self._group.reactor)
            except (Away, Refused, Exception):
                await deferLater(self._group.reactor, 0.05)
                continue
            assert isinstance(ended, Ended)
            self.outcomes[ended.outcome] = self.outcomes.get(ended.outcome, 0) + 1
            if ended.outcome == "settled":
                self.settled_at.append((began, time.monotonic(), router))
            await deferLater(self._group.reactor, 0.1)

    def settled(self, since: float) -> bool:
        return any(began > since for began, _, _ in self.settled_at)

    async def stop(self) -> None:
        self._going = False
        await gatherResults(self._each)


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
