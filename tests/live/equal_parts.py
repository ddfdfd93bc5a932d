"""Two routers, each a process of its own, on one NATS server, with game servers attached to both.

What is ordered goes to the routers by the operators' door, as the command line does it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from real_engine import Engine
from real_parts import TWISTD, eventually
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import clientFromString
from twisted.internet.task import deferLater

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.errors import Away
from clientmigration.net.operator import Credentials, OperatorClient, entered
from clientmigration.net.tickets import Seals
from clientmigration.stack.ports import LOOPBACK, Ports, settled
from clientmigration.stack.processes import Child, Program
from clientmigration.wire.operators import Ended, Order

SERVERS = ("one", "two", "three")
ROUTERS = ("r1", "r2")
ORDER_S = 2.0  # a router that has not carried out an order by then is not waited for


class Group:
    """The processes, and those who play and order in this one. `hosts` says at which address a
    router is that is not on loopback, and `inside` what its program is started with there."""

    def __init__(
        self,
        folder: Path,
        nats: Engine,
        hosts: Mapping[str, str] | None = None,
        inside: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder, self.nats = folder, nats
        self.hosts = dict.fromkeys(ROUTERS, LOOPBACK) | dict(hosts or {})
        self.inside = dict(inside or {})
        self.secret = folder / "cluster.secret"
        self.secret.write_text(os.urandom(32).hex())
        self.ports = {name: settled(Ports(0, 0, 0, 0, 0)) for name in ROUTERS}
        self.children: dict[str, Child] = {}
        self.players: list[Player] = []
        self.desks: dict[str, OperatorClient] = {}

    def _run(self, name: str, daemon: str, *flags: str) -> None:
        common = ("--secret-file", str(self.secret), "--carbon", f"tcp:{LOOPBACK}:9")
        twistd = (*self.inside.get(name, ()), sys.executable, TWISTD, "-n", "--pidfile=")
        argv = (*twistd, daemon, *common, "--name", name, *flags)
        program = Program(name, argv, self.folder / f"{name}.log", {**os.environ})
        self.children[name] = Child(self.reactor, program, lambda _program, _how: None)
        self.children[name].startService()

    def router(self, name: str) -> None:
        """Start this one."""
        ports, here = self.ports[name], f"interface={self.hosts[name]}"
        self._run(
            name,
            "router",
            *("--players", f"tcp:{ports.players}:{here}"),
            *("--members", f"tcp:{ports.members}:{here}"),
            *("--ledger", self.nats.address(), "--graphite", f"http://{LOOPBACK}:9"),
        )

    def server(self, name: str, *flags: str) -> None:
        """Start this one, for all routers."""
        doors = (f"tcp:{self.hosts[each]}:{ports.members}" for each, ports in self.ports.items())
        routers = (word for each in doors for word in ("--router", each))
        self._run(name, "gameserver", *routers, *flags)

    async def desk(self, name: str, patience_s: float = 1.0) -> OperatorClient:
        """Somebody who orders this router; `Away` if it lets nobody in."""
        desk = self.desks.get(name)
        if desk is None or desk.over is not None:
            proofs = Seals.from_file(self.secret).proofs("operator")
            desk = OperatorClient(self.reactor, Credentials("operator", proofs))
            where = f"tcp:{self.hosts[name]}:{self.ports[name].members}"
            self.desks[name] = await entered(
                clientFromString(self.reactor, where), desk, where, patience_s
            )
        return self.desks[name]

    async def complete(self) -> None:
        """Until each router has all servers."""

        async def has_all(name: str) -> bool:
            with suppress(Away):
                overview = await (await self.desk(name)).next_overview()
                return all(each.sample for each in overview.members) and len(overview.members) == 3
            return False

        for name in self.ports:
            await eventually(partial(has_all, name), every_s=0.1)

    def begin(self) -> Player:
        """A player that has just come."""
        address = ",".join(f"{self.hosts[n]}:{each.players}" for n, each in self.ports.items())
        player = Player(self.reactor, address, dialer(self.reactor), Random(len(self.players)))
        self.players.append(player)
        return player.start()

    async def stop(self) -> None:
        """Everybody goes, the servers before the routers."""
        for player in self.players:
            player.stop()
        for desk in self.desks.values():
            if desk.over is None:
                desk.leave()
        for name in sorted(self.children, key=lambda each: each in self.ports):
            self.children[name].tell(signal.SIGCONT)
            await self.children[name].stopService()


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
        """One router is asked as long as it answers, and then the other."""
        names, turn = list(self._group.ports), n
        while self._going:
            n += 1
            router = names[turn % len(names)]
            there = next(each for each in SERVERS[n % 3 :] + SERVERS if each != player.member)
            began = time.monotonic()
            try:
                desk = await self._group.desk(router)
                order = desk.ask(Order(0, "move", player=player.name, member=there))
                ended = await order.addTimeout(ORDER_S, self._group.reactor)
            except Exception:
                turn += 1
                await deferLater(self._group.reactor, 0.05)
                continue
            assert isinstance(ended, Ended)
            self.outcomes[ended.outcome] = self.outcomes.get(ended.outcome, 0) + 1
            if ended.outcome == "settled":
                self.settled_at.append((began, time.monotonic(), router))
            await deferLater(self._group.reactor, 0.1)

    def settled(self, since: float) -> bool:
        """Whether somebody was moved who was told to after that moment."""
        return any(began > since for began, _, _ in self.settled_at)

    async def stop(self) -> None:
        """Nobody is moved any more."""
        self._going = False
        await gatherResults(self._each)
