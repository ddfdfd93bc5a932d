"""The keys by which logins are signed: a key set (JWKS, RFC 7517), from a file or from a URL.

Only public keys of RS256, ES256 and EdDSA are taken from it: others are passed over, so that what
is public can never be used as a secret. The last good set is kept, whatever becomes of its source.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import jwt
import msgspec
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from OpenSSL.crypto import X509
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol as Receiver
from twisted.internet.protocol import connectionDone
from twisted.internet.ssl import Certificate as TLSCertificate
from twisted.internet.ssl import trustRootFromCertificates
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, BrowserLikePolicyForHTTPS, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IAgent, IResponse

from clientmigration.errors import Away, ConfigurationError
from clientmigration.net.beats import Beats
from clientmigration.net.certificate import authorities_of

log = Logger()

KEYS = 64  # in a set, at most
SIZE = 262_144  # bytes of a set, at most
FETCH_S = 4.0  # for the whole of an answer: who logs in waits for it
RENEW_S = 300.0  # how often a set is fetched that is good
RETRY_S = 30.0  # and one that could not be had
AGAIN_S = 10.0  # between two fetches because of a key that is not in the set
RSA_BITS = 2048  # at least


@dataclass(frozen=True)
class LoginKey:
    """One public key: what it is called, and the one algorithm that it is for."""

    name: str
    algorithm: str
    key: Any


@dataclass(frozen=True)
class KeySet:
    """The keys that are good at one time."""

    keys: tuple[LoginKey, ...] = ()

    def of(self, name: str | None, algorithm: str) -> list[LoginKey]:
        """Those by which a token may be signed that names a key, or none."""
        return [key for key in self.keys if key.algorithm == algorithm and name in (None, key.name)]

    def __str__(self) -> str:
        named = ", ".join(f"{each.name or 'no name'} ({each.algorithm})" for each in self.keys)
        return named or "no keys"


class LoginKeys(Protocol):
    """Where the keys are had from. `known` is None until there was a set."""

    known: KeySet | None

    def measures(self) -> dict[str, float]:
        """Of the catalogue."""

    async def look_again(self) -> bool:
        """A key is not in the set: ask for a newer one. False: that cannot be done now."""


def key_set(body: bytes) -> KeySet:
    """The keys that a JWKS has. ConfigurationError: it is none, or has none that can be used."""
    try:
        listed = msgspec.json.decode(body)["keys"]
        found = [_key(each) for each in listed[: KEYS + 1]]
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"this is no key set (JWKS): {error}") from error
    if len(listed) > KEYS:
        raise ConfigurationError(f"a key set of {len(listed)} keys: at most {KEYS} are read")
    keys = tuple(filter(None, found))
    if not keys:
        raise ConfigurationError(
            "this key set has no public key for RS256 (2048 bits or more), ES256 or EdDSA (Ed25519)"
        )
    return KeySet(keys)


def _key(said: dict[str, Any]) -> LoginKey | None:
    """One of a set, or None for one that is not for this."""
    made: tuple[str, Any, dict[str, Any]]
    match said.get("kty"), said.get("crv"):
        case "RSA", _:
            made = "RS256", RSAAlgorithm, {name: said.get(name) for name in ("n", "e")}
        case "EC", "P-256":
            made = "ES256", ECAlgorithm, {name: said.get(name) for name in ("x", "y")}
        case "OKP", "Ed25519":
            made = "EdDSA", OKPAlgorithm, {"x": said.get("x")}
        case _:
            return None
    algorithm, kind, public = made
    usable = said.get("use", "sig") == "sig" and said.get("alg", algorithm) in (
        algorithm,
        *(("Ed25519",) if algorithm == "EdDSA" else ()),
    )
    if not usable or "verify" not in said.get("key_ops", ["verify"]):
        return None
    try:
        public |= {name: said[name] for name in ("kty", "crv") if name in said}
        key: Any = kind.from_jwk(public)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        log.warn("a key of a key set is passed over: {why}", why=str(error))
        return None
    if algorithm == "RS256" and key.key_size < RSA_BITS:
        log.warn("a key of a key set is passed over: {n} bits are too few", n=key.key_size)
        return None
    return LoginKey(str(said.get("kid", "")), algorithm, key)


class KeySetFile:
    """A key set in a file, which is read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: KeySet | None = None
        self.read()

    def read(self) -> str:
        """What it says counts from now on. ConfigurationError if it cannot be."""
        try:
            with self._path.open("rb") as file:
                body = file.read(SIZE + 1)
        except OSError as error:
            raise ConfigurationError(f"no key set in {self._path}: {error.strerror}") from error
        if len(body) > SIZE:
            raise ConfigurationError(f"{self._path}: a key set of more than {SIZE:,} bytes")
        self.known = key_set(body)
        return str(self.known)

    def measures(self) -> dict[str, float]:
        """Of the catalogue."""
        return {"login_keys": len(self.known.keys) if self.known else 0}

    async def look_again(self) -> bool:
        """A file is looked at by itself, every second."""
        return True


