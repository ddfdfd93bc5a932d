"""TLS with real processes: every door, every dialling side, and what each refuses."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
import pytest_twisted
from authority import Authority
from real_parts import PATIENCE_S, Cluster, eventually
from secured import SecureFleet
from twisted.internet.threads import deferToThread
from twisted.logger import LogEvent

from clientmigration.client.finding import dialer
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.door import Dial
from clientmigration.net.encryption import Encryption
from clientmigration.stack.ports import LOOPBACK

MOVES = 5


class Encrypted(Cluster):
    """A cluster whose doors all speak TLS, with certificates of an authority of its own."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.authority = Authority(folder / "tls")
        self.given = self.authority.give(file="fleet")
        super().__init__(folder, flags=(*self.given.flags, *flags))

    def launch(self, name: str, *flags: str) -> None:
        more = ("--tls-ca", str(self.authority.file), *self.given.flags)
        super().launch(name, *more, *flags)

    def dial(self, scheme: str = "clientmigrations", ca: Path | None = None) -> Dial:
        encryption = Encryption.of({"tls-ca": str(ca or self.authority.file)})
        return dialer(self.reactor, trust=encryption.trust, scheme=scheme)


@pytest_twisted.async_yield_fixture()
async def encrypted(tmp_path: Path) -> AsyncIterator[Encrypted]:
    running = Encrypted(tmp_path)
    running.start()
    yield running
    await running.stop()


@pytest.mark.parametrize("scheme", ["clientmigrations", "wss"])
@pytest_twisted.ensureDeferred
async def test_a_player_is_moved_by_tls_without_a_missed_tick(
    encrypted: Encrypted, scheme: str
) -> None:
    await encrypted.server("one", "two")
    ada = await encrypted.player(dial=encrypted.dial(scheme))
    assert encrypted.router.fleet.member("one").address.startswith("clientmigrations://127.0.0.1:")  # type: ignore[union-attr]
    for _ in range(MOVES):
        there = "two" if ada.member == "one" else "one"
        ada.act(meadow.move(1.0, 0.0))
        await encrypted.spread([ada], [there])
    await encrypted.quiet(ada)
    assert ada.moves >= MOVES
    assert (ada.tally.missed, ada.tally.lost, ada.tally.doubled, ada.rejoins) == (0, 0, 0, 0)
    await eventually(lambda: "is a neighbour now" in encrypted.log("one"))


