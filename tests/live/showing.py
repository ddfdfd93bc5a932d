"""A fleet of real processes with a status daemon, for tests that look at it as a visitor does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from real_parts import TWISTD, eventually
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.interfaces import IListeningPort
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from clientmigration.net.graphite import fetch
from clientmigration.net.operator import Credentials, OperatorClient, entered
from clientmigration.net.tickets import Seals
from clientmigration.stack import processes
from clientmigration.stack.ports import LOOPBACK, Ports, settled
from clientmigration.stack.processes import Child, Program
from clientmigration.wire.operators import Ended, Order, Overview


class Fleet:
    """A router, a status daemon, game servers, perhaps a crowd: each a process. `game` is what they
    play, if it is not the meadow."""

    def __init__(self, folder: Path, game: str = "") -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder, self.game = folder, game
        self.ports = settled(Ports(0, 0, 0, 0, 0, 0))
        self.url = f"http://{LOOPBACK}:{self.ports.status}/"
        self.secret = folder / "cluster.secret"
        self.secret.write_text(os.urandom(32).hex())
        self.children: dict[str, Child] = {}

    def _argv(self, daemon: str) -> tuple[str, ...]:
        common: tuple[str, ...]
        common = ("--secret-file", str(self.secret), "--carbon", f"tcp:{LOOPBACK}:9")
        game = ("--game", self.game) if self.game and daemon != "router" else ()
        return (sys.executable, TWISTD, "-n", "--pidfile=", daemon, *common, *game)

    async def _start(self, name: str, argv: tuple[str, ...], *ports: int) -> None:
        log = self.folder / f"{name}.log"
        program = Program(name, argv, log, dict(os.environ), folder=self.folder, ports=ports)
        child = self.children[name] = Child(self.reactor, program, lambda _program, _how: None)
        child.startService()
        await child.serving(lambda port: processes.accepts(self.reactor, port))

    async def router(self) -> None:
        """Start it."""
        here = f"interface={LOOPBACK}"
        doors = (f"tcp:{port}:{here}" for port in (self.ports.players, self.ports.members))
        players, members = doors
        argv = (*self._argv("router"), "--players", players, "--members", members)
        files = ("--ledger", str(self.folder / "ledger.sqlite"))
        away = ("--graphite", f"http://{LOOPBACK}:9")
        await self._start("router", (*argv, *files, *away), self.ports.players, self.ports.members)

    async def status(self) -> None:
        """Start it. There is no Graphite."""
        argv = (*self._argv("status"), "--listen", f"tcp:{self.ports.status}:interface={LOOPBACK}")
        doors = ("--router", f"tcp:{LOOPBACK}:{self.ports.members}")
        play = ("--play", f":{self.ports.players}", "--graphite", f"http://{LOOPBACK}:9")
        await self._start("status", (*argv, *doors, *play), self.ports.status)

    async def sample(self, servers: int) -> None:
        """Start a status daemon that pretends to have so many servers. There is nothing else."""
        argv = (*self._argv("status"), "--listen", f"tcp:{self.ports.status}:interface={LOOPBACK}")
        links = ("--docs", "https://docs.example.org/", "--grafana", ":3000")
        away = ("--graphite", f"http://{LOOPBACK}:9")
        await self._start(
            "status", (*argv, "--router", f"sample:{servers}", *links, *away), self.ports.status
        )

    async def server(self, name: str) -> None:
        """Start one."""
        router = ("--router", f"tcp:{LOOPBACK}:{self.ports.members}", "--name", name)
        await self._start(name, (*self._argv("gameserver"), *router))

    async def crowd(self, players: int) -> None:
        """Start it."""
        router = ("--router", f"clientmigration://{LOOPBACK}:{self.ports.players}")
        await self._start("crowd", (*self._argv("crowd"), *router, "--players", str(players)))

    async def end(self, name: str) -> None:
        """Stop one of them."""
        await self.children.pop(name).stopService()

    async def kill(self, name: str) -> None:
        """`kill -9` one of them, which does not begin anew."""
        child = self.children.pop(name)
        gone = child.stopService()
        child.kill()
        await gone

    async def stop(self) -> None:
        """Stop everything, players first."""
        for name in reversed(list(self.children)):
            await self.end(name)

    async def get(self, path: str) -> bytes:
        """What the status daemon answers."""
        return await fetch(self.reactor, self.url + path)

    async def desk(self) -> OperatorClient:
        """An operator, let in by the router."""
        proofs = Seals.from_file(self.secret).proofs("operator")
        endpoint = TCP4ClientEndpoint(self.reactor, LOOPBACK, self.ports.members)
        return await entered(
            endpoint,
            OperatorClient(self.reactor, Credentials("operator", proofs)),
            "the test's router",
        )

    async def told(self, desk: OperatorClient, servers: int, players: int = 0) -> Overview:
        """The first overview with so many servers that report, and players."""

        def enough() -> Overview | None:
            latest = desk.overview
            reporting = latest and [each for each in latest.members if each.sample]
            if reporting and len(reporting) == servers and latest and latest.players >= players:
                return latest
            return None

        overview: Overview = await eventually(enough)
        return overview

    async def move(self, desk: OperatorClient, player: str, to: str) -> str:
        """Have a player moved; answers the outcome."""
        ended = await desk.ask(Order(n=0, do="move", member=to, player=player))
        assert isinstance(ended, Ended)
        return ended.outcome


class Elsewhere(Resource):
    """A page of another origin, with a Content-Security-Policy of its own."""

    isLeaf = True

    def __init__(self, html: str, policy: str) -> None:
        super().__init__()
        self._html, self._policy = html, policy

    def render_GET(self, request: Request) -> bytes:
        """The page, whatever is asked for."""
        request.setHeader("Content-Type", "text/html; charset=utf-8")
        request.setHeader("Content-Security-Policy", self._policy)
        return self._html.encode()

    def listen(self, reactor: Any) -> IListeningPort:
        """On a free port."""
        site = Site(self)
        site.noisy = False
        port: IListeningPort = reactor.listenTCP(0, site, interface=LOOPBACK)
        return port
