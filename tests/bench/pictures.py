"""Draws the first screens of the dashboards, as Grafana's own components do, into a folder.

    .venv/bin/python tests/bench/pictures.py http://127.0.0.1:8080 docs/panels [seconds back]

The targets are those that the dashboards have, the answers those of a graphite-web that runs. Needs
chromium and npm. What is drawn by hand there is said in tests/grafana/board.jsx.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from browser import Browser
from grafana_parts import Board, Moment
from questions import RANGE_S, Ask, dashboards

PICTURES = {"fleet": 960, "migrations": 1000, "decisions": 1000, "server": 1000, "players": 900}
"""How much of each, in pixels from the top: about what a screen shows."""

WORDS = {"router": "router", "server": "gs-1"}


async def draw(
    reactor: Any, ask: Ask, folder: Path, back_s: int, words: Mapping[str, str] = WORDS
) -> None:
    """One picture of each dashboard into the folder, of the last so many seconds."""
    browser = Browser(reactor)
    await browser.start()
    try:
        board = Board(browser, ask)
        await board.opens(1600)
        at = Moment(int(time.time()) - 2, words, back_s)
        for name, height in PICTURES.items():
            await board.draws(dashboards()[name], at)
            await board.pictured(folder / f"{name}.png", height)
    finally:
        await browser.stop()


async def main(reactor: Any, base: str, folder: Path, back_s: int) -> None:
    """All of them, of a Graphite that runs."""

    def asked(path: str) -> bytes:
        with urlopen(base + path, timeout=60) as answer:
            body: bytes = answer.read()
        return body

    async def ask(path: str) -> bytes:
        return await deferToThread(asked, path)

    await draw(reactor, ask, folder, back_s)


if __name__ == "__main__":
    said = (sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else RANGE_S)
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, *said)))
