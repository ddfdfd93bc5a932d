"""Twenty servers that attach at once: carbon throttles nobody."""

from __future__ import annotations

import json
import time
from urllib.parse import urlencode

import pytest_twisted
from real_parts import Running

from clientmigration.core.measures.metrics import datapoints, measures


@pytest_twisted.ensureDeferred
async def test_twenty_servers_attach_at_once_and_not_one_first_point_is_missing(
    live: Running,
) -> None:
    now, rows = int(time.time()), measures("gameserver")
    names = [f"twenty-{number}" for number in range(1, 21)]
    for name in names:  # each over a connection of its own, as servers do
        await live.send(datapoints("gameserver", name, dict.fromkeys(rows, 1.0), now))

    async def first_points() -> bool:
        query = {"target": "clientmigration.gameserver.twenty-*.*", "from": f"{now - 1}"}
        query |= {"until": f"{now + 1}", "format": "json"}
        series = json.loads(await live.ask(f"/render?{urlencode(query)}"))
        there = [each["target"] for each in series if [1.0, now] in each["datapoints"]]
        return len(there) == len(names) * len(rows)

    assert await live.eventually(first_points)
