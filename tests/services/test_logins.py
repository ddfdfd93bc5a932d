"""Logins of a game's own backend: which are good, which are refused and why, and who it is then."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
import pytest_twisted
from backend import AUDIENCE, ISSUER, Signer, forged, key_set_of
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from jwt.algorithms import RSAAlgorithm
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone

from clientmigration.core.player.names import SUBJECTS, NamePattern
from clientmigration.errors import ConfigurationError, LoginLater, LoginRefused
from clientmigration.net import key_sets
from clientmigration.net.key_sets import KeySetFile, KeySetURL, check_key_url, key_set
from clientmigration.net.logins import LEEWAY_S, LoginRules, Logins

NOW = 1_700_000_000.0
ALGORITHMS = ("RS256", "ES256", "EdDSA")
SIGNERS = {algorithm: Signer(algorithm, f"key-{algorithm}") for algorithm in ALGORITHMS}
RULES = LoginRules(ISSUER, AUDIENCE, NamePattern("subject of a login", SUBJECTS))
RSA = SIGNERS["RS256"]
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": NOW + 3600}


class Keys:
    """A key set that is here already; `looked` counts who asked for a newer one."""

    def __init__(self, *signers: Signer, more: tuple[Signer, ...] = (), may: bool = True) -> None:
        self.known = key_set(key_set_of(*signers)) if signers else None
        self.more, self.may, self.looked = more, may, 0

    def measures(self) -> dict[str, float]:
        return {}

    async def look_again(self) -> bool:
        self.looked += 1
        if self.may and self.more:
            self.known = key_set(key_set_of(*self.more))
        return self.may


def logins(*signers: Signer, now: float = NOW, **more: Any) -> Logins:
    return Logins(Keys(*(signers or SIGNERS.values()), **more), RULES, lambda: now)


async def refused(token: str, by: Logins | None = None) -> tuple[str, str]:
    """Why this login is refused."""
    with pytest.raises(LoginRefused) as caught:
        await (by or logins()).subject(token)
    return caught.value.why, str(caught.value)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest_twisted.ensureDeferred
async def test_a_login_by_each_algorithm_is_its_subjects(algorithm: str) -> None:
    assert await logins().subject(SIGNERS[algorithm].login("ada", NOW)) == "ada"


@pytest.mark.parametrize(
    ("claims", "why", "text"),
    [
        ({"exp": NOW - LEEWAY_S}, "time", "your login expired 10 s ago; log in again"),
        ({"exp": None}, "time", "your login has no time at which it expires"),
        ({"exp": True}, "format", "your login says no time as exp"),
        ({"exp": "soon"}, "format", "your login says no time as exp"),
        ({"nbf": NOW + 60}, "time", "your login is not good for another 60 s"),
        ({"iat": NOW + 60}, "time", "your login is not good for another 60 s"),
        ({"iss": "https://evil.example"}, "issuer", f"your login is not from {ISSUER}"),
        ({"iss": None}, "issuer", f"your login is not from {ISSUER}"),
        ({"iss": [ISSUER]}, "issuer", f"your login is not from {ISSUER}"),
        ({"aud": "other"}, "audience", f"your login is not for {AUDIENCE}"),
        ({"aud": None}, "audience", f"your login is not for {AUDIENCE}"),
        ({"aud": {AUDIENCE: 1}}, "audience", f"your login is not for {AUDIENCE}"),
        ({"sub": None}, "subject", "your login has no subject"),
        ({"sub": 7}, "subject", "your login has no subject"),
        ({"sub": ""}, "subject", "the subject of a login '' is not allowed here"),
        ({"sub": "a" * 129}, "subject", "the subject of a login 'aaaa"),
        ({"sub": "ada\n"}, "subject", "the subject of a login 'ada\\n' is not allowed here"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_what_a_login_says_wrongly_is_named(
    claims: dict[str, Any], why: str, text: str
) -> None:
    told = {**CLAIMS, **claims}
    said = {name: value for name, value in told.items() if value is not None}
    token = _signed(said)
    got = await refused(token)
    assert got[0] == why
    assert got[1].startswith(text)


def _signed(claims: dict[str, Any]) -> str:
    """Signed without a look at what it says."""
    unsigned = forged({"alg": "RS256", "kid": RSA.name}, claims).rstrip(".")
    made = RSA.key.sign(unsigned.encode(), PKCS1v15(), SHA256())
    return f"{unsigned}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


@pytest_twisted.ensureDeferred
async def test_clocks_may_differ_by_a_little() -> None:
    early = RSA.login("ada", NOW, exp=NOW - LEEWAY_S + 1, nbf=NOW + LEEWAY_S - 1)
    assert await logins().subject(early) == "ada"


@pytest_twisted.ensureDeferred
async def test_several_audiences_are_good_if_one_is_ours() -> None:
    assert await logins().subject(RSA.login("ada", NOW, aud=["other", AUDIENCE])) == "ada"


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "RS512", "PS256", "ES384"])
@pytest_twisted.ensureDeferred
async def test_no_other_algorithm_is_taken_whatever_a_token_says(algorithm: str) -> None:
    header = {"alg": algorithm, "kid": RSA.name, "typ": "JWT"}
    for secret in (b"", RSA.pem(), json.dumps(RSA.public()).encode()):
        why, text = await refused(forged(header, CLAIMS, secret))
        assert why == "signature"
        assert text == (f"logins are signed by RS256, ES256, EdDSA here, and not {algorithm!r}")


@pytest_twisted.ensureDeferred
async def test_a_key_is_good_for_its_own_algorithm_only() -> None:
    header = {"alg": "ES256", "kid": RSA.name}
    by = logins(may=True)
    assert (await refused(forged(header, CLAIMS, RSA.pem()), by))[0] == "signature"


@pytest_twisted.ensureDeferred
async def test_another_key_of_the_same_name_is_not_good() -> None:
    forger = Signer("RS256", RSA.name)
    why, text = await refused(forger.login("ada", NOW))
    assert (why, text) == ("signature", "your login is not signed by the key that it names")


@pytest_twisted.ensureDeferred
async def test_a_changed_login_is_not_good() -> None:
    header, claims, signature = RSA.login("ada", NOW).split(".")
    other = RSA.login("bob", NOW).split(".")[1]
    assert (await refused(f"{header}.{other}.{signature}"))[0] == "signature"
    for junk in ("", "a", "a.b", "a.b.c", f"{header}.{claims}", f"{header}.!.{signature}", "é.è.à"):
        assert (await refused(junk))[0] in ("format", "signature")


@pytest_twisted.ensureDeferred
async def test_what_a_login_demands_that_nobody_knows_is_refused() -> None:
    header = {"alg": "RS256", "kid": RSA.name, "crit": ["b64"], "b64": False}
    assert (await refused(forged(header, CLAIMS)))[0] in ("format", "signature")


@pytest_twisted.ensureDeferred
async def test_an_unknown_key_is_looked_for_once_and_then_refused() -> None:
    stranger = Signer("ES256", "new")
    by = logins(RSA)
    why, text = await refused(stranger.login("ada", NOW), by)
    assert (why, text) == ("signature", "your login is signed by a key that is not known here")
    assert by.keys.looked == 1  # type: ignore[attr-defined]
    renewed = logins(RSA, more=(RSA, stranger))
    assert await renewed.subject(stranger.login("ada", NOW)) == "ada"
    just_asked = logins(RSA, may=False)
    with pytest.raises(LoginLater):
        await just_asked.subject(stranger.login("ada", NOW))


@pytest_twisted.ensureDeferred
async def test_before_there_was_a_key_set_nobody_is_refused_for_good() -> None:
    with pytest.raises(LoginLater):
        await Logins(Keys(may=False), RULES, lambda: NOW).subject(RSA.login("ada", NOW))


@pytest_twisted.ensureDeferred
async def test_a_token_that_names_no_key_is_tried_with_those_of_its_algorithm() -> None:
    nameless = jwt.encode({**CLAIMS}, RSA.key, "RS256")
    assert await logins().subject(nameless) == "ada"
    assert await logins(Signer("RS256", "other"), RSA).subject(nameless) == "ada"


# Key sets.


def test_only_public_keys_that_can_be_used_are_taken_from_a_key_set() -> None:
    short = generate_private_key(65537, 1024)
    said = json.loads(RSAAlgorithm.to_jwk(RSA.key))  # with its private part
    keys = [
        {**said, "kid": "private", "key_ops": ["verify"]},
        {**json.loads(RSAAlgorithm.to_jwk(short.public_key())), "kid": "short"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"},
        {**RSA.public(), "use": "enc", "kid": "for encryption"},
        {**RSA.public(), "alg": "RS512", "kid": "other"},
        {**RSA.public(), "key_ops": ["sign"], "kid": "to sign"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA", "kid": "p384"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "broken"},
        SIGNERS["EdDSA"].public(),
    ]
    found = key_set(json.dumps({"keys": keys}).encode())
    assert [each.name for each in found.keys] == ["private", "key-EdDSA"]
    assert not hasattr(found.keys[0].key, "private_numbers")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"keys": 3}', b'{"keys": [3]}', b'{"keys": []}', b"\xff" * 9]
)
def test_what_is_no_key_set_is_refused(body: bytes) -> None:
    with pytest.raises(ConfigurationError):
        key_set(body)


def test_a_key_set_is_fetched_encrypted_or_on_this_machine() -> None:
    for good in ("https://login.example.org/keys", "http://127.0.0.1:9/k", "http://[::1]/k"):
        check_key_url(good)
    for bad in ("http://login.example.org/keys", "ftp://x/keys", "https://", "http:///keys"):
        with pytest.raises(ConfigurationError, match="has to be a file, or https://"):
            check_key_url(bad)


def test_a_key_set_in_a_file_is_read_again_and_the_last_good_one_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set_of(RSA))
    keys = KeySetFile(path)
    path.write_bytes(key_set_of(RSA, SIGNERS["ES256"]))
    assert keys.read() == "key-RS256 (RS256), key-ES256 (ES256)"
    path.write_text("half of a k")
    with pytest.raises(ConfigurationError):
        keys.read()
    assert keys.known is not None
    assert len(keys.known.keys) == 2


class Source:
    """An agent that answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[Deferred[Any]] = []

    def request(self, *_: Any, **__: Any) -> Deferred[Any]:
        self.asked.append(Deferred())
        return self.asked[-1]


