"""The widget on pages of other people, and the homepage with many servers, in a real browser.

A pretended fleet of twelve servers is all there is behind it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from browser import Browser
from playwright.sync_api import Page
from showing import Elsewhere, Fleet
from test_page_live import PICTURES, shows, until

OPEN = "default-src * 'unsafe-inline' blob: data:"
CARD = "clientmigration-status .card"


@pytest.fixture(scope="module")
def chromium() -> Browser:
    """A browser, or all of this is skipped: an async fixture may not say so."""
    from twisted.internet import reactor

    return Browser(reactor)


@pytest_twisted.async_yield_fixture(scope="module")
async def browser(chromium: Browser) -> AsyncIterator[Browser]:
    await chromium.start()
    yield chromium
    await chromium.stop()


@pytest_twisted.async_yield_fixture(scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    running = Fleet(tmp_path_factory.mktemp("sample"))
    await running.sample(12)
    yield running
    await running.stop()


async def opened(browser: Browser, fleet: Fleet, html: str, **context: object) -> Page:
    """A page of another origin with this in it, once its first widget shows the fleet."""
    listening = Elsewhere(f'<!doctype html><html lang="en">{html}</html>', OPEN).listen(
        fleet.reactor
    )
    port = listening.getHost().port  # type: ignore[attr-defined]
    page = await browser.open(f"http://localhost:{port}/", **context)
    listening.stopListening()
    return page


def script(fleet: Fleet) -> str:
    return f'<script src="{fleet.url}widget.js" defer></script>'


def widget(fleet: Fleet, more: str = "") -> str:
    return f'<clientmigration-status router="{fleet.url}" {more}></clientmigration-status>'


STICKS_OUT = """[...document.querySelectorAll("clientmigration-status")].flatMap((each) => {
  const card = each.shadowRoot.querySelector(".card").getBoundingClientRect();
  const inner = [...each.shadowRoot.querySelectorAll(".card *:not(.hidden)")];
  return inner.map((one) => one.getBoundingClientRect())
    .filter((box) => box.width && (box.right > card.right + 1 || box.left < card.left - 1))
    .map((box) => [box.left, box.right, card.left, card.right]);
})"""


@pytest_twisted.ensureDeferred
async def test_it_fits_220_pixels_from_left_to_right_and_from_right_to_left(
    browser: Browser, fleet: Fleet, tmp_path: Path
) -> None:
    for way in ("ltr", "rtl"):
        html = f'{script(fleet)}<div dir="{way}" style="width: 220px">{widget(fleet)}</div>'
        page = await opened(browser, fleet, html)
        await shows(browser, page, CARD, "on 12 servers")
        picture = tmp_path / f"{way}.png"
        await browser.do(lambda page=page, at=picture: page.screenshot(path=at))  # type: ignore[misc]
        assert await browser.ask(page, STICKS_OUT) == [], picture
        sides = await browser.ask(page, SIDES)
        assert (sides["name"] < sides["count"]) == (way == "ltr"), "it is laid out as the page is"
        assert await browser.ask(page, BAR) == ["meter", "Load of gs-1"]
        await browser.close(page)


SIDES = """(() => {
  const row = document.querySelector("clientmigration-status").shadowRoot.querySelector("li");
  const left = (element) => element.getBoundingClientRect().left;
  return { name: left(row.querySelector(".name")), count: left(row.lastChild) };
})()"""
BAR = """(() => {
  const root = document.querySelector("clientmigration-status").shadowRoot;
  const bar = root.querySelector(".bar");
  return [bar.getAttribute("role"), bar.getAttribute("aria-label")];
})()"""
GROUND = """(n) => getComputedStyle(document.querySelectorAll("clientmigration-status")[n]
  .shadowRoot.querySelector(".card")).backgroundColor"""


@pytest_twisted.ensureDeferred
async def test_it_has_the_colours_of_its_page_and_not_those_of_the_system(
    browser: Browser, fleet: Fleet
) -> None:
    light, dark = "rgb(255, 255, 255)", "rgb(19, 27, 24)"
    places = (
        widget(fleet),
        f'<div style="color-scheme: dark">{widget(fleet)}</div>',
        f'<div style="color-scheme: light dark">{widget(fleet)}</div>',
        widget(fleet, 'theme="dark"'),
    )
    page = await opened(browser, fleet, script(fleet) + "".join(places), color_scheme="dark")
    await shows(browser, page, f"{CARD} >> nth=0", "on 12 servers")
    grounds = [
        await browser.do(lambda n=n: page.evaluate(GROUND, n))  # type: ignore[misc]
        for n in range(4)
    ]
    assert grounds == [light, dark, dark, dark]
    streams = await browser.ask(
        page, "performance.getEntriesByType('resource').filter((e) => /events/.test(e.name)).length"
    )
    assert streams <= 1, "those of one page share a stream"
    for n in range(4):
        await shows(browser, page, f"{CARD} >> nth={n}", "on 12 servers")
    await browser.close(page)


@pytest_twisted.ensureDeferred
async def test_title_link_and_label_are_the_pages_own_and_a_link_runs_no_script(
    browser: Browser, fleet: Fleet
) -> None:
    own = 'title="My game" link="https://game.example/" label="How my game does"'
    bad = 'title="Bad" link="javascript:alert(1)"'
    page = await opened(browser, fleet, script(fleet) + widget(fleet, own) + widget(fleet, bad))
    await shows(browser, page, f"{CARD} >> nth=0", "My game")
    assert await browser.ask(page, OWN) == ["https://game.example/", "How my game does", None]
    await browser.close(page)


OWN = """(() => {
  const [one, other] = document.querySelectorAll("clientmigration-status");
  const card = one.shadowRoot.querySelector(".card");
  const bad = other.shadowRoot.querySelector("a");
  return [one.shadowRoot.querySelector("a").href, card.getAttribute("aria-label"), bad];
})()"""


@pytest_twisted.ensureDeferred
async def test_it_works_inlined_and_from_a_blob(browser: Browser, fleet: Fleet) -> None:
    source = (await fleet.get("widget.js")).decode()
    blob = f"""<script>fetch("{fleet.url}widget.js").then((r) => r.blob()).then((blob) => {{
      const made = document.createElement("script");
      made.src = URL.createObjectURL(new Blob([blob], {{ type: "text/javascript" }}));
      document.head.append(made);
    }})</script>"""
    for way in (f"<script>{source}</script>", blob):
        page = await opened(browser, fleet, way + widget(fleet))
        await shows(browser, page, CARD, "on 12 servers")
        assert await browser.ask(page, BAR) == ["meter", "Load of gs-1"]
        await browser.close(page)


@pytest_twisted.ensureDeferred
async def test_an_iframe_grows_with_what_is_in_it(browser: Browser, fleet: Fleet) -> None:
    frame = f'<iframe src="{fleet.url}embed?title=Mine" title="Status" width="320"></iframe>'
    html = f'<script src="{fleet.url}frame.js" defer></script>{frame}'
    page = await opened(browser, fleet, html)

    async def fits() -> bool:
        inner = page.frames[-1]
        gone = await browser.do(
            lambda: inner.evaluate("[document.documentElement.scrollHeight, innerHeight]")
        )
        return bool(gone[0] <= gone[1] and gone[1] > 350)

    assert await until(fits)
    await browser.close(page)


@pytest.mark.parametrize("look", PICTURES)
@pytest_twisted.ensureDeferred
async def test_with_twelve_servers_nothing_sticks_out_and_there_is_no_gap_under_the_world(
    browser: Browser, fleet: Fleet, look: str, tmp_path: Path
) -> None:
    page = await browser.open(fleet.url, **PICTURES[look])
    await shows(browser, page, "#servers", "gs-12")
    picture = tmp_path / f"twelve-{look}.png"
    await browser.do(lambda: page.screenshot(path=picture, full_page=True))
    wide, gap, badge = await browser.ask(page, LAYOUT)
    assert wide <= 0, picture
    if look != "phone":
        assert abs(gap) < 1, "the fleet is as high as the world"
    assert badge is None, "the badge's text has the width that its letters have"
    assert await browser.text(page, "#links") in ("Documentation\nGrafana", "DocumentationGrafana")
    assert not [each for each in browser.complaints if "badge" in each]
    await browser.close(page)


LAYOUT = """fetch("badge.svg").then((r) => r.text()).then((text) => {
  const bottom = (name) => document.querySelector(name).getBoundingClientRect().bottom;
  const badge = new DOMParser().parseFromString(text, "image/svg+xml");
  return [document.documentElement.scrollWidth - innerWidth, bottom(".stage") - bottom(".fleet"),
    badge.querySelector("[textLength]")];
})"""
