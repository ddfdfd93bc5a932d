"""A certificate authority of a test's own, and the certificates that it gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Given:
    """Where a certificate and its key lie."""

    certificate: Path
    key: Path

    @property
    def flags(self) -> tuple[str, ...]:
        """As a daemon takes them."""
        return ("--tls-cert", str(self.certificate), "--tls-key", str(self.key))


class Authority:
    """Made anew for each test; `file` is what others have to trust."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._given = folder, 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _called(name)
        self.own = (
            _certificate(self._name, self._name, self._key, timedelta(days=30), timedelta())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(_subject(self._key), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self.own.public_bytes(Encoding.PEM))

    def give(self, *names: str, file: str = "", ago_days: int = 0, alone: bool = False) -> Given:
        """A certificate for these hosts and addresses, good for two days from `ago_days` ago on;
        signed by nobody but itself if it stands `alone`. `file`: to be written over."""
        names = names or HERE
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _called(names[0])
        signer, issuer = (key, subject) if alone else (self._key, self._name)
        made = (
            _certificate(subject, issuer, key, timedelta(days=2), timedelta(days=ago_days))
            .add_extension(x509.SubjectAlternativeName([*map(_named, names)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(_BOTH, critical=False)
            .add_extension(_subject(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
            .sign(signer, hashes.SHA256())
        )
        self._given += 1
        path = self._folder / (file or f"given-{self._given}")
        given = Given(path.with_suffix(".crt"), path.with_suffix(".key"))
        given.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        given.certificate.write_bytes(made.public_bytes(Encoding.PEM))
        return given


_BOTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


def _called(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _named(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    good_for: timedelta,
    ago: timedelta,
) -> x509.CertificateBuilder:
    began = datetime.now(UTC) - ago - timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + good_for)
    )


def _subject(key: ec.EllipticCurvePrivateKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
