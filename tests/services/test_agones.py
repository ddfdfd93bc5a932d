"""What Agones' sidecar is told, and that nobody waits for it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from clientmigration.errors import ConfigurationError
from clientmigration.gameserver.agones import (
    ANSWER_S,
    FAREWELL_S,
    HEALTH,
    LABELS_S,
    READY,
    Sidecar,
    Told,
    after,
    label,
    labels,
    next_words,
    sidecar_url,
)
from clientmigration.gameserver.use import Use

NEW = Use("", attached=False, ticking=True, players=0, capacity=200)
ATTACHED = Use("gs-1", attached=True, ticking=True, players=3, capacity=200)
KNOWN = Told(True, {"member": "gs-1", "players": "3", "capacity": "200"}, 0.0)


def test_who_is_in_no_fleet_yet_is_healthy_and_not_ready() -> None:
    assert next_words(NEW, Told(), 0.0) == [HEALTH]


def test_who_is_attached_is_ready_once_and_has_labels() -> None:
    assert next_words(ATTACHED, Told(), 0.0) == [
        HEALTH,
        READY,
        label("member", "gs-1"),
        label("players", "3"),
        label("capacity", "200"),
    ]
    assert next_words(ATTACHED, KNOWN, LABELS_S) == [HEALTH]


def test_a_router_that_is_gone_ends_no_server() -> None:
    assert next_words(replace(ATTACHED, attached=False), KNOWN, 1.0) == [HEALTH]


def test_a_world_that_stands_still_is_not_healthy() -> None:
    assert next_words(replace(ATTACHED, ticking=False), KNOWN, 1.0) == []


def test_only_labels_that_changed_are_said_and_seldom() -> None:
    more = replace(ATTACHED, players=4)
    assert next_words(more, KNOWN, LABELS_S - 1) == [HEALTH]
    assert next_words(more, KNOWN, LABELS_S) == [HEALTH, label("players", "4")]


def test_what_was_not_taken_is_said_again() -> None:
    told = after(Told(), READY, False, 0.0)
    assert READY in next_words(ATTACHED, told, 0.0)
    told = after(Told(), label("players", "3"), False, 0.0)
    assert label("players", "3") not in next_words(ATTACHED, told, 1.0)
    assert label("players", "3") in next_words(ATTACHED, told, LABELS_S)


@given(some.from_regex(r"[a-z0-9_]([a-z0-9_-]{0,62}[a-z0-9_])?", fullmatch=True))
def test_every_name_that_a_member_may_have_makes_a_label(name: str) -> None:
    value = labels(replace(ATTACHED, member=name))["member"]
    assert len(value) <= 63
    assert value == value.strip("_-")


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "http://127.0.0.1:9358"),
        ({"AGONES_SDK_HTTP_PORT": ""}, "http://127.0.0.1:9358"),
        ({"AGONES_SDK_HTTP_PORT": "1234"}, "http://127.0.0.1:1234"),
    ],
)
def test_the_sidecar_is_where_agones_says(environ: dict[str, str], url: str) -> None:
    assert sidecar_url(environ) == url


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "１２"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ConfigurationError, match="a port is from 1 to 65535"):
        sidecar_url({"AGONES_SDK_HTTP_PORT": port})


@implementer(IAgent)
class Silent:
    """A sidecar that takes connections and never answers; `dead`: one that is not there."""

    def __init__(self, dead: bool = False) -> None:
        self.asked: list[bytes] = []
        self.cancelled, self.dead = 0, dead

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        assert (method, headers is not None, bodyProducer is not None) != (b"GET", False, False)
        self.asked.append(uri.rpartition(b":")[2].partition(b"/")[2])
        return fail(ConnectionRefusedError()) if self.dead else Deferred(self._cancel)

    def _cancel(self, _: Deferred[IResponse]) -> None:
        self.cancelled += 1


def told(agent: Silent, clock: Clock) -> Sidecar:
    """Who tells that sidecar that all is well."""
    sidecar = Sidecar(agent, "http://127.0.0.1:9358", lambda: ATTACHED, clock)
    sidecar.startService()
    return sidecar


def test_a_silent_sidecar_has_one_request_at_a_time() -> None:
    agent, clock = Silent(), Clock()
    told(agent, clock)
    clock.pump([0.1] * 600)
    assert set(agent.asked) == {b"health"}
    assert len(agent.asked) <= 60 / ANSWER_S + 1
    assert len(agent.asked) - agent.cancelled <= 1


def test_a_silent_sidecar_holds_up_the_end_for_a_bounded_time() -> None:
    agent, clock, ended = Silent(), Clock(), list[float]()
    sidecar = told(agent, clock)
    clock.advance(1.0)
    sidecar.stopService().addCallback(lambda _: ended.append(clock.seconds()))
    clock.pump([0.1] * 100)
    assert agent.asked[-1] == b"shutdown"
    assert ended
    assert ended[0] <= 1.0 + FAREWELL_S + 0.2
    assert not clock.getDelayedCalls()


def test_a_sidecar_that_is_not_there_is_asked_once_a_second_and_said_once() -> None:
    agent, clock = Silent(dead=True), Clock()
    told(agent, clock)
    clock.pump([0.1] * 100)
    assert len(agent.asked) in (9, 10)


def test_words_are_json() -> None:
    assert json.dumps(label("players", "3").body) == '{"key": "players", "value": "3"}'
