"""What both sides of a TLS connection ask of each other: versions, ciphers, certificates, names.

TLS 1.2 and 1.3 with keys that are made for each connection, and nothing older. Whoever is dialled
has to prove that it is who was meant; there is no way to skip that.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Protocol

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509, X509StoreFlags
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from clientmigration.errors import HandshakeFailed, NotTrusted, PeersFault
from clientmigration.net.certificate import Authorities, Certificate, names_of
from clientmigration.net.renewed import Renewed

CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; all of 1.3 are good
DEPTH = 9
_OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_CIPHER_SERVER_PREFERENCE | SSL.OP_NO_RENEGOTIATION
DOUBTS = {  # OpenSSL's numbers, X509_V_ERR_*
    9: "is not valid yet",
    10: "has expired",
    18: "is signed by nobody but itself",
    19: "comes from an authority that is not trusted here",
    20: "comes from an authority that is not trusted here",
    21: "comes without the chain that leads to an authority",
    23: "is revoked",
    24: "comes from somebody who is no authority",
    26: "is not made for this",
}
REASONS = {  # OpenSSL's words, as far as others are clearer
    "wrong version number": "the other side does not speak TLS",
    "packet length too long": "the other side does not speak TLS",
    "http request": "the other side speaks HTTP and no TLS",
    "https proxy request": "the other side speaks HTTP and no TLS",
    "unsupported protocol": "the other side speaks no TLS 1.2 or later",
    "no protocols available": "the other side speaks no TLS 1.2 or later",
    "no shared cipher": "there is no cipher that both sides take",
    "peer did not return a certificate": "the other side shows no certificate",
}
ALERTS = {  # what the other side says before it closes
    "protocol version": "the other side speaks no TLS that is spoken here",
    "handshake failure": "the other side takes no such handshake",
    "certificate required": "the other side demands a certificate",
    "unknown ca": "the other side does not trust our certificate's authority",
    "certificate expired": "the other side says that a certificate of ours has expired",
    "bad certificate": "the other side does not take our certificate",
    "certificate unknown": "the other side does not take our certificate",
    "unsupported certificate": "the other side does not take our certificate",
    "certificate revoked": "the other side says that our certificate is revoked",
}
_ITS = "its certificate"


def is_for(certificate: x509.Certificate, host: str) -> bool:
    """Whether a certificate is for a host of this name, or at this address."""
    try:
        if isIPAddress(host) or isIPv6Address(host):
            verify_certificate_ip_address(certificate, str(ip_address(host)))
        else:
            verify_certificate_hostname(certificate, host)
    except (VerificationError, CertificateError, ValueError):
        return False
    return True


class Doubted(Protocol):
    """One connection, that has another side."""

    def doubt(self, why: str) -> None:
        """Its certificate is not good."""


def _verifying(connection: SSL.Connection, mode: int, doubted: Doubted) -> SSL.Connection:
    """Have OpenSSL verify the chain, and its first doubt told."""

    def verified(_: SSL.Connection, _shown: object, number: int, depth: int, good: int) -> bool:
        if not good:
            whose = "the certificate of its authority" if depth and number in (9, 10) else _ITS
            said = DOUBTS.get(number, f"is not good (OpenSSL's error {number})")
            doubted.doubt(f"{whose} {said}")
        return bool(good)

    connection.set_verify(mode, verified)
    return connection


def _context(shown: Certificate | None) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(_OPTIONS)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_cipher_list(CIPHERS)
    context.set_verify_depth(DEPTH)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if shown is not None:
        context.use_certificate(shown.own)
        for each in shown.chain:
            context.add_extra_chain_cert(each)
        context.use_privatekey(shown.key)  # type: ignore[arg-type] # OpenSSL says what it takes
    return context


def _believing(context: SSL.Context, authorities: Authorities) -> None:
    store = context.get_cert_store()
    assert store is not None
    for each in authorities.certificates:
        store.add_cert(X509.from_cryptography(each))
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN)  # one in the middle is an authority too


@implementer(IOpenSSLServerConnectionCreator)
class Shown:
    """The side that is dialled: shows its newest certificate, and may demand one that comes from
    `demanded` authorities."""

    def __init__(
        self, ours: Renewed[Certificate], demanded: Renewed[Authorities] | None = None
    ) -> None:
        self._ours, self._demanded = ours, demanded
        self._made: tuple[object, SSL.Context] | None = None

    def serverConnectionForTLS(self, tlsProtocol: Doubted) -> SSL.Connection:
        """For one connection. Those that stand keep what they have."""
        connection = SSL.Connection(self._context(), None)
        if self._demanded is None:
            return connection
        demand = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        return _verifying(connection, demand, tlsProtocol)

    def _context(self) -> SSL.Context:
        demanded = self._demanded.value if self._demanded else None
        now = (self._ours.value, demanded)
        if self._made is None or self._made[0] != now:
            context = _context(self._ours.value)
            if demanded is not None:
                _believing(context, demanded)
                for each in demanded.certificates:
                    context.add_client_ca(each)
                context.set_options(SSL.OP_NO_TICKET)  # everybody shows it, each time
            self._made = now, context
        return self._made[1]

    def check(self, connection: SSL.Connection) -> None:
        """Names of who dials are not asked for."""


class Trust:
    """Whom the dialling side believes: `authorities`, or the system's; and what it shows of itself
    (`ours`) to who demands that."""

    def __init__(
        self,
        authorities: Renewed[Authorities] | None = None,
        ours: Renewed[Certificate] | None = None,
    ) -> None:
        self._authorities, self._ours = authorities, ours
        self._made: tuple[object, SSL.Context] | None = None

    def of(self, host: str) -> Dialled:
        """For connections to a host of this name, or at this address."""
        return Dialled(self, host)

    def context(self) -> SSL.Context:
        """With what files say now."""
        believed = self._authorities.value if self._authorities else None
        shown = self._ours.value if self._ours else None
        if self._made is None or self._made[0] != (believed, shown):
            context = _context(shown)
            if believed is None:
                context.set_default_verify_paths()
            else:
                _believing(context, believed)
            self._made = (believed, shown), context
        return self._made[1]


@implementer(IOpenSSLClientConnectionCreator)
class Dialled:
    """One host that is dialled, and has to prove that it is the one that was meant."""

    def __init__(self, trust: Trust, host: str) -> None:
        self._trust, self.host = trust, host
        self._is_address = isIPAddress(host) or isIPv6Address(host)

    def clientConnectionForTLS(self, tlsProtocol: Doubted) -> SSL.Connection:
        """For one connection."""
        connection = SSL.Connection(self._trust.context(), None)
        if not self._is_address:
            connection.set_tlsext_host_name(self.host.encode("ascii"))
        return _verifying(connection, SSL.VERIFY_PEER, tlsProtocol)

    def check(self, connection: SSL.Connection) -> None:
        """NotTrusted unless the certificate, which is good, is for this host."""
        shown = connection.get_peer_certificate(as_cryptography=True)
        if shown is None or not is_for(shown, self.host):
            named = ", ".join(names_of(shown)) if shown is not None else ""
            raise NotTrusted(f"its certificate is for {named or 'no host'}, not for {self.host}")


def fault_of(failure: Failure, doubt: str) -> PeersFault | None:
    """Why a handshake or a connection ended, in words: the `doubt` about the other side, if there
    is one. None if it was not for TLS."""
    error = failure.value
    if isinstance(error, PeersFault):
        return error
    if not isinstance(error, SSL.Error):
        return None
    if doubt:
        return NotTrusted(doubt)
    reasons = [each[-1] for each in error.args[0]] if error.args and error.args[0] else []
    return HandshakeFailed("; ".join(map(_worded, reasons)) or "it broke off")


def _worded(reason: str) -> str:
    """OpenSSL's reason, clearer where that can be."""
    alert = reason.partition(" alert ")[2]
    return ALERTS.get(alert) or REASONS.get(reason) or reason
