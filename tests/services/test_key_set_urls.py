"""Key sets over real connections: by TLS from who is trusted, not redirected, bounded."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import pytest_twisted
from authority import Authority
from backend import Signer, key_set_of
from twisted.internet.defer import Deferred

from clientmigration.errors import ConfigurationError
from clientmigration.net.key_sets import SIZE, KeySetURL, authorities_in, key_agent

SIGNER = Signer("ES256", "one")


class Serving(BaseHTTPRequestHandler):
    """Answers by the path."""

    def do_GET(self) -> None:
        body = key_set_of(SIGNER)
        if self.path == "/huge":
            body = b" " * (SIZE + 10)
        self.send_response(302 if self.path == "/elsewhere" else 200)
        if self.path == "/elsewhere":
            self.send_header("Location", "/keys")
        self.send_header("Content-Length", str(len(body) + (9 if self.path == "/short" else 0)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            return

    def log_message(self, *_: Any) -> None:
        """Nothing is said on the terminal."""


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Authority]]:
    """A server that speaks TLS with a certificate of an authority."""
    authority = Authority(tmp_path_factory.mktemp("authority"))
    given = authority.give()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given.certificate, given.key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Serving)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}", authority
    server.shutdown()


async def fetched(url: str, trust: Any = None) -> str:
    """The key set that is had there, in words."""
    from twisted.internet import reactor

    keys = KeySetURL(key_agent(reactor, trust), url, reactor)
    await Deferred.fromCoroutine(keys.look_again())
    return str(keys.known)


@pytest_twisted.ensureDeferred
async def test_a_key_set_comes_by_tls_from_who_is_trusted_and_from_nobody_else(
    trusted: tuple[str, Authority], tmp_path: Path
) -> None:
    url, authority = trusted
    assert await fetched(f"{url}/keys", authorities_in(str(authority.file))) == "one (ES256)"
    assert await fetched(f"{url}/keys") == "None"  # the system does not know that authority
    stranger = Authority(tmp_path / "other")
    assert await fetched(f"{url}/keys", authorities_in(str(stranger.file))) == "None"


@pytest.mark.parametrize("path", ["/huge", "/elsewhere", "/short"])
@pytest_twisted.ensureDeferred
async def test_what_is_too_large_redirected_or_broken_off_is_no_key_set(
    trusted: tuple[str, Authority], path: str
) -> None:
    url, authority = trusted
    assert await fetched(f"{url}{path}", authorities_in(str(authority.file))) == "None"


def test_what_is_no_authority_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--login-ca"):
        authorities_in(str(tmp_path / "none.pem"))
