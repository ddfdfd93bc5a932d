"""Splash with real processes: in a browser on the homepage, and with a server that is killed.

For a picture set CLIENTMIGRATION_SPLASH to a file's name.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
import pytest_twisted
from browser import Browser
from playwright.sync_api import Page
from real_parts import PATIENCE_S, eventually
from showing import Fleet

from clientmigration.client.player import Player
from clientmigration.games.splash import wire
from clientmigration.games.splash.wire import SplashView
from clientmigration.net.door import dialer
from clientmigration.stack.ports import LOOPBACK
from clientmigration.wire.messages import View

MATCH = 300  # tenths of a second
LOST = 15  # tenths: a checkpoint is at most a second old, and half a second on its way


@pytest_twisted.async_yield_fixture(scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    """Two servers that play Splash, a homepage, and a small crowd."""
    running = Fleet(tmp_path_factory.mktemp("splash"), "splash")
    await running.router()
    await running.status()
    for name in ("red", "blue"):
        await running.server(name)
    await running.crowd(16)
    yield running
    await running.stop()


@pytest_twisted.ensureDeferred
async def test_a_visitor_paints_in_the_browser(fleet: Fleet) -> None:
    browser = Browser(fleet.reactor)
    await browser.start()
    try:
        counts = await painted(browser, fleet)
        assert counts["acked"] >= 3, "strokes came to the room's game"
        assert (counts["missed"], counts["lost"], counts["doubled"]) == (0, 0, 0)
        assert not browser.complaints
    finally:
        await browser.stop()


async def painted(browser: Browser, fleet: Fleet) -> Any:
    """A visitor plays and paints; answers what its player has counted."""
    page = await browser.open(fleet.url, viewport={"width": 1280, "height": 900})
    await browser.do(lambda: page.locator("#play:enabled").click())
    await browser.do(lambda: page.wait_for_selector("#hud-left:has-text(' s')"))
    await browser.do(lambda: drag(page))
    there = "() => globalThis.player.counts.acked >= 3"
    await browser.do(lambda: page.wait_for_function(there))
    picture = os.environ.get("CLIENTMIGRATION_SPLASH", "")
    if picture:
        await browser.do(lambda: page.wait_for_timeout(6000))
        await browser.do(lambda: page.screenshot(path=picture))
    ground = await browser.do(lambda: page.is_visible("#ground"))
    assert not ground, "the board is seen, and not the ground of the servers"
    room = await browser.do(lambda: page.inner_text("#hud-room"))
    team = await browser.do(lambda: page.inner_text("#hud-team"))
    assert "here" in room
    assert team in ("Red", "Blue", "Yellow", "Green")
    return await browser.ask(page, "player.counts")


def drag(page: Page) -> None:
    """Over the board, with the mouse held."""
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5
    page.mouse.move(x, y)
    page.mouse.down()
    for n in range(12):
        page.mouse.move(x + 20 * n, y + 6 * n)
        page.wait_for_timeout(110)
    page.mouse.up()


@pytest_twisted.ensureDeferred
async def test_a_room_survives_kill_9_of_its_server_with_a_state_at_most_a_second_old(
    fleet: Fleet,
) -> None:
    views: list[SplashView] = []
    player = Player(
        fleet.reactor, f"{LOOPBACK}:{fleet.ports.players}", dialer(fleet.reactor), Random(7)
    )

    def seen(view: View) -> None:
        views.append(wire.look(view.body))

    player.on("view", seen)
    player.start()
    try:
        await eventually(lambda: views and views[-1].where and age(views[-1]) > 30)
        before, room = age(views[-1]), views[-1].room
        here = views[-1].where == 1
        (server,) = {player.member} if here else {"red", "blue"} - {player.member}
        killed = fleet.children.pop(server)
        killed.tell("KILL")
        await killed.stopService()  # or it would be back at once, and might have its players again
        await eventually(lambda: player.member not in ("", server), PATIENCE_S)
        views.clear()
        await eventually(lambda: views and views[-1].where == 1)
        first = next(age(each) for each in views if each.where == 1)
        assert views[-1].room == room
        assert first >= before - LOST, f"{before / 10} s became {first / 10} s"
        print(f"the room was {before / 10} s old, and {first / 10} s at {player.member}")
    finally:
        player.stop()


def age(seen: SplashView) -> int:
    """For how many tenths of a second there were matches in this room."""
    return seen.board.match * MATCH - seen.board.left
