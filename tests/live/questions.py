"""Everything that Grafana will ask Graphite, read from the files that Grafana reads, and asked.

A query is answered when data comes back: a series with a value, an event, a name to choose. Its
name says where it stands: dashboard, row, panel, letter of the target.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

import yaml

from clientmigration.net.graphite import GraphiteAway

GRAFANA = Path(__file__).parents[2] / "grafana"
RANGE_S = 15 * 60
"""The dashboards' time range."""

Kind = Literal["target", "variable", "annotation", "alert"]
Ask = Callable[[str], Awaitable[bytes]]
"""A path at graphite-web, and the body of its answer."""


@dataclass(frozen=True)
class Query:
    """`text` is an expression for /render, or for an annotation the tags of events."""

    kind: Kind
    name: str
    text: str
    back_s: int = RANGE_S


def dashboards() -> dict[str, Any]:
    """Every dashboard by its file's name."""
    files = sorted((GRAFANA / "dashboards").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in files}


def alerts() -> list[Any]:
    """Every alert rule."""
    rules = yaml.safe_load((GRAFANA / "provisioning/alerting/clientmigration.yaml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def panels(dashboard: Any) -> list[Any]:
    """The panels that show something, not the rows between them."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def every() -> list[Query]:
    """All of them, variables first."""
    found = list(_of_alerts())
    for name, dashboard in dashboards().items():
        found += _of_dashboard(name, dashboard)
    return sorted(found, key=lambda query: query.kind != "variable")


def _of_dashboard(name: str, dashboard: Any) -> Iterator[Query]:
    names = (each for each in dashboard["templating"]["list"] if each["type"] == "query")
    for each in names:
        yield Query("variable", f"{name} / ${each['name']}", each["query"]["target"])
    for each in dashboard["annotations"]["list"]:
        yield Query("annotation", f"{name} / {each['name']}", " ".join(each["target"]["tags"]))
    row = ""
    for panel in dashboard["panels"]:
        row = panel["title"] if panel["type"] == "row" else row
        back_s = _seconds(panel.get("timeFrom", "")) or RANGE_S
        for each in panel.get("targets", []):
            where = f"{name} / {row} / {panel['title']} / {each['refId']}"
            yield Query("target", where, each["target"], back_s)


def _of_alerts() -> Iterator[Query]:
    for rule in alerts():
        for step in rule["data"]:
            if step["datasourceUid"] != "__expr__":
                back_s = step["relativeTimeRange"]["from"]
                yield Query("alert", f"alert / {rule['title']}", step["model"]["target"], back_s)


def _seconds(span: str) -> int:
    return int(span[:-1]) * {"s": 1, "m": 60, "h": 3600}[span[-1]] if span else 0


def filled(query: Query, chosen: Mapping[str, str]) -> Query:
    """With a value in the place of each variable, as Grafana does it."""
    text = query.text
    for name, value in chosen.items():
        text = text.replace(f"${name}", value)
    return replace(query, text=text)


async def answer(ask: Ask, query: Query) -> list[str]:
    """Names of the series, or texts of the events, that came back with data."""
    if query.kind == "annotation":
        words = {"tags": query.text, "from": f"-{query.back_s}s", "until": "now"}
        events = json.loads(await ask(f"/events/get_data?{urlencode(words)}"))
        tags = query.text.split()
        return [event["data"] for event in events if all(tag in event["tags"] for tag in tags)]
    words = {"target": query.text, "from": f"-{query.back_s}s", "format": "json"}
    series = json.loads(await ask(f"/render?{urlencode(words)}"))
    return [
        each["target"]
        for each in series
        if any(value is not None for value, _when in each["datapoints"])
    ]


class Sweep:
    """Asks what has not been answered yet, again and again, until nothing is left."""

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.left = every()
        self.answered: list[Query] = []
        self.chosen: dict[str, str] = {}

    async def once(self) -> list[Query]:
        """One round; those that are left."""
        left: list[Query] = []
        for query in self.left:
            try:
                names = await answer(self.ask, filled(query, self.chosen))
            except GraphiteAway:  # slow: asked again in the next round
                names = []
            if names and query.kind == "variable":
                # The last by name is one that began with the stack: "extra" may be gone too soon.
                self.chosen.setdefault(query.name.rpartition("$")[2], sorted(names)[-1])
            (self.answered if names else left).append(query)
        self.left = left
        return left

    def table(self) -> str:
        """Counts by kind: how many there are, how many were answered."""
        pages = dashboards().values()
        rows = [f"{len(pages)} dashboards, {sum(len(panels(page)) for page in pages)} panels"]
        for kind in ("target", "variable", "annotation", "alert"):
            done, left = (sum(q.kind == kind for q in some) for some in (self.answered, self.left))
            rows.append(f"{kind}s: {done} of {done + left} answered")
        return "\n".join(rows)
