"""Another game in containers: `GAME=splash make up`, played by its crowd and by a visitor."""

from __future__ import annotations

import pytest
import pytest_twisted
from browser import Browser
from containers_here import MAKES_IMAGES, PLAYERS, Containers, lacking

# `make test` holds what GAME does to each container, and the page.
pytestmark = [pytest.mark.soak, MAKES_IMAGES]


@pytest.fixture
def engine() -> None:
    """One that runs."""
    if lack := lacking():
        pytest.skip(lack)


@pytest_twisted.ensureDeferred
async def test_splash_is_played_in_containers(engine: None) -> None:
    from twisted.internet import reactor

    containers, browser = Containers(reactor, GAME="splash"), Browser(reactor)
    try:
        await containers.up(2)
        assert await containers.playing(2) == PLAYERS
        await browser.start()
        page = await browser.open(containers.home, viewport={"width": 1280, "height": 900})
        await browser.do(lambda: page.locator("#play:enabled").click())
        await browser.do(lambda: page.wait_for_selector("#hud-left:has-text(' s')"))
        assert "here" in await browser.do(lambda: page.inner_text("#hud-room"))
        assert not browser.complaints
    finally:
        await browser.stop()
        await containers.run("make", "down", "DOWN=--volumes --timeout 60")