class Reply:
    """An answer of so many bytes, or of that status."""

    def __init__(self, body: bytes, code: int = 200) -> None:
        self.body, self.code = body, code

    def deliverBody(self, protocol: Any) -> None:
        protocol.makeConnection(StringTransport())
        for at in range(0, len(self.body), 65_536):
            protocol.dataReceived(self.body[at : at + 65_536])
        protocol.connectionLost(Failure(ResponseDone()))


def _answer(waiting: Deferred[Any], answer: Reply | Exception) -> None:
    if isinstance(answer, Exception):
        waiting.errback(answer)
    else:
        waiting.callback(answer)


def fetched(source: Source, clock: Clock) -> KeySetURL:
    keys = KeySetURL(source, "https://login.example.org/keys", clock)  # type: ignore[arg-type]
    keys.startService()
    return keys


def test_a_key_set_is_fetched_at_the_start_renewed_and_kept_when_its_url_fails() -> None:
    source, clock = Source(), Clock()
    keys = fetched(source, clock)
    assert keys.known is None
    source.asked[0].callback(Reply(key_set_of(RSA)))
    assert str(keys.known) == "key-RS256 (RS256)"
    answers: list[Reply | Exception] = [
        Reply(b"<html>", 200),
        Reply(b"", 503),
        OSError("away"),
        Reply(b"[" * (key_sets.SIZE + 1)),
    ]
    clock.advance(key_sets.RENEW_S + 1)
    for number, each in enumerate(answers, 1):
        assert len(source.asked) == number + 1
        _answer(source.asked[-1], each)
        assert str(keys.known) == "key-RS256 (RS256)"
        clock.pump([1.0] * int(key_sets.RETRY_S + 1))
    assert keys.measures() == {"login_keys": 1, "login_keys_failed": 4}
    source.asked[-1].callback(Reply(key_set_of(SIGNERS["ES256"])))
    assert str(keys.known) == "key-ES256 (ES256)"
    keys.stopService()


def test_a_key_set_that_does_not_come_is_given_up() -> None:
    source, clock = Source(), Clock()
    keys = fetched(source, clock)
    cancelled: list[int] = []
    source.asked[0].addErrback(lambda _: cancelled.append(1))
    clock.advance(key_sets.FETCH_S + 0.1)
    assert keys.measures()["login_keys_failed"] == 1
    keys.stopService()


def test_unknown_keys_make_no_flood_of_questions() -> None:
    source, clock = Source(), Clock()
    keys = fetched(source, clock)
    source.asked[0].callback(Reply(key_set_of(RSA)))
    clock.advance(key_sets.AGAIN_S)
    said: list[bool] = []
    for _ in range(5):  # at once: one question, and one answer for all
        Deferred.fromCoroutine(keys.look_again()).addCallback(said.append)
    assert len(source.asked) == 2
    source.asked[1].callback(Reply(key_set_of(RSA)))
    assert said == [True] * 5
    for _ in range(5):
        Deferred.fromCoroutine(keys.look_again()).addCallback(said.append)
    assert (len(source.asked), said[5:]) == (2, [False] * 5)
    keys.stopService()
