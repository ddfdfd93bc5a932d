"""TLS: what endpoint strings and flags ask for, and who is believed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from authority import Authority
from real_parts import eventually
from tls_doors import Asker, Doors, Silent, looked, showing, trusting
from tls_doors import authority as authority
from tls_doors import doors as doors
from tls_doors import said as said
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import ConnectError
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.internet.testing import MemoryReactor
from twisted.names import dns

from clientmigration.client.finding import dialer as any_dialer
from clientmigration.client.finding import parse_url
from clientmigration.errors import ConfigurationError, HandshakeFailed, NotTrusted
from clientmigration.net.complaints import PAUSE_S
from clientmigration.net.door import Door, Lines, dialer, listening
from clientmigration.net.encryption import Encryption
from clientmigration.net.line import Line, LineTerms
from clientmigration.net.web import Reception
from clientmigration.wire.connection import PLAYER_TO_SERVER, SERVER_TO_PLAYER, encode
from clientmigration.wire.messages import View
from clientmigration.wire.web import Origins


def test_flags_that_cannot_be_served_are_refused_by_name(
    authority: Authority, tmp_path: Path
) -> None:
    given = authority.give("a.example")
    cert, key = str(given.certificate), str(given.key)
    other = str(authority.give().key)
    locked = tmp_path / "locked.key"
    locked.write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    for flags, why in (
        ({"tls-key": key}, "--tls-key without --tls-cert"),
        ({"tls-client-ca": cert}, "--tls-client-ca without --tls-cert"),
        ({"tls-cert": "nowhere.pem"}, "--tls-cert nowhere.pem: .*No such file"),
        ({"tls-cert": cert}, f"--tls-cert {cert}: there is no key in the file"),
        ({"tls-cert": key, "tls-key": key}, "there is no certificate in the file"),
        ({"tls-cert": cert, "tls-key": other}, "the key is not that of the certificate"),
        ({"tls-cert": cert, "tls-key": str(locked)}, "there is no key|passphrase"),
        ({"tls-ca": key}, f"--tls-ca {key}: there is no certificate"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            Encryption.of(flags)


def test_no_door_that_is_to_demand_certificates_opens_without(
    authority: Authority, tmp_path: Path
) -> None:
    given, ca = authority.give(), str(authority.file)
    (tmp_path / "doors").mkdir()
    door = f"ssl:0:privateKey={given.key}:certKey={given.certificate}"
    Encryption.of({"tls-client-ca": ca, "members": door}).listening(
        MemoryReactor(), door, demanding=True
    )
    encryption = showing(given, **{"tls-client-ca": ca})
    with pytest.raises(ConfigurationError, match="that cannot demand certificates, ssl: can"):
        encryption.listening(MemoryReactor(), f"tls:{tmp_path / 'doors'}:0", demanding=True)


@pytest_twisted.ensureDeferred
async def test_every_string_that_asks_for_tls_gets_it_and_nothing_goes_past_it(
    authority: Authority, doors: Doors
) -> None:
    given = authority.give()
    port = await doors.open(showing(given))
    named = await doors.open(
        Encryption(), f"ssl:0:privateKey={given.key}:certKey={given.certificate}"
    )
    ours, nobody = trusting(authority), Encryption()
    for string, encryption in (
        (f"tcp:127.0.0.1:{port}", ours),
        (f"tcp:host=localhost:port={port}", ours),
        (f"clientmigration://localhost:{port}", ours),
        (f"tls:localhost:{port}", ours),
        (f"tls:localhost:{named}:trustRoots={authority.file}", nobody),
        (rf"tls:localhost:{named}:endpoint=tcp\:127.0.0.1\:{port}", ours),
        (f"clientmigrations://127.0.0.1:{port}", ours),
    ):
        assert await doors.ask(encryption.dialling(doors.reactor, string)) == b"hello"
    dial = any_dialer(doors.reactor, trust=ours.trust, scheme="clientmigrations")
    assert await doors.ask(dial(f"localhost:{port}")) == b"hello"
    assert doors.direct == [None] * 8, "nothing is written past TLS"


@pytest_twisted.ensureDeferred
async def test_who_is_not_who_was_meant_is_refused_with_the_reason(
    authority: Authority, doors: Doors, tmp_path: Path, said: list[str]
) -> None:
    await deferLater(doors.reactor, PAUSE_S)  # or a line like that of the test before is left out
    stranger = Authority(tmp_path / "stranger", "stranger")
    wrong = await doors.open(showing(authority.give("other.example")))
    old = await doors.open(showing(authority.give(ago_days=9)))
    early = await doors.open(showing(authority.give(ago_days=-9)))
    alone = await doors.open(showing(authority.give(alone=True)))
    foreign = await doors.open(showing(stranger.give()))
    greeter = Factory.forProtocol(Asker)
    greeting = serverFromString(doors.reactor, "tcp:0:interface=127.0.0.1")
    doors.ports.append(await greeting.listen(greeter))
    plain = doors.ports[-1].getHost().port  # type: ignore[attr-defined]
    ours = trusting(authority)
    for port, fault, why in (
        (wrong, NotTrusted, "its certificate is for other.example, not for localhost"),
        (old, NotTrusted, "its certificate has expired"),
        (early, NotTrusted, "its certificate is not valid yet"),
        (alone, NotTrusted, "its certificate is signed by nobody but itself"),
        (foreign, NotTrusted, "its certificate comes from an authority that is not trusted here"),
    ):
        with pytest.raises(fault, match=f"localhost: {why}"):
            await doors.ask(ours.dialling(doors.reactor, f"tls:localhost:{port}"))
        assert sum(why in each for each in said) == 1
    with pytest.raises(NotTrusted, match=r"is for other\.example, not for 127\.0\.0\.1"):
        await doors.ask(ours.dialling(doors.reactor, f"tls:127.0.0.1:{wrong}"))
    with pytest.raises(HandshakeFailed, match="the other side does not speak TLS"):
        await doors.ask(ours.dialling(doors.reactor, f"tls:localhost:{plain}"))
    with pytest.raises(NotTrusted, match="an authority that is not trusted here"):
        await doors.ask(Encryption().dialling(doors.reactor, f"tls:localhost:{foreign}"))


@pytest_twisted.ensureDeferred
async def test_what_began_encrypted_is_never_dialled_plain(
    authority: Authority, doors: Doors
) -> None:
    plain = await doors.open(Encryption())
    dial = dialer(doors.reactor, trusting(authority).trust, "clientmigrations")
    for address in (f"clientmigration://127.0.0.1:{plain}", f"ws://127.0.0.1:{plain}"):
        with pytest.raises(NotTrusted, match="is not encrypted, and the way there is"):
            await doors.ask(dial(address))


@pytest_twisted.ensureDeferred
async def test_a_door_may_demand_certificates(
    authority: Authority, doors: Doors, tmp_path: Path, said: list[str]
) -> None:
    await deferLater(doors.reactor, PAUSE_S)
    stranger = Authority(tmp_path / "stranger", "stranger").give("gs-1")
    given = authority.give()
    encryption = showing(given, **{"tls-client-ca": str(authority.file)})
    port = await doors.open(encryption, demanding=True)
    open_to_all = await doors.open(encryption)
    known = authority.give("gs-1")
    shown = trusting(authority, **{"tls-cert": str(known.certificate), "tls-key": str(known.key)})
    assert await doors.ask(shown.dialling(doors.reactor, f"tls:localhost:{port}")) == b"hello"
    assert await doors.ask(shown.dialling(doors.reactor, f"tls:localhost:{open_to_all}"))
    words = f"certificate={stranger.certificate}:privateKey={stranger.key}"
    for string, why in (
        (f"tls:localhost:{port}", "the other side demands a certificate"),
        (f"tls:localhost:{port}:{words}", "the other side does not trust our certificate"),
    ):
        endpoint = trusting(authority).dialling(doors.reactor, string)
        asker: Any = await endpoint.connect(Factory.forProtocol(Asker))
        assert why in await asker.lost.addTimeout(20, doors.reactor)
    assert any("the other side shows no certificate" in each for each in said)
    assert any("authority that is not trusted here" in each for each in said)


@pytest_twisted.ensureDeferred
async def test_a_stranger_that_does_not_shake_hands_is_dropped_in_time(
    authority: Authority, doors: Doors, said: list[str]
) -> None:
    port = await doors.open(showing(authority.give()))
    silent: Any = (
        await Encryption()
        .dialling(doors.reactor, f"tcp:127.0.0.1:{port}")
        .connect(Factory.forProtocol(Silent))
    )
    await silent.lost.addTimeout(30, doors.reactor)
    assert any("no TLS handshake within 5 s" in each for each in said)


@pytest_twisted.ensureDeferred
async def test_who_connects_later_is_shown_what_was_renewed_and_who_is_there_stays(
    authority: Authority, doors: Doors
) -> None:
    given = authority.give("localhost", file="own")
    encryption = showing(given)
    port = await doors.open(encryption)
    ours = trusting(authority)
    early: Any = await ours.dialling(doors.reactor, f"tls:localhost:{port}").connect(
        Factory.forProtocol(Asker)
    )
    authority.give("127.0.0.1", file="own")
    for each in encryption.files:
        looked(each)
    with pytest.raises(NotTrusted, match=r"is for 127\.0\.0\.1, not for localhost"):
        await doors.ask(ours.dialling(doors.reactor, f"tls:localhost:{port}"))
    assert await doors.ask(ours.dialling(doors.reactor, f"tls:127.0.0.1:{port}")) == b"hello"
    assert await early.answered == b"hello"
    early.heard, early.answered = b"", Deferred()
    early.transport.write(b"hello")
    assert await early.answered.addTimeout(20, doors.reactor) == b"hello"
    early.transport.loseConnection()
    await early.lost


def test_an_address_that_the_certificate_is_not_for_is_said_at_the_start(
    authority: Authority, said: list[str]
) -> None:
    encryption = showing(authority.give("*.example.org", "192.0.2.7"))
    for address in ("eu-1.example.org:1", "clientmigrations://192.0.2.7:1", "0.0.0.0:1"):
        assert encryption.suits(address)
    assert said == []
    for address in ("eu.1.example.org:1", "192.0.2.8:1", "example.org:1"):
        assert not encryption.suits(address)
    assert len(said) == 3
    assert Encryption().suits("anything:1")


class Reader:
    """A listener that keeps the ticks it was shown."""

    def __init__(self) -> None:
        self.ticks: list[int] = []
        self.over = False

    def opened(self, line: Line) -> None:
        pass

    def heard(self, message: object) -> None:
        if isinstance(message, View):
            self.ticks.append(message.tick)

    def closed(self, reason: str) -> None:  # noqa: ARG002
        self.over = True


@pytest_twisted.ensureDeferred
async def test_who_does_not_read_loses_views_by_tls_too(authority: Authority) -> None:
    from twisted.internet import reactor

    clock: Any = reactor
    lines: list[Line] = []
    reader, nobody = Reader(), Reader()

    def served() -> Line:
        lines.append(Line("test", LineTerms(PLAYER_TO_SERVER, (1e3, 1e3)), nobody, clock))
        return lines[-1]

    encryption, found = showing(authority.give()), list[str]()
    where = listening(clock, "tcp:0:interface=127.0.0.1", encryption)
    door = Door(where, Reception(served, Origins(), clock, print), found.append)
    door.privilegedStartService()
    await eventually(lambda: found)
    terms = LineTerms(SERVER_TO_PLAYER, (1e4, 1e4))
    dial = any_dialer(clock, trust=trusting(authority).trust, scheme="clientmigrations")
    line: Any = await dial(found[0]).connect(Lines(lambda: Line("player", terms, reader, clock)))
    await eventually(lambda: lines and lines[0].peer_role)
    line.transport.pauseProducing()
    shown = 0
    while lines[0].show(encode(View(shown, 0, 0, 0, bytes(60_000)))):
        shown += 1
        await eventually(lambda: True)
    assert 0 < lines[0].held < 1_000_000
    line.transport.resumeProducing()
    await eventually(lambda: lines[0].show(encode(View(shown + 1, 0, 0, 0, b"the next"))))
    await eventually(lambda: reader.ticks[-1:] == [shown + 1])
    assert reader.ticks == [*range(shown), shown + 1]
    line.hang_up("bye", "")
    await eventually(lambda: reader.over and nobody.over)
    await door.stopService()


class Records:
    """DNS that knows one router, on this host."""

    def __init__(self, port: int) -> None:
        self.port, self.asked = port, ""

    def lookupService(self, name: str, timeout: object = None) -> Deferred[Any]:  # noqa: ARG002
        self.asked = name
        record = dns.Record_SRV(10, 1, self.port, "localhost")
        return succeed(([dns.RRHeader(name, dns.SRV, payload=record)], [], []))


@pytest_twisted.ensureDeferred
async def test_a_game_that_is_looked_up_has_to_prove_its_own_name_not_that_of_its_host(
    authority: Authority, doors: Doors
) -> None:
    ours = trusting(authority).trust
    good = Records(await doors.open(showing(authority.give("play.example.org"))))
    host = Records(await doors.open(showing(authority.give("localhost"))))
    game = parse_url("clientmigrations://play.example.org")
    dial = any_dialer(doors.reactor, good, trust=ours, scheme="clientmigrations")
    assert await doors.ask(dial(game)) == b"hello"
    assert good.asked == "_clientmigrations._tcp.play.example.org"
    dial = any_dialer(doors.reactor, host, trust=ours, scheme="clientmigrations")
    with pytest.raises(ConnectError, match=r"is for localhost, not for play\.example\.org"):
        await doors.ask(dial(game))
