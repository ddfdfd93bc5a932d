"""What Grafana and scalers take as the value of now, asked of a real graphite-web at every tenth of
a second, while three servers report at different moments and one of them is a second late.

The answer must be the same whenever it is asked, and follow what changes within three seconds.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest_twisted
import yaml
from questions import GRAFANA, alerts, dashboards, panels
from real_parts import Running
from twisted.internet.task import LoopingCall, deferLater

from clientmigration.core.measures.metrics import datapoints, measures

PAGE = GRAFANA.parent / "docs" / "autoscaling.md"
FOLLOWS_WITHIN_S = 3
LATE_S = 1


def of_alerts() -> dict[str, str]:
    """The alerts that go by the last value."""
    return {
        rule["title"]: rule["data"][0]["model"]["target"]
        for rule in alerts()
        if rule["data"][1]["model"]["reducer"] == "last"
    }


def of_panels() -> dict[str, str]:
    """Single numbers and states that are made of several servers."""
    found = {}
    for name, page in dashboards().items():
        for panel in panels(page):
            calcs = panel["options"].get("reduceOptions", {}).get("calcs", ["lastNotNull"])
            text = panel["targets"][0]["target"]
            now = panel["type"] in ("stat", "state-timeline") and calcs == ["lastNotNull"]
            if now and ".*." in text:
                found[f"{name}: {panel['title']}"] = text
    return found


def of_scalers() -> dict[str, str]:
    """What KEDA is told to ask."""
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (scaled,) = (d for d in map(yaml.safe_load, blocks) if d["kind"] == "ScaledObject")
    queries = [each["metadata"]["query"] for each in scaled["spec"]["triggers"]]
    return {f"scaler {n}": query for n, query in enumerate(queries)}


NOW = {**of_alerts(), **of_panels(), **of_scalers()}


class Reporter:
    """A daemon that sends all its measures, `into_s` into each second, of `late_s` seconds ago."""

    def __init__(self, live: Running, role: str, name: str, into_s: float, late_s: int) -> None:
        self.live, self.role, self.name = live, role, name
        self.into_s, self.late_s = into_s, late_s
        self.value: Callable[[str, int], float] = lambda _measure, _when: 0.0
        self.loop = LoopingCall(self.report)

    def report(self) -> Any:
        when = int(time.time()) - self.late_s
        values = {each: self.value(each, when) for each in measures(self.role)}
        return self.live.send(datapoints(self.role, self.name, values, when))

    async def begin(self) -> None:
        """Reports at its own moment of each second."""
        await deferLater(self.live.reactor, (self.into_s - time.time()) % 1)
        self.loop.start(1)


@pytest_twisted.async_yield_fixture
async def reporters(empty: Running) -> AsyncIterator[list[Reporter]]:
    """Three servers, two crowds and a router; the last of its role is late."""
    several = [
        Reporter(empty, "gameserver", "early", 0.05, 0),
        Reporter(empty, "gameserver", "later", 0.45, 0),
        Reporter(empty, "gameserver", "late", 0.75, LATE_S),
        Reporter(empty, "crowd", "early", 0.25, 0),
        Reporter(empty, "crowd", "late", 0.85, LATE_S),
        Reporter(empty, "router", "router", 0.65, 0),
    ]
    for each in several:
        await each.begin()
    yield several
    for each in several:
        each.loop.stop()


async def answers(live: Running) -> dict[str, list[float]]:
    """The last value that is not null of each question's series, all asked at one moment."""
    targets = [("target", text) for text in NOW.values()]
    words = [("from", "-60s"), ("format", "json"), ("noCache", "true")]
    seen = {}
    for (name, _), target in zip(NOW.items(), targets, strict=True):
        series = json.loads(await live.ask(f"/render?{urlencode([target, *words])}"))
        known = [[v for v, _ in each["datapoints"] if v is not None] for each in series]
        seen[name] = [values[-1] for values in known if values]
    return seen


async def at_every_tenth(live: Running) -> list[dict[str, list[float]]]:
    """The answers at ten moments, each at another tenth of its second; the next one comes next."""
    several, left = [], set(range(10))

    def wait_s(tenth: int) -> float:
        return (tenth / 10 - time.time()) % 1

    while left:
        tenth = min(left, key=wait_s)
        left.remove(tenth)
        await deferLater(live.reactor, wait_s(tenth))
        several.append(await answers(live))
    return several


def different(one: dict[str, list[float]], other: dict[str, list[float]]) -> list[str]:
    """The questions that were answered in another way."""
    return [f"{name}: {one[name]}, then {other[name]}" for name in one if one[name] != other[name]]


FIRST = {"early": 2.0, "later": 1.0, "late": 0.0, "router": 1.0}
THEN = {"early": 1.0, "later": 3.0, "late": 4.0, "router": 1.0}


@pytest_twisted.ensureDeferred
async def test_the_value_of_now_is_the_same_at_every_moment_and_follows_what_changes(
    empty: Running, reporters: list[Reporter]
) -> None:
    changes = [time.time() + 3600]

    def set_values(who: Reporter) -> None:
        def value(_measure: str, when: int) -> float:
            return (FIRST if when < changes[0] else THEN)[who.name]

        who.value = value

    for each in reporters:
        set_values(each)
    reported = sum(len(measures(each.role)) for each in reporters)

    async def all_known() -> bool:
        return len(await empty.known("clientmigration.*.*.*")) == reported

    await empty.eventually(all_known)
    await deferLater(empty.reactor, FOLLOWS_WITHIN_S)
    first = await at_every_tenth(empty)
    assert [name for name, values in first[0].items() if not values] == []
    assert [line for seen in first[1:] for line in different(first[0], seen)] == []
    changes[0] = int(time.time()) + 2
    await deferLater(empty.reactor, changes[0] + FOLLOWS_WITHIN_S - time.time())
    then = await answers(empty)
    assert [name for name in then if then[name] != first[0][name]]
    assert [line for seen in await at_every_tenth(empty) for line in different(then, seen)] == []


def test_what_is_asked_here_is_what_stands_in_the_files() -> None:
    assert set(of_alerts()) == {
        "A certificate expires",
        "Overloaded, and nobody to take over",
        "A game server does not keep up",
        "A clock is off",
        "The router is gone",
    }
    assert {"fleet: Worst grade", "decisions: Imbalance"} <= set(NOW)
    assert len(of_scalers()) == 2
    assert Path(PAGE).exists()
