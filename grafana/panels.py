"""Panels: the common look. A dashboard only says what belongs beside what; `pages` has the rows.

What holds for every panel was found by looking at them as Grafana's own components draw them
(tests/live/test_panels_live.py), with one server, three and fifty:
- a number has its course below it, so it is at least `STAT_HEIGHT` high, or there is no room, and
  has words above it, or it stands in the middle, on its course;
- a legend stands below, or it takes half of a narrow panel;
- a curve has at most `POINTS` points: one for each second is wool;
- what happens is drawn in stacked bars: a line of zeros on top of a stack would colour all of it;
- what warns is drawn in bars everywhere, for a red line along the bottom looks like an alarm;
- an axis has an end of its own, or a curve of zeros is drawn up to 100;
- a bar has an end of its own too, or the highest is always full;
- what has another unit than the panel has an axis of its own, on the right.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from colours import ALARM, GREEN, PINK, SKY, WARNING, by_name
from curves import BRIDGED, DRAINING, Curve, pressing
from grafanalib.core import (
    BarGauge,
    GridPos,
    Panel,
    Stat,
    StateTimeline,
    Target,
    Threshold,
    TimeSeries,
)

PROVISIONED, PROVISIONED_NAME = "clientmigration-graphite", "ClientMigration Graphite"
"""The data source that `provisioning/` makes: its uid, and what people call it."""

DATASOURCE = {"type": "graphite", "uid": "${datasource}"}
"""The one that is chosen at the top of the dashboard."""

TAG = "clientmigration"
WIDTH = 24
STAT_HEIGHT = 5
BARS_HEIGHT, BARS = 7, 8
"""So high is a panel of bars, which has room for so many."""

POINTS = 180
"""Of each curve. In the usual quarter of an hour 5 s each, as often as a dashboard asks again."""

ROWS = 20
"""Servers on one page of a state timeline: more are on the next."""

SPANNED_MS = 30_000
"""What a sparse curve is drawn across: in a run of moves some seconds have none."""

LEAST = {
    **{"percentunit": 0.1, "ms": 5, "percent": 10, "short": 4, "none": 2},
    **{"bytes": 1024, "Bps": 1000, "lengthm": 10},
}
"""An axis goes at least so far, by unit."""

BESIDE = {
    **{"per_s": "per second", "ticks": "ticks", "days": "days"},
    **{"square metres": "square metres"},
}
"""Written beside the axis, by the kind of measure: Grafana has no unit that says it."""

GRADES = ((0, "fit", GREEN), (1, "strained", WARNING), (2, "overloaded", ALARM))
DRAINS = (DRAINING, "draining", PINK)

Steps = tuple[tuple[float, str], ...]
SHARE: Steps = ((0, GREEN), (0.6, WARNING), (0.8, ALARM))
TICK: Steps = ((0, GREEN), (25, WARNING), (50, ALARM))
LATE: Steps = ((0, GREEN), (10, WARNING), (50, ALARM))
NEVER: Steps = ((0, GREEN), (1, ALARM))
SELDOM: Steps = ((0, GREEN), (1, WARNING))
HEALTH: Steps = ((0, ALARM), (0.05, WARNING), (0.5, GREEN))
CORE: Steps = ((0, GREEN), (70, WARNING), (90, ALARM))
AGE: Steps = ((0, GREEN), (2_000, WARNING), (5_000, ALARM))
GAP: Steps = ((0, GREEN), (25, WARNING), (50, ALARM))
PLAIN: Steps = ((0, SKY),)


def _targets(curves: Sequence[Curve]) -> list[Target]:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [
        Target(target=curve.expression, refId=letter, datasource=DATASOURCE)
        for letter, curve in zip(letters, curves, strict=False)
    ]


def _thresholds(steps: Steps) -> list[Threshold]:
    return [Threshold(colour, index, float(at)) for index, (at, colour) in enumerate(steps)]


def _override(matcher: str, options: str, **properties: Any) -> dict[str, Any]:
    listed = [{"id": name.replace("_", "."), "value": value} for name, value in properties.items()]
    return {"matcher": {"id": matcher, "options": options}, "properties": listed}


def _fixed(colour: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": colour}


def _look(curve: Curve, unit: str, counted: bool) -> dict[str, Any]:
    """What differs in one curve from the rest of its panel."""
    properties: dict[str, Any] = {}
    if curve.label:
        properties["color"] = _fixed(curve.colour or SKY)
    if curve.colour in (ALARM, WARNING) and not counted:
        properties |= {"custom_drawStyle": "bars", "custom_lineWidth": 0}
        properties["custom_fillOpacity"] = 85
    if curve.dash:
        properties["custom_lineStyle"] = {"fill": "dash", "dash": list(curve.dash)}
    if curve.below:
        properties["custom_transform"] = "negative-Y"
    if curve.over:
        properties["custom_drawStyle"] = "line"
        properties["custom_stacking"] = {"mode": "none"}
        properties |= {"custom_lineWidth": 2, "custom_fillOpacity": 0}
    if curve.unit != unit:
        properties |= {"unit": curve.unit, "custom_axisPlacement": "right"}
        properties |= {"custom_axisSoftMax": LEAST[curve.unit], "custom_axisLabel": ""}
    return properties


def _looks(curves: Sequence[Curve], counted: bool) -> list[dict[str, Any]]:
    looks = []
    if curves[0].kind in BESIDE:  # not for the time, which has an axis too
        looks.append(_override("byType", "number", custom_axisLabel=BESIDE[curves[0].kind]))
    if any(not curve.label for curve in curves):
        looks += [_override("byRegexp", name, color=_fixed(colour)) for name, colour in by_name()]
    for curve in curves:
        if properties := _look(curve, curves[0].unit, counted):
            looks.append(_override("byName", curve.label, **properties))
    return looks


def _common(
    title: str, text: str, curves: Sequence[Curve], width: int, height: int, points: int = POINTS
) -> dict[str, Any]:
    return {
        "title": title,
        "description": text,
        "dataSource": DATASOURCE,
        "targets": _targets(curves),
        "gridPos": GridPos(height, width, 0, 0),
        "maxDataPoints": points,
    }


def _defaults(**fields: Any) -> dict[str, Any]:
    return {"fieldConfig": {"defaults": fields}}


def _mapped(rows: Sequence[tuple[int, str, str]]) -> list[dict[str, Any]]:
    """Numbers become words with a colour; above the last value it is the last word."""
    shown = [(value, {"text": text, "color": colour}) for value, text, colour in rows]
    exact = {str(value): {**look, "index": n} for n, (value, look) in enumerate(shown[:3])}
    mapped: list[dict[str, Any]] = [{"type": "value", "options": exact}]
    for value, look in shown[3:]:
        options = {"from": value, "to": 10 * value, "result": {**look, "index": len(exact)}}
        mapped.append({"type": "range", "options": options})
    return mapped


STATES = _mapped((*GRADES, DRAINS))


def stat(
    title: str,
    what: str,
    text: str,
    curve: Curve,
    steps: Steps = PLAIN,
    *,
    calc: str = "lastNotNull",
    width: int = 3,
    none: str = "none",
    mappings: Sequence[dict[str, Any]] = (),
    decimals: int | None = None,
) -> Panel:
    """One number, above it `what` it is, below it its course; a word stands alone."""
    return Stat(
        graphMode="none" if mappings else "area",
        textMode="value" if mappings else "value_and_name",
        **_common(title, text, [replace(curve, label=what)], width, STAT_HEIGHT),
        format=curve.unit,
        reduceCalc=calc,
        thresholds=_thresholds(steps),
        mappings=list(mappings),
        decimals=decimals,
        noValue=none,
        extraJson=_defaults(color={"mode": "thresholds"}, min=0),
    )


def bars(
    title: str,
    text: str,
    curve: Curve,
    steps: Steps,
    *,
    top: float,
    width: int = 4,
    height: int = BARS_HEIGHT,
    lowest: bool = False,
    decimals: int | None = None,
) -> Panel:
    """Every server now, one bar each, from nothing to `top`. Of many those with the highest values,
    or the `lowest`. Who said nothing for half a minute is not shown."""
    return BarGauge(
        **_common(title, text, [pressing(curve, BARS, lowest)], width, height),
        format=curve.unit,
        calc="lastNotNull",
        displayMode="basic",
        min=0,
        max=top,
        decimals=decimals,
        thresholds=_thresholds(steps),
        timeFrom="30s",
        hideTimeOverride=True,
        extraJson=_defaults(links=[SERVER_LINK]),
    )


def _drawn(curves: Sequence[Curve], counted: bool, stacked: bool) -> dict[str, Any]:
    """Bars for what happens, lines for what is; full areas where they are stacked."""
    servers = any(not curve.label for curve in curves)
    if counted:
        style: dict[str, Any] = {"drawStyle": "bars", "fillOpacity": 85, "lineWidth": 0}
    elif stacked:
        style = {"drawStyle": "line", "fillOpacity": 60, "lineWidth": 1}
    else:
        fill = 0 if servers or len(curves) > 2 else 15
        style = {"drawStyle": "line", "fillOpacity": fill, "lineWidth": 2}
        style["gradientMode"] = "opacity"
    heaped = stacked or counted
    return {**style, "stacking": {"mode": "normal", "group": "A"} if heaped else {"mode": "none"}}


def _axis(curves: Sequence[Curve], top: float | None) -> dict[str, Any]:
    """How far it goes at least."""
    least = LEAST[curves[0].unit]
    down = {"axisSoftMin": -least} if any(curve.below for curve in curves) else {}
    return {"axisSoftMax": top or least, **down}


def _calcs(curves: Sequence[Curve], counted: bool) -> list[str]:
    """What a legend says beside a name: how many there were, or the highest. Of servers nothing."""
    if any(not curve.label for curve in curves):
        return []
    counts = all(curve.fold == "sum" for curve in curves)
    return ["sum"] if counted and counts else ["max"]


def lines(
    title: str,
    text: str,
    curves: Sequence[Curve],
    steps: Steps = (),
    *,
    width: int = 12,
    height: int = 8,
    stacked: bool = False,
    counted: bool = False,
    top: float | None = None,
    none: str = "nothing in this time",
) -> Panel:
    """Curves over time; `counted` draws bars, for what happens rather than is."""
    sparse = any(curve.sparse for curve in curves)
    servers = any(not curve.label for curve in curves)
    return TimeSeries(
        **_common(title, text, curves, width, height),
        **_drawn(curves, counted, stacked),
        unit=curves[0].unit,
        showPoints="never",
        legendDisplayMode="list",
        legendPlacement="bottom",
        legendCalcs=_calcs(curves, counted),
        tooltipMode="multi",
        tooltipSort="desc",
        overrides=_looks(curves, counted),
        thresholds=_thresholds(steps or PLAIN),
        thresholdsStyleMode="dashed" if steps else "off",
        valueMin=None if any(curve.below for curve in curves) else 0,
        extraJson=_defaults(
            noValue=none,
            custom={"spanNulls": SPANNED_MS if sparse else 1000 * BRIDGED, **_axis(curves, top)},
            **({"links": [SERVER_LINK]} if servers else {}),
            **({} if top is None else {"max": top}),
        ),
    )


SERVER_LINK = {
    "title": "Everything about ${__field.displayName}",
    "url": "/d/cm-server?var-server=${__field.displayName}&${datasource:queryparam}"
    "&${__url_time_range}",
}


def states(title: str, text: str, curve: Curve, *, width: int = 24, height: int = 7) -> Panel:
    """A row for each server, its grade in colour and words."""
    servers = curve.asked.find(".gameserver.*.") > 0
    link = {"links": [SERVER_LINK]} if servers else {}
    return StateTimeline(
        **_common(title, text, [curve], width, height),
        mappings=STATES,
        showValue="auto",
        legendDisplayMode="hidden",
        tooltipMode="single",
        extraJson=_defaults(**link, noValue="no server has reported"),
    )
