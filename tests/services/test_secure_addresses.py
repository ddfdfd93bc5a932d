"""Addresses and endpoint strings that say how something is dialled: plain, TLS, WebSocket."""

from __future__ import annotations

from typing import Any

import pytest

from clientmigration.client.finding import parse_url, scheme_of
from clientmigration.net.addresses import Whereabouts, place_of, secured, words_of
from clientmigration.net.attachment import Attachment
from clientmigration.net.door import reachable, told_as

PLACES = {
    "play.example.org:4200": Whereabouts("", "play.example.org", 4200),
    "[2001:db8::7]:4200": Whereabouts("", "2001:db8::7", 4200),
    "clientmigrations://eu-1.example.org:4200": Whereabouts(
        "clientmigrations", "eu-1.example.org", 4200
    ),
    "clientmigrations://[2001:db8::7]:4200": Whereabouts("clientmigrations", "2001:db8::7", 4200),
    "wss://play.example.org:443/gs-1": Whereabouts("wss", "play.example.org", 443, "/gs-1"),
}
SHORT = {
    "https://play.example.org/gs-1/": Whereabouts("wss", "play.example.org", 443, "/gs-1/"),
    "ws://play.example.org": Whereabouts("ws", "play.example.org", 80),
    "clientmigrations://play.example.org": Whereabouts("clientmigrations", "play.example.org", 0),
    "clientmigration://play.example.org/": Whereabouts("clientmigration", "play.example.org", 0),
}
NOWHERE = (
    *("", ":", "://", "ftp://a:1", "clientmigrations://", "clientmigrations://:1", "wss:///a"),
    *("clientmigrations://a:1/path", "a:1/path", "wss://a:0", "wss://a:65536", "wss://a b:1"),
    *(
        "[::1]",
        "::1:4100",
        "wss://[a]:1",
        "a:1\n",
        "a:٣",
        "wss://a:1/ü",
        "clientmigrations://a@b:1",
    ),
)


@pytest.mark.parametrize(("address", "place"), PLACES.items(), ids=PLACES)
def test_an_address_says_what_is_spoken_there_and_is_written_as_it_was_read(
    address: str, place: Whereabouts
) -> None:
    assert place_of(address) == place
    assert str(place) == address


@pytest.mark.parametrize(("address", "place"), SHORT.items(), ids=SHORT)
def test_what_is_usual_need_not_be_said(address: str, place: Whereabouts) -> None:
    assert place_of(address) == place


@pytest.mark.parametrize("address", NOWHERE)
def test_what_is_no_address_is_none(address: str) -> None:
    if address != "[::1]":  # an address without a port, as of a name that is looked up
        with pytest.raises(ValueError, match="is no address"):
            place_of(address)


def test_who_listens_everywhere_by_tls_is_found_where_it_calls_from() -> None:
    assert reachable("clientmigrations://0.0.0.0:4200", "10.0.0.7:5") == (
        "clientmigrations://10.0.0.7:4200"
    )
    assert reachable("wss://a.example:443/gs", "10.0.0.7:5") == "wss://a.example:443/gs"


@pytest.mark.parametrize(
    ("url", "dialled", "scheme"),
    [
        ("clientmigration://router", "router:4100", ""),
        (
            "clientmigrations://play.example.org",
            "clientmigrations://play.example.org",
            "clientmigrations",
        ),
        ("clientmigrations://router", "clientmigrations://router:4100", "clientmigrations"),
        (
            "clientmigrations://192.0.2.7:443",
            "clientmigrations://192.0.2.7:443",
            "clientmigrations",
        ),
        ("https://play.example.org/router", "wss://play.example.org:443/router", "wss"),
    ],
)
def test_a_routers_url_says_how_everything_is_dialled(url: str, dialled: str, scheme: str) -> None:
    assert (parse_url(url), scheme_of(url)) == (dialled, scheme)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("tcp:4100", ("tcp", ["4100"], {})),
        (r"ssl:1:interface=\:\::k=a\=b\\c", ("ssl", ["1"], {"interface": "::", "k": r"a=b\c"})),
        (r"tls:a\:b:1", ("tls", ["a:b", "1"], {})),
        ("", ("", [], {})),
    ],
)  # fmt: skip
def test_an_endpoints_string_is_read_as_twisted_reads_it(description: str, words: Any) -> None:
    assert words_of(description) == words


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ssl:router:4101", "that verifies nobody: tls:HOST:PORT does"),
        ("tls:router", "tls:HOST:PORT"),
        ("tls:router:0", "tls:HOST:PORT"),
        ("tls:router:1:2", "tls:HOST:PORT"),
        ("tls:router:1:caCertsDir=a", "tls:HOST:PORT, and of other words bindAddress"),
        ("tls:router:1:privateKey=a", "privateKey without certificate"),
        ("clientmigrations://a b", "is no address"),
    ],
)
def test_a_string_that_would_not_dial_by_tls_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        secured(text)


@pytest.mark.parametrize(
    ("address", "inner", "told"),
    [
        ("10.0.0.7:4200", "", ("10.0.0.7:4200", "")),
        ("0.0.0.0:4200", "", ("10.0.0.9:4200", "")),
        (
            "wss://a.example:443/{inner}",
            "0.0.0.0:4200",
            ("wss://a.example:443/10.0.0.9:4200", "10.0.0.9:4200"),
        ),
        (
            "wss://a.example:443/{inner}",
            "clientmigrations://b.example:4200",
            ("wss://a.example:443/b.example:4200", "clientmigrations://b.example:4200"),
        ),
    ],
)
def test_players_and_servers_are_told_their_own_way(
    address: str, inner: str, told: tuple[str, str]
) -> None:
    assert told_as(address, inner, "10.0.0.9:55555") == told


@pytest.mark.parametrize(
    ("told", "listening", "address", "inner"),
    [
        ("", "10.0.0.7:1", "10.0.0.7:1", ""),
        ("a.example:1", "10.0.0.7:1", "a.example:1", ""),
        ("wss://a.example:1/b", "10.0.0.7:1", "wss://a.example:1/b", "10.0.0.7:1"),
        ("", "clientmigrations://10.0.0.7:1", "clientmigrations://10.0.0.7:1", ""),
        (
            "clientmigrations://a.example:1",
            "clientmigrations://10.0.0.7:1",
            "clientmigrations://a.example:1",
            "",
        ),
    ],
)
def test_servers_go_past_what_players_come_through(
    told: str, listening: str, address: str, inner: str
) -> None:
    attachment = Attachment("one", told, "")
    attachment.found_at(listening)
    assert (attachment.address, attachment.inner) == (address, inner)
