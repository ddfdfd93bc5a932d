"""Containers as a person runs them: whether that can be done here, and one project of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutputAndValue

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.net.graphite import GraphiteAway, fetch, render
from clientmigration.stack.ports import LOOPBACK, Ports, settled

REPOSITORY = Path(__file__).parents[2]
OURS = ("router", "gameserver", "crowd", "homepage", "carbon", "graphite")
PLAYERS = 30
PATIENCE_S = 240.0
MAKES_IMAGES = pytest.mark.timeout(1800)
"""For whoever may be the first to need our images."""
FRESH_S = 10
_LABEL = "label=com.docker.compose.project"


def compose() -> str:
    """The command that the Makefile takes."""
    v2 = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    return "docker compose" if v2 else "docker-compose"


def lacking() -> str:
    """What is missing here to run containers, or nothing."""
    if not shutil.which("docker"):
        return "needs docker"
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        return "needs a Docker engine that runs: .ci/engine starts one"
    if compose() == "docker-compose" and not shutil.which("docker-compose"):
        return "needs docker compose"
    return ""


class Containers:
    """One project of containers, on free ports, and the ways to change it and to ask it: the
    services that are `ours`, and what else `make up` is told by its environment."""

    def __init__(self, reactor: Any, ours: Sequence[str] = OURS, **environ: str) -> None:
        self.reactor, self.ours, self.ports = reactor, ours, settled(Ports(0, 0, 0, 0, 0, 0))
        self.project = f"clientmigration-test-{os.getpid()}"
        self.environ = os.environ | {
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_PROFILES": "crowd",
            "IMAGES": f"test-{blake2b(str(REPOSITORY).encode(), digest_size=4).hexdigest()}",
            "CAPACITY": str(PLAYERS),
            "CROWD": str(PLAYERS),
            "PLAYERS_PORT": str(self.ports.players),
            "GRAPHITE_PORT": str(self.ports.graphite),
            "HOMEPAGE_PORT": str(self.ports.status),
            **environ,
        }

    async def run(self, *argv: str) -> str:
        """What a command says; it has to succeed."""
        out, err, code = await getProcessOutputAndValue(
            "/usr/bin/env", argv, env=self.environ, path=str(REPOSITORY)
        )
        assert code == 0, f"{' '.join(argv)}:\n{(out + err).decode()[-3000:]}"
        return str(out.decode())

    async def answers(self, *argv: str) -> bool:
        """Whether a command succeeds."""
        _, _, code = await getProcessOutputAndValue(
            "/usr/bin/env", argv, env=self.environ, path=str(REPOSITORY)
        )
        return bool(code == 0)

    async def output(self, *argv: str) -> str:
        """What a command of compose says, whatever comes of it."""
        asked = ("/usr/bin/env", (*compose().split(), *argv))
        out, err, _ = await getProcessOutputAndValue(*asked, env=self.environ, path=str(REPOSITORY))
        return str((out + err).decode())

    async def up(self, servers: int) -> None:
        """`make up` with so many game servers; who runs already is left alone."""
        scale = f"--no-recreate --scale gameserver={servers}"
        await self.run("make", "up", f"UP={scale} {' '.join(self.ours)}")

    async def each(self, fact: str) -> list[tuple[str, str]]:
        """(service, fact) of every container, in the order in which they were made."""
        mine = ("--filter", f"{_LABEL}={self.project}", "--no-trunc")
        known = (await self.run("docker", "ps", "-aq", *mine)).split()
        asked = f'{{{{index .Config.Labels "com.docker.compose.service"}}}} {{{{{fact}}}}}'
        lines = (await self.run("docker", "inspect", "-f", asked, *known)).splitlines()
        pairs = [line.split(" ", 1) for line in reversed(lines)]
        return [(service, told) for service, told in pairs]

    async def latest(self, role: str, measure: str) -> dict[str, float]:
        """A measure of everybody in a role who reports now, by name; nothing without Graphite."""
        url = f"http://{LOOPBACK}:{self.ports.graphite}"
        try:
            series = await render(self.reactor, url, [f"clientmigration.{role}.*.{measure}"])
        except GraphiteAway:
            return {}
        values = {each.target.split(".")[2]: each.latest(time.time() - FRESH_S) for each in series}
        return {name: value for name, value in values.items() if value is not None}

    async def seen(
        self, role: str, measure: str, enough: Callable[[dict[str, float]], bool]
    ) -> dict[str, float]:
        """The first values that are enough, asked again and again; fails after PATIENCE_S."""
        until = time.monotonic() + PATIENCE_S
        while True:
            values = await self.latest(role, measure)
            if enough(values):
                return values
            assert time.monotonic() < until, f"{role} {measure}: {values}"
            await deferLater(self.reactor, 0.5)

    async def playing(self, servers: int) -> float:
        """How many play, as soon as so many servers have all of them between them."""
        values = await self.seen(
            "gameserver", "players", lambda v: len(v) == servers and sum(v.values()) == PLAYERS
        )
        return sum(values.values())

    async def visited(self, port: int) -> int:
        """How many views somebody new, from outside, was shown who came to this port: ten, or so
        many as there were until PATIENCE_S was over."""
        address = f"{LOOPBACK}:{port}"
        ada = Player(self.reactor, address, dialer(self.reactor), Random(1), "")
        ada.start()
        until = time.monotonic() + PATIENCE_S
        while ada.tally.views < 10 and time.monotonic() < until:
            await deferLater(self.reactor, 0.1)
        ada.stop()
        return ada.tally.views

    @property
    def home(self) -> str:
        """The homepage's address."""
        return f"http://{LOOPBACK}:{self.ports.status}"

    async def all_shown(self) -> None:
        """The homepage shows all the players."""
        until = time.monotonic() + PATIENCE_S
        while sum(each["players"] for each in (await self._status())["servers"]) != PLAYERS:
            assert time.monotonic() < until
            await deferLater(self.reactor, 0.5)

    async def _status(self) -> Any:
        """The public status document, or one of nobody while it does not answer."""
        try:
            return json.loads(await fetch(self.reactor, f"{self.home}/api/v1/status.json"))
        except GraphiteAway:
            return {"servers": []}

    async def everything_left(self) -> str:
        """What there is of the project: containers, networks, volumes."""
        mine = ("--filter", f"{_LABEL}={self.project}")
        containers = await self.run("docker", "ps", "-aq", *mine)
        networks = await self.run("docker", "network", "ls", "-q", *mine)
        return containers + networks + await self.run("docker", "volume", "ls", "-q", *mine)
