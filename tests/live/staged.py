"""A stack in whose run everything happens that the panels have a place for.

A server becomes overloaded, one attaches, one drains, one is killed. Real processes; the stack
starts again what ends, as it does for a person.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from real_parts import PATIENCE_S, Started
from twisted.internet.task import deferLater

from clientmigration.core.measures.metrics import path
from clientmigration.net.graphite import GraphiteAway, fetch
from clientmigration.stack.processes import Child, Program

EARLY = """\
# Thresholds so low that servers are overloaded at once: the panels do not know why they are.
[health]
strained = 0.02
overloaded = 0.03
hysteresis = 0.01
"""


class Staged:
    """One such run, in a folder of its own."""

    def __init__(self, reactor: Any, folder: Path, *flags: str, policy: str = "") -> None:
        self.reactor, self.folder = reactor, folder
        if policy:
            (folder / "policy.toml").write_text(policy)
            flags = (*flags, "--policy", str(folder / "policy.toml"))
        self.stack = Started(reactor, folder, *flags)
        self.more: dict[str, Child] = {}

    async def begins(self) -> None:
        """It serves."""
        await self.stack.runs()

    @property
    def graphite(self) -> str:
        """graphite-web's address, once the stack has said it."""
        found = re.search(r"^Graphite +(\S+)$", self.stack.output, re.M)
        assert found, self.stack.output
        return found[1]

    async def ask(self, path: str) -> bytes:
        """What graphite-web answers."""
        return await fetch(self.reactor, self.graphite + path)

    async def plays(self, servers: int, players: int, within_s: float = PATIENCE_S) -> None:
        """So many are there, as the stack's line of truth has it."""
        await self.stack.until(
            lambda: f"{servers} servers, {players} players" in self.last_line(), within_s
        )

    def last_line(self) -> str:
        """What the stack said last."""
        return self.stack.output.splitlines()[-1]

    def attach(self, name: str) -> None:
        """One more game server, by the words that the stack says."""
        found = re.search(r"^one more game server +(.+)$", self.stack.output, re.M)
        assert found
        self._run(name, *found[1].split(), "--name", name)

    def crowd(self, name: str, *flags: str) -> None:
        """One more crowd."""
        players = re.search(r"^players connect to +(\S+)$", self.stack.output, re.M)
        server = re.search(r"^one more game server +(.+)$", self.stack.output, re.M)
        assert players
        assert server
        twistd, *words = server[1].split()
        carbon = words[words.index("--carbon") + 1]
        argv = (twistd, "-n", "--pidfile=", "crowd", "--name", name, "--carbon", carbon)
        self._run(name, *argv, "--router", players[1], *flags)

    def _run(self, name: str, *argv: str) -> None:
        log = self.folder / f"{name}.log"
        program = Program(name, argv, log, dict(os.environ), folder=self.folder)
        self.more[name] = Child(self.reactor, program, lambda _program, _how: None)
        self.more[name].startService()

    async def end(self, name: str) -> None:
        """What was started here ends in order."""
        await self.more.pop(name).stopService()

    async def has_players(self, name: str) -> None:
        """Graphite says that the game server of that name has some."""
        target = path("gameserver", name, "players")

        async def some() -> bool:
            with suppress(GraphiteAway):
                body = await self.ask(f"/render?target={target}&from=-10s&format=json")
                return any(v for each in json.loads(body) for v, _ in each["datapoints"])
            return False

        until = time.monotonic() + PATIENCE_S
        while not await some():
            assert time.monotonic() < until, f"{name} got nobody"
            await deferLater(self.reactor, 0.5)

    async def crash(self, name: str) -> None:
        """kill -9 of a server that was attached, and nobody starts it again."""
        child = self.more.pop(name)
        child.kill()
        await child.stopService()

    def tell(self, name: str, sign: signal.Signals) -> None:
        """A signal to the stack's game server of that name: SIGTERM is a drain."""
        stack = psutil.Process(self.stack.transport.pid)  # type: ignore[union-attr]
        for process in stack.children(recursive=True):
            with suppress(psutil.Error):  # it ended just now
                words = process.cmdline()
                if "gameserver" in words and words[words.index("--name") + 1] == name:
                    process.send_signal(sign)
                    return
        raise AssertionError(f"no process of {name}")

    async def stop(self) -> None:
        """Everything ends."""
        for child in self.more.values():
            await child.stopService()
        if self.stack.code < 0:
            self.stack.told(signal.SIGTERM)
            await self.stack.ends(60)
