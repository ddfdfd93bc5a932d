"""graphite-web behind https: who asks verifies who answers, with an authority of its own too."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_twisted
from authority import Authority, Given
from real_parts import eventually
from tls_doors import authority as authority
from tls_doors import looked, showing
from tls_doors import said as said
from twisted.internet.defer import Deferred
from twisted.python.usage import Options
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from clientmigration.cli import explain, history
from clientmigration.errors import ConfigurationError, Refused
from clientmigration.net.agent import agent_for
from clientmigration.net.encryption import Encryption
from clientmigration.net.events import Events
from clientmigration.net.graphite import GraphiteAway, Series, fetch, render
from clientmigration.net.trust import Trust
from clientmigration.router import tap as router
from clientmigration.router.warm_start import from_graphite
from clientmigration.status import tap as status

NOW = 1_800_000_000
SERIES = [{"target": "a.b", "datapoints": [[1.0, NOW], [None, NOW + 1]]}]


class Web(Resource):
    """Answers as graphite-web does, and keeps what it was asked and told."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.told: list[Any] = []

    def render_GET(self, request: Request) -> bytes:
        self.asked.append(request.path.decode())
        return json.dumps(SERIES if request.path.endswith(b"/render") else []).encode()

    def render_POST(self, request: Request) -> bytes:
        assert request.content is not None
        self.told.append(json.loads(request.content.read()))
        return b"{}"


class Served:
    """It, behind a certificate; `base` is where."""

    def __init__(self, given: Given) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.web, self.encryption = Web(), showing(given)
        self.base = ""

    async def open(self) -> None:
        where = self.encryption.listening(self.reactor, "tcp:0:interface=127.0.0.1")
        self.port = cast(Any, await where.listen(Site(self.web)))
        self.base = f"https://localhost:{self.port.getHost().port}/graphite"


@pytest_twisted.async_yield_fixture()
async def served(authority: Authority) -> AsyncIterator[Served]:
    served = Served(authority.give("localhost"))
    await served.open()
    yield served
    await served.port.stopListening()


def trust_of(authority: Authority) -> Trust:
    return Encryption().for_web("https://localhost", str(authority.file), "--graphite-ca")


@pytest_twisted.ensureDeferred
async def test_series_are_read_and_events_posted_through_https(
    served: Served, authority: Authority
) -> None:
    reactor, base, trust = served.reactor, served.base, trust_of(authority)
    (series,) = await render(reactor, base, ["a.b"], 60, trust=trust)
    assert series == Series("a.b", ((1.0, NOW), (None, NOW + 1)))
    assert await from_graphite(reactor, base, trust=trust)(NOW, NOW + 1) == (
        series.points(), []
    )  # fmt: skip
    events = Events(agent_for(reactor, 1, trust), base, reactor)
    events.post("join", ["join"], NOW)
    await eventually(lambda: served.web.told)
    assert served.web.told[0]["what"] == "join"
    assert set(served.web.asked) == {"/graphite/render", "/graphite/events/get_data"}
    assert events.take_dropped() == 0


@pytest_twisted.ensureDeferred
async def test_who_is_not_the_graphite_that_was_meant_is_away_with_the_reason(
    served: Served, authority: Authority, tmp_path: Any, said: list[str]
) -> None:
    reactor, trust = served.reactor, trust_of(authority)
    by_address = served.base.replace("localhost", "127.0.0.1")
    plain = served.base.replace("https", "http")
    stranger = trust_of(Authority(tmp_path / "other", "other"))
    for url, whom, why in (
        (served.base, None, "comes from an authority that is not trusted here"),
        (served.base, stranger, "comes from an authority that is not trusted here"),
        (by_address, trust, "is for localhost, not for 127.0.0.1"),
        (plain, trust, "does not answer"),
    ):
        with pytest.raises(GraphiteAway, match=why):
            await fetch(reactor, f"{url}/render", trust=whom)
    assert served.web.asked == []
    events = Events(agent_for(reactor, 1), served.base, reactor)
    for _ in range(3):
        events.post("join", ["join"], NOW)
    await eventually(lambda: not events._posting)
    assert events.take_dropped() == 3
    # Once, and not again for each event: who dials for Graphite is quiet.
    assert (
        len([each for each in said if "graphite-web takes no events: localhost: its" in each]) == 1
    )
    assert [each for each in said if "closing localhost" in each] == []


@pytest_twisted.ensureDeferred
async def test_an_expired_certificate_is_believed_again_once_it_is_renewed(
    authority: Authority,
) -> None:
    given = authority.give("localhost", ago_days=9, file="web")
    served = Served(given)
    await served.open()
    try:
        with pytest.raises(GraphiteAway, match="has expired"):
            await fetch(served.reactor, served.base, trust=trust_of(authority))
        authority.give("localhost", file="web")
        for each in served.encryption.files:
            looked(each)
        assert await fetch(served.reactor, served.base, trust=trust_of(authority)) == b"[]"
    finally:
        await served.port.stopListening()


def settled(options: Options, *flags: str) -> Any:
    options.parseOptions(["--secret-file", "nowhere", *flags])
    return options


@pytest.mark.parametrize("daemon", [router.Options, status.Options])
def test_the_daemons_that_ask_graphite_take_https_and_an_authority(
    daemon: type[Options], authority: Authority
) -> None:
    ca = ("--graphite-ca", str(authority.file))
    given = settled(daemon(), "--graphite", "https://a.example/graphite", *ca)
    assert given.graphite_trust.of("a.example")
    for flags, why in (
        (("--graphite", "http://a.example", *ca), "--graphite-ca .*: http://a.example is not enc"),
        (("--graphite", "https://a.example", "--graphite-ca", "no.pem"), "--graphite-ca no.pem: "),
    ):
        with pytest.raises(ConfigurationError, match=why):
            _ = settled(daemon(), *flags).graphite_trust


@pytest_twisted.ensureDeferred
async def test_the_homepage_and_the_command_line_read_through_https(
    served: Served, authority: Authority
) -> None:
    ca = str(authority.file)
    given = settled(status.Options(), "--graphite", served.base + "/", "--graphite-ca", ca)
    (series,) = await status.recalled(served.reactor, given)
    assert series.target == "a.b"
    flags = Namespace(graphite=served.base + "/", graphite_ca=ca, subject="gs-1")
    base, trust = history.web_of(flags)
    assert base == served.base
    assert await Deferred.fromCoroutine(explain._decided(served.reactor, flags)) == []
    with pytest.raises(Refused, match="Graphite has no rounds of that time"):
        await history.read_history(served.reactor, base, NOW, NOW + 1, trust)
