"""Certificates as PEM files have them: read, checked, and told in words. Nothing is opened here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPrivateKeyTypes,
    PublicKeyTypes,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from clientmigration.errors import ConfigurationError


@dataclass(frozen=True)
class Certificate:
    """A certificate of ours, the chain that leads from it to an authority, and its key."""

    key: CertificateIssuerPrivateKeyTypes
    own: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    names: tuple[str, ...]  # of hosts, and addresses
    until: datetime

    def __str__(self) -> str:
        return f"for {', '.join(self.names) or 'no name'}, until {self.until:%Y-%m-%d %H:%M} UTC"


@dataclass(frozen=True)
class Authorities:
    """Those whose word is taken for who somebody is."""

    certificates: tuple[x509.Certificate, ...]

    def __str__(self) -> str:
        return f"{len(self.certificates)} of them"


def certificate_of(written: bytes, key: bytes, more: bytes = b"") -> Certificate:
    """What a file with a certificate and its chain, one with the key (it may be the same), and one
    with more of the chain say. ConfigurationError unless they belong together."""
    own, *chain = [*_certificates(written), *(_certificates(more) if more else ())]
    private = _key(key)
    if _public(private.public_key()) != _public(own.public_key()):
        raise ConfigurationError("the key is not that of the certificate, which has to be first")
    return Certificate(private, own, tuple(chain), names_of(own), own.not_valid_after_utc)


def authorities_of(written: bytes) -> Authorities:
    """What a file with certificates of authorities says."""
    return Authorities(tuple(_certificates(written)))


def _certificates(written: bytes) -> Sequence[x509.Certificate]:
    if written.count(b"-----BEGIN ") != written.count(b"-----END "):
        raise ConfigurationError("the file ends in the middle")
    try:
        return x509.load_pem_x509_certificates(written)
    except ValueError as error:
        raise ConfigurationError("there is no certificate in the file, as PEM") from error


def _key(written: bytes) -> CertificateIssuerPrivateKeyTypes:
    try:
        return load_pem_private_key(written, None)  # type: ignore[return-value] # else it fits none
    except TypeError as error:
        raise ConfigurationError("the key has a passphrase, and a daemon cannot ask") from error
    except Exception as error:  # ValueError, UnsupportedAlgorithm
        raise ConfigurationError("there is no key in the file, as PEM") from error


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


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
