"""TLS for doors and for who dials: what a daemon was given for it, and endpoints that use it.

Endpoint strings of Twisted's keep their meaning: `ssl:` listens, `tls:` dials. Both are read here,
so that certificates are renewed, names are checked and reasons are told in the same way, whichever
string or flag asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    clientFromString,
    quoteStringArgument,
    serverFromString,
)
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    IStreamServerEndpoint,
)
from twisted.logger import Logger
from zope.interface import implementer

from clientmigration.errors import ConfigurationError, PeersFault
from clientmigration.net.addresses import (
    EVERYWHERE,
    at_address,
    place_of,
    plainly,
    secured,
    words_of,
)
from clientmigration.net.certificate import (
    Authorities,
    Certificate,
    authorities_of,
    certificate_of,
)
from clientmigration.net.complaints import complaints
from clientmigration.net.expiry import Expiry, certificates
from clientmigration.net.handshake import SILENTLY, Handshakes, complaining
from clientmigration.net.renewed import Renewable, Renewed
from clientmigration.net.trust import Shown, Trust, is_for

log = Logger()

T = TypeVar("T")
CONNECT_S = 5
FLAGS = ("tls-cert", "tls-key", "tls-ca", "tls-client-ca")
_DOOR_WORDS = {"privateKey", "certKey", "extraCertChain", "interface", "backlog", "port"}


def own_certificate(certificate: str, key: str = "", chain: str = "") -> Renewed[Certificate]:
    """The certificate of ours in these files. ConfigurationError says what is wrong with them."""
    files = [certificate, key or certificate, *filter(None, [chain])]
    return Renewed(f"certificate {certificate}", files, certificate_of)


def believed(file: str) -> Renewed[Authorities]:
    """The authorities in this file."""
    return Renewed(f"authorities {file}", [file], authorities_of)


@implementer(IStreamServerEndpoint)
class SecureDoor:
    """Listens where `plain` does, and speaks TLS."""

    def __init__(self, plain: IStreamServerEndpoint, shown: Shown, clock: Any) -> None:
        self._plain, self._shown, self._clock = plain, shown, clock

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen."""
        told = complaining(self._clock)
        factory = Handshakes(self._shown, False, protocolFactory, self._clock, told)
        return self._plain.listen(factory)


