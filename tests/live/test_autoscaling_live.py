"""The queries of docs/autoscaling.md, asked as KEDA asks them, of a real graphite-web."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_twisted
import yaml
from real_parts import Running

from clientmigration.core.fleet.policy import AutoscalePolicy
from clientmigration.core.measures.metrics import datapoints

PAGE = Path(__file__).parents[2] / "docs" / "autoscaling.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
DOCUMENTS = [yaml.safe_load(each) for each in BLOCKS]
SCALED: dict[str, Any] = next(each for each in DOCUMENTS if each["kind"] == "ScaledObject")
TRIGGERS = {
    re.split(r"[.,]", each["metadata"]["query"])[3]: each["metadata"]
    for each in SCALED["spec"]["triggers"]
}


async def asked(live: Running, trigger: dict[str, str]) -> list[float]:
    """What KEDA makes of the answer: the last value that is not null, of each series."""
    query = {"from": trigger["queryTime"], "target": trigger["query"], "format": "json"}
    series = json.loads(await live.ask(f"/render?{urlencode(query)}"))
    known = [[value for value, _ in each["datapoints"] if value is not None] for each in series]
    return [values[-1] for values in known]


def test_the_page_aims_at_what_the_policy_aims_at() -> None:
    policy = AutoscalePolicy()
    assert float(TRIGGERS["load"]["threshold"]) == policy.load
    assert float(TRIGGERS["players"]["threshold"]) == policy.seats * 200
    window = SCALED["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert window["stabilizationWindowSeconds"] == policy.fall_s
    assert SCALED["spec"]["minReplicaCount"] == policy.least
    assert SCALED["spec"]["maxReplicaCount"] == policy.most


@pytest.mark.parametrize(("measure", "right"), [("load", 0.9), ("players", 130.0)])
@pytest_twisted.ensureDeferred
async def test_each_query_answers_with_one_series_and_the_right_number(
    empty: Running, measure: str, right: float
) -> None:
    now = int(time.time())
    values = {"load": 0.45, "players": 65.0}
    points = [
        point
        for name, seconds in {"sum-1": (20, 0), "sum-2": (20, 1), "sum-3": (20, 12)}.items()
        for ago in range(seconds[0], seconds[1] - 1, -1)
        for point in datapoints("gameserver", name, values, now - ago)
    ]
    await empty.send(points)

    async def answered() -> bool:
        return await asked(empty, TRIGGERS[measure]) == [pytest.approx(right)]

    assert await empty.eventually(answered)
