"""The homepage in a real browser over https and wss, with an authority of the test's own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from secured import SecureFleet, TrustingBrowser
from test_page_live import NAMES, WATCH, moved, shows, until

MOVES, MOST_MOVES = 5, 25


@pytest_twisted.async_yield_fixture()
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SecureFleet]:
    running = SecureFleet(tmp_path_factory.mktemp("fleet"))
    await running.router()
    await running.status()
    for name in NAMES:
        await running.server(name)
    yield running
    await running.stop()


@pytest_twisted.ensureDeferred
async def test_a_visitor_plays_by_wss_and_is_moved_five_times_without_missing_a_tick(
    fleet: SecureFleet,
) -> None:
    browser = TrustingBrowser(fleet.reactor, fleet.folder, fleet.authority, fleet.given)
    await browser.start()
    try:
        counts = await plays_and_is_moved(browser, fleet)
        assert (counts["lost"], counts["doubled"], counts["rejoins"]) == (0, 0, 0)
        assert browser.complaints == []
    finally:
        await browser.stop()


async def plays_and_is_moved(browser: TrustingBrowser, fleet: SecureFleet) -> Any:
    """Five moves in a row in which no tick is missed; answers what the player has counted."""
    page = await browser.open(fleet.url)
    await shows(browser, page, "#state-text", "live")
    await browser.do(lambda: page.locator("#play:enabled").click())
    await shows(browser, page, "#hud-server", "gs-")
    await browser.ask(page, WATCH)
    desk = await fleet.desk()
    player = await browser.ask(page, "player.name")
    clean, taken = 0, 0
    while clean < MOVES:
        taken += 1
        assert taken <= MOST_MOVES, await browser.ask(page, "seen.moves")
        here = await browser.text(page, "#hud-server")
        to = NAMES[(NAMES.index(here) + 1) % len(NAMES)]
        await browser.do(lambda: page.keyboard.press("ArrowRight", delay=60))
        if await fleet.move(desk, player, to) != "settled":
            continue  # the fleet moved it elsewhere at that moment, or it is not listed yet
        await shows(browser, page, "#hud-server", to)
        moves = await until(lambda: moved(browser, page))
        clean = clean + 1 if moves[-1]["missed"] == 0 else 0
    counts = await browser.ask(page, "player.counts")
    seen = await browser.ask(page, "seen")
    desk.leave()
    print(json.dumps(seen["moves"]), json.dumps(counts))
    assert seen["ticks"] == sorted(set(seen["ticks"])), "each tick once, in order"
    await browser.close(page)
    return counts
