"""Everything that is signed: players' identities, tickets, and proofs of who is on a link.

Everything is keyed from the cluster's secret, with a different key for each use, and bound to the
cluster, a target and a time: a proof captured in one place opens nothing in another. The secret
itself never travels. Times are arguments; nothing here reads a clock.

While the secret is changed there are two, and both are good: everything is signed once with each,
and one good signature is enough. So it does not matter who has which of the two already.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm

from clientmigration.errors import ConfigurationError, NotAuthentic, TicketRefused

TICKET_TTL_S = 10.0  # a player connects within one round trip: the rest is for clocks that differ
_ALGORITHM = "HS256"
_json = msgspec.json.Encoder().encode
_in_order = msgspec.json.Encoder(order="sorted").encode
_UNTIMED: Any = {"verify_exp": False, "verify_iat": False}  # time is an argument here
_KEY_BYTES = 32
_SHORTEST = 32  # characters of a secret: 128 bits when written in hex
SECRETS = 2  # that are good at the same time
BETWEEN = "~"  # signatures of one thing with several secrets


class _Derived(HMACAlgorithm):
    """HMAC with a key that we have derived: PyJWT would look, each time, whether it is one of RSA,
    which takes longer than to sign."""

    def prepare_key(self, key: str | bytes) -> bytes:
        assert isinstance(key, bytes)
        return key

    def sign(self, msg: bytes, key: bytes) -> bytes:
        return hmac.digest(key, msg, "sha256")


class _Header(json.JSONEncoder):
    """The same words by msgspec: json makes an encoder each time."""

    def encode(self, o: Any) -> str:
        return _in_order(o).decode()


_JWS = jwt.PyJWS()  # signs bytes; to make those, PyJWT takes half as long again
_JWS.unregister_algorithm(_ALGORITHM)
_JWS.register_algorithm(_ALGORITHM, _Derived(HMACAlgorithm.SHA256))


class Ticket(msgspec.Struct, frozen=True):
    """What a good ticket says: this migration brings `player`. `holder` is for its proof of
    possession: whoever shows the ticket has to know the secret that hashes to it."""

    migration: str
    player: str
    member: str
    epoch: int
    holder: str


def hashed(secret: str) -> str:
    """What stands for a player's secret where that must not be shown: its SHA-256, hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Proofs:
    """Makes and checks proofs that both ends of a link know the same key, which never travels.
    `keys` answers those that are good now."""

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys

    @classmethod
    def from_file(cls, path: Path) -> Proofs:
        """From a file with a key in hex on each line, for those who do not have the cluster's
        secret."""
        keys = keys_in(path)
        return cls(lambda: keys)

    def in_hex(self) -> str:
        """The keys, a line each, for a file that only its user may read."""
        return "\n".join(key.hex() for key in self._keys())

    def proof(self, side: str, *parts: str) -> str:
        """Proof by `side` over `parts`, hex, one with each key."""
        return BETWEEN.join(self._proofs(side, parts))

    def _proofs(self, side: str, parts: Sequence[str]) -> list[str]:
        """Length-prefixed, so no two lists prove alike."""
        text = "".join(f"{len(part)}:{part}" for part in (side, *parts)).encode()
        return [hmac.new(key, text, "sha256").hexdigest() for key in self._keys()]

    def proven(self, proof: str, side: str, *parts: str) -> None:
        """Raise `NotAuthentic` unless `proof` is `side`'s over `parts`, with one of the keys."""
        shown, good = _signatures(proof), self._proofs(side, parts)
        pairs = [(one.encode(), other.encode()) for one in shown for other in good]
        if not any(hmac.compare_digest(one, other) for one, other in pairs):
            raise NotAuthentic(f"the {side} does not know the cluster secret")


def _signatures(text: str) -> list[str]:
    """Of one thing; more than there can be are not looked at."""
    return text.split(BETWEEN, SECRETS)[:SECRETS]


def keys_in(path: Path) -> tuple[bytes, ...]:
    """The keys of a file, the newest first. ConfigurationError says what is wrong with it."""
    try:
        keys = tuple(bytes.fromhex(line) for line in path.read_text().split())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"no key in {path}: {error}") from error
    if not keys:
        raise ConfigurationError(f"no key in {path}: it is empty")
    if len(keys) > SECRETS:
        raise ConfigurationError(f"{len(keys)} keys in {path}: 1 or {SECRETS} are good at a time")
    for key in keys:
        if len(key) != _KEY_BYTES:
            raise ConfigurationError(f"no key in {path}: it has {len(key)} bytes")
    return keys