def handshake(
    port: int, authority: Authority, name: str = "localhost", most: ssl.TLSVersion | None = None
) -> tuple[str, str]:
    """The version and cipher that a client of Python's own ssl agrees on at a port."""
    context = ssl.create_default_context(cafile=str(authority.file))
    if most is not None:
        context.set_ciphers("ALL:@SECLEVEL=0")  # this side would take anything
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = most
    with (
        socket.create_connection((LOOPBACK, port), timeout=PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        cipher = secure.cipher()
        return str(secure.version()), cipher[0] if cipher else ""


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
@pytest_twisted.ensureDeferred
async def test_every_door_speaks_tls_of_today_and_to_nobody_who_wants_less(tmp_path: Path) -> None:
    fleet = SecureFleet(tmp_path)
    fleet.flags["gameserver"] = ("--listen", f"tcp:{fleet.ports.graphite}:interface={LOOPBACK}")
    await fleet.router()
    await fleet.status()
    await fleet.server("one")
    desk = await fleet.desk()
    await fleet.told(desk, 1)
    desk.leave()
    ports = fleet.ports
    for port in (ports.players, ports.members, ports.status, ports.graphite):
        asked = partial(handshake, port, fleet.authority)
        assert (await deferToThread(asked))[0] == "TLSv1.3"
        version, cipher = await deferToThread(partial(asked, most=ssl.TLSVersion.TLSv1_2))
        assert (version, cipher[:11]) == ("TLSv1.2", "ECDHE-ECDSA")
        with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"):
            await deferToThread(partial(asked, most=ssl.TLSVersion.TLSv1_1))
        with pytest.raises(ssl.SSLCertVerificationError, match="ostname mismatch"):
            await deferToThread(partial(asked, name="other.example"))
    await fleet.stop()


@pytest_twisted.ensureDeferred
async def test_crowd_homepage_and_operators_come_by_tls_and_others_are_told_why_not(
    tmp_path: Path,
) -> None:
    fleet = SecureFleet(tmp_path)
    stranger = Authority(tmp_path / "stranger", "stranger")
    await fleet.router()
    await fleet.status()
    await fleet.server("one")
    await fleet.crowd(5)
    desk = await fleet.desk()
    await fleet.told(desk, 1, 5)
    desk.leave()
    members, ca = fleet.ports.members, str(fleet.authority.file)
    for router in (f"tcp:{LOOPBACK}:{members}", f"clientmigrations://localhost:{members}"):
        code, said = await fleet.command("status", "--router", router, "--tls-ca", ca)
        assert (code, "5 of" in said) == (0, True), said
    foreign = ("--tls-ca", str(stranger.file))
    code, said = await fleet.command("status", "--router", f"tls:localhost:{members}", *foreign)
    assert code == 4
    assert "comes from an authority that is not trusted here" in said
    code, said = await fleet.command("status", "--router", f"tcp:{LOOPBACK}:{members}")
    assert code == 3
    assert "perhaps one side speaks TLS" in " ".join(said.split())
    page = await deferToThread(partial(https, fleet.url + "api/v1/status.json", fleet.authority))
    assert json.loads(page)["servers"][0]["name"] == "one"
    await fleet.stop()


def https(url: str, authority: Authority) -> bytes:
    context = ssl.create_default_context(cafile=str(authority.file))
    with urlopen(url, timeout=PATIENCE_S, context=context) as answer:
        return bytes(answer.read())


@pytest_twisted.ensureDeferred
async def test_a_member_link_that_demands_certificates_takes_no_member_without(
    tmp_path: Path,
) -> None:
    members = Authority(tmp_path / "members", "members")
    cluster = Encrypted(tmp_path, "--tls-client-ca", str(members.file))
    cluster.start()
    known = members.give("one")
    shown = f"certificate={known.certificate}:privateKey={known.key}"
    router = f"tls:localhost:{cluster.ports.members}"
    cluster.launch("two", "--router", router)
    cluster.launch("one", "--router", f"{router}:{shown}")
    await eventually(lambda: cluster.placeable("one"))
    await eventually(lambda: "does not trust our certificate's authority" in cluster.log("two"))
    assert cluster.router.fleet.member("two") is None
    ada = await cluster.player(dial=cluster.dial())
    assert ada.member == "one", "players need none"
    await cluster.stop()


@pytest.mark.parametrize("players", [40, pytest.param(300, marks=pytest.mark.soak)])
@pytest_twisted.ensureDeferred
async def test_a_certificate_is_renewed_under_players_and_nobody_is_cut_off(
    encrypted: Encrypted, players: int, no_logged_errors: list[LogEvent]
) -> None:
    for name in ("one", "two"):
        encrypted.launch(name, "--capacity", str(players))
    await eventually(lambda: all(map(encrypted.placeable, ("one", "two"))))
    dial = encrypted.dial()
    everybody = [await encrypted.player(dial=dial) for _ in range(players)]
    lost: list[object] = []
    for each in everybody:
        each.on("lost", lost.append)
    before = await deferToThread(partial(shown, encrypted.ports.players))
    encrypted.given.certificate.write_bytes(b"-----BEGIN CERTIFICATE-----\nhalf")
    await eventually(lambda: "not renewed, the old one is kept" in encrypted.log("one"))
    assert await deferToThread(partial(shown, encrypted.ports.players)) == before
    encrypted.authority.give(file="fleet")
    for name in ("one", "two"):
        await eventually(lambda name=name: "renewed: for localhost" in encrypted.log(name))  # type: ignore[misc]

    async def another() -> bool:
        return bool(await deferToThread(partial(shown, encrypted.ports.players)) != before)

    await eventually(another)
    await encrypted.spread(everybody[:10], ["two", "one"])
    newcomer = await encrypted.player(dial=dial)
    for each in (*everybody[:10], newcomer):
        await encrypted.quiet(each)
    assert lost == []
    assert sum(each.rejoins for each in everybody) == 0
    print(f"{players} players: {sum(each.tally.missed for each in everybody)} ticks missed")
    assert encrypted.log("one").count("not renewed") == 1
    assert len(no_logged_errors) <= 1, "the router is in this process, and may look later"
    no_logged_errors.clear()


def shown(port: int) -> str:
    """The certificate that is shown to who comes now."""
    return ssl.get_server_certificate((LOOPBACK, port), timeout=PATIENCE_S)
