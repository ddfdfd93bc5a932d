"""A tree of routers, each a process of its own, with game servers at its ends, and who plays there.

What is ordered goes to the routers by the operators' door, as the command line does it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, cast

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
from clientmigration.wire.operators import MemberStatus, Order, Overview

HERE = f"interface={LOOPBACK}"
NO_ZONES: Mapping[str, tuple[str, ...]] = {}


class LiveTree:
    """`above` has the router above each (none: ""), `servers` the routers of each game server (with
    commas), `zones` the flags of routers that have equals in a zone."""

    def __init__(
        self,
        folder: Path,
        above: dict[str, str],
        servers: dict[str, str],
        carbon: int = 9,
        zones: Mapping[str, tuple[str, ...]] = NO_ZONES,
    ) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder, self.above, self.servers, self.carbon = folder, above, servers, carbon
        self.zones = zones
        self.secret = folder / "cluster.secret"
        self.secret.write_text(os.urandom(32).hex())
        self.policy = folder / "policy.toml"
        self.policy.write_text("")
        self.ports = {name: settled(Ports(0, 0, 0, 0, 0)) for name in above}
        self.children: dict[str, Child] = {}
        self.players: list[Player] = []
        self.desks: dict[str, OperatorClient] = {}

    def _run(self, name: str, daemon: str, *flags: str) -> None:
        common = (
            *("--secret-file", str(self.secret), "--policy", str(self.policy)),
            *("--carbon", f"tcp:{LOOPBACK}:{self.carbon}"),
        )
        argv = (sys.executable, TWISTD, "-n", "--pidfile=", daemon, *common, "--name", name, *flags)
        program = Program(name, argv, self.folder / f"{name}.log", {**os.environ})
        self.children[name] = Child(self.reactor, program, lambda _program, _how: None)
        self.children[name].startService()

    def router(self, name: str) -> None:
        """One of them; also again, with the ledger that it had."""
        ports, above = self.ports[name], self.above[name]
        self._run(
            name,
            "router",
            *("--players", f"tcp:{ports.players}:{HERE}"),
            *("--members", f"tcp:{ports.members}:{HERE}"),
            *self.zones.get(name, ("--ledger", str(self.folder / f"{name}.sqlite"))),
            *("--graphite", f"http://{LOOPBACK}:9"),
            *(("--parent", f"tcp:{LOOPBACK}:{self.ports[above].members}") if above else ()),
        )

    def server(self, name: str) -> None:
        """A game server at its router, or at several."""
        doors = (self.ports[each].members for each in self.servers[name].split(","))
        flags = (flag for door in doors for flag in ("--router", f"tcp:{LOOPBACK}:{door}"))
        self._run(name, "gameserver", *flags)

    def start(self) -> None:
        """All of it."""
        for name in self.above:
            self.router(name)
        for name in self.servers:
            self.server(name)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to one process."""
        self.children[name].tell(number)

    async def desk(self, name: str, patience_s: float = 30.0) -> OperatorClient:
        """Somebody who orders this router."""
        desk = self.desks.get(name)
        if desk is None or desk.over is not None:
            proofs = Seals.from_file(self.secret).proofs("operator")
            desk = OperatorClient(self.reactor, Credentials("operator", proofs))
            where = f"tcp:{LOOPBACK}:{self.ports[name].members}"
            way = clientFromString(self.reactor, where)
            self.desks[name] = await entered(way, desk, where, patience_s)
        return self.desks[name]

    async def overview(self, name: str) -> Overview:
        """How things stand at one router; asked again until it answers."""

        async def answered() -> Overview | None:
            with suppress(Away):
                return await (await self.desk(name)).next_overview()
            return None

        return cast(Overview, await eventually(answered, every_s=0.1))

    async def complete(self, capacity: int = 0) -> None:
        """Until the highest knows of every seat."""
        wanted = capacity or 200 * len(self.servers)
        highest = next(name for name, above in self.above.items() if not above)

        async def complete() -> bool:
            return (await self.overview(highest)).capacity >= wanted

        await eventually(complete)

    async def order(self, name: str, do: Any, member: str, player: str = "") -> str:
        """What became of an order to one router."""
        try:
            asked = (await self.desk(name)).ask(Order(0, do, member, player))
            ended: Any = await asked.addTimeout(10.0, self.reactor)
            return str(ended.outcome)
        except Exception:
            return "away"

    def begin(self, router: str) -> Player:
        """A player that comes to this router."""
        address = f"{LOOPBACK}:{self.ports[router].players}"
        player = Player(self.reactor, address, dialer(self.reactor), Random(len(self.players)))
        self.players.append(player)
        return player.start()

    async def all_play(self) -> None:
        """Until everybody does."""
        await eventually(lambda: all(each.state == "playing" for each in self.players))

    async def stop(self) -> None:
        """Everybody, players first."""
        for player in self.players:
            player.stop()
        for desk in self.desks.values():
            if desk.over is None:
                desk.leave()
        for name in sorted(self.children, key=lambda each: each in self.ports):
            self.children[name].tell(signal.SIGCONT)
        stopping = [self.children[each].stopService() for each in self.servers]
        await gatherResults([each for each in stopping if each is not None])
        for name in self.ports:
            await self.children[name].stopService()


class Crossings:
    """Players are sent across between members of one router, as fast as one after the other."""

    def __init__(self, tree: LiveTree, router: str, members: tuple[str, str]) -> None:
        self._tree, self._router, self._members = tree, router, members
        self.outcomes: Counter[str] = Counter()
        self.took_s: list[float] = []
        self._going = True

    def of(self, players: list[Player]) -> Deferred[Any]:
        """Begin with these; fires when `stop` was called."""
        return gatherResults([Deferred.fromCoroutine(self._of(each)) for each in players])

    async def _of(self, player: Player) -> None:
        while self._going:
            there = self._members[self.where(player) == self._members[0]]
            began = time.monotonic()
            outcome = await self._tree.order(self._router, "move", there, player.name)
            self.outcomes[outcome] += 1
            if outcome == "settled":
                self.took_s.append(time.monotonic() - began)
            await deferLater(self._tree.reactor, 0.3)

    def where(self, player: Player) -> str:
        """Which of the two it is below: servers are called after their routers."""
        return next((each for each in self._members if player.member.startswith(each)), "")

    def stop(self) -> None:
        """No more are begun."""
        self._going = False


def servers_of(members: list[MemberStatus]) -> list[str]:
    """The game servers of a tree, as an overview shows it."""
    found = []
    for each in members:
        found += servers_of(each.under) if each.role == "router" else [each.name]
    return found
