"""A ledger's engine that dies, falls silent, loses answers, or wants to know who is there.

A real nats-server, and between it and the ledger sometimes a wire that can be cut.
"""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from shutil import which
from typing import cast

import pytest
import pytest_twisted
from real_engine import ENGINES, Engine, engine
from real_parts import eventually
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.portforward import ProxyClient, ProxyClientFactory, ProxyFactory, ProxyServer

from clientmigration.core.player.ledger import Record
from clientmigration.errors import Away, BadInput, ConfigurationError
from clientmigration.net.jetstream import JetStream
from clientmigration.net.ledger import Changed, TimedLedger
from clientmigration.net.ledgers import kept_in, opened
from clientmigration.net.nats import Access, Nats

ADA = "ada" + "0" * 13
Begin = Callable[[str], JetStream]


def the_reactor() -> IReactorTime:
    from twisted.internet import reactor

    return reactor


@pytest.fixture(params=ENGINES)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    server = engine(request.param, tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Opens ledgers, and closes them in the end."""
    begun: list[JetStream] = []

    def begin(where: str) -> JetStream:
        ledger = opened(kept_in(where), the_reactor(), os.urandom(8).hex())
        assert isinstance(ledger, JetStream)
        begun.append(ledger)
        ledger.startService()
        return ledger

    yield begin
    for each in begun:
        pytest_twisted.blockon(each.stopService())


def claim(ledger: JetStream, record: Record, owner: str, migration: str) -> Deferred[Changed]:
    timed = TimedLedger(ledger, lambda: 5.0, lambda _: None, lambda: 5.0)
    return timed.take(record, owner, migration, None)


async def insisted(ask: Callable[[], Deferred[Record]]) -> Record:
    """Asked again until there is an answer, as routers do."""

    async def answered() -> Record | None:
        with suppress(Away):
            return await ask()
        return None

    return cast(Record, await eventually(answered, every_s=0.1))


# It dies.


@pytest_twisted.ensureDeferred
async def test_an_engine_killed_and_started_again_has_lost_no_claim_that_it_granted(
    running: Engine, begin: Begin
) -> None:
    here, there = begin(running.address()), begin(running.address())
    record, granted = Record(ADA), 0
    for round_ in range(3):
        for n in range(20):
            answer = await claim(here, record, f"gs-{n}", f"m{round_}-{n}")
            record, granted = answer.record, granted + answer.made
        running.kill()
        running.start()
        assert await insisted(lambda: there.read(ADA)) == record
    assert granted == record.epoch == 60


@pytest_twisted.ensureDeferred
async def test_a_claim_under_way_when_the_engine_dies_is_settled_by_asking_again(
    running: Engine, begin: Begin
) -> None:
    here, there = begin(running.address()), begin(running.address())
    record = (await claim(here, Record(ADA), "gs-1", "m1")).record
    running.freeze()
    waits = claim(here, record, "gs-2", "m2")
    running.kill()
    with pytest.raises(Away):
        await waits
    running.start()
    seen = await insisted(lambda: there.read(ADA))
    again = await claim(there, record, "gs-3", "m3")
    assert again.made == (seen == record)
    assert again.record.epoch == 2


@pytest_twisted.ensureDeferred
async def test_a_question_asked_while_the_engine_is_away_is_answered_if_it_comes_back_in_time(
    running: Engine, begin: Begin
) -> None:
    ledger = begin(running.address())
    record = (await claim(ledger, Record(ADA), "gs-1", "m1")).record
    running.kill()
    asked = insisted(lambda: ledger.read(ADA))
    waits = Deferred.fromCoroutine(asked)
    running.start()
    assert await waits == record


@pytest_twisted.ensureDeferred
async def test_a_router_may_start_before_its_engine(running: Engine, begin: Begin) -> None:
    running.kill()
    ledger = begin(running.address())
    with pytest.raises(Away):
        await ledger.read(ADA)
    running.start()
    assert await insisted(lambda: ledger.read(ADA)) == Record(ADA)


@pytest_twisted.ensureDeferred
async def test_a_silent_engine_is_an_unknown_outcome_and_no_answer(
    running: Engine, begin: Begin
) -> None:
    ledger = begin(running.address())
    record = (await claim(ledger, Record(ADA), "gs-1", "m1")).record
    running.freeze()
    with pytest.raises(Away):
        await claim(ledger, record, "gs-2", "m2")
    running.tell(signal.SIGCONT)
    after = await insisted(lambda: ledger.read(ADA))
    assert after.claim in (record.claim, ("gs-2", 2, "m2"))


@pytest_twisted.ensureDeferred
async def test_of_two_servers_the_one_that_is_there_is_asked(running: Engine, begin: Begin) -> None:
    gone, there = "127.0.0.1:1", f"127.0.0.1:{running.port}"
    assert await begin(f"nats://{gone},{there}").read(ADA) == Record(ADA)


# Its answers are lost.


class Deaf(ProxyClient):
    """Passes on what the engine says, unless nobody is to hear it."""

    wire: Wire

    def dataReceived(self, data: bytes) -> None:
        if not self.wire.deaf:
            super().dataReceived(data)


class Wire(ProxyFactory):
    """To the engine, whose answers are lost while `deaf`."""

    noisy = False

    def __init__(self, port: int) -> None:
        super().__init__("127.0.0.1", port)
        self.deaf = False

        class Ours(Deaf):
            wire = self

        class Clients(ProxyClientFactory):
            noisy, protocol = False, Ours

        class Server(ProxyServer):
            clientProtocolFactory = Clients

        self.protocol = Server


@pytest_twisted.ensureDeferred
async def test_a_claim_whose_answer_is_lost_fails_and_is_found_made(
    running: Engine, begin: Begin
) -> None:
    wire = Wire(running.port)
    port = the_reactor().listenTCP(0, wire, interface="127.0.0.1")  # type: ignore[attr-defined]
    here, there = begin(f"nats://127.0.0.1:{port.getHost().port}"), begin(running.address())
    record = (await claim(here, Record(ADA), "gs-1", "m1")).record
    wire.deaf = True
    with pytest.raises(Away):
        await claim(here, record, "gs-2", "m2")
    taken = await there.read(ADA)
    assert taken.claim == ("gs-2", 2, "m2")
    assert await claim(there, record, "gs-3", "m3") == (False, taken)
    wire.deaf = False
    assert await insisted(lambda: here.read(ADA)) == taken
    again = await claim(here, record, "gs-2", "m2")
    assert again == (False, taken)
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_read_that_was_overtaken_wins_no_claim(running: Engine, begin: Begin) -> None:
    """As if a replica had answered that is behind: what it said is remembered, and not believed."""
    here, there = begin(running.address()), begin(running.address())
    record = (await claim(here, Record(ADA), "gs-1", "m1")).record
    stale = await here.bucket.get(ADA)
    taken = (await claim(there, record, "gs-2", "m2")).record
    assert stale is not None
    here._remember(ADA, stale)
    assert await claim(here, record, "gs-3", "m3") == (False, taken)
    here._remember(ADA, stale)
    assert (await claim(here, taken, "gs-3", "m3")).record.claim == ("gs-3", 3, "m3")


# Who is there.


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates: the engine's own, `ca`, and one of somebody else, `other`."""
    if which("openssl") is None:
        pytest.skip("no openssl: apt-get install openssl")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "other"):
        certificate(folder / name)
    return folder


