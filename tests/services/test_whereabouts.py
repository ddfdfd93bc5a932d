"""Where players reach a server is asked of Agones before it attaches, and not for ever."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from clientmigration.gameserver.whereabouts import WITHIN_S, Asking, address_in

KNOWN = {"address": "192.0.2.7", "ports": [{"name": "other", "port": 1}, {"port": 7011}]}


def answer(status: Any) -> bytes:
    """A sidecar's."""
    return json.dumps({"object_meta": {"name": "meadow-1"}, "status": status}).encode()


@pytest.mark.parametrize(
    ("status", "address"),
    [
        ({}, ""),
        ({"address": "192.0.2.7", "ports": []}, ""),
        ({"address": "", "ports": [{"name": "players", "port": 7011}]}, ""),
        (KNOWN, "192.0.2.7:1"),
        (
            {"address": "h.example", "ports": [{"port": 1}, {"name": "players", "port": 2}]},
            "h.example:2",
        ),
        ({"address": "2001:db8::1", "ports": [{"port": 7011}]}, "[2001:db8::1]:7011"),
    ],
)
def test_an_answer_has_an_address_or_not_yet(status: Any, address: str) -> None:
    assert address_in(answer(status)) == address


@pytest.mark.parametrize(
    "garbage",
    [b"", b"[]", b"{", answer({"address": 7}), answer({"address": "a b", "ports": [{"port": 1}]}),
     answer({"address": "a", "ports": [{"port": 70000}]})],
)  # fmt: skip
def test_what_is_no_answer_is_a_value_error(garbage: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        address_in(garbage)


@implementer(IAgent)
class Mute:
    """A sidecar that does not answer."""

    def __init__(self) -> None:
        self.asked = 0

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        assert (method, headers, bodyProducer) == (b"GET", None, None)
        assert uri == b"http://127.0.0.1:9358/gameserver"
        self.asked += 1
        return Deferred()


def asking(clock: Clock, link: Service) -> Asking:
    """Of a sidecar that does not answer."""
    service = Asking(Mute(), "http://127.0.0.1:9358", lambda _: None, link, clock)
    service.startService()
    return service


def test_the_link_waits_for_it_and_not_for_ever() -> None:
    clock, link = Clock(), Service()
    asking(clock, link)
    clock.pump([0.1] * int(WITHIN_S * 9))
    assert not link.running
    clock.pump([0.1] * int(WITHIN_S * 10))
    assert link.running


def test_who_stops_meanwhile_never_attaches() -> None:
    clock, link = Clock(), Service()
    service = asking(clock, link)
    clock.pump([0.1] * 10)
    service.stopService()
    assert not clock.getDelayedCalls()
    clock.pump([1.0] * 30)
    assert not link.running
