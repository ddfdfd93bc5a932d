"""What flags say of addresses is looked at before anything starts: endpoints, host:port, URLs.

Nothing is looked up and nothing is opened: that a port is taken, or a name unknown, is seen later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.protocol import Factory

from clientmigration.errors import ConfigurationError

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?\Z")
_TCP = ("tcp", "tcp4", "tcp6")
MOST = 65535  # of all ports
LISTEN, DIAL = "tcp:4100:interface=127.0.0.1", "tcp:127.0.0.1:4101"  # examples


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


def check_address(address: str, flag: str) -> None:
    """ConfigurationError unless `address`, which `flag` says, is one that can be connected to."""
    host, colon, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    number = int(port) if port.isascii() and port.isdigit() else 0
    good = is_host(bare) and (":" in bare) == (bare != host)
    if not (colon and good and 0 < number <= MOST):
        raise ConfigurationError(
            f"{flag}{address} is not host:port, such as play.example.org:4102, 192.0.2.1:4102 or "
            "[2001:db8::1]:4102"
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


def check_dialling(text: str, flag: str) -> None:
    """ConfigurationError unless `text`, which `flag` says, is an endpoint to connect to."""
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
