"""Everything that is signed: players' identities, tickets, and proofs of who is on a link.

Everything is keyed from the one cluster secret, with a different key for each use, and bound to the
cluster, a target and a time: a proof captured in one place opens nothing in another. The secret
itself never travels. Times are arguments; nothing here reads a clock.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from clientmigration.errors import ConfigurationError, NotAuthentic, TicketRefused

TICKET_TTL_S = 10.0  # a player connects within one round trip: the rest is for clocks that differ
_ALGORITHM = "HS256"
_UNTIMED: Any = {"verify_exp": False, "verify_iat": False}  # time is an argument here
_KEY_BYTES = 32
_SHORTEST = 32  # characters of a secret: 128 bits when written in hex


@dataclass(frozen=True)
class Ticket:
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
    """Makes and checks proofs that both ends of a link know the same key, which never travels."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def from_file(cls, path: Path) -> Proofs:
        """From a file with the key in hex, for those who do not have the cluster's secret."""
        try:
            key = bytes.fromhex(path.read_text().strip())
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"no key in {path}: {error}") from error
        if len(key) != _KEY_BYTES:
            raise ConfigurationError(f"no key in {path}: it has {len(key)} bytes")
        return cls(key)

    def in_hex(self) -> str:
        """The key, for a file that only its user may read."""
        return self._key.hex()

    def proof(self, side: str, *parts: str) -> str:
        """Proof by `side` over `parts`, hex. Length-prefixed, so no two lists prove alike."""
        text = "".join(f"{len(part)}:{part}" for part in (side, *parts))
        return hmac.new(self._key, text.encode(), "sha256").hexdigest()

    def proven(self, proof: str, side: str, *parts: str) -> None:
        """Raise `NotAuthentic` unless `proof` is `side`'s over `parts`."""
        if not hmac.compare_digest(proof.encode(), self.proof(side, *parts).encode()):
            raise NotAuthentic(f"the {side} does not know the cluster secret")


class Seals:
    """Issues and checks every signed thing. One per daemon, made from the cluster secret."""

    def __init__(self, secret: str) -> None:
        if len(secret) < _SHORTEST:
            raise ConfigurationError(f"the cluster secret has fewer than {_SHORTEST} characters")
        self._secret = secret.encode()

    @classmethod
    def from_file(cls, path: Path) -> Seals:
        """From the first line of a file, or an error that says what to do."""
        try:
            return cls(path.read_text().strip())
        except OSError as error:
            raise ConfigurationError(
                f"no cluster secret in {path} ({error.strerror}): the stack makes one; to make one "
                f"by hand: (umask 077; openssl rand -hex 32 > {path})"
            ) from error

    def _key(self, use: str) -> bytes:
        return hmac.digest(self._secret, b"clientmigration 1 " + use.encode(), "sha256")

    # Identities: who a player is.

    def identity(self, player: str, now: float) -> str:
        """The token that a player keeps to come back as `player`."""
        claims = {"sub": player, "aud": "identity", "iat": int(now)}
        return jwt.encode(claims, self._key("identity"), _ALGORITHM)

    def identified(self, token: str) -> str:
        """The player whose token this is."""
        return str(self._open(token, "identity", "identity", NotAuthentic)["sub"])

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
        return jwt.encode(claims, self._key("ticket"), _ALGORITHM)

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
        key = self._key(use)
        try:
            return jwt.decode(token, key, [_ALGORITHM], audience=audience, options=_UNTIMED)
        except jwt.InvalidAudienceError:
            raise error(f"the {use} is for another server than {audience}") from None
        except jwt.InvalidTokenError as fault:
            raise error(f"this {use} is not one of ours: {fault}") from None

    # Links: both sides show that they know the secret, over both nonces.

    def proofs(self, use: str) -> Proofs:
        """Proofs with the key of one use: "attach" for members, "watcher" or "operator"."""
        return Proofs(self._key(use))

    def proof(self, side: str, *parts: str) -> str:
        """A proof of a member link by `side` ("member" or "router")."""
        return self.proofs("attach").proof(side, *parts)

    def proven(self, proof: str, side: str, *parts: str) -> None:
        """Raise `NotAuthentic` unless `proof` is `side`'s over `parts`."""
        self.proofs("attach").proven(proof, side, *parts)
