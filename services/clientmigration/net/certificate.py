"""Certificates as PEM files have them: read, checked, and told in words. Nothing is opened here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from OpenSSL.crypto import X509, PKey

from clientmigration.errors import ConfigurationError


@dataclass(frozen=True)
class Certificate:
    """A certificate of ours, the chain that leads from it to an authority, and its key."""

    key: PKey
    own: X509
    chain: tuple[X509, ...]
    names: tuple[str, ...]  # of hosts, and addresses
    until: datetime

    def __str__(self) -> str:
        return f"for {', '.join(self.names) or 'no name'}, until {self.until:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Authorities:
    """Those whose word is taken for who somebody is."""

    certificates: tuple[X509, ...]

    def __str__(self) -> str:
        return f"{len(self.certificates)} of them"


def certificate_of(written: bytes, key: bytes, more: bytes = b"") -> Certificate:
    """What a file with a certificate and its chain, one with the key (it may be the same), and one
    with more of the chain say. ConfigurationError unless they belong together."""
    own, *chain = [*_certificates(written), *(_certificates(more) if more else ())]
    private = _key(key)
    if _public(private.public_key()) != _public(own.public_key()):
        raise ConfigurationError("the key is not that of the certificate, which has to be first")
    return Certificate(
        PKey.from_cryptography_key(private),  # type: ignore[arg-type]
        X509.from_cryptography(own),
        tuple(X509.from_cryptography(each) for each in chain),
        names_of(own),
        own.not_valid_after_utc,
    )


def authorities_of(written: bytes) -> Authorities:
    """What a file with certificates of authorities says."""
    return Authorities(tuple(X509.from_cryptography(each) for each in _certificates(written)))


def _certificates(written: bytes) -> Sequence[x509.Certificate]:
    if written.count(b"-----BEGIN ") != written.count(b"-----END "):
        raise ConfigurationError("the file ends in the middle")
    try:
        return x509.load_pem_x509_certificates(written)
    except ValueError as error:
        raise ConfigurationError("there is no certificate in the file, as PEM") from error


def _key(written: bytes) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(written, None)
    except TypeError as error:
        raise ConfigurationError("the key has a passphrase, and a daemon cannot ask") from error
    except Exception as error:  # ValueError, UnsupportedAlgorithm
        raise ConfigurationError("there is no key in the file, as PEM") from error


def _public(key: object) -> bytes:
    info: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return info


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The hosts and addresses that it is for."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    hosts = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return (*hosts, *map(str, addresses))


def left_days(until: datetime, now: float) -> float:
    """For how many days it is still good."""
    return (until - datetime.fromtimestamp(now, UTC)).total_seconds() / 86_400
