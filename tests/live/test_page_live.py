"""The homepage and the widget in a real browser, over a fleet of real processes.

What is asserted of moves is what the player in the browser measured itself. Nothing depends on how
fast the machine is. For the pictures in docs/screenshots: with `make run` running, set
CLIENTMIGRATION_SCREENSHOTS=http://127.0.0.1:8000/ and run `-k pictures`.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import AsyncIterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from browser import REPOSITORY, Browser, axe
from playwright.sync_api import Page
from real_parts import eventually
from showing import Elsewhere, Fleet

from clientmigration.games.meadow.coins import ACROSS, REACH_M, coin

MOVES = 5
MOST_MOVES = 25
MOVED_WITHIN_S = 10.0
MOST_COVERED = 0.12  # of the field, by the HUD
WIDGET = "clientmigration-status .card"
STATE = "clientmigration-status .top"
LARGEST = 300_000  # bytes of a picture
NAMES = ("gs-1", "gs-2", "gs-3")
PICTURES: dict[str, dict[str, Any]] = {
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "color_scheme": "light",
        "device_scale_factor": 1.5,
        "has_touch": True,
        "is_mobile": True,
    },
}


@pytest.fixture(scope="module")
def chromium() -> Browser:
    """One that can be started, or whatever needs it is skipped."""
    from twisted.internet import reactor

    return Browser(reactor)


@pytest_twisted.async_yield_fixture(scope="module")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    """One browser for all of these tests."""
    await chromium.start()
    yield chromium
    await chromium.stop()


@pytest_twisted.async_yield_fixture(scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    """Three servers with a small crowd, and the page that shows them."""
    running = Fleet(tmp_path_factory.mktemp("fleet"))
    await running.router()
    await running.status()
    for name in NAMES:
        await running.server(name)
    await running.crowd(30)
    yield running
    await running.stop()


until = partial(eventually, every_s=0.2)  # a browser is asked


async def shows(browser: Browser, page: Page, selector: str, text: str) -> None:
    """Wait for a text to stand there."""

    async def there() -> bool:
        return text in await browser.text(page, selector)

    await until(there)


@pytest_twisted.ensureDeferred
async def test_the_page_loads_without_a_complaint_and_shows_everybody(
    browser: Browser, fleet: Fleet
) -> None:
    page = await browser.open(fleet.url, **PICTURES["dark"])
    await shows(browser, page, "#state-text", "live")
    await shows(browser, page, "#sum-servers", "3")
    for name in NAMES:
        await shows(browser, page, "#servers", name)
        await shows(browser, page, "#legend", name)
    await shows(browser, page, "#split", "%")
    asked = await browser.ask(page, ASKED)
    late = ("history.js", "charts.js", "widget.js", "play.js", "player.js")
    assert not [name for name in asked if name.endswith(late)], "loaded when it is wanted"
    await browser.see(page, ".history")
    await shows(browser, page, "#history-note", "Graphite does not answer")
    await browser.see(page, ".embed")
    await shows(browser, page, WIDGET, "on 3 servers")
    colours = await browser.ask(page, COLOURS)
    assert len(colours) > 3, "the world is drawn"
    assert browser.complaints == []
    asked = await browser.ask(page, ASKED)
    assert all(name.startswith(fleet.url) for name in asked), asked
    await browser.close(page)


ASKED = "performance.getEntriesByType('resource').map((each) => each.name)"
COLOURS = """(() => {
  const canvas = document.getElementById("world");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let at = 0; at < pixels.length; at += 64) {
    seen.add(`${pixels[at]},${pixels[at + 1]},${pixels[at + 2]}`);
  }
  return [...seen];
})()"""

WATCH = """(() => {
  window.seen = { ticks: [], moves: [] };
  player.on("view", ({ tick }) => seen.ticks.push(tick));
  player.on("move", (move) => seen.moves.push(move));
})()"""


@pytest_twisted.ensureDeferred
async def test_a_visitor_plays_and_is_moved_five_times_in_a_row_without_missing_a_tick(
    browser: Browser, fleet: Fleet
) -> None:
    page = await browser.open(fleet.url, **PICTURES["dark"])
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
    seen = await browser.ask(page, "seen")
    counts = await browser.ask(page, "player.counts")
    desk.leave()
    print(json.dumps(seen["moves"]), json.dumps(counts))
    assert counts["moves"] >= MOVES
    assert counts["sent"] >= 2 * MOVES
    assert (counts["lost"], counts["doubled"], counts["rejoins"]) == (0, 0, 0)
    assert seen["ticks"] == sorted(set(seen["ticks"])), "each tick once, in order"
    await shows(browser, page, "#toast", "Moved gs-")
    await browser.do(lambda: page.keyboard.press("Escape"))
    await shows(browser, page, "#play", "Play")
    assert browser.complaints == []
    await browser.close(page)


@pytest.mark.parametrize("look", ["dark", "phone"])
@pytest_twisted.ensureDeferred
async def test_who_presses_play_is_moved_within_ten_seconds_and_told_so_and_again_when_it_asks(
    browser: Browser, fleet: Fleet, look: str, tmp_path: Path
) -> None:
    page = await browser.open(fleet.url, **PICTURES[look])
    await browser.do(lambda: page.locator("#play:enabled").wait_for())
    pressed = fleet.reactor.seconds()
    await browser.do(lambda: page.locator("#play").click())
    await shows(browser, page, "#toast", "Moved gs-")
    took_s = fleet.reactor.seconds() - pressed
    said = await browser.text(page, "#toast")
    await browser.do(lambda: page.screenshot(path=tmp_path / f"moved-{look}.png"))
    print(f"{said}, {took_s:.1f} s after Play; the picture is in {tmp_path}")
    assert took_s < MOVED_WITHIN_S
    assert re.fullmatch(r"Moved gs-\d to gs-\d, \d+ ticks? missed, waited \d+ ms more", said)
    before = await browser.ask(page, "player.counts.moves")
    await browser.do(lambda: page.locator("#moveme:enabled").click())

    async def moved_again() -> bool:
        return bool(await browser.ask(page, "player.counts.moves") > before)

    await until(moved_again)
    counts = await browser.ask(page, "player.counts")
    print(json.dumps(counts))
    assert (counts["missed"], counts["lost"], counts["doubled"]) == (0, 0, 0)
    covered = await browser.ask(page, COVERED)
    assert covered < MOST_COVERED, "the HUD leaves the field to the game"
    await browser.do(lambda: page.locator("#play").click())
    assert browser.complaints == []
    await browser.close(page)


COVERED = """(() => {
  const box = (id) => document.getElementById(id).getBoundingClientRect();
  const area = (id) => box(id).width * box(id).height;
  return area("hud") / area("field");
})()"""


@pytest_twisted.ensureDeferred
async def test_who_taps_walks_there_and_picks_up_the_coins_on_the_way(
    browser: Browser, fleet: Fleet
) -> None:
    page = await browser.open(fleet.url, **PICTURES["phone"])
    await browser.do(lambda: page.locator("#play:enabled").tap())
    await shows(browser, page, "#hud-coins", "1")
    before = int(await browser.text(page, "#hud-coins"))
    await browser.ask(page, WATCH_PLACE)
    began = await until(lambda: browser.ask(page, "window.here"))
    others = [at for at in COINS if math.dist(at, began) > REACH_M]  # what lay here it has by now

    async def richer() -> bool:
        here = await browser.ask(page, "here")
        goal = min(others, key=lambda at: math.dist(at, here))
        far = max(math.dist(goal, here), 1.0)
        across, down = (goal[0] - here[0]) / far, (here[1] - goal[1]) / far
        await browser.do(lambda: tap(page, 0.5 + 0.3 * across, 0.5 + 0.3 * down))
        await browser.do(lambda: page.wait_for_timeout(1000))
        return int(await browser.text(page, "#hud-coins")) > before

    await until(richer)
    await browser.do(lambda: page.locator("#play").tap())
    assert browser.complaints == []
    await browser.close(page)


COINS = [at for plot in product(range(ACROSS), repeat=2) if (at := coin(*plot))]
WATCH_PLACE = """void player.on("view", ({ body }) => {
  const from = new DataView(body.buffer, body.byteOffset);
  window.here = [from.getFloat32(0, true), from.getFloat32(4, true)];
})"""


def tap(page: Page, across: float, down: float) -> None:
    """Tap on this place of the field (0 to 1, from the upper left)."""
    box = page.locator("#field").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + across * box["width"], box["y"] + down * box["height"])


async def moved(browser: Browser, page: Page) -> Any:
    """The moves that the player has measured, once the latest one is among them."""
    seen = await browser.ask(page, "({ moves: seen.moves, counted: player.counts.moves })")
    return seen["moves"] if seen["moves"] and len(seen["moves"]) == seen["counted"] else None


@pytest_twisted.ensureDeferred
async def test_one_plays_and_stops_with_the_keyboard_alone_and_nothing_moves_for_who_wants_it_still(
    browser: Browser, fleet: Fleet
) -> None:
    page = await browser.open(fleet.url, reduced_motion="reduce")
    await browser.do(lambda: page.locator("#play:enabled").wait_for())
    assert await browser.ask(page, "document.getAnimations().length") == 0
    focused = "document.activeElement.id"
    for _ in range(6):
        if await browser.ask(page, focused) == "play":
            break
        await browser.do(lambda: page.keyboard.press("Tab"))
    assert await browser.ask(page, focused) == "play"
    await browser.do(lambda: page.keyboard.press("Enter"))
    await shows(browser, page, "#hud-server", "gs-")
    assert await browser.ask(page, focused) == "world"
    for key in ("KeyW", "Space", "Escape"):
        await browser.do(lambda key=key: page.keyboard.press(key))  # type: ignore[misc]
    await shows(browser, page, "#play", "Play")
    assert await browser.ask(page, focused) == "play"
    assert await browser.ask(page, "player.state") == "ended"
    assert browser.complaints == []
    await browser.close(page)


@pytest_twisted.ensureDeferred
async def test_a_finger_walks_too(browser: Browser, fleet: Fleet) -> None:
    page = await browser.open(fleet.url, **PICTURES["phone"])
    await browser.do(lambda: page.locator("#play:enabled").tap())
    await shows(browser, page, "#hud-server", "gs-")
    await browser.do(lambda: page.locator("#field").scroll_into_view_if_needed())
    await browser.do(lambda: pull(page))

    async def walked() -> bool:
        counts = await browser.ask(page, "player.counts")
        return bool(counts["acked"] >= 1)

    await until(walked)
    await browser.do(lambda: page.locator("#play").tap())
    assert browser.complaints == []
    await browser.close(page)


def pull(page: Page) -> None:
    """Press on the field, and pull to the right."""
    box = page.locator("#field").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=5)


STRICT = "default-src 'none'; script-src {origin}; connect-src {origin}; base-uri 'none'; {more}"
TRUSTED = "require-trusted-types-for 'script'; trusted-types 'none'"
HTML = """<!doctype html><html lang="en"><title>Elsewhere</title>
<script src="{url}widget.js" defer></script>
<h1>A page of somebody else</h1>
<clientmigration-status router="{url}"></clientmigration-status></html>"""


@pytest_twisted.ensureDeferred
async def test_the_widget_lives_on_a_strict_page_of_another_origin_and_tells_ups_and_downs(
    browser: Browser, tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path)
    await fleet.router()
    await fleet.status()
    await fleet.server("gs-1")
    policy = STRICT.format(origin=fleet.url.rstrip("/"), more=TRUSTED)
    listening = Elsewhere(HTML.format(url=fleet.url), policy).listen(fleet.reactor)
    page = await browser.open(f"http://localhost:{listening.getHost().port}/")  # type: ignore[attr-defined]
    await shows(browser, page, WIDGET, "on 1 server")
    await shows(browser, page, STATE, "live")
    assert browser.complaints == []
    await fleet.end("router")
    began = fleet.reactor.seconds()
    await shows(browser, page, STATE, "router down")
    print(f"down was shown {fleet.reactor.seconds() - began:.1f} s after the router had ended")
    assert b'"state":"down"' in await fleet.get("api/v1/status.json")
    await fleet.router()
    await shows(browser, page, STATE, "live")
    await fleet.end("status")
    await shows(browser, page, STATE, "no connection")
    await fleet.status()
    await shows(browser, page, STATE, "live")
    spoken = await browser.ask(page, SPOKEN)
    assert "live" in spoken
    await browser.close(page)
    listening.stopListening()
    await fleet.stop()


SPOKEN = """document.querySelector("clientmigration-status").shadowRoot
  .querySelector("[aria-live]").textContent"""

SERIOUS = """axe.run(document, { resultTypes: ["violations"] }).then(({ violations, passes }) => ({
  passes: passes.length,
  found: violations.map(({ id, impact, nodes }) => [impact, id, nodes.map((node) => node.html)]),
}))"""


async def axe_finds(browser: Browser, page: Page, what: str) -> list[Any]:
    """What is against its rules on the page as it is."""
    await browser.ask(page, axe())
    answer = await browser.ask(page, SERIOUS)
    print(what, answer["passes"], "rules hold;", answer["found"])
    assert answer["passes"] > 5
    found: list[Any] = answer["found"]
    return found


@pytest.mark.parametrize("look", PICTURES)
@pytest_twisted.ensureDeferred
async def test_axe_finds_nothing(browser: Browser, fleet: Fleet, look: str) -> None:
    page = await browser.open(fleet.url + "embed", **PICTURES[look])
    await shows(browser, page, WIDGET, "on 3 servers")
    assert await axe_finds(browser, page, f"{look}, frame") == []
    await browser.close(page)
    page = await browser.open(fleet.url, **PICTURES[look])
    await charted(browser, page)
    await browser.see(page, ".embed")
    await shows(browser, page, WIDGET, "on 3 servers")
    assert await axe_finds(browser, page, f"{look}, homepage") == []
    await browser.do(lambda: page.locator("#play:enabled").click())
    await shows(browser, page, "#hud-server", "gs-")
    assert await axe_finds(browser, page, f"{look}, in play") == []
    await browser.close(page)


HISTORY = {
    "available": True, "step_s": 10, "back_s": 600,
    "series": {
        "players": [{"name": "", "points": [30 + n for n in range(60)]}],
        "load": [{"name": name, "points": [0.1 * n] * 59 + [None]} for n, name in enumerate(NAMES)],
    },
}  # fmt: skip


async def charted(browser: Browser, page: Page) -> None:
    """Charts are there, of a history that Graphite could have answered: this fleet has none."""

    def answered() -> None:
        page.route("**/api/v1/history.json", lambda route: route.fulfill(json=HISTORY))
        page.locator(".history").scroll_into_view_if_needed()
        page.locator(".chart >> nth=1").wait_for()

    await browser.do(answered)


@pytest.mark.parametrize("look", ["dark", "phone"])
@pytest_twisted.ensureDeferred
async def test_charts_have_a_legend_and_tell_the_values_under_the_cursor_and_by_keys(
    browser: Browser, fleet: Fleet, look: str
) -> None:
    page = await browser.open(fleet.url, **PICTURES[look])
    await charted(browser, page)
    assert (await browser.text(page, "#keys")).split() == list(NAMES)
    colours = await browser.ask(page, DRAWN)
    assert len(set(colours["lines"])) == len(NAMES)
    assert colours["lines"] == colours["keys"], "a line has the colour of its server's mark"
    plot = ".chart:nth-of-type(2) .plot"
    await browser.do(lambda: page.locator(plot).hover(position={"x": 1, "y": 20}))
    told = (await browser.text(page, f"{plot} .told")).split()
    assert told == ["10", "min", "ago", "gs-1", "0%", "gs-2", "10%", "gs-3", "20%"]
    await browser.do(lambda: page.locator(".chart:nth-of-type(1) .plot").focus())
    await browser.do(lambda: page.keyboard.press("ArrowLeft"))
    told = (await browser.text(page, ".chart:nth-of-type(1) .told")).split()
    assert told == ["now", "89"]
    assert browser.complaints == []
    await browser.close(page)


DRAWN = """(() => {
  const all = (where, what) =>
    [...document.querySelectorAll(where)].map((each) => getComputedStyle(each)[what]);
  const lines = all(".chart:nth-of-type(2) svg > path", "stroke");
  return { lines, keys: all("#keys path", "fill") };
})()"""


@pytest_twisted.ensureDeferred
async def test_who_waits_for_a_first_view_is_told_why(browser: Browser, fleet: Fleet) -> None:
    page = await browser.open(fleet.url, **PICTURES["dark"])
    silent = re.compile("^ws")  # whoever is asked for a place says nothing
    await browser.do(lambda: page.route_web_socket(silent, lambda _socket: None))
    await browser.do(lambda: page.locator("#play:enabled").click())
    await shows(browser, page, "#toast", "No server has answered yet")
    assert await browser.ask(page, "player.counts.views") == 0
    await browser.do(lambda: page.locator("#play").click())
    await browser.close(page)


@pytest.mark.parametrize("look", [*PICTURES, "playing"])
@pytest_twisted.ensureDeferred
async def test_pictures_of_the_page(
    browser: Browser, fleet: Fleet, look: str, tmp_path: Path
) -> None:
    stack = os.environ.get("CLIENTMIGRATION_SCREENSHOTS")
    folder = REPOSITORY / "docs" / "screenshots" if stack else tmp_path
    folder.mkdir(exist_ok=True)
    page = await browser.open(stack or fleet.url, **PICTURES.get(look, PICTURES["dark"]))
    await shows(browser, page, "#sum-servers", "3")
    await browser.do(lambda: page.wait_for_timeout(5000 if stack else 300))
    if look == "playing":
        await browser.do(lambda: page.locator("#play:enabled").click())
        await shows(browser, page, "#toast", "Moved gs-")
        await browser.do(lambda: page.wait_for_timeout(200))  # the colour spreads
    picture = folder / f"homepage-{look}.png"
    await browser.do(lambda: page.screenshot(path=picture))
    assert 10_000 < picture.stat().st_size < LARGEST
    wide = await browser.ask(page, "document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "nothing sticks out to the right"
    await browser.close(page)
