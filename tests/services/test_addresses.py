"""What flags say of addresses: all that is wrong is refused at the start, with what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from clientmigration.client.finding import parse_url
from clientmigration.client.tap import Options as CrowdOptions
from clientmigration.errors import ConfigurationError
from clientmigration.gameserver.tap import Options as ServerOptions
from clientmigration.net.addresses import (
    check_address,
    check_dialling,
    check_listening,
    check_url,
    is_host,
)
from clientmigration.net.settings import Common
from clientmigration.router.tap import Options as RouterOptions
from clientmigration.status.tap import Options as StatusOptions

NO_HOST = ("foo bar", "-x", "1.2.3", "1.2.3.4.5", "a/b", "::g")
LISTEN = {
    "tcp:99999999": "a port is 1 to 65535, or 0 for any that is free",
    "tcp:65536": "a port is 1 to 65535, or 0 for any that is free",
    "tcp:-5": "a port is 1 to 65535, or 0 for any that is free",
    "tcp:abc": "is no endpoint, such as tcp:4100:interface=127.0.0.1",
    "tcp": "is no endpoint, such as tcp:4100:interface=127.0.0.1",
    "tcp6:70000": "a port is 1 to 65535",
    "tcp:4100:interface=not here": "an interface is an address of this host",
    "tcp:4100:interfaces=127.0.0.1": "is no endpoint, such as",
    "foo:1": "Unknown endpoint type",
    "4100": "is no endpoint, such as",
    "": "is no endpoint, such as",
    "systemd:domain=INET:index=0": "is no endpoint, such as",
}
DIAL = {
    "tcp:127.0.0.1:99999999": "a port is 1 to 65535",
    "tcp:127.0.0.1:0": "a port is 1 to 65535",
    "tcp:127.0.0.1:-1": "a port is 1 to 65535",
    "tcp:127.0.0.1:here": "is no endpoint, such as tcp:127.0.0.1:4101",
    "tcp:127.0.0.1": "is no endpoint, such as tcp:127.0.0.1:4101",
    "tcp::4101": "a host is a name or an address",
    "127.0.0.1:4101": "is no endpoint, such as",
    "": "is no endpoint, such as",
    **{f"tcp:{host.replace(':', chr(92) + ':')}:4101": "a host is a name or" for host in NO_HOST},
}
NO_URL = (
    *("nothing", "", "http://", "http://:8080", "ftp://host", "127.0.0.1:8080"),
    *("http://h:99999999", "http://h:here", "http://h:0", "http://foo bar", "http://["),
)
NO_GAME = (
    *("", "host:4100", "ftp://host", "clientmigration://", "clientmigration://h:99999999"),
    *("clientmigration://foo bar", "clientmigration://1.2.3", "clientmigration://h:port"),
)
NO_PLAY = ("nonsense", ":99999999", ":port", "http://host", "ws://", "ws://a b", "host:4100")
URL = dict.fromkeys(NO_URL, "is no address, such as http://127.0.0.1:8080")
GAME = dict.fromkeys(NO_GAME, "clientmigration://")
PLAY = dict.fromkeys(NO_PLAY, "is no address, such as ws://play.example.org:4100 or :4100")
HOST_PORT = dict.fromkeys(("host", "1.2.3:1", "h:0", "h:65536"), "is not host:port, such as")
FLAGS: dict[type[Common], dict[str, dict[str, str]]] = {
    RouterOptions: {"players": LISTEN, "members": LISTEN, "graphite": URL, "carbon": DIAL},
    ServerOptions: {
        "listen": LISTEN,
        "router": DIAL,
        "carbon": DIAL,
        "advertise": HOST_PORT,
        "inner": HOST_PORT,
    },
    CrowdOptions: {"router": GAME, "carbon": DIAL},
    StatusOptions: {
        "listen": LISTEN,
        "router": DIAL,
        "graphite": URL,
        "carbon": DIAL,
        "play": PLAY,
    },
}
WRONG = [
    pytest.param(kind, flag, text, why, id=f"{kind.__module__.split('.')[1]} --{flag} {text}")
    for kind, flags in FLAGS.items()
    for flag, table in flags.items()
    for text, why in table.items()
]


@pytest.mark.parametrize(("kind", "flag", "text", "why"), WRONG)
def test_a_wrong_address_is_refused_with_what_is_allowed(
    kind: type[Common], flag: str, text: str, why: str, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s" * 64)
    options = kind()
    options.parseOptions([f"--{flag}={text}", f"--secret-file={secret}"])
    with pytest.raises(ConfigurationError) as refused:
        options.check()
    assert why in str(refused.value)
    assert flag == "router" or f"--{flag} {text}" in str(refused.value)


def test_each_flag_that_names_an_address_is_in_the_table() -> None:
    """A flag is about an address when its default is one, or its text says so."""
    for kind, flags in FLAGS.items():
        addressed = {
            name
            for name, _short, default, text, *_more in (*kind.optParameters, *Common.optParameters)
            if "://" in str(default) or "tcp:" in str(default) or "host:port" in text
        }
        assert addressed == set(flags), kind


@pytest.mark.parametrize(
    "text",
    [
        *("tcp:0", "tcp:4100", "tcp:65535:interface=0.0.0.0", "tcp6:4100:interface=\\:\\:"),
        *("tcp:4100:interface=localhost", "tcp:4100:interface=\\:\\:1:backlog=9", "unix:/run/x"),
    ],
)
def test_an_endpoint_to_listen_on(text: str) -> None:
    check_listening(text, "")


@pytest.mark.parametrize(
    "text",
    [
        *("tcp:127.0.0.1:4101", "tcp:router:4101:timeout=3", "tcp:host=router:port=1", "unix:/x"),
        *("tcp:\\:\\:1:4101", "tcp:a.b-c.example.org:65535", "tcp:my_router:4101"),
    ],
)
def test_an_endpoint_to_connect_to(text: str) -> None:
    check_dialling(text, "")


def test_other_addresses_that_are_good() -> None:
    for text in ("http://127.0.0.1:8080", "http://graphite", "http://[::1]:8080/graphite/"):
        check_url(text, "", ("http",), "")
    for text in ("h:1", "[2001:db8::1]:4102", "192.0.2.1:65535"):
        check_address(text, "")
    assert parse_url("clientmigration://[::1]") == "[::1]:4100"
    assert not any(is_host(text) for text in (*NO_HOST, ""))
