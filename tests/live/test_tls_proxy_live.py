"""TLS that ends in a proxy: servers speak plainly, and players are told the way through it.

The proxies are real: Caddy with the file that docker-compose.tls.yml mounts, nginx with what
docs/tls.md says. Whoever is not installed is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from random import Random

import pytest
import pytest_twisted
from authority import Authority, Given
from node_player import NodePlayer
from real_parts import REPOSITORY, Cluster, eventually, plays_on
from secured import SecureFleet, TrustingBrowser
from showing import Fleet
from test_tls_page_live import plays_and_is_moved
from twisted.internet.defer import Deferred

from clientmigration.client.finding import dialer, parse_url, scheme_of
from clientmigration.client.player import Player
from clientmigration.core.player.migration import Outcome
from clientmigration.net.encryption import Encryption
from clientmigration.net.operator import OperatorClient
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


async def _settled(fleet: BehindCaddy, desk: OperatorClient, player: str, there: str) -> bool:
    return await fleet.move(desk, player, there) == "settled"


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
        await eventually(partial(_settled, fleet, desk, ada.name, there))
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


NGINX = """
load_module {modules}/ngx_stream_module.so;
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.error;
events {{ worker_connections 1024; }}
stream {{
{servers}
}}
"""


def streams(folder: Path, given: Given, ways: Mapping[int, int]) -> Path:
    """A configuration of nginx: the server that docs/tls.md has, once for each way."""
    page = (REPOSITORY / "docs" / "tls.md").read_text()
    found = re.search(r"```nginx\nstream \{\n(.*?)\n\}\n```", page, re.DOTALL)
    assert found
    servers = [
        found[1]
        .replace("4443", f"{LOOPBACK}:{door}")
        .replace("127.0.0.1:4100", f"{LOOPBACK}:{behind}")
        .replace("/etc/ssl/play.pem", str(given.certificate))
        .replace("/etc/ssl/play.key", str(given.key))
        for door, behind in ways.items()
    ]
    file = folder / "nginx.conf"
    modules = "/usr/lib/nginx/modules"
    file.write_text(NGINX.format(folder=folder, modules=modules, servers="\n".join(servers)))
    return file


@pytest_twisted.ensureDeferred
async def test_tls_that_ends_in_a_load_balancer_is_never_left_by_players_who_are_moved(
    cluster: Cluster, tmp_path: Path
) -> None:
    nginx = installed("nginx")
    if not Path("/usr/lib/nginx/modules/ngx_stream_module.so").exists():
        pytest.skip("needs nginx' stream module: apt-get install libnginx-mod-stream")
    authority = Authority(tmp_path / "tls")
    doors, behind = settled(Ports(0, 0, 0, 0, 0, 0)), settled(Ports(0, 0, 0, 0, 0, 0))
    ways = {
        doors.players: cluster.ports.players,
        doors.members: behind.players,
        doors.carbon: behind.members,
    }
    file = streams(tmp_path, authority.give(), ways)
    argv = (nginx, "-c", str(file), "-p", str(tmp_path))
    program = Program("nginx", argv, tmp_path / "nginx.log", dict(os.environ))
    proxy = Child(cluster.reactor, program, lambda _program, _how: None)
    proxy.startService()
    for name, door in (("one", doors.members), ("two", doors.carbon)):
        told = f"clientmigrations://localhost:{door}"
        listen = f"tcp:{ways[door]}:interface={LOOPBACK}"
        cluster.launch(name, "--listen", listen, "--advertise", told)
    await eventually(lambda: all(map(cluster.placeable, ("one", "two"))))
    await eventually(lambda: "two is a neighbour now" in cluster.log("one"))
    trust = Encryption.of({"tls-ca": str(authority.file)}).trust
    dial = dialer(cluster.reactor, trust=trust, scheme="clientmigrations")
    ada = await cluster.player(dial=dial, address=f"localhost:{doors.players}")
    trusts = {**os.environ, "NODE_EXTRA_CA_CERTS": str(authority.file)}
    url = f"clientmigrations://localhost:{doors.players}"
    bob = NodePlayer(cluster.reactor, url, trusts)
    await eventually(lambda: bob.member)
    for _ in range(MOVES):
        there = "two" if ada.member == "one" else "one"
        await cluster.spread([ada], [there])
        other = "two" if bob.member == "one" else "one"
        moving = cluster.router.moves.start(bob.name, bob.member, other)
        ended = await Deferred.fromCoroutine(moving)
        assert ended is not None
        assert ended.outcome is Outcome.SETTLED
        await eventually(partial(bob.landed, other))
    await cluster.quiet(ada)
    bob.order("counts")
    counts = await eventually(lambda: bob.last("counts"))
    assert [counts[each] for each in ("missed", "lost", "doubled", "rejoins")] == [0, 0, 0, 0]
    assert (ada.tally.missed, ada.tally.lost, ada.tally.doubled, ada.rejoins) == (0, 0, 0, 0)
    assert ada.moves >= MOVES
    bob.order("stop")
    await eventually(lambda: bob.over)
    await proxy.stopService()
