"""The common look: how a measure becomes a curve and a panel; `pages` has rows and dashboards.

Every name of a measure comes out of the catalogue, and so do its unit and the way in which several
values become one; a dashboard only says what belongs beside what. Colours are those of Okabe and
Ito, which people with any colour vision tell apart, and colour never stands alone: grades have
words, percentiles have dashes, servers have names.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

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

from clientmigration.core.measures.metrics import Measure, measures, path

PROVISIONED, PROVISIONED_NAME = "clientmigration-graphite", "ClientMigration Graphite"
"""The data source that `provisioning/` makes: its uid, and what people call it."""

DATASOURCE = {"type": "graphite", "uid": "${datasource}"}
"""The one that is chosen at the top of the dashboard."""

TAG = "clientmigration"
WIDTH = 24
MANY = 12
"""Curves of servers in one panel at most: of more than so many the worst are shown."""

BRIDGED = 5
"""A gap of up to so many seconds is filled: a busy daemon that did not report in a second."""

SKY, BLUE, GREEN, YELLOW = "#56B4E9", "#0072B2", "#009E73", "#F0E442"
ORANGE, RED, PINK, GREY = "#E69F00", "#D55E00", "#CC79A7", "#999999"
BY_DIGIT = (GREY, BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW, BLUE, ORANGE)
"""The colour of a server by the last digit of its name, the same in every panel."""

UNITS = {
    "ratio": "percentunit",
    "ms": "ms",
    "metres": "lengthm",
    "percent": "percent",
    "bytes": "bytes",
    "bytes_per_s": "Bps",
    "per_s": "suffix:/s",
    "ticks": "suffix: ticks",
    "count": "short",
    "grade": "none",
    "flag": "none",
}

GRADES = ((0, "fit", SKY), (1, "strained", ORANGE), (2, "overloaded", RED))
DRAINING = (10, "draining", PINK)
"""Grade and draining in one number: a server that drains shows its grade and ten."""

RANKS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("p50", SKY, ()),
    ("p95", GREEN, (12, 4)),
    ("p99", ORANGE, (6, 4)),
    ("max", RED, (2, 4)),
)
"""The percentiles of a spread: colour and dashes."""

Steps = tuple[tuple[float, str], ...]
SHARE: Steps = ((0, SKY), (0.6, ORANGE), (0.8, RED))
TICK: Steps = ((0, SKY), (25, ORANGE), (50, RED))
LATE: Steps = ((0, SKY), (10, ORANGE), (50, RED))
NEVER: Steps = ((0, SKY), (1, RED))
SELDOM: Steps = ((0, SKY), (1, ORANGE))
HEALTH: Steps = ((0, RED), (0.05, ORANGE), (0.5, SKY))
CORE: Steps = ((0, SKY), (70, ORANGE), (90, RED))
AGE: Steps = ((0, SKY), (2_000, ORANGE), (5_000, RED))
GAP: Steps = ((0, SKY), (25, ORANGE), (50, RED))
PLAIN: Steps = ((0, SKY),)

# Curves: what graphite-web is asked.


@dataclass(frozen=True)
class Curve:
    """One expression for graphite-web, and how it looks. `sparse`: seconds may have no value."""

    expression: str
    unit: str
    label: str = ""
    colour: str = ""
    dash: tuple[int, ...] = ()
    below: bool = False
    sparse: bool = False


def place(role: str, measure: str, who: str = "*") -> str:
    """The path of a measure, of one (`gs-1`, `$server`) or of all (`*`)."""
    first, role, _, measure = path(role, "any", measure).split(".")
    return f"{first}.{role}.{who}.{measure}"


def kept(expression: str) -> str:
    """Levels, each kept until its server says the next, for at most `BRIDGED` points.

    The newest second has only been reported by some, and a sum, mean or worst of some says nothing.
    Not for counts: one that is kept counts again.
    """
    return f"keepLastValue({expression},{BRIDGED})"


def _curve(known: Measure, expression: str, label: str = "", colour: str = "") -> Curve:
    folded = f"consolidateBy({expression},'{known.fold}')"
    named = f"alias({folded},'{label}')" if label else f"aliasByNode({folded},2)"
    return Curve(named, UNITS[known.unit], label, colour, sparse=known.sparse)


def each(role: str, measure: str) -> Curve:
    """One curve for each server that has values in this time; who left earlier is not there."""
    return _curve(measures(role)[measure], f"removeEmptySeries({place(role, measure)})")


def stack(role: str, measure: str) -> Curve:
    """The same of a level, to be stacked: nobody drops out of the newest second."""
    alive = f"removeEmptySeries({place(role, measure)})"
    return _curve(measures(role)[measure], kept(alive))


def worst(role: str, measure: str) -> Curve:
    """The same, of the `MANY` servers with the highest values."""
    alive = f"removeEmptySeries({place(role, measure)})"
    return _curve(measures(role)[measure], f"highestMax({alive},{MANY})")


def one(
    role: str, measure: str, label: str, colour: str = "", dash: Sequence[int] = (), who: str = ""
) -> Curve:
    """The curve of the server or router that is chosen above."""
    chosen = place(role, measure, who or {"gameserver": "$server", "router": "$router"}[role])
    return replace(_curve(measures(role)[measure], chosen, label, colour), dash=tuple(dash))


def together(
    role: str,
    measure: str,
    label: str,
    colour: str = "",
    dash: Sequence[int] = (),
    added: bool = False,
    always: bool = False,
) -> Curve:
    """All of a role as one curve: counts and rates are added, medians and shares averaged, and of
    times and grades it is the worst. `always`: a sparse measure that is there in every second."""
    known = measures(role)[measure]
    level = known.fold != "sum" and (always or not known.sparse)
    places = place(role, measure)
    added = added or known.unit in ("count", "per_s", "bytes", "bytes_per_s", "percent")
    averaged = known.fold == "average"
    function = "sumSeries" if added else "averageSeries" if averaged else "maxSeries"
    several = kept(places) if level else places
    made = _curve(known, f"{function}({several})", label, colour)
    return replace(made, dash=tuple(dash))


def per_second(curve: Curve) -> Curve:
    """A count of the interval as a rate, whatever the interval is."""
    inner = curve.expression.removeprefix("alias(").rpartition(",")[0]
    expression = f"alias(scaleToSeconds({inner},1),'{curve.label}')"
    return replace(curve, expression=expression, unit=UNITS["per_s"])


def below(curve: Curve) -> Curve:
    """Drawn downwards from the middle."""
    return replace(curve, below=True)


def said(expression: str, unit: str, label: str = "", colour: str = "") -> Curve:
    """An expression of one's own; paths in it come from `place`."""
    named = f"alias({expression},'{label}')" if label else expression
    return Curve(named, UNITS[unit], label, colour)