@pytest.fixture(params=ENGINES)
def guarded(request: pytest.FixtureRequest, tmp_path: Path, certificates: Path) -> Iterator[Engine]:
    """An engine that wants a password and speaks nothing but TLS."""
    tls = f'tls {{ cert_file: "{certificates}/ca.pem", key_file: "{certificates}/ca.key" }}'
    server = engine(request.param, tmp_path, f"{tls}\nauthorization {{ user: r, password: s }}")
    server.start()
    yield server
    server.stop()


def certificate(name: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=n",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def rest(certificates: Path, ca: str, login: str) -> str:
    """What is said of certificates and passwords after the engine's address."""
    (certificates / "login").write_text(login + "\n")
    return f"/here?ca={certificates}/{ca}.pem&credentials={certificates}/login"


@pytest_twisted.ensureDeferred
async def test_whoever_trusts_the_engine_and_knows_the_password_gets_in(
    guarded: Engine, begin: Begin, certificates: Path
) -> None:
    ledger = begin(guarded.address(rest(certificates, "ca", "r:s"), "tls"))
    players = [f"{n:016x}" for n in range(300)]
    await gatherResults([claim(ledger, Record(each), "gs-1", "m1") for each in players])
    assert {(await ledger.read(each)).owner for each in players} == {"gs-1"}


@pytest.mark.parametrize(
    ("ca", "login", "scheme"),
    [
        ("other", "r:s", "tls"),
        ("ca", "r:wrong", "tls"),
        ("ca", "token", "tls"),
        ("ca", "r:s", "nats"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_nobody_else_does(
    guarded: Engine, begin: Begin, certificates: Path, ca: str, login: str, scheme: str
) -> None:
    ledger = begin(guarded.address(rest(certificates, ca, login), scheme))
    with pytest.raises(Away):
        await ledger.read(ADA)


class Impostor(Protocol):
    """Says that it is an engine and wants a password, without TLS, and keeps what it hears."""

    heard = b""

    def connectionMade(self) -> None:
        self.transport.write(b'INFO {"auth_required":true,"headers":true}\r\n')  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        Impostor.heard += data


@pytest_twisted.ensureDeferred
async def test_no_password_is_said_to_an_engine_without_tls(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "login").write_text("r:a-password")
    listening = Factory.forProtocol(Impostor)
    port = the_reactor().listenTCP(0, listening, interface="127.0.0.1")  # type: ignore[attr-defined]
    ledger = begin(f"tls://127.0.0.1:{port.getHost().port}?credentials={tmp_path}/login")
    with pytest.raises(Away):
        await ledger.read(ADA)
    assert Impostor.heard
    assert b"password" not in Impostor.heard
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_what_is_too_large_for_the_engine_is_refused_before_it_costs_the_connection(
    running: Engine, begin: Begin
) -> None:
    ledger = begin(running.address())
    await ledger.read(ADA)
    with pytest.raises(BadInput, match="more than NATS is set to take"):
        await ledger.bucket.put(ADA, b"x" * (1 << 21), 0)
    assert await ledger.read(ADA) == Record(ADA)


@pytest_twisted.ensureDeferred
async def test_an_engine_without_jetstream_is_away(tmp_path: Path, begin: Begin) -> None:
    server = engine("nats-current", tmp_path)
    server.settings.write_text(f'listen: "127.0.0.1:{server.port}"')
    server.start()
    with pytest.raises(Away, match="JetStream is off"):
        await begin(server.address()).read(ADA)
    server.stop()


@pytest_twisted.ensureDeferred
async def test_a_bucket_that_somebody_made_otherwise_is_complained_of(
    running: Engine, begin: Begin
) -> None:
    ledger = begin(running.address("/other"))
    config = (
        b'{"name":"KV_other","subjects":["$KV.other.>"],"storage":"memory","max_age":9000000000}'
    )
    endpoint = HostnameEndpoint(the_reactor(), "127.0.0.1", running.port)
    asking = Nats(Access([("", endpoint)]), the_reactor(), os.urandom(8).hex())
    asking.startService()
    await asking.ask("$JS.API.STREAM.CREATE.KV_other", config)
    await asking.stopService()
    complaints = await ledger.check()
    assert [each.split()[1] for each in complaints] == ["storage", "history", "max_age"]


# What the flag may say.


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://a", "is no engine"),
        ("nats://user:password@a", "is no engine"),
        ("nats://", "is not host:port"),
        ("nats://a:0", "is not host:port"),
        ("nats://a,b:x", "is not host:port"),
        ("nats://[::1", "is not host:port"),
        ("nats://a,[::1]:6]:7", "is not host:port"),
        ("nats://a/b.c", "a bucket's name"),
        ("nats://a?replicas=2", "1, 3 or 5"),
        ("nats://a?nothing=2", "is no engine"),
        ("nats://a?credentials=/nowhere", "No such file"),
        ("tls://a?ca=/nowhere", "ca, cert or key"),
    ],
)
def test_what_can_not_be_an_engine_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        kept_in(text, "--ledger ")


def test_an_address_of_engines_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "login").write_text("user:pass:word\n")
    where = kept_in(f"tls://a,b:5,[::1]:6/mine?replicas=3&credentials={tmp_path}/login")
    assert not isinstance(where, Path)
    assert where.servers == (("a", 4222), ("b", 5), ("::1", 6))
    assert (where.bucket, where.replicas) == ("mine", 3)
    assert where.login == {"user": "user", "pass": "pass:word"}
    assert isinstance(where.tls, ssl.SSLContext)
    assert "word" not in repr(where)
