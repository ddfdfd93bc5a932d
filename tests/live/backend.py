"""A game's own backend for tests: keys of each kind, their key set, and logins signed by them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://login.example.org", "game"
KINDS: Mapping[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
_MAKE: Mapping[str, Any] = {
    "RS256": lambda: rsa_key(65537, 2048),
    "ES256": lambda: ec_key(SECP256R1()),
    "EdDSA": Ed25519PrivateKey.generate,
}


class Signer:
    """One private key of a backend, and its name."""

    def __init__(self, algorithm: str, name: str) -> None:
        self.algorithm, self.name = algorithm, name
        self.key = _MAKE[algorithm]()

    def public(self) -> dict[str, Any]:
        """As a key set has it."""
        said: dict[str, Any] = json.loads(KINDS[self.algorithm].to_jwk(self.key.public_key()))
        return {**said, "kid": self.name, "use": "sig", "alg": self.algorithm}

    def pem(self) -> bytes:
        """The public key, as attackers have it too."""
        return bytes(
            self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        )

    def login(self, subject: str, now: float, **claims: Any) -> str:
        """A login, good for an hour; a claim that is None is left out."""
        said = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": int(now), "exp": now + 3600}
        kept = {name: value for name, value in {**said, **claims}.items() if value is not None}
        return jwt.encode(kept, self.key, self.algorithm, headers={"kid": self.name})


def key_set_of(*signers: Signer) -> bytes:
    """A key set (JWKS)."""
    return json.dumps({"keys": [each.public() for each in signers]}).encode()


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes = b"") -> str:
    """What no library would sign: without a signature, or with a public key taken for a secret."""
    text = f"{_part(header)}.{_part(claims)}"
    made = hmac.digest(secret, text.encode(), hashlib.sha256) if secret else b""
    return f"{text}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"