def ranks(role: str, stem: str, many: bool = False) -> list[Curve]:
    """Median, p95, p99 and the greatest of a spread: the rarer, the more broken the line."""
    pick = together if many else one
    return [pick(role, f"{stem}_{rank}", rank, colour, dash) for rank, colour, dash in RANKS]


def seats_taken() -> Curve:
    """Players, of those that the fleet may own."""
    taken, all_ = (place("router", name, "$router") for name in ("players", "capacity"))
    return said(f"divideSeries({taken},{all_})", "ratio", "seats taken")


def pairs_split(role: str, who: str) -> Curve:
    """Of the pairs of players who see each other, those on two servers: of one."""
    apart, all_ = (place(role, name, who) for name in ("pairs_split", "pairs"))
    return said(f"divideSeries({apart},{all_})", "ratio", "pairs split")


def pairs_split_each() -> Curve:
    """The same of each server. Both measures are in every report, so they are there in pairs."""
    names = ("pairs_split", "pairs")
    alive = ",".join(f"removeEmptySeries({place('gameserver', name)})" for name in names)
    shares = f"reduceSeries(mapSeries(group({alive}),2),'divideSeries',3,'pairs_split','pairs')"
    return Curve(f"aliasByNode(consolidateBy({shares},'average'),2)", UNITS["ratio"])


def grades(who: str = "*") -> Curve:
    """Grade of each server, and ten more while it drains."""
    grade, draining = (kept(place("gameserver", name, who)) for name in ("grade", "draining"))
    both = f"removeEmptySeries(group({grade},scale({draining},{DRAINING[0]})))"
    summed = f"groupByNode({both},2,'sum')"
    return Curve(f"aliasByNode(consolidateBy({summed},'max'),0)", UNITS["grade"])


# Panels.


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


def _looks(curves: Sequence[Curve]) -> list[dict[str, Any]]:
    """What differs from curve to curve."""
    looks = []
    if any(not curve.label for curve in curves):
        for digit, colour in enumerate(BY_DIGIT):
            looks.append(_override("byRegexp", f"/{digit}$/", color=_fixed(colour)))
    for curve in curves:
        properties: dict[str, Any] = {}
        if curve.colour:
            properties["color"] = _fixed(curve.colour)
        if curve.dash:
            properties["custom_lineStyle"] = {"fill": "dash", "dash": list(curve.dash)}
        if curve.below:
            properties["custom_transform"] = "negative-Y"
        if properties:
            looks.append(_override("byName", curve.label, **properties))
    return looks


def _common(
    title: str, text: str, curves: Sequence[Curve], width: int, height: int
) -> dict[str, Any]:
    return {
        "title": title,
        "description": text,
        "dataSource": DATASOURCE,
        "targets": _targets(curves),
        "gridPos": GridPos(height, width, 0, 0),
        "maxDataPoints": None,
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


STATES = _mapped((*GRADES, DRAINING))


def stat(
    title: str,
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
    """One number, with its course behind it."""
    return Stat(
        **_common(title, text, [curve], width, 4),
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
    steps: Steps = PLAIN,
    *,
    top: float | None = None,
    width: int = 4,
    height: int = 9,
    decimals: int | None = None,
) -> Panel:
    """Every server now, one bar each. Who said nothing for half a minute is not shown."""
    common = _common(title, text, [curve], width, height)
    sorted_ = replace(curve, expression=f"sortByName({curve.expression},true)")
    return BarGauge(
        **{**common, "targets": _targets([sorted_])},
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
    return TimeSeries(
        **_common(title, text, curves, width, height),
        unit=curves[0].unit,
        drawStyle="bars" if counted else "line",
        fillOpacity=70 if counted else 25 if stacked else 8,
        lineWidth=0 if counted else 2,
        showPoints="always" if sparse else "never",
        pointSize=4,
        stacking={"mode": "normal", "group": "A"} if stacked else {"mode": "none"},
        legendDisplayMode="table",
        legendPlacement="right",
        legendCalcs=["sum"] if counted else ["lastNotNull", "max"],
        tooltipMode="multi",
        tooltipSort="desc",
        overrides=_looks(curves),
        thresholds=_thresholds(steps or PLAIN),
        thresholdsStyleMode="dashed" if steps else "off",
        valueMin=None if any(curve.below for curve in curves) else 0,
        extraJson=_defaults(
            noValue=none,
            custom={"spanNulls": False if sparse else 1000 * BRIDGED},
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
    return StateTimeline(
        **_common(title, text, [curve], width, height),
        mappings=STATES,
        showValue="auto",
        legendDisplayMode="hidden",
        tooltipMode="single",
        extraJson=_defaults(links=[SERVER_LINK], noValue="no server has reported"),
    )
