"""TLS that ends in a proxy: servers speak plainly, and players are told the way through it.

The proxies are real: Caddy with the file that docker-compose.tls.yml mounts, nginx with what
docs/operations.md says. Whoever is not installed is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
import pytest_twisted
from real_parts import REPOSITORY, eventually, plays_on
from secured import SecureFleet, TrustingBrowser
from showing import Fleet
from test_tls_page_live import plays_and_is_moved

from clientmigration.client.finding import dialer, parse_url, scheme_of
from clientmigration.client.player import Player
from clientmigration.net.encryption import Encryption
from clientmigration.stack.ports import LOOPBACK, Ports, settled
from clientmigration.stack.processes import Child, Program

MOVES = 5


def installed(name: str) -> str:
    """Where a program is, or whatever needs it is skipped."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip(f"needs {name}: apt-get install {name}")
    return found


class BehindCaddy(SecureFleet):
    """A fleet that speaks plainly, behind Caddy, which is its own authority."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.door = settled(Ports(0, 0, 0, 0, 0, 0))  # the first two are Caddy's
        self.url = f"https://localhost:{self.door.players}/"
        wss = f"wss://localhost:{self.door.players}"
        self.flags = {
            "status": ("--play", f"{wss}/router"),
            "gameserver": ("--advertise", f"{wss}/server/{{inner}}"),
            "crowd": ("--router", f"{wss}/router", "--tls-ca", str(self.root)),
        }

    @property
    def root(self) -> Path:
        """The authority's certificate, once Caddy runs."""
        return self.folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def _argv(self, daemon: str) -> tuple[str, ...]:
        return Fleet._argv(self, daemon)

    async def proxy(self) -> None:
        """Start it, with the very file that compose mounts."""
        environ = {
            **os.environ,
            "XDG_DATA_HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder),
            "HTTP_PORT": str(self.door.members),
            "HTTPS_PORT": str(self.door.players),
            "ROUTER": f"{LOOPBACK}:{self.ports.players}",
            "HOMEPAGE": f"{LOOPBACK}:{self.ports.status}",
            "SERVERS": r"127\.0\.0\.1:[0-9]+",
        }
        file = str(REPOSITORY / "docker" / "Caddyfile")
        argv = (installed("caddy"), "run", "--config", file, "--adapter", "caddyfile")
        program = Program("caddy", argv, self.folder / "caddy.log", environ, folder=self.folder)
        child = self.children["caddy"] = Child(self.reactor, program, lambda _program, _how: None)
        child.startService()
        await eventually(self.root.exists)
        await eventually(lambda: '"serving initial configuration"' in self.said("caddy"))
        self.authority.file = self.root

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    async def desk(self):  # type: ignore[no-untyped-def]
        """By the plain member door."""
        return await Fleet.desk(self)


@pytest_twisted.async_yield_fixture()
async def behind_caddy(tmp_path: Path) -> AsyncIterator[BehindCaddy]:
    running = BehindCaddy(tmp_path)
    await running.proxy()
    await running.router()
    await running.status()
    for name in ("gs-1", "gs-2", "gs-3"):
        await running.server(name)
    yield running
    await running.stop()


@pytest_twisted.ensureDeferred
async def test_all_kinds_of_players_play_through_caddy_and_are_moved(
    behind_caddy: BehindCaddy,
) -> None:
    fleet = behind_caddy
    desk = await fleet.desk()
    overview = await fleet.told(desk, 3)
    port = fleet.door.players
    for member in overview.members:
        assert re.fullmatch(rf"wss://localhost:{port}/server/127\.0\.0\.1:[0-9]+", member.address)
    await eventually(lambda: "gs-2 is a neighbour now" in fleet.said("gs-1"))
    await fleet.crowd(5)
    await fleet.told(desk, 3, 5)
    url = f"wss://localhost:{port}/router"
    trust = Encryption.of({"tls-ca": str(fleet.root)}).trust
    dial = dialer(fleet.reactor, trust=trust, scheme=scheme_of(url))
    ada = Player(fleet.reactor, parse_url(url), dial, Random(1)).start()
    await eventually(lambda: ada.member)
    for _ in range(MOVES):
        there = "gs-2" if ada.member != "gs-2" else "gs-3"
        while await fleet.move(desk, ada.name, there) != "settled":
            pass
        await eventually(partial(plays_on, ada, there))
    assert (ada.tally.missed, ada.tally.lost, ada.rejoins) == (0, 0, 0)
    ada.stop()
    desk.leave()
    browser = TrustingBrowser(fleet.reactor, fleet.folder, fleet.authority)
    await browser.start()
    try:
        await plays_and_is_moved(browser, fleet)
    finally:
        await browser.stop()
