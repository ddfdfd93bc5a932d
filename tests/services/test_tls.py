"""TLS: files that are renewed, what endpoint strings and flags ask for, and who is believed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from authority import Authority, Given
from real_parts import eventually
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.internet.testing import MemoryReactor
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.names import dns
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.client.finding import dialer as any_dialer
from clientmigration.client.finding import parse_url, scheme_of
from clientmigration.errors import ConfigurationError, HandshakeFailed, NotTrusted
from clientmigration.net.addresses import Whereabouts, place_of, secured, words_of
from clientmigration.net.attachment import Attachment
from clientmigration.net.complaints import PAUSE_S
from clientmigration.net.door import Door, Lines, dialer, listening, reachable, told_as
from clientmigration.net.encryption import Encryption, Expiry, own_certificate
from clientmigration.net.line import Line, LineTerms, directly
from clientmigration.net.renewed import Renewed
from clientmigration.net.web import Reception
from clientmigration.wire.connection import PLAYER_TO_SERVER, SERVER_TO_PLAYER, encode
from clientmigration.wire.messages import View
from clientmigration.wire.web import Origins

PLACES = {
    "play.example.org:4200": Whereabouts("", "play.example.org", 4200),
    "[2001:db8::7]:4200": Whereabouts("", "2001:db8::7", 4200),
    "clientmigrations://eu-1.example.org:4200": Whereabouts(
        "clientmigrations", "eu-1.example.org", 4200
    ),
    "clientmigrations://[2001:db8::7]:4200": Whereabouts("clientmigrations", "2001:db8::7", 4200),
    "wss://play.example.org:443/gs-1": Whereabouts("wss", "play.example.org", 443, "/gs-1"),
}
SHORT = {
    "https://play.example.org/gs-1/": Whereabouts("wss", "play.example.org", 443, "/gs-1/"),
    "ws://play.example.org": Whereabouts("ws", "play.example.org", 80),
    "clientmigrations://play.example.org": Whereabouts("clientmigrations", "play.example.org", 0),
    "clientmigration://play.example.org/": Whereabouts("clientmigration", "play.example.org", 0),
}
NOWHERE = (
    *("", ":", "://", "ftp://a:1", "clientmigrations://", "clientmigrations://:1", "wss:///a"),
    *("clientmigrations://a:1/path", "a:1/path", "wss://a:0", "wss://a:65536", "wss://a b:1"),
    *(
        "[::1]",
        "::1:4100",
        "wss://[a]:1",
        "a:1\n",
        "a:٣",
        "wss://a:1/ü",
        "clientmigrations://a@b:1",
    ),
)


@pytest.mark.parametrize(("address", "place"), PLACES.items(), ids=PLACES)
def test_an_address_says_what_is_spoken_there_and_is_written_as_it_was_read(
    address: str, place: Whereabouts
) -> None:
    assert place_of(address) == place
    assert str(place) == address


@pytest.mark.parametrize(("address", "place"), SHORT.items(), ids=SHORT)
def test_what_is_usual_need_not_be_said(address: str, place: Whereabouts) -> None:
    assert place_of(address) == place


@pytest.mark.parametrize("address", NOWHERE)
def test_what_is_no_address_is_none(address: str) -> None:
    if address != "[::1]":  # an address without a port, as of a name that is looked up
        with pytest.raises(ValueError, match="is no address"):
            place_of(address)


def test_who_listens_everywhere_by_tls_is_found_where_it_calls_from() -> None:
    assert reachable("clientmigrations://0.0.0.0:4200", "10.0.0.7:5") == (
        "clientmigrations://10.0.0.7:4200"
    )
    assert reachable("wss://a.example:443/gs", "10.0.0.7:5") == "wss://a.example:443/gs"


@pytest.mark.parametrize(
    ("url", "dialled", "scheme"),
    [
        ("clientmigration://router", "router:4100", ""),
        (
            "clientmigrations://play.example.org",
            "clientmigrations://play.example.org",
            "clientmigrations",
        ),
        ("clientmigrations://router", "clientmigrations://router:4100", "clientmigrations"),
        (
            "clientmigrations://192.0.2.7:443",
            "clientmigrations://192.0.2.7:443",
            "clientmigrations",
        ),
        ("https://play.example.org/router", "wss://play.example.org:443/router", "wss"),
    ],
)
def test_a_routers_url_says_how_everything_is_dialled(url: str, dialled: str, scheme: str) -> None:
    assert (parse_url(url), scheme_of(url)) == (dialled, scheme)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("tcp:4100", ("tcp", ["4100"], {})),
        (r"ssl:1:interface=\:\::k=a\=b\\c", ("ssl", ["1"], {"interface": "::", "k": r"a=b\c"})),
        (r"tls:a\:b:1", ("tls", ["a:b", "1"], {})),
        ("", ("", [], {})),
    ],
)  # fmt: skip
def test_an_endpoints_string_is_read_as_twisted_reads_it(description: str, words: Any) -> None:
    assert words_of(description) == words


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ssl:router:4101", "that verifies nobody: tls:HOST:PORT does"),
        ("tls:router", "tls:HOST:PORT"),
        ("tls:router:0", "tls:HOST:PORT"),
        ("tls:router:1:2", "tls:HOST:PORT"),
        ("tls:router:1:caCertsDir=a", "tls:HOST:PORT, and of other words bindAddress"),
        ("tls:router:1:privateKey=a", "privateKey without certificate"),
        ("clientmigrations://a b", "is no address"),
    ],
)
def test_a_string_that_would_not_dial_by_tls_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        secured(text)


@implementer(ILogObserver)
class Said:
    """What was logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        self.lines.append(formatEvent(event))


