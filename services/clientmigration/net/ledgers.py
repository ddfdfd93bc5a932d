"""What `--ledger` says: a file, or where an engine is that several routers share.

`nats://HOST[:PORT][,HOST[:PORT]...][/BUCKET][?replicas=N&credentials=FILE&ca=FILE&cert=FILE&key=FILE]`,
or `tls://...` for the same sealed. A password in an address could be read by whoever lists
processes, so it comes from a file: `user:password`, or a token.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from twisted.internet.endpoints import HostnameEndpoint

from clientmigration.errors import ConfigurationError
from clientmigration.net.addresses import check_address, host_and_port
from clientmigration.net.jetstream import JetStream
from clientmigration.net.nats import ANSWER_S, Access, Nats
from clientmigration.net.sqlite import SQLite

PORT = 4222
BUCKET = "clientmigration"
CONNECT_S = 1.0  # to one address of an engine; then the next one has its turn
EXAMPLE = "nats://10.0.0.5:4222/clientmigration"
_OPTIONS = {"replicas", "credentials", "ca", "cert", "key"}


@dataclass(frozen=True)
class NatsAddress:
    """Where an engine is, and what it has to hear and to show."""

    servers: tuple[tuple[str, int], ...]
    bucket: str = BUCKET
    replicas: int = 1
    login: dict[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | None = None


def is_engine(text: str) -> bool:
    """Whether this is meant to be the address of an engine, and no file."""
    return "://" in text


def kept_in(text: str, flag: str = "") -> Path | NatsAddress:
    """What `text`, which `flag` says, names; files that it names are read now. ConfigurationError
    says what is wrong with it."""
    if not is_engine(text):
        return Path(text).absolute()
    scheme, _, rest = text.partition("://")
    servers = re.match(r"[^/?#]*", rest)
    assert servers is not None  # it may be empty
    parts = urlsplit(rest[servers.end() :])  # which knows no list of servers
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(options) - _OPTIONS)
    bucket = parts.path.strip("/") or BUCKET
    if scheme not in ("nats", "tls") or "@" in servers[0] or parts.fragment or unknown:
        raise ConfigurationError(f"{flag}{text} is no engine, such as {EXAMPLE}")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", bucket):
        raise ConfigurationError(f"{flag}{text}: a bucket's name has letters, digits, _ and -")
    return NatsAddress(
        tuple(_server(each, flag) for each in servers[0].split(",")),
        bucket,
        _replicas(options.get("replicas", "1"), flag),
        _login(options["credentials"], flag) if "credentials" in options else {},
        _tls(options, flag) if scheme == "tls" else None,
    )


def opened(
    where: Path | NatsAddress, reactor: Any, inbox: str, answer_s: float = ANSWER_S
) -> SQLite | JetStream:
    """The ledger that is kept there. `inbox` is nobody else's, nor to be guessed; an engine that
    does not answer within `answer_s` is away."""
    if isinstance(where, Path):
        return SQLite(where, reactor)
    servers = [
        (host, HostnameEndpoint(reactor, host, port, CONNECT_S)) for host, port in where.servers
    ]
    nats = Nats(Access(servers, where.login, where.tls), reactor, inbox, answer_s)
    return JetStream(nats, where.bucket, where.replicas)


def _server(text: str, flag: str) -> tuple[str, int]:
    address = text if re.search(r":\d+\Z", text) else f"{text}:{PORT}"
    check_address(address, flag)
    return host_and_port(address)


def _replicas(text: str, flag: str) -> int:
    if text not in ("1", "3", "5"):
        raise ConfigurationError(f"{flag}replicas={text}: 1, 3 or 5 servers can keep a bucket")
    return int(text)


def _login(path: str, flag: str) -> dict[str, str]:
    try:
        text = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{flag}credentials={path}: {error}") from error
    if not text or "\n" in text:
        raise ConfigurationError(f"{flag}credentials={path}: it has user:password, or a token")
    user, colon, password = text.partition(":")
    return {"user": user, "pass": password} if colon else {"auth_token": text}


def _tls(options: dict[str, str], flag: str) -> ssl.SSLContext:
    """Trusts the authorities of `ca`, or those of the system; `cert` and `key` say who we are."""
    try:
        context = ssl.create_default_context(cafile=options.get("ca"))
        if "cert" in options:
            context.load_cert_chain(options["cert"], options.get("key"))
    except OSError as error:  # an ssl.SSLError is one
        raise ConfigurationError(f"{flag}: ca, cert or key: {error}") from error
    return context
