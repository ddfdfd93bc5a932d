"""Real parts for live tests: carbon and graphite-web, a router with real game servers, a stack.

`Cluster` takes more flags for its router; a flag given twice counts as it was given last.

Real time, real sockets, real processes: each wait is for a condition, and bounded.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import ProcessProtocol, Protocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.core.measures.metrics import Datapoint
from clientmigration.net.door import Dial, InOrder
from clientmigration.net.graphite import GraphiteAway, fetch, render
from clientmigration.router import tap
from clientmigration.router.service import Router
from clientmigration.stack.graphite import Graphite
from clientmigration.stack.ports import LOOPBACK, Ports, settled
from clientmigration.stack.processes import Child, Program

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = REPOSITORY / ".venv-graphite"
TWISTD = str(Path(sys.executable).with_name("twistd"))


PATIENCE_S = 180.0
"""What a slow machine may take for anything that is waited for: it costs a fast one nothing."""


async def eventually(
    true: Callable[[], Any], within_s: float = PATIENCE_S, every_s: float = 0.02
) -> Any:
    """The first true value of `true`, asked again and again, awaited where it has to be; fails
    after `within_s`, even if it is not answered."""
    from twisted.internet import reactor

    until = time.monotonic() + within_s
    while not (value := await _answer(true(), until - time.monotonic(), reactor)):
        assert time.monotonic() < until, f"not within {within_s} s"
        await deferLater(reactor, every_s)
    return value


async def _answer(value: Any, within_s: float, reactor: Any) -> Any:
    if not isinstance(value, Coroutine):
        return value
    return await Deferred.fromCoroutine(value).addTimeout(max(within_s, 0.0), reactor)


def plays_on(player: Player, member: str) -> bool:
    """Whether it plays there, and not on its way."""
    return player.member == member and player.state == "playing"


class Running:
    """A carbon and graphite-web that run, and the ways to talk to them."""

    def __init__(self, graphite: Graphite, reactor: Any) -> None:
        self.graphite, self.url, self.reactor = graphite, graphite.url, reactor

    async def send(self, points: Sequence[Datapoint]) -> None:
        endpoint = TCP4ClientEndpoint(self.reactor, LOOPBACK, self.graphite.ports.carbon)
        connection = await connectProtocol(endpoint, Protocol())
        lines = "".join(f"{path} {value} {when}\n" for path, value, when in points)
        connection.transport.write(lines.encode())
        connection.transport.loseConnection()

    async def known(self, target: str) -> dict[str, float]:
        """Path and last value of each series of a target that has one."""
        series = await render(self.reactor, self.url, [target])
        return {each.target: each.known()[-1] for each in series if each.known()}

    async def ask(self, path: str) -> bytes:
        return await fetch(self.reactor, self.url + path)

    async def eventually(
        self,
        what: Callable[[], Coroutine[Any, Any, Any]],
        within_s: float = PATIENCE_S,
        every_s: float = 0.1,
    ) -> Any:
        """As above, of a question to Graphite: who does not answer in time is asked again too."""

        async def answered() -> Any:
            with suppress(GraphiteAway):
                return await what()

        return await eventually(answered, within_s, every_s)


def made_ready(home: Path) -> Graphite:
    """Both, on free ports, with everything in a temporary folder."""
    if not (ENVIRONMENT / "bin" / "carbon-cache.py").exists():
        pytest.skip("needs the Graphite environment: environments.py graphite")
    ports = settled(Ports(0, 0, 0, 0, 0))
    graphite = Graphite(
        files=REPOSITORY / "graphite",
        environment=ENVIRONMENT,
        home=home / "home",
        logs=home / "log",
        ports=ports,
    )
    graphite.prepare()
    return graphite


class Cluster:
    """A router in this process, so that a test can look and ask; game servers in their own."""

    def __init__(self, folder: Path, carbon: int = 9, flags: Sequence[str] = ()) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder, self.carbon, self.flags = folder, f"tcp:{LOOPBACK}:{carbon}", flags
        self.ports = settled(Ports(0, 0, 0, 0, 0))
        self.secret = folder / "cluster.secret"
        self.secret.write_text(os.urandom(32).hex())
        self.children: dict[str, Child] = {}
        self.environments: dict[str, dict[str, str]] = {}  # what a process has in its own besides
        self.players: list[Player] = []
        self.parts = self._router()
        self.router = next(part for part in self.parts if isinstance(part, Router))

    def _common(self) -> list[str]:
        return ["--secret-file", str(self.secret), "--carbon", self.carbon]

    def _router(self) -> InOrder:
        options = tap.Options()
        options.parseOptions(self._router_flags())
        return tap.assemble(self.reactor, options)

    def _router_flags(self) -> list[str]:
        here = f"interface={LOOPBACK}"
        doors = [
            *("--players", f"tcp:{self.ports.players}:{here}"),
            *("--members", f"tcp:{self.ports.members}:{here}"),
        ]
        ledger = str(self.folder / "ledger.sqlite")
        away = ("--graphite", f"http://{LOOPBACK}:9")
        return [*self._common(), *doors, "--ledger", ledger, *away, *self.flags]

    def start(self) -> None:
        """The router begins."""
        self.parts.privilegedStartService()
        self.parts.startService()

    async def server(self, *names: str) -> None:
        """Real game servers, begun together, once all of them are in the fleet."""
        for name in names:
            self.launch(name)
        await eventually(lambda: all(map(self.placeable, names)))

    def launch(self, name: str, *flags: str) -> None:
        """A real game server, without waiting for it."""
        router = f"tcp:{LOOPBACK}:{self.ports.members}"
        self._run(name, "gameserver", "--name", name, "--router", router, *self._common(), *flags)

    def launch_router(self) -> None:
        """A router that is a process of its own, instead of the one here."""
        self._run("router", "router", *self._router_flags())

    def _run(self, name: str, daemon: str, *flags: str) -> None:
        argv = (sys.executable, TWISTD, "-n", "--pidfile=", daemon, *flags)
        environment = {**os.environ, **self.environments.get(name, {})}
        program = Program(name, argv, self.folder / f"{name}.log", environment)
        self.children[name] = Child(self.reactor, program, lambda _program, _how: None)
        self.children[name].startService()

    def placeable(self, name: str) -> bool:
        """Whether players can be sent there."""
        return self.router.fleet.fresh(name, self.router.now(), self.router.settings.policy)

    async def player(
        self,
        token: str = "",
        dial: Dial | None = None,
        within_s: float = PATIENCE_S,
        address: str = "",
    ) -> Player:
        """A player that plays."""
        address = address or f"{LOOPBACK}:{self.ports.players}"
        random = Random(len(self.players))
        player = Player(self.reactor, address, dial or dialer(self.reactor), random, token)
        self.players.append(player)
        player.start()
        await eventually(lambda: player.member, within_s)
        await self.router.moves.idle(player.name)  # or it could not be moved at once
        return player

    async def spread(self, players: Sequence[Player], names: Sequence[str]) -> None:
        """As many of them on each of these servers, wherever they were placed."""
        for n, player in enumerate(players):
            there = names[n % len(names)]
            if player.member != there:
                moving = self.router.moves.start(player.name, player.member, there)
                await Deferred.fromCoroutine(moving)
            await eventually(partial(plays_on, player, there))

    async def quiet(self, player: Player) -> None:
        """A moment of play: more views came, and every input is acknowledged."""
        views = player.tally.views
        await eventually(
            lambda: player.tally.views > views + 10 and player.tally.acked == player.tally.seq
        )

    def log(self, name: str) -> str:
        """What a process has logged so far."""
        return (self.folder / f"{name}.log").read_text()

    async def stop(self) -> None:
        """Everything ends: players, servers, router."""
        await self.stop_processes()
        await self.parts.stopService()

    async def stop_processes(self) -> None:
        """Players and processes end, the router last."""
        for player in self.players:
            player.stop()
        for name in sorted(self.children, key="router".__eq__):
            await self.children[name].stopService()


FREE = tuple(
    word
    for name in ("players", "members", "carbon", "carbon-query", "graphite", "status", "nats")
    for word in (f"--{name}-port", "0")
)


class Started(ProcessProtocol):
    """A `twistd -n stack` that runs, what it printed, and its exit code once it has one."""

    def __init__(self, reactor: Any, folder: Path, *flags: str) -> None:
        self.reactor, self.state = reactor, folder / "run"
        self.output, self.code = "", -1
        self.family: list[psutil.Process] = []
        self._ended: list[Deferred[None]] = []
        twistd = str(Path(sys.executable).with_name("twistd"))
        environment = ("--state", str(self.state), "--graphite-env", str(ENVIRONMENT))
        argv = (sys.executable, twistd, "-n", "stack", *environment, *FREE, *flags)
        reactor.spawnProcess(self, sys.executable, argv, env=None, path=str(folder))

    def outReceived(self, data: bytes) -> None:
        self.output += data.decode()

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        self.code = getattr(reason.value, "exitCode", 0) or 0
        for each in self._ended:
            each.callback(None)

    async def ends(self, within_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended."""
        await self.until(lambda: self.code >= 0, within_s)
        return self.code

    async def until(self, what: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        until = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < until, f"not within {within_s} s; it said:\n{self.output}"
            await deferLater(self.reactor, 0.1)

    async def runs(self, within_s: float = PATIENCE_S) -> None:
        """Wait until it serves, and remember every process that belongs to it."""
        serves = "Ctrl-C stops everything"
        await self.until(lambda: serves in self.output or self.code >= 0, within_s)
        assert self.code < 0, self.output
        pid = self.transport.pid  # type: ignore[union-attr]
        self.family = psutil.Process(pid).children(recursive=True)

    def told(self, sign: signal.Signals) -> None:
        os.kill(self.transport.pid, sign)  # type: ignore[union-attr]

    def left(self) -> list[str]:
        """The processes of it that are still there."""
        return [name for name in map(_alive, self.family) if name]


def _alive(process: psutil.Process) -> str:
    try:
        dead = process.status() == psutil.STATUS_ZOMBIE
        return "" if dead else " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
