"""Grafana's own published components, bundled once, and a page in chromium on which they draw.

`bundle()` brings them from npm and packs them with esbuild, into `run/grafana`; both are done
again only when `tests/grafana` has changed. `Board` draws dashboards there with the answers of a
graphite-web.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from browser import Browser
from playwright.sync_api import Page
from questions import RANGE_S, Ask, Query, filled, panels

SOURCES = Path(__file__).parents[1] / "grafana"
HOME = Path(__file__).parents[2] / "run" / "grafana"
WITHIN_S = 600
HERE = "http://panels.invalid/"
PAGE = "<!doctype html><meta charset=utf-8><body style='margin:0'><main></main>"
"""The page, under an address that nobody has: the components want an origin, to store things."""

NPM = (*("--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--legacy-peer-deps"),)
"""No script of a package is run. No lock is kept: it would name a registry."""

ESBUILD = (
    *("node_modules/.bin/esbuild", "board.jsx", "--bundle", "--minify", "--jsx=automatic"),
    *("--outfile=board.js", "--log-level=error", '--define:process.env.NODE_ENV="production"'),
    *(
        "--loader:.woff2=dataurl",
        "--loader:.svg=empty",
        "--loader:.ttf=empty",
        "--loader:.css=text",
    ),
)
"""Fonts and pictures of an editor that no panel has are left out."""


def bundle() -> str:
    """The script that draws. Skips where there is no npm, or where it brings nothing."""
    made, sign = HOME / "board.js", HOME / "made-of"
    sources = [SOURCES / name for name in ("package.json", "board.jsx")]
    wanted = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()
    if not (made.exists() and sign.exists() and sign.read_text() == wanted):
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("needs npm, for Grafana's components: apt-get install npm")
        HOME.mkdir(parents=True, exist_ok=True)
        for each in sources:
            shutil.copy(each, HOME)
        _done((npm, "install", *NPM))
        _done(ESBUILD)
        shutil.rmtree(HOME / "node_modules")  # half a gigabyte, of which two megabytes are needed
        sign.write_text(wanted)
    return made.read_text()


def _done(argv: Sequence[str]) -> None:
    done = subprocess.run(argv, cwd=HOME, capture_output=True, text=True, timeout=WITHIN_S)
    if done.returncode:
        pytest.skip(f"{Path(argv[0]).name} brings nothing: {done.stderr.strip()[-300:]}")


@dataclass(frozen=True)
class Moment:
    """What is looked at: `back_s` seconds until `until` (Unix), with a value for each variable."""

    until: int
    words: Mapping[str, str]
    back_s: int = RANGE_S


async def answers(ask: Ask, dashboard: Any, at: Moment, width: int) -> dict[str, Any]:
    """What graphite-web says to every target of a dashboard that is so many pixels wide, by panel
    and letter. Asked as Grafana does: as many points as the panel wants, or one for each pixel."""
    found: dict[str, Any] = {}
    for panel in panels(dashboard):
        back_s = int(panel["timeFrom"][:-1]) if "timeFrom" in panel else at.back_s
        points = panel.get("maxDataPoints") or round(width * panel["gridPos"]["w"] / 24)
        found[str(panel["id"])] = {
            each["refId"]: await _asked(
                ask,
                filled(Query("target", "", each["target"]), at.words).text,
                at.until,
                back_s,
                points,
            )
            for each in panel["targets"]
        }
    return found


async def _asked(ask: Ask, target: str, until: int, back_s: int, points: int) -> Any:
    words = {
        **{"target": target, "from": str(until - back_s), "until": str(until)},
        **{"format": "json", "maxDataPoints": str(points)},
    }
    return json.loads(await ask(f"/render?{urlencode(words)}"))


async def marks(ask: Ask, dashboard: Any, at: Moment) -> list[dict[str, Any]]:
    """The events that are switched on in a dashboard: when (Unix s), colour, both texts, and in
    which panels; null is all."""
    found: list[dict[str, Any]] = []
    for each in dashboard["annotations"]["list"]:
        if each["enable"]:
            span = {"from": str(at.until - at.back_s), "until": str(at.until)}
            words = {"tags": " ".join(each["target"]["tags"]), **span}
            posted = json.loads(await ask(f"/events/get_data?{urlencode(words)}"))
            found += [_mark(each, event) for event in posted]
    return found


def _mark(annotation: Any, event: Any) -> dict[str, Any]:
    return {
        **{"at": event["when"], "colour": annotation["iconColor"]},
        **{"title": event["what"], "text": event["data"]},
        "panels": annotation.get("filter", {}).get("ids"),
    }


class Board:
    """A page on which dashboards are drawn, one after the other."""

    def __init__(self, browser: Browser, ask: Ask) -> None:
        self.browser, self.ask = browser, ask
        self._page: Page

    async def opens(self, width: int = 1600, height: int = 1000) -> None:
        """It is there, and so wide."""
        self.width = width
        script = bundle()
        viewport = {"width": width, "height": height}
        self._page = await self.browser.open("about:blank", viewport=viewport)

        def loaded() -> None:
            self._page.route(
                f"{HERE}**", lambda route: route.fulfill(body=PAGE, content_type="text/html")
            )
            self._page.goto(HERE)
            self._page.add_script_tag(content=script)
            self._page.evaluate("window.fonts()")

        await self.browser.do(loaded)

    async def draws(self, dashboard: Any, at: Moment, theme: str = "dark") -> list[dict[str, Any]]:
        """One dashboard; how each of its panels came out."""
        asked = {
            **{"dashboard": dashboard, "words": dict(at.words), "theme": theme},
            **{"from": at.until - at.back_s, "until": at.until},
            "answers": await answers(self.ask, dashboard, at, self.width),
            "marks": await marks(self.ask, dashboard, at),
        }

        def drawn() -> list[dict[str, Any]]:
            self._page.evaluate("asked => window.board(asked)", asked)
            self._page.wait_for_timeout(700)  # legends are measured, then plots take what is left
            measured: list[dict[str, Any]] = self._page.evaluate("window.measured()")
            return measured

        return await self.browser.do(drawn)

    async def pictured(self, path: Path, height: int = 0) -> None:
        """What is drawn, as a picture: all of it, or so many pixels from its top."""
        path.parent.mkdir(parents=True, exist_ok=True)
        clip = {"x": 0, "y": 0, "width": self.width, "height": height}

        def taken() -> None:
            if height:
                self._page.screenshot(path=path, clip=clip, full_page=True)  # type: ignore[arg-type]
            else:
                self._page.screenshot(path=path, full_page=True)

        await self.browser.do(taken)
