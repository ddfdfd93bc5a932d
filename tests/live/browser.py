"""A real browser for live tests: Debian's chromium, driven by playwright.

playwright's plain interface wants a thread of its own, away from the reactor's: everything that
touches the browser is a function that is handed to `Browser.do`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Page, sync_playwright
from real_parts import PATIENCE_S
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

REPOSITORY = Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
AXE = REPOSITORY / "run" / "axe"
T = TypeVar("T")


def lacking() -> None:
    """Skips where there is no browser."""
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip("needs chromium: apt-get install chromium")


class Browser:
    """One chromium with a new profile. Pages remember what their console complained about."""

    def __init__(self, reactor: Any) -> None:
        lacking()
        self._reactor = reactor
        self._thread = ThreadPool(1, 1, "browser")
        self.complaints: list[str] = []

    async def do(self, what: Callable[[], T]) -> T:
        """What the function answers, run where the browser lives."""
        answer: T = await deferToThreadPool(self._reactor, self._thread, what)
        return answer

    async def start(self) -> None:
        """Open it."""
        self._thread.start()
        try:
            await self.do(self._launch)
        except BaseException:
            self._thread.stop()  # a thread that is left would keep the tests from ending
            raise

    def _launch(self) -> None:
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])

    async def stop(self) -> None:
        """Close it, and its thread."""
        await self.do(self._close)
        self._thread.stop()

    def _close(self) -> None:
        self._chromium.close()
        self._playwright.stop()

    async def open(self, url: str, **context: Any) -> Page:
        """A page of its own, loaded; `context` as playwright's new_context takes it."""

        def opened() -> Page:
            page = self._chromium.new_context(**context).new_page()
            page.set_default_timeout(1000 * PATIENCE_S)
            page.on("console", lambda said: self._heard(said.type, said.text))
            page.on("pageerror", lambda error: self._heard("error", str(error)))
            page.goto(url)
            return page

        self.complaints.clear()
        return await self.do(opened)

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    async def close(self, page: Page) -> None:
        """The page and everything of it."""
        await self.do(page.context.close)

    async def text(self, page: Page, selector: str) -> str:
        """What is written there now."""
        return await self.do(lambda: page.locator(selector).inner_text())

    async def see(self, page: Page, selector: str) -> None:
        """Go there: what is far down is loaded when it is about to be seen."""
        await self.do(lambda: page.locator(selector).scroll_into_view_if_needed())

    async def ask(self, page: Page, expression: str) -> Any:
        """The value of a JavaScript expression."""
        return await self.do(lambda: page.evaluate(expression))


def axe() -> str:
    """The source of axe-core, fetched from npm once."""
    source = AXE / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("needs npm, for axe-core: apt-get install npm")
        AXE.mkdir(parents=True, exist_ok=True)
        (AXE / "package.json").write_text("{}")
        done = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@4"],
            cwd=AXE,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"npm brings no axe-core: {done.stderr.strip()[-200:]}")
    return source.read_text()
