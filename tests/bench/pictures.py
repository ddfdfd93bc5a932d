"""Draws the main panels with graphite-web, from the very targets that the dashboards have.

    .venv/bin/python tests/bench/pictures.py http://127.0.0.1:8080 docs/panels [seconds back]

Grafana draws them better; these are for looking at without one. Vertical lines are the router's
events. Needs libcairo2 where graphite-web runs.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from questions import Ask, Query, dashboards, filled

from clientmigration.net.graphite import GraphiteAway

SERVERS = ["#0072B2", "#E69F00", "#56B4E9", "#D55E00", "#F0E442", "#999999"]
LOOK = {
    **{"format": "png", "width": "800", "height": "280", "fontSize": "11", "lineWidth": "2"},
    **{"bgcolor": "white", "fgcolor": "#333333", "majorGridLineColor": "#dddddd"},
    **{"minorGridLineColor": "#f2f2f2", "hideLegend": "false", "tz": "UTC", "xFormat": "%H:%M:%S"},
    **{
        "lineMode": "connected",
        "connectedLimit": "4",
        "minorY": "0",
        "margin": "14",
        "fontName": "DejaVu Sans",
    },
}
MARKS = {"decision": "#999999", "drain": "#CC79A7", "crash": "#000000", "join": "#009E73"}

# name of the file: dashboard, panel, what differs from LOOK, which events are marked
PICTURES: dict[str, tuple[str, str, dict[str, str], tuple[str, ...]]] = {
    "load": ("fleet", "Load", {"yMin": "0", "yMax": "1"}, ("join", "drain", "crash")),
    "players": ("fleet", "Players by server", {"areaMode": "stacked"}, ("join", "drain", "crash")),
    "moves": (
        "migrations",
        "Moves per second, by outcome",
        {"areaMode": "stacked", "yMin": "0"},
        ("decision",),
    ),
    "gaps": (
        "migrations",
        "Gap at a move",
        {"yMin": "0", "vtitle": "ms"},
        ("drain", "crash"),
    ),
    "balance": (
        "decisions",
        "Highest, mean, lowest load",
        {"yMin": "0"},
        ("decision",),
    ),
    "lateness": (
        "fleet",
        "Lateness, p99",
        {"yMin": "0", "vtitle": "ms"},
        ("join", "drain", "crash"),
    ),
}


def panel(dashboard: str, title: str) -> Any:
    """The panel of that title that has curves."""
    (found,) = [
        each
        for each in dashboards()[dashboard]["panels"]
        if each["title"] == title and each["type"] == "timeseries"
    ]
    return found


def _colours(drawn: Any, curves: int) -> list[str]:
    """Those that the panel gives its curves; servers get them in turn."""
    given = [
        each["value"]["fixedColor"]
        for override in drawn["fieldConfig"]["overrides"]
        if override["matcher"]["id"] == "byName"
        for each in override["properties"]
        if each["id"] == "color"
    ]
    return given if len(given) == curves else SERVERS


async def draw(ask: Ask, name: str, folder: Path, back_s: int) -> None:
    """One picture into the folder."""
    dashboard, title, look, marks = PICTURES[name]
    drawn = panel(dashboard, title)
    chosen = {"router": "router"}
    targets = [filled(Query("target", "", t["target"]), chosen).text for t in drawn["targets"]]
    colours = _colours(drawn, len(targets))
    lines = [
        f"alpha(color(alias(drawAsInfinite(events('clientmigration:{mark}')),'{mark}'),"
        f"'{MARKS[mark]}'),0.5)"
        for mark in marks
    ]
    words = [("target", each) for each in (*targets, *lines)]
    words += {**LOOK, **look, "title": f"{dashboard.capitalize()}: {title}"}.items()
    words += [("from", f"-{back_s}s"), ("colorList", ",".join(colours))]
    folder.mkdir(parents=True, exist_ok=True)
    for end_s in range(1, 6):  # graphite-web cannot draw an event in the very last second
        with suppress(GraphiteAway, HTTPError):
            picture = await ask(f"/render?{urlencode([*words, ('until', f'-{end_s}s')])}")
            (folder / f"{name}.png").write_bytes(picture)
            return
    raise SystemExit(f"{name}: graphite-web does not draw it")


def main(base: str, folder: Path, back_s: int) -> None:
    """All of them."""

    async def ask(path: str) -> bytes:
        with urlopen(base + path, timeout=30) as answer:
            body: bytes = answer.read()
        return body

    for name in PICTURES:
        asyncio.run(draw(ask, name, folder, back_s))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 300)
