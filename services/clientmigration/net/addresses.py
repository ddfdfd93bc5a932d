"""What flags say of addresses is looked at before anything starts: endpoints, host:port, URLs.

An address that players or servers are told is host:port, perhaps with a scheme before it that says
what is spoken there, and for WebSockets a path behind it: `place_of`.

Nothing is looked up and nothing is opened: that a port is taken, or a name unknown, is seen later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import clientFromString, quoteStringArgument, serverFromString
from twisted.internet.protocol import Factory

from clientmigration.errors import ConfigurationError

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?\Z")
_TCP = ("tcp", "tcp4", "tcp6")
MOST = 65535  # of all ports
LISTEN, DIAL = "tcp:4100:interface=127.0.0.1", "tcp:127.0.0.1:4101"  # examples
EVERYWHERE = ("0.0.0.0", "::")
SECURE = ("clientmigrations", "wss")
SCHEMES = {"clientmigration": 4100, "clientmigrations": 4100, "ws": 80, "wss": 443}  # usual ports
MEMBERS = 4101  # the usual port of a router's member door
_ALIKE = {"http": "ws", "https": "wss"}
_PLACE = re.compile(
    r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:/\[\]]+))(?::(?P<port>[0-9]{1,5}))?(?P<path>/[!-~]*)?", re.A
)
_TLS_WORDS = {"certificate", "privateKey", "trustRoots", "timeout", "bindAddress", "endpoint"}


def host_and_port(address: str) -> tuple[str, int]:
    """The two parts of host:port; an IPv6 address may stand in brackets, as in URLs."""
    host, _, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    return bare, int(port)


def is_host(text: str) -> bool:
    """Whether this may be the name of a host, or is an IP address without brackets."""
    if re.fullmatch(r"[0-9.]+", text):
        return isIPAddress(text)
    return isIPv6Address(text) if ":" in text else _HOST.match(text) is not None


@dataclass(frozen=True)
class Whereabouts:
    """Where somebody is found: `scheme` is one of `SCHEMES`, or "" where that is understood; `port`
    0 where a name alone is given; `path` begins with a slash, or is empty."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken there."""
        return self.scheme in SECURE

    @property
    def web(self) -> bool:
        """Whether it is a WebSocket, perhaps behind something that speaks HTTP only."""
        return self.scheme in ("ws", "wss")

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        begin = f"{self.scheme}://" if self.scheme else ""
        return f"{begin}{host}{f':{self.port}' if self.port else ''}{self.path}"


def place_of(address: str) -> Whereabouts:
    """What an address says; with the scheme's own port, if a WebSocket's has none. ValueError if it
    is none."""
    scheme, _, rest = address.rpartition("://")
    scheme = _ALIKE.get(scheme, scheme)
    found = _PLACE.fullmatch(rest)
    if found is None or (scheme and scheme not in SCHEMES):
        raise ValueError(f"{address!r} is no address")
    host, port, path = found["v6"] or found["host"], found["port"], found["path"] or ""
    web = scheme in ("ws", "wss")
    number = int(port) if port else SCHEMES[scheme] if web else 0
    good = is_host(host) and (":" in host) == bool(found["v6"]) and number <= MOST
    if not good or (port and not number) or (path not in ("", "/") and not web):
        raise ValueError(f"{address!r} is no address")
    return Whereabouts(scheme, host, number, "" if path == "/" else path)


def check_address(address: str, flag: str) -> None:
    """ConfigurationError unless `address`, which `flag` says, is one that can be connected to."""
    try:
        good = place_of(address).port > 0
    except ValueError:
        good = False
    if not good:
        raise ConfigurationError(
            f"{flag}{address} is not host:port, such as play.example.org:4102, 192.0.2.1:4102 or "
            "[2001:db8::1]:4102, nor clientmigrations://play.example.org:4102 or "
            "wss://play.example.org/gs-1"
        )


@dataclass
class _Asked:
    """In a reactor's place: what an endpoint of TCP would ask it for."""

    host: str = ""
    port: int = -1

    def listenTCP(self, port: int, *_more: Any, interface: str = "", **_rest: Any) -> None:
        self.host, self.port = interface, port

    def connectTCP(self, host: str, port: int, *_more: Any, **_rest: Any) -> None:
        self.host, self.port = host, port


def _asked(parse: Callable[[Any, str], Any], begin: str, text: str) -> _Asked | None:
    """What an endpoint asks for, by Twisted's own reading of it; None if it is not of TCP alone."""
    asked = _Asked()
    endpoint = parse(asked, text)
    if text.partition(":")[0].lower() not in _TCP:
        return None
    getattr(endpoint, begin)(Factory()).addErrback(lambda _failure: None)
    return asked


