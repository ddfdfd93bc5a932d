"""Our dashboards as Grafana draws them: by the components that it publishes, in a real browser,
with the answers of a real graphite-web, for one server, three and fifty.

What its panels are made of is not all published: the state timeline and the marks of events are
drawn here by hand, simply, and so are the rows' titles. Pictures are left in `run/panels`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import colours
import panels
import pytest
import pytest_twisted
from browser import Browser
from grafana_parts import Board, Moment
from questions import dashboards
from questions import panels as shown
from real_parts import ENVIRONMENT, REPOSITORY, Running
from story import Story, write
from test_panel_rules import apart
from twisted.internet.threads import deferToThread

PICTURES = REPOSITORY / "run" / "panels"
FIRST = PICTURES / "first"
"""The first screens, which docs/dashboards.md shows."""

WORDS = {"router": "router", "server": "gs-1"}
FLEETS = (1, 3, 50)
APART_S = 1300
"""From the end of one story to that of the next, so that they do not see each other."""

ASKED_OF_ALL = frozenset(
    measure
    for panel in shown(dashboards()["fleet"])
    for target in panel["targets"]
    for measure in re.findall(r"\.gameserver\.\*\.(\w+)", target["target"])
)
"""The measures of every server on the dashboard that is for all of them."""


def told(storage: Path, url: str, until: int, servers: int) -> None:
    """A story of so many servers is in Graphite, with its events, as if it had been."""
    story = Story(servers, ASKED_OF_ALL if servers > 10 else frozenset())
    write(ENVIRONMENT / "bin" / "python", storage, story.series, until)
    for mark in story.marks:
        tags = ["clientmigration", mark.kind, f"clientmigration:{mark.kind}"]
        event = {"what": mark.what, "tags": tags, "when": until - story.seconds + 1 + mark.when}
        body = json.dumps({**event, "data": ""}).encode()
        kind = {"Content-Type": "application/json"}
        with urlopen(Request(f"{url}/events/", body, kind), timeout=60) as answer:
            answer.read()


@pytest_twisted.async_yield_fixture(scope="module")
async def moments(empty: Running) -> AsyncIterator[dict[int, Moment]]:
    """When each story ended, by its number of servers."""
    now = int(time.time()) - 2
    found = {}
    for n, servers in enumerate(FLEETS):
        until = now - n * APART_S
        await deferToThread(told, empty.graphite.storage, empty.url, until, servers)
        found[servers] = Moment(until, WORDS)
    yield found


@pytest_twisted.async_yield_fixture(scope="module")
async def board(empty: Running) -> AsyncIterator[Board]:
    """A page to draw on, as wide as a usual screen."""
    async with board_of(empty, 1600) as opened:
        yield opened


@asynccontextmanager
async def board_of(running: Running, width: int) -> AsyncIterator[Board]:
    """One of any width."""
    browser = Browser(running.reactor)
    await browser.start()
    try:
        opened = Board(browser, running.ask)
        await opened.opens(width)
        yield opened
        assert browser.complaints == []
    finally:
        await browser.stop()


def of(drawn: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Those of a kind, and there are some."""
    return [each for each in drawn if each["type"] == kind]


def looks_well(name: str, drawn: list[dict[str, Any]]) -> None:
    """What every panel has to be, however many servers there are."""
    for each in drawn:
        said = each["known"] or each["text"].strip() not in ("", "No data")
        assert said, f"{name}: {each['title']} is empty and does not say why"
    for each in of(drawn, "stat"):
        seen = each["courses"] or not each["known"] or each["text"].strip() in GRADES
        assert seen, f"{name}: {each['title']} has no course behind its number"
    for each in of(drawn, "timeseries"):
        if each["known"]:
            plotted(f"{name}: {each['title']}", each)


