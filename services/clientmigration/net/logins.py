"""Logins: tokens of the game's own backend (JWT, RFC 7519) that say who a player is.

A login counts when its signature is by a key of the set, by that key's own algorithm; when it is
from the issuer and for the audience that the router was told; when its time has come and is not
over; and when its subject may be one. Times are arguments; nothing here reads a clock.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jwt

from clientmigration.core.player.names import NamePattern
from clientmigration.errors import LoginLater, LoginRefused
from clientmigration.net.key_sets import LoginKeys

ALGORITHMS = ("RS256", "ES256", "EdDSA")
LEEWAY_S = 10.0  # clocks differ
Why = Literal["time", "issuer", "audience", "subject", "signature", "format"]
WHYS: tuple[Why, ...] = get_args(Why)
"""Why a login is refused, as it is counted."""
_UNCHECKED: Any = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub")}


@dataclass(frozen=True)
class LoginRules:
    """From whom logins have to be, for whom, and what their subjects may be."""

    issuer: str
    audience: str
    subjects: NamePattern


def player_of(issuer: str, subject: str) -> str:
    """The name of the player who is this subject: the first 16 hex digits of the SHA-256 of the
    issuer, a line feed and the subject."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:16]


class Logins:
    """`now` is the date."""

    def __init__(self, keys: LoginKeys, rules: LoginRules, now: Callable[[], float]) -> None:
        self.keys, self.rules, self._now = keys, rules, now

    async def subject(self, token: str) -> str:
        """Whose login this is. Raises LoginRefused; or LoginLater, if its key is not known and may
        be in a newer set, which cannot be had now."""
        name, algorithm = _header(token)
        if self.keys.known is None:
            await self.keys.look_again()
        known = self.keys.known
        if known is None:
            raise LoginLater("the keys by which logins are signed are not here yet; try again")
        found = known.of(name, algorithm)
        if not found:
            looked = await self.keys.look_again()
            found = (self.keys.known or known).of(name, algorithm)
            if not found and not looked:
                raise LoginLater("your login names a key that is not known yet; try again")
        if not found:
            raise LoginRefused("signature", "your login is signed by a key that is not known here")
        return self._checked(_claims(token, [each.key for each in found], algorithm))

    def player(self, subject: str) -> str:
        """The name of the player who is this subject."""
        return player_of(self.rules.issuer, subject)

    def _checked(self, claims: dict[str, Any]) -> str:
        rules = self.rules
        self._check_times(claims)
        if claims.get("iss") != rules.issuer:
            raise LoginRefused("issuer", f"your login is not from {rules.issuer}")
        audience = claims.get("aud")
        if rules.audience not in (audience if isinstance(audience, list) else [audience]):
            raise LoginRefused("audience", f"your login is not for {rules.audience}")
        subject = claims.get("sub")
        if not isinstance(subject, str):
            raise LoginRefused("subject", "your login has no subject")
        if why := rules.subjects.refusal(subject):
            raise LoginRefused("subject", why)
        return subject

    def _check_times(self, claims: dict[str, Any]) -> None:
        now, ends = self._now(), _time(claims, "exp")
        if ends is None:
            raise LoginRefused("time", "your login has no time at which it expires")
        if ends <= now - LEEWAY_S:
            raise LoginRefused("time", f"your login expired {now - ends:.0f} s ago; log in again")
        for claim in ("nbf", "iat"):
            begins = _time(claims, claim)
            if begins is not None and begins > now + LEEWAY_S:
                raise LoginRefused(
                    "time", f"your login is not good for another {begins - now:.0f} s"
                )


def _time(claims: dict[str, Any], claim: str) -> float | None:
    value = claims.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LoginRefused("format", f"your login says no time as {claim}")
    return float(value)


def _header(token: str) -> tuple[str | None, str]:
    """The key that a token names, if it names one, and its algorithm, which has to be one of
    ours."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.InvalidTokenError, ValueError) as error:
        raise LoginRefused("format", f"your login is no JWT: {error}") from error
    name, algorithm = header.get("kid"), header.get("alg")
    if algorithm not in ALGORITHMS:
        allowed = ", ".join(ALGORITHMS)
        raise LoginRefused(
            "signature", f"logins are signed by {allowed} here, and not {algorithm!r}"
        )
    if "crit" in header:
        raise LoginRefused("format", "your login demands what is not understood here (crit)")
    return name, str(algorithm)


def _claims(token: str, keys: list[Any], algorithm: str) -> dict[str, Any]:
    """What a token says whose signature is by one of these keys."""
    for key in keys:
        try:
            return dict(jwt.decode(token, key, [algorithm], options=_UNCHECKED))
        except jwt.InvalidSignatureError:
            continue
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise LoginRefused("format", f"your login cannot be read: {error}") from error
    raise LoginRefused("signature", "your login is not signed by the key that it names")