def check_listening(text: str, flag: str) -> None:
    """ConfigurationError unless `text`, which `flag` says, is an endpoint to listen on."""
    try:
        asked = _asked(serverFromString, "listen", text)
    except Exception as error:  # Twisted's parsers raise whatever comes
        raise _wrong(flag, text, LISTEN, str(error)) from error
    if asked is not None and not 0 <= asked.port <= MOST:
        raise _wrong(flag, text, LISTEN, f"a port is 1 to {MOST}, or 0 for any that is free")
    if asked is not None and asked.host and not is_host(asked.host):
        raise _wrong(flag, text, LISTEN, "an interface is an address of this host")


def words_of(description: str) -> tuple[str, list[str], dict[str, str]]:
    """An endpoint's description as Twisted reads it: its kind, its words, and those with a name."""
    parts, letters = [""], iter(description)
    for letter in letters:
        if letter == ":":
            parts.append("")
        else:
            parts[-1] += letter + (next(letters, "") if letter == "\\" else "")
    words, named = [], {}
    for part in parts[1:]:
        name, equals, value = part.partition("=")
        if equals and name.isidentifier():
            named[name] = _plain(value)
        else:
            words.append(_plain(part))
    return parts[0].lower(), words, named


def _plain(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word)


@dataclass(frozen=True)
class Secured:
    """What a string says that dials by TLS: whom, and words of Twisted's `tls:`."""

    host: str
    port: int
    words: Mapping[str, str]


def secured(text: str) -> Secured | None:
    """What `tls:HOST:PORT` or clientmigrations://HOST[:PORT] says; None for any other string.
    ValueError says what is wrong with it."""
    if "://" in text:
        place = place_of(text)
        return Secured(place.host, place.port or MEMBERS, {}) if place.secure else None
    kind, words, named = words_of(text)
    if kind == "ssl":
        raise ValueError("that verifies nobody: tls:HOST:PORT does")
    if kind != "tls":
        return None
    host, port = (*words, "", "")[:2]
    unknown = named.keys() - _TLS_WORDS
    if (
        len(words) != 2
        or unknown
        or not (is_host(host) and port.isdigit() and 0 < int(port) <= MOST)
    ):
        raise ValueError(f"tls:HOST:PORT, and of other words {', '.join(sorted(_TLS_WORDS))}")
    if ("certificate" in named) < ("privateKey" in named):
        raise ValueError("privateKey without certificate")
    return Secured(host, int(port), named)


def plainly(text: str) -> str:
    """clientmigration://HOST[:PORT] as Twisted's string; any other string as it is."""
    if "://" not in text:
        return text
    place = place_of(text)
    return f"tcp:{quoteStringArgument(place.host)}:{place.port or MEMBERS}"


def named_host(text: str) -> str:
    """The host of an endpoint to connect to, if that is a name and no address; otherwise ""."""
    asked = secured(text)
    if asked is not None:
        host = "" if "endpoint" in asked.words else asked.host
    else:
        kind, words, named = words_of(plainly(text))
        host = (named.get("host") or (words or [""])[0]) if kind == "tcp" else ""
    return "" if isIPAddress(host) or isIPv6Address(host) else host


def at_address(text: str, address: str) -> str:
    """An endpoint of TCP that `tcp:` says, at this address of its host."""
    kind, words, named = words_of(text)
    host = {"host": address} if "host" in named else {}
    parts = [*([] if host else [address]), *words[0 if host else 1 :]]
    more = [f"{name}={quoteStringArgument(value)}" for name, value in {**named, **host}.items()]
    return ":".join((kind, *map(quoteStringArgument, parts), *more))


def check_dialling(text: str, flag: str) -> None:
    """ConfigurationError unless `text`, which `flag` says, is an endpoint to connect to."""
    try:
        if secured(text) is not None:
            return
        text = plainly(text)
    except ValueError as error:
        raise _wrong(flag, text, DIAL, str(error)) from error
    try:
        asked = _asked(clientFromString, "connect", text)
    except Exception as error:  # Twisted's parsers raise whatever comes
        raise _wrong(flag, text, DIAL, str(error)) from error
    if asked is not None and not 0 < asked.port <= MOST:
        raise _wrong(flag, text, DIAL, f"a port is 1 to {MOST}")
    if asked is not None and not is_host(asked.host):
        raise _wrong(flag, text, DIAL, "a host is a name or an address")


def _wrong(flag: str, text: str, example: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{flag}{text} is no endpoint, such as {example} ({why})")


def check_url(
    text: str, flag: str, schemes: Sequence[str], example: str, or_port: bool = False
) -> None:
    """ConfigurationError unless `text`, which `flag` says, is scheme://host[:port][/path]; or the
    :port of a host that is known, where that may be."""
    try:
        parts = urlsplit(f"{schemes[0]}://host{text}" if or_port and text[:1] == ":" else text)
        good = parts.scheme in schemes and is_host(parts.hostname or "") and parts.port != 0
    except ValueError:
        good = False
    if not good or re.search(r"\s", text):
        raise ConfigurationError(f"{flag}{text} is no address, such as {example}")
