"""The homepage's questions, asked of a real graphite-web that nobody else fills."""

from __future__ import annotations

import time

import pytest_twisted
from real_parts import Running

from clientmigration.core.measures.metrics import datapoints
from clientmigration.net.graphite import render
from clientmigration.status.history import ASKED, BACK_S, TARGETS, charts


@pytest_twisted.ensureDeferred
async def test_the_homepage_s_questions_are_answered_by_name(empty: Running) -> None:
    now = int(time.time())
    await empty.send(datapoints("gameserver", "shown", {"load": 0.25, "tick_ms_p99": 4.0}, now))
    await empty.send(datapoints("router", "shown", {"players": 7.0, "moves_settled": 2.0}, now))
    await empty.send(datapoints("crowd", "shown", {"gap_ms_p99": 12.0}, now))

    async def all_charts() -> dict[str, list[float | None]]:
        found = charts(await render(empty.reactor, empty.url, TARGETS, BACK_S))
        lines = {
            chart: line["points"]
            for chart, those in found.items()
            for line in those
            if line["name"] == "shown"
        }
        return lines if len(lines) == len(ASKED) else {}

    lines = await empty.eventually(all_charts)
    values = {chart: [v for v in points if v is not None] for chart, points in lines.items()}
    assert values == {
        "load": [0.25],
        "tick_ms": [4.0],
        "players": [7.0],
        "moves": [2.0],
        "gap_ms": [12.0],
    }
    assert {len(points) for points in lines.values()} <= {BACK_S // 5, BACK_S // 5 + 1}