@implementer(IStreamClientEndpoint)
class SecureWay:
    """Connects as `plain` does, and speaks TLS with `host`, which has to prove that it is `host`.
    It is connected once that is so; or fails with a `PeersFault` that says why not, and that
    stands in the log, too, if it is to be said `aloud`."""

    def __init__(
        self,
        plain: IStreamClientEndpoint,
        trust: Trust,
        host: str,
        clock: IReactorTime,
        aloud: bool = True,
    ) -> None:
        self.plain, self._trust, self.host, self._clock = plain, trust, host, clock
        self._aloud = aloud

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Connect, shake hands and believe. Cancel it to give up."""
        way: list[Any] = []  # the connection under way
        ended: Deferred[IProtocol] = Deferred(lambda _: way[-1]())

        def told(inside: IProtocol, fault: PeersFault | None, _peer: str) -> None:
            given_up = ended.called and str(fault).startswith(SILENTLY)
            if fault is not None and self._aloud and not given_up:
                complaints(self._clock).say(("way", fault.code), self.host, fault.code, str(fault))
            if ended.called:
                return
            if fault is None:
                ended.callback(inside)
            else:
                ended.errback(type(fault)(f"{self.host}: {fault}"))

        factory = Handshakes(self._trust.of(self.host), True, protocolFactory, self._clock, told)
        connecting = self.plain.connect(factory)
        way.append(connecting.cancel)
        connecting.addCallbacks(lambda tls: way.append(tls.abortConnection), ended.errback)
        return ended


class Encryption:
    """What a daemon was given: `ours`, its certificate, without which its doors are plain; whom it
    `trusted`, when it dials; and which authorities the certificates come from that are `demanded`
    of members. An endpoint's own string may say otherwise. `files` are all that may be renewed."""

    def __init__(
        self,
        ours: Renewed[Certificate] | None = None,
        trusted: Renewed[Authorities] | None = None,
        demanded: Renewed[Authorities] | None = None,
    ) -> None:
        self.ours, self.trusted, self.demanded = ours, trusted, demanded
        self.trust = Trust(trusted, ours)
        self.files: list[Renewable] = [x for x in (ours, trusted, demanded) if x is not None]

    @classmethod
    def of(cls, flags: Mapping[str, Any]) -> Encryption:
        """What --tls-cert, --tls-key, --tls-ca and --tls-client-ca say. ConfigurationError names
        the flag that is wrong."""
        said = {name: str(flags.get(name) or "") for name in FLAGS}
        cert, key, ca, client_ca = said.values()
        if key and not cert:
            raise ConfigurationError("--tls-key without --tls-cert")
        if client_ca and not cert and not str(flags.get("members")).startswith("ssl:"):
            raise ConfigurationError("--tls-client-ca without --tls-cert: the door is plain")
        with flagged("--tls-cert", cert, key):
            ours = own_certificate(cert, key) if cert else None
        with flagged("--tls-ca", ca):
            trusted = believed(ca) if ca else None
        with flagged("--tls-client-ca", client_ca):
            demanded = believed(client_ca) if client_ca else None
        return cls(ours, trusted, demanded)

    def listening(
        self, reactor: Any, description: str, demanding: bool = False
    ) -> IStreamServerEndpoint:
        """The door of this description. It is `demanding` if only who shows a certificate may come
        in, where one is demanded at all."""
        kind, words, named = words_of(description)
        ours = self.ours
        if kind == "ssl":
            if more := named.keys() - _DOOR_WORDS:
                raise ConfigurationError(f"{description}: {', '.join(sorted(more))} is not needed")
            key = named.pop("privateKey", "server.pem")
            chain = named.pop("extraCertChain", "")
            ours = self._also(own_certificate(named.pop("certKey", key), key, chain))
            rest = [*words, *(f"{name}={quoteStringArgument(v)}" for name, v in named.items())]
            description = ":".join(("tcp", *rest))
        plain: IStreamServerEndpoint = serverFromString(reactor, description)
        demanded = self.demanded if demanding else None
        if demanded is not None and (ours is None or kind == "tls"):
            raise ConfigurationError(f"{description}: that cannot demand certificates, ssl: can")
        if ours is None or kind == "tls":
            return plain
        return SecureDoor(plain, Shown(self._shown(ours, reactor), demanded), reactor)

    def scheme_of(self, description: str) -> str:
        """How addresses begin of who listens there: with nothing where it is plain."""
        secure = self.ours is not None or words_of(description)[0] in ("ssl", "tls")
        return "clientmigrations://" if secure else ""

    def suits(self, address: str) -> bool:
        """Whether who dials this address will believe our certificate. A word in the log if not."""
        place = place_of(address)
        if self.ours is None or place.host in EVERYWHERE or is_for(self.ours.value.own, place.host):
            return True
        log.warn(
            "{address} is told to players, who will refuse it: the certificate is {what}",
            address=address,
            what=str(self.ours.value),
        )
        return False

    def dialling(self, reactor: Any, description: str, at: str = "") -> IStreamClientEndpoint:
        """The way that this description says; by TLS also if it is `tcp:`, and --tls-ca says whom
        to trust. `at`: that one of its host's addresses; who answers there has to be that host."""
        asked = secured(description)
        if asked is None:
            text = plainly(description)
            dialled = at_address(text, at) if at else text
            plain: IStreamClientEndpoint = clientFromString(reactor, dialled)
            kind, said, named = words_of(text)
            if self.trusted is None or not kind.startswith("tcp"):
                return plain
            return SecureWay(plain, self.trust, named.get("host") or said[0], reactor)
        words, ours, trusted = asked.words, self.ours, self.trusted
        if "certificate" in words:
            ours = self._also(own_certificate(words["certificate"], words.get("privateKey", "")))
            self._shown(ours, reactor)
        if "trustRoots" in words:
            trusted = self._also(believed(words["trustRoots"]))
        if "endpoint" in words:
            under = clientFromString(reactor, words["endpoint"])
        else:
            here = (words["bindAddress"], 0) if "bindAddress" in words else None
            within = float(words.get("timeout", CONNECT_S))
            host = (at or asked.host).encode()
            under = HostnameEndpoint(reactor, host, asked.port, within, here)
        return SecureWay(under, Trust(trusted, ours), asked.host, reactor)

    def for_web(self, url: str, authorities: str, flag: str) -> Trust:
        """Whom to believe at a URL: those whom a file names, which `flag` says, or the system's."""
        if authorities and not url.startswith("https:"):
            raise ConfigurationError(f"{flag} {authorities}: {url} is not encrypted, https: is")
        with flagged(flag, authorities):
            trusted = self._also(believed(authorities)) if authorities else None
        return Trust(trusted, self.ours)

    def _also(self, renewed: Renewed[T]) -> Renewed[T]:
        self.files.append(renewed)
        return renewed

    def _shown(self, ours: Renewed[Certificate], reactor: Any) -> Renewed[Certificate]:
        if certificates(reactor).show(ours):
            self.files.append(Expiry(ours))
        return ours


@contextmanager
def flagged(flag: str, *files: str) -> Iterator[None]:
    """What is wrong with files is told with the flag that named them."""
    try:
        yield
    except ConfigurationError as error:
        named = " and ".join(filter(None, files))
        raise ConfigurationError(f"{flag} {named}: {error}") from error