class KeySetURL(Service):
    """A key set that is fetched from `url`: at the start, every `RENEW_S`, and when a key is asked
    for that is not in it, but then not more often than every `AGAIN_S`."""

    def __init__(self, agent: IAgent, url: str, clock: IReactorTime) -> None:
        self._agent, self._url, self._clock = agent, url, clock
        self.known: KeySet | None = None
        self.failed = 0
        self._began_at = -AGAIN_S
        self._due_at = 0.0
        self._asking: list[Deferred[bool]] | None = None  # who waits for the answer under way
        self._beats = Beats(clock)
        self._beats.every(1.0, "renewing the key set", self._look)

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._beats.start()
        self._look()

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        self._beats.stop()

    def measures(self) -> dict[str, float]:
        """Of the catalogue."""
        failed, self.failed = self.failed, 0
        keys = len(self.known.keys) if self.known else 0
        return {"login_keys": keys, "login_keys_failed": failed}

    def _look(self) -> None:
        if self._asking is None and self._clock.seconds() >= self._due_at:
            self._beats.spawn("renewing the key set", self._ask())

    async def look_again(self) -> bool:
        """Fetch it, unless that was done just now: then what is known is all that can be."""
        if self._asking is None and self._clock.seconds() - self._began_at < AGAIN_S:
            return False
        return await self._ask()

    async def _ask(self) -> bool:
        """One question at a time, whoever wants to know."""
        if self._asking is not None:
            waiter: Deferred[bool] = Deferred()
            self._asking.append(waiter)
            return await waiter
        self._asking, self._began_at = [], self._clock.seconds()
        good = await self._fetched()
        self._due_at = self._clock.seconds() + (RENEW_S if good else RETRY_S)
        waiting, self._asking = self._asking, None
        for each in waiting:
            each.callback(good)
        return good

    async def _fetched(self) -> bool:
        try:
            asking = Deferred.fromCoroutine(self._fetch())
            found = key_set(await asking.addTimeout(FETCH_S, self._clock))
        except (DeferredTimeout, CancelledError):
            self._no(f"no answer within {FETCH_S:g} s")
            return False
        except Exception as error:
            self._no(str(error) or type(error).__name__)
            return False
        if found.keys and found != self.known:
            log.info("key set {url}: {keys}", url=self._url, keys=str(found))
        self.known = found
        return True

    def _no(self, why: str) -> None:
        self.failed += 1
        kept = "the last one is kept" if self.known else "nobody can log in yet"
        log.warn("no key set from {url}, {kept}: {why}", url=self._url, kept=kept, why=why)

    async def _fetch(self) -> bytes:
        response: IResponse = await self._agent.request(b"GET", self._url.encode())
        if response.code != 200:
            raise Away(f"it answers {response.code}")
        body = _Bounded()
        response.deliverBody(cast(Any, body))
        return await body.whole


def check_key_url(url: str) -> None:
    """ConfigurationError unless a key set may be fetched there: what is plain could be changed on
    its way, and with it who everybody is."""
    parts = urlsplit(url)
    plain = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (plain or parts.scheme == "https"):
        raise ConfigurationError(
            f"--login-keys {url}: it has to be a file, or https://..., or http:// on this machine"
        )


def authorities_in(file: str) -> Any:
    """The authorities in a file (PEM). ConfigurationError if there are none."""
    try:
        authorities = authorities_of(Path(file).read_bytes())
    except OSError as error:
        raise ConfigurationError(f"--login-ca {file}: {error.strerror}") from error
    found = [TLSCertificate(X509.from_cryptography(each)) for each in authorities.certificates]
    return trustRootFromCertificates(found)


def key_agent(reactor: Any, trusted: Any = None) -> IAgent:
    """What key sets are fetched with; it follows no redirects."""
    policy = BrowserLikePolicyForHTTPS(trusted)
    return cast(IAgent, Agent(reactor, policy, connectTimeout=FETCH_S))


class _Bounded(Receiver):
    """Collects a body, and hangs up when it is too large, or nobody waits for it any more."""

    def __init__(self) -> None:
        self._parts = bytearray()
        self.whole: Deferred[bytes] = Deferred(lambda _: self._hang_up())

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        self._parts += data
        if len(self._parts) > SIZE and not self.whole.called:
            self._hang_up()
            self.whole.errback(Away(f"it sends more than {SIZE:,} bytes"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.whole.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.whole.callback(bytes(self._parts))
        else:
            self.whole.errback(reason)
