"""Decisions come from the metrics: what the router decided from is what carbon received."""

from __future__ import annotations

from pathlib import Path

import pytest_twisted
from real_parts import Cluster, Running, eventually

from clientmigration.core.measures.metrics import Datapoint, measures
from clientmigration.net.graphite import render

SECONDS = 4


@pytest_twisted.ensureDeferred
async def test_what_carbon_received_is_what_the_router_decided_from(
    live: Running, tmp_path: Path
) -> None:
    cluster = Cluster(tmp_path, live.graphite.ports.carbon)
    observed: list[Datapoint] = []
    cluster.router.reports.subscribe(observed.extend)
    cluster.start()
    await cluster.server("east", "west")
    for _ in range(4):
        await cluster.player()
    begin = max(point.timestamp for point in observed) + 1
    await eventually(lambda: max(point.timestamp for point in observed) > begin + SECONDS)
    decided = {
        (path, when): value for path, value, when in observed if begin <= when < begin + SECONDS
    }
    received: dict[tuple[str, int], float] = {}

    async def all_received() -> bool:
        series = await render(live.reactor, live.url, ["clientmigration.gameserver.*.*"], 60)
        received.update(
            ((each.target, when), value)
            for each in series
            for value, when in each.datapoints
            if value is not None and begin <= when < begin + SECONDS
        )
        return decided.keys() <= received.keys()

    await live.eventually(all_received)
    names = ("clientmigration.gameserver.east.", "clientmigration.gameserver.west.")
    mine = {key: value for key, value in received.items() if key[0].startswith(names)}
    assert mine == decided
    assert len({path for path, _ in decided}) > 2 * sum(
        not each.sparse for each in measures("gameserver").values()
    )
    await cluster.stop()