def plotted(title: str, panel: dict[str, Any]) -> None:
    """Its plot has most of the room, and its axes end near what they show."""
    whole, plot = panel["whole"], panel["plot"]
    assert plot["width"] >= 0.7 * whole["width"], f"{title}: {plot} of {whole}"
    assert plot["height"] >= 0.45 * whole["height"], f"{title}: {plot} of {whole}"
    ends = [end for end in panel["ends"] if end["max"] is not None]
    assert ends, title
    if panel["highest"] == 0:
        assert all(end["max"] <= 10 for end in ends), f"{title}: {ends}"


def red(panel: dict[str, Any]) -> int:
    """How much of its plot has the colour of an alarm. In the story there is nothing to alarm."""
    return sum(n for ink, n in panel["inks"].items() if apart(ink, ALARM) < 6)


def limited(name: str, number: int) -> bool:
    """Whether a panel has lines for its limits, of which the upper is red."""
    (panel,) = (each for each in shown(dashboards()[name]) if each["id"] == number)
    style = panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"]
    return bool(style != "off")


def named(drawn: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The colours that each server got, in all panels that were drawn."""
    found: dict[str, set[str]] = {}
    for each in drawn:
        for name, colour in each["colours"].items():
            if re.fullmatch(r"gs-\d+", name):
                found.setdefault(name, set()).add(colour.upper())
    return found


@pytest.mark.parametrize("name", sorted(dashboards()))
@pytest_twisted.ensureDeferred
async def test_every_panel_of_a_fleet_of_three_is_drawn_well(
    board: Board, moments: dict[int, Moment], name: str
) -> None:
    drawn = await board.draws(dashboards()[name], moments[3])
    await board.pictured(PICTURES / f"{name}.png")
    await board.pictured(FIRST / f"{name}.png", 960)
    looks_well(name, drawn)
    assert [each["title"] for each in drawn if not each["known"]] == []
    assert [each["title"] for each in drawn if red(each) and not limited(name, each["id"])] == []


@pytest.mark.parametrize("servers", [1, 50])
@pytest_twisted.ensureDeferred
async def test_the_fleet_is_drawn_well_with_one_server_and_with_fifty(
    board: Board, moments: dict[int, Moment], servers: int
) -> None:
    drawn = await board.draws(dashboards()["fleet"], moments[servers])
    await board.pictured(PICTURES / f"fleet-{servers}.png")
    await board.pictured(FIRST / f"fleet-{servers}.png", 960)
    looks_well("fleet", drawn)
    found = named(drawn)
    assert found == {f"gs-{n + 1}": {colours.SERVERS[n]} for n in range(servers)}
    for each in of(drawn, "bargauge"):
        rows = re.findall(r"^gs-\d+$", each["text"], re.M)
        assert len(rows) == min(servers, panels.BARS), each["title"]
        assert rows == sorted(rows, key=lambda row: int(row[3:])), each["title"]


@pytest_twisted.ensureDeferred
async def test_narrow_screens_and_light_ones_are_drawn_well(
    empty: Running, moments: dict[int, Moment]
) -> None:
    async with board_of(empty, 1200) as board:
        drawn = await board.draws(dashboards()["fleet"], moments[3], theme="light")
        await board.pictured(PICTURES / "fleet-light.png")
    looks_well("fleet", drawn)


@pytest_twisted.ensureDeferred
async def test_moves_that_settled_are_not_drawn_in_the_colour_of_an_alarm(
    board: Board, moments: dict[int, Moment]
) -> None:
    for name in ("migrations", "decisions", "fleet"):
        for each in await board.draws(dashboards()[name], moments[3]):
            if each["title"] in ABOUT_MOVES:
                good = sum(n for ink, n in each["inks"].items() if apart(ink, SKY) < 6)
                assert good > 100, each["title"]
                assert not red(each), each["title"]


SKY, ALARM = colours.SKY, colours.ALARM
GRADES = [word for _, word, _ in panels.GRADES]
ABOUT_MOVES = ("Moves per second, by outcome", "Planned, settled", "Moves, as players felt them")