@pytest.fixture
def said() -> Any:
    """What is logged meanwhile."""
    observer = Said()
    globalLogPublisher.addObserver(observer)
    yield observer.lines
    globalLogPublisher.removeObserver(observer)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def looked(renewed: Renewed[Any]) -> None:
    """Three looks: the change is seen, it is left alone, and nothing more comes."""
    for _ in range(3):
        renewed.look()


def test_a_certificate_that_is_renewed_is_taken_and_said(
    authority: Authority, said: list[str]
) -> None:
    given = authority.give("a.example", file="own")
    renewed = own_certificate(str(given.certificate), str(given.key))
    looked(renewed)
    assert said == []
    authority.give("b.example", file="own")
    looked(renewed)
    assert renewed.value.names == ("b.example",)
    assert len(said) == 1
    assert "renewed: for b.example, until" in said[0]


def halved(given: Given) -> None:
    whole = given.certificate.read_bytes()
    given.certificate.write_bytes(whole[: len(whole) // 2])


def emptied(given: Given) -> None:
    given.certificate.write_bytes(b"")


def removed(given: Given) -> None:
    given.key.unlink()


def of_another(given: Given) -> None:
    given.key.write_bytes(Authority(given.key.parent / "more").give().key.read_bytes())


@pytest.mark.parametrize("spoil", [halved, emptied, removed, of_another])
def test_what_is_broken_changes_nothing_and_is_said_once(
    authority: Authority,
    said: list[str],
    spoil: Callable[[Given], None],
    no_logged_errors: list[LogEvent],
) -> None:
    given = authority.give("a.example", file="own")
    renewed = own_certificate(str(given.certificate), str(given.key))
    spoil(given)
    for _ in range(5):
        looked(renewed)
    assert renewed.value.names == ("a.example",)
    assert [each for each in said if "not renewed, the old one is kept: " in each] == said
    assert len(said) == 1
    no_logged_errors.clear()
    authority.give("b.example", file="own")
    looked(renewed)
    assert renewed.value.names == ("b.example",)


def test_a_link_that_points_elsewhere_is_a_renewal(authority: Authority, tmp_path: Path) -> None:
    first, second = authority.give("a.example"), authority.give("b.example")
    live = tmp_path / "live.pem"
    for given in (first, second):
        given.certificate.write_bytes(given.certificate.read_bytes() + given.key.read_bytes())
    live.symlink_to(first.certificate)
    renewed = own_certificate(str(live))
    fresh = tmp_path / "fresh"
    fresh.symlink_to(second.certificate)
    os.replace(fresh, live)
    looked(renewed)
    assert renewed.value.names == ("b.example",)


def test_two_files_that_are_renewed_one_after_the_other_are_taken_together(
    authority: Authority, said: list[str]
) -> None:
    given, other = authority.give("a.example"), authority.give("b.example")
    renewed = own_certificate(str(given.certificate), str(given.key))
    given.key.write_bytes(other.key.read_bytes())
    renewed.look()
    given.certificate.write_bytes(other.certificate.read_bytes())
    looked(renewed)
    assert renewed.value.names == ("b.example",)
    assert len(said) == 1


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
    Encryption.of({"tls-client-ca": ca, "members": door}).listening(None, door, demanding=True)
    encryption = showing(given, **{"tls-client-ca": ca})
    with pytest.raises(ConfigurationError, match="that cannot demand certificates, ssl: can"):
        encryption.listening(MemoryReactor(), f"tls:{tmp_path / 'doors'}:0", demanding=True)


class Echo(Protocol):
    """Says what it hears; `lost` is why it ended."""

    lost = ""

    def __init__(self, direct: list[Any]) -> None:
        self.direct = direct

    def connectionMade(self) -> None:
        self.direct.append(directly(self.transport))

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[union-attr]


class Asker(Protocol):
    """Says hello, and keeps the answer."""

    def __init__(self) -> None:
        self.heard = b""
        self.answered: Deferred[bytes] = Deferred()
        self.lost: Deferred[str] = Deferred()

    def connectionMade(self) -> None:
        self.transport.write(b"hello")  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        if self.heard == b"hello":
            self.answered.callback(self.heard)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(reason.getErrorMessage())


class Silent(Asker):
    """Says nothing."""

    def connectionMade(self) -> None:
        pass


class Doors:
    """Doors on loopback, and ways to them."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.ports: list[IListeningPort] = []
        self.direct: list[Any] = []

    async def open(
        self, encryption: Encryption, kind: str = "tcp:0", demanding: bool = False
    ) -> int:
        endpoint = encryption.listening(
            self.reactor, f"{kind}:interface=127.0.0.1", demanding=demanding
        )
        port = await endpoint.listen(Factory.forProtocol(lambda: Echo(self.direct)))
        self.ports.append(port)
        return int(port.getHost().port)  # type: ignore[attr-defined]

    async def ask(self, endpoint: Any) -> bytes:
        asker: Any = await endpoint.connect(Factory.forProtocol(Asker))
        answer: bytes = await asker.answered.addTimeout(20, self.reactor)
        asker.transport.loseConnection()
        await asker.lost.addTimeout(20, self.reactor)
        return answer

    async def close(self) -> None:
        for port in self.ports:
            await port.stopListening()  # type: ignore[misc]
        await deferLater(self.reactor, 0.05)


@pytest_twisted.async_yield_fixture()
async def doors() -> Any:
    opened = Doors()
    yield opened
    await opened.close()


def trusting(authority: Authority, **more: str) -> Encryption:
    return Encryption.of({"tls-ca": str(authority.file), **more})


def showing(given: Given, **more: str) -> Encryption:
    return Encryption.of({"tls-cert": str(given.certificate), "tls-key": str(given.key), **more})


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
        looked(each)  # type: ignore[arg-type]
    with pytest.raises(NotTrusted, match=r"is for 127\.0\.0\.1, not for localhost"):
        await doors.ask(ours.dialling(doors.reactor, f"tls:localhost:{port}"))
    assert await doors.ask(ours.dialling(doors.reactor, f"tls:127.0.0.1:{port}")) == b"hello"
    assert await early.answered == b"hello"
    early.heard, early.answered = b"", Deferred()
    early.transport.write(b"hello")
    assert await early.answered.addTimeout(20, doors.reactor) == b"hello"
    early.transport.loseConnection()
    await early.lost


@pytest.mark.parametrize(
    ("days", "said_times"),
    [((9.5, 8.2, 7.01), 0), ((6.9, 6.8, 6.1, 5.9), 2), ((0.5, -0.5, -0.6), 2)],
)
def test_what_should_have_been_renewed_is_said_once_a_day(
    authority: Authority, said: list[str], days: tuple[float, ...], said_times: int
) -> None:
    given = authority.give("a.example")
    renewed = own_certificate(str(given.certificate), str(given.key))
    until = renewed.value.until.timestamp()
    now = [0.0]
    expiry = Expiry(renewed, lambda: now[0])
    for left in days:
        now[0] = until - left * 86_400
        for _ in range(3):
            expiry.look()
    assert len(said) == said_times


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


@pytest.mark.parametrize(
    ("address", "inner", "told"),
    [
        ("10.0.0.7:4200", "", ("10.0.0.7:4200", "")),
        ("0.0.0.0:4200", "", ("10.0.0.9:4200", "")),
        (
            "wss://a.example:443/{inner}",
            "0.0.0.0:4200",
            ("wss://a.example:443/10.0.0.9:4200", "10.0.0.9:4200"),
        ),
        (
            "wss://a.example:443/{inner}",
            "clientmigrations://b.example:4200",
            ("wss://a.example:443/b.example:4200", "clientmigrations://b.example:4200"),
        ),
    ],
)
def test_players_and_servers_are_told_their_own_way(
    address: str, inner: str, told: tuple[str, str]
) -> None:
    assert told_as(address, inner, "10.0.0.9:55555") == told


@pytest.mark.parametrize(
    ("told", "listening", "address", "inner"),
    [
        ("", "10.0.0.7:1", "10.0.0.7:1", ""),
        ("a.example:1", "10.0.0.7:1", "a.example:1", ""),
        ("wss://a.example:1/b", "10.0.0.7:1", "wss://a.example:1/b", "10.0.0.7:1"),
        ("", "clientmigrations://10.0.0.7:1", "clientmigrations://10.0.0.7:1", ""),
        (
            "clientmigrations://a.example:1",
            "clientmigrations://10.0.0.7:1",
            "clientmigrations://a.example:1",
            "",
        ),
    ],
)
def test_servers_go_past_what_players_come_through(
    told: str, listening: str, address: str, inner: str
) -> None:
    attachment = Attachment("one", told, "")
    attachment.found_at(listening)
    assert (attachment.address, attachment.inner) == (address, inner)


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