def secrets_in(path: Path) -> tuple[str, ...]:
    """The secrets of a file, one a line, the newest first; or an error that says what to do."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigurationError(
            f"no cluster secret in {path} ({why}): the stack makes one; to make one "
            f"by hand: (umask 077; openssl rand -hex 32 > {path})"
        ) from error
    return tuple(line.strip() for line in lines if line.strip())


class Seals:
    """Issues and checks every signed thing. One per daemon, made from the cluster's secret, or from
    the two that are good while it is changed, the newest first."""

    def __init__(self, *secrets: str) -> None:
        self._secrets: tuple[bytes, ...] = ()
        self._by_use: dict[str, list[bytes]] = {}
        self.renew(secrets)

    @classmethod
    def from_file(cls, path: Path) -> Seals:
        """From the lines of a file, or an error that says what to do."""
        return cls(*secrets_in(path))

    def renew(self, secrets: Sequence[str]) -> None:
        """These are good from now on, and no others. Raises `ConfigurationError`, and nothing
        changes, when they cannot be."""
        if not 0 < len(secrets) <= SECRETS:
            raise ConfigurationError(
                f"{len(secrets)} cluster secrets: 1 or {SECRETS} are good at a time, a line each"
            )
        if any(len(secret) < _SHORTEST for secret in secrets):
            raise ConfigurationError(f"the cluster secret has fewer than {_SHORTEST} characters")
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._by_use = {}

    @property
    def count(self) -> int:
        """How many secrets are good now."""
        return len(self._secrets)

    def _keys(self, use: str) -> list[bytes]:
        keys = self._by_use.get(use)
        if keys is None:
            label = b"clientmigration 1 " + use.encode()
            keys = [hmac.digest(secret, label, "sha256") for secret in self._secrets]
            self._by_use[use] = keys
        return keys

    def _signed(self, claims: dict[str, Any], use: str) -> str:
        said = _json(claims)
        return BETWEEN.join(
            [_JWS.encode(said, key, _ALGORITHM, json_encoder=_Header) for key in self._keys(use)]
        )

    # Identities: who a player is.

    def identity(self, player: str, now: float, until: float | None = None) -> str:
        """The token that a player keeps to come back as `player`; of one who has logged in, until
        then (Unix seconds)."""
        claims = {"sub": player, "aud": "identity", "iat": int(now)}
        if until is not None:
            claims["exp"] = int(until)
        return self._signed(claims, "identity")

    def is_fresh(self, token: str) -> bool:
        """Whether this good token is signed with each secret of now, and no other."""
        signatures, keys = _signatures(token), self._keys("identity")
        return len(signatures) == len(keys) and all(
            _decoded(one, key, "identity") is not None
            for one, key in zip(signatures, keys, strict=True)
        )

    def identified(self, token: str) -> str:
        """The player whose token this is."""
        return self.known(token)[0]

    def known(self, token: str) -> tuple[str, float | None]:
        """The same, and until when (Unix seconds) this token is good; None: for ever."""
        claims = self._open(token, "identity", "identity", NotAuthentic)
        return str(claims["sub"]), claims.get("exp")

    # Tickets: where a player may go, once, soon.

    def ticket(self, ticket: Ticket, now: float) -> str:
        """A token for `ticket`, good for `TICKET_TTL_S` seconds."""
        claims = {
            "jti": ticket.migration,
            "sub": ticket.player,
            "aud": ticket.member,
            "epoch": ticket.epoch,
            "holder": ticket.holder,
            "exp": now + TICKET_TTL_S,
        }
        return self._signed(claims, "ticket")

    def redeemed(self, token: str, member: str, secret: str, now: float) -> Ticket:
        """What `token` says, shown to `member` by one who knows `secret`; or `TicketRefused`."""
        claims = self._open(token, "ticket", member, TicketRefused)
        if claims["exp"] <= now:
            raise TicketRefused(
                f"the ticket expired {now - claims['exp']:.1f} s ago by this server's clock: the"
                f" player took over {TICKET_TTL_S:g} s, or a clock is wrong, here or at the router"
            )
        if not hmac.compare_digest(claims["holder"], hashed(secret)):
            raise TicketRefused("the ticket is somebody else's")
        return Ticket(claims["jti"], claims["sub"], member, claims["epoch"], claims["holder"])

    def _open(
        self, token: str, use: str, audience: str, error: type[NotAuthentic | TicketRefused]
    ) -> dict[str, Any]:
        why = ""
        for signature in _signatures(token):
            for key in self._keys(use):
                try:
                    return _decode(signature, key, audience)
                except jwt.InvalidAudienceError:
                    raise error(f"the {use} is for another server than {audience}") from None
                except jwt.InvalidTokenError as fault:
                    why = why or str(fault)
        raise error(f"this {use} is not one of ours: {why}")

    # Links: both sides show that they know the secret, over both nonces.

    def proofs(self, use: str) -> Proofs:
        """Proofs with the key of one use: "attach" for members, "watcher" or "operator"."""
        return Proofs(lambda: self._keys(use))

    def proof(self, side: str, *parts: str) -> str:
        """A proof of a member link by `side` ("member" or "router")."""
        return self.proofs("attach").proof(side, *parts)

    def proven(self, proof: str, side: str, *parts: str) -> None:
        """Raise `NotAuthentic` unless `proof` is `side`'s over `parts`."""
        self.proofs("attach").proven(proof, side, *parts)


def _decode(signature: str, key: bytes, audience: str) -> dict[str, Any]:
    return jwt.decode(signature, key, [_ALGORITHM], audience=audience, options=_UNTIMED)


def _decoded(signature: str, key: bytes, audience: str) -> dict[str, Any] | None:
    try:
        return _decode(signature, key, audience)
    except jwt.InvalidTokenError:
        return None
