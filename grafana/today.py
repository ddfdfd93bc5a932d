"""From what grafanalib 0.7.1 writes to what Grafana reads today: one pure function on JSON.

grafanalib's last release knows a Grafana of years ago. What it writes, and what is done about it:

| grafanalib writes | Grafana wants | here |
|---|---|---|
| schemaVersion 12, and fields of that time | 42, without them | set; `_GONE` dropped |
| null for whatever is not set | nothing | dropped |
| the first threshold's value as the word "null" | null | `_steps` |
| thresholds with op, yaxis, line, index | colour and value | `_steps` |
| a bar gauge's `fieldOptions` | `fieldConfig` and `reduceOptions` | `_bar_gauge` |
| a target with fields of every data source | those of Graphite | `_target` |
| a target's text that the query builder may rewrite | `textEditor` | `_target` |
| a variable with tags of Grafana 3 | none | `_variable` |
| a list of time ranges to choose from | none: it has its own | `today` |
| a variable's current value as nothing at all | none: the first is taken | `_variable` |
| a choice of data sources like one among names | its own fields; ours is chosen | `_source` |
| a stat and a state timeline without options of later years | those | `_LATER` |
| legends without `showLegend` and `calcs` | both | `_legend` |
"""

import json
from typing import Any

from grafanalib._gen import DashboardEncoder
from grafanalib.core import Dashboard
from panels import PROVISIONED, PROVISIONED_NAME, ROWS

SCHEMA = 42
PLUGINS = "12.1.1"
"""The version that a panel claims to be made by: Grafana migrates those that claim none."""

Json = dict[str, Any]

_GONE = {
    "dashboard": ("__inputs", "gnetId", "hideControls", "rows", "sharedCrosshair", "style"),
    "panel": (
        *("cacheTimeout", "editable", "error", "height", "minSpan", "span", "repeatDirection"),
        *("color", "columns", "fontSize", "mappings", "links", "transformations", "maxPerRow"),
    ),
    "row": (
        *("description", "fieldConfig", "targets", "transparent", "hideTimeOverride"),
        "maxDataPoints",
    ),
    "variable": (
        "current",
        "auto",
        "auto_count",
        "auto_min",
        "tagsQuery",
        "tagValuesQuery",
        "useTags",
    ),
}

_LATER: dict[str, Json] = {
    "stat": {
        "percentChangeColorMode": "standard",
        "showPercentChange": False,
        "wideLayout": True,
    },
    "state-timeline": {"perPage": ROWS, "tooltip": {"mode": "single", "sort": "none"}},
}


def today(dashboard: Dashboard) -> Json:
    """The dashboard as Grafana reads it today."""
    old: Json = _without_nothing(json.loads(json.dumps(dashboard, cls=DashboardEncoder)))
    new = _without(old, "dashboard")
    new["schemaVersion"] = SCHEMA
    del new["timepicker"]["time_options"]
    new["panels"] = [_panel(panel) for panel in old["panels"]]
    new["templating"] = {"list": [_variable(each) for each in old["templating"]["list"]]}
    return new


def written(dashboard: Dashboard) -> str:
    """The file: the same text for the same dashboard, always."""
    return json.dumps(today(dashboard), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(each) for key, each in value.items() if each is not None}
    return [_without_nothing(each) for each in value] if isinstance(value, list) else value


def _without(old: Json, what: str) -> Json:
    return {key: value for key, value in old.items() if key not in _GONE[what]}


def _panel(old: Json) -> Json:
    new = _without(old, "panel")
    if new["type"] == "row":
        return _without(new, "row")
    new["pluginVersion"] = PLUGINS
    new["targets"] = [_target(each) for each in old["targets"]]
    if new["type"] == "bargauge":
        _bar_gauge(new)
    new["options"] |= _LATER.get(new["type"], {})
    steps = new["fieldConfig"]["defaults"]["thresholds"]
    steps["steps"] = _steps(steps["steps"])
    new["fieldConfig"].setdefault("overrides", [])
    if "legend" in new["options"]:
        _legend(new["options"]["legend"])
    return new


def _target(old: Json) -> Json:
    kept = {key: old[key] for key in ("datasource", "refId", "target")}
    return {**kept, "textEditor": True}


def _bar_gauge(panel: Json) -> None:
    options, field = panel["options"].pop("fieldOptions"), panel["fieldConfig"]["defaults"]
    for key in ("showThresholdLabels", "showThresholdMarkers"):
        del panel["options"][key]
    field.update(options["defaults"], color={"mode": "thresholds"}, links=field["links"])
    field["thresholds"]["steps"] = options["thresholds"]
    panel["options"] |= {
        "reduceOptions": {"calcs": options["calcs"], "fields": "", "values": False},
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        **{
            "text": {"titleSize": 12, "valueSize": 15},
            "valueMode": "text",
            "namePlacement": "auto",
            "sizing": "manual",
        },
        **{"minVizHeight": 16, "maxVizHeight": 150, "minVizWidth": 8, "showUnfilled": True},
    }


def _steps(old: list[Json]) -> list[Json]:
    """The first step is the ground, which has no value."""
    return [
        {"color": each["color"], "value": None if each["value"] == "null" else each["value"]}
        for each in old
    ]


def _legend(legend: Json) -> None:
    legend["showLegend"] = legend["displayMode"] != "hidden"
    legend.setdefault("calcs", [])
    if not legend["showLegend"]:
        legend["displayMode"] = "list"


def _variable(old: Json) -> Json:
    return _source(old) if old["type"] == "datasource" else _without(old, "variable")


def _source(old: Json) -> Json:
    """The provisioned one is chosen where it is there, the first Graphite where it is not."""
    kept = ("type", "name", "label", "description", "query", "hide", "refresh", "skipUrlSync")
    ours = {"selected": False, "text": PROVISIONED_NAME, "value": PROVISIONED}
    return {**{key: old[key] for key in kept if key in old}, "current": ours, "options": []}
