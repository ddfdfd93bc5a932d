"""The autoscaler's webhook, byte by byte, asked in the shapes that Agones documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource

from clientmigration.core.fleet.policy import AutoscalePolicy
from clientmigration.status.feed import PublicServer, Status
from clientmigration.status.scaling import AutoscalerWebhook
from clientmigration.status.site import BODY_LIMIT, StatusSite

REVIEWS = json.loads(Path(__file__).with_name("reviews.json").read_text())
BODY: dict[str, Any] = REVIEWS[0]["body"]


class Wire(StringTransport):
    """A connection that may be cut."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


class Place:
    """An endpoint on a clock that a test turns."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_800_000_000)
        self.scaling = AutoscalerWebhook(self.clock, AutoscalePolicy(rise_s=10, fall_s=60))
        root = Resource()
        root.putChild(b"autoscale", self.scaling)
        self.site = StatusSite(root, self.clock, 10)

    def live(
        self, seconds: int, *loads: float, grade: Any = "fit", cut_off: tuple[int, ...] = ()
    ) -> None:
        """A fleet of servers with these loads, for so long. Players cannot reach some of them."""
        for _ in range(seconds):
            self.clock.advance(1)
            fleet = tuple(
                PublicServer(
                    f"gs-{n}",
                    n,
                    grade,
                    1.0,
                    load,
                    10,
                    200,
                    closed="unreachable" if n in cut_off else "",
                )
                for n, load in enumerate(loads, 1)
            )
            self.scaling.status(Status(self.clock.seconds(), fleet))

    def post(self, body: bytes, method: str = "POST") -> Wire:
        channel: Any = self.site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 4000))
        wire = Wire()
        channel.makeConnection(wire)
        head = f"{method} /autoscale HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n\r\n"
        channel.dataReceived(head.encode() + body)
        return wire

    def ask(self, body: dict[str, Any]) -> Any:
        """The answer to a review."""
        code, _, said = self.post(json.dumps(body).encode()).value().partition(b"\r\n\r\n")
        assert b" 200 " in code.splitlines()[0]
        assert b"content-type: application/json" in code.lower()
        return json.loads(said)


@pytest.mark.parametrize("review", REVIEWS, ids=[each["what"] for each in REVIEWS])
def test_a_review_comes_back_with_its_response(review: dict[str, Any]) -> None:
    place = Place()
    place.live(30, 0.9, 0.9, 0.9)
    answer = place.ask(review["body"])
    assert answer["request"] == review["body"]["request"]
    uid = review["body"]["request"]["uid"]
    assert answer["response"] == {"uid": uid, "scale": True, "replicas": 6}


def test_a_fleet_that_is_right_is_not_scaled() -> None:
    place = Place()
    place.live(120, 0.45, 0.45, 0.45)
    response = place.ask(BODY)["response"]
    assert (response["scale"], response["replicas"]) == (False, 3)


def test_servers_that_players_cannot_reach_are_no_room_for_anybody() -> None:
    place = Place()
    place.live(30, 0.45, 0.45, 0.1, cut_off=(3,))
    assert place.ask(BODY)["response"] == {
        "uid": BODY["request"]["uid"],
        "scale": False,
        "replicas": 3,
    }
    place.live(30, 0.7, 0.7, 0.1, cut_off=(3,))  # 1.4 are the load of three
    assert place.ask(BODY)["response"]["replicas"] == 4


def test_an_idle_fleet_gives_one_server_away_at_a_time() -> None:
    place = Place()
    place.live(120, 0.1, 0.1, 0.1)
    response = place.ask(BODY)["response"]
    assert (response["scale"], response["replicas"]) == (True, 2)


def test_nothing_is_scaled_while_nothing_is_known() -> None:
    place = Place()
    response = place.ask(BODY)["response"]
    assert (response["scale"], response["replicas"]) == (False, 3)
    place.live(120, 0.9, 0.9, 0.9)
    place.clock.advance(30)  # the router is away
    assert place.ask(BODY)["response"]["scale"] is False
    place.live(30, 0.9, grade="silent")
    assert place.ask(BODY)["response"]["scale"] is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b'{"request": null}',
        b'{"request": {"uid": "", "status": {"replicas": 1}}}',
        b'{"request": {"uid": "a", "status": {}}}',
        b'{"request": {"uid": "a", "status": {"replicas": -1}}}',
        b'{"request": {"uid": "a", "status": {"replicas": 1e99}}}',
        b'{"request": {"uid": "a", "status": {"replicas": true}}}',
    ],
)
def test_what_is_no_review_is_refused_and_told_why(body: bytes) -> None:
    said = Place().post(body).value()
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"not a review: " in said


def test_nobody_reads_here_and_nobody_sends_without_end() -> None:
    assert Place().post(b"", "GET").value().startswith(b"HTTP/1.1 405 ")
    assert Place().post(b" " * (BODY_LIMIT + 1)).aborted
