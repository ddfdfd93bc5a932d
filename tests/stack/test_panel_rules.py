"""Rules for dashboards, one test each: those that Grafana's dashboard-linter has for any data
source (its others are about PromQL and LogQL), by its names; and what was seen to go wrong when
Grafana's components drew ours (tests/live/test_panels_live.py draws them).
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import colours
import curves
import pages
import panels
import pytest
from questions import alerts, dashboards
from questions import panels as shown

from clientmigration.core.measures.metrics import CATALOGUE

PAGES = dashboards()
EVERY = pytest.mark.parametrize("name", sorted(PAGES))
UNITS = {"short", "none", "percent", "percentunit", "ms", "bytes", "Bps", "lengthm"}
"""Of those that Grafana knows, the ones that we need."""

FOLDS: dict[tuple[str, str], str] = {(m.role, m.name): m.fold for m in CATALOGUE}
KINDS: dict[tuple[str, str], str] = {(m.role, m.name): m.unit for m in CATALOGUE}
PLACE = re.compile(r"clientmigration\.(\w+)\.[^.,()]+\.(\w+)")


def asked(panel: Any) -> list[tuple[str, str]]:
    """Role and measure of everything that a panel asks for."""
    return [found for each in panel["targets"] for found in PLACE.findall(each["target"])]


def overridden(panel: Any, name: str) -> dict[str, Any]:
    """What the overrides of a panel say of one property, by whom they match."""
    return {
        override["matcher"]["options"]: each["value"]
        for override in panel["fieldConfig"]["overrides"]
        for each in override["properties"]
        if each["id"] == name
    }


def labels(panel: Any) -> list[str]:
    """The names that its targets give to their curves, in order; nothing where servers do."""
    found = (re.search(r"^alias\(.*,'([^']*)'\)$", each["target"]) for each in panel["targets"])
    return [each[1] for each in found if each]


def of(kind: str) -> Iterator[tuple[str, Any]]:
    """Every panel of a kind, with its name."""
    for name, page in PAGES.items():
        for panel in shown(page):
            if panel["type"] == kind:
                yield f"{name}: {panel['title']}", panel


# dashboard-linter.


@EVERY
def test_template_datasource_rule(name: str) -> None:
    (source,) = (v for v in PAGES[name]["templating"]["list"] if v["type"] == "datasource")
    assert (source["name"], source["label"]) == ("datasource", "Data source")


@EVERY
def test_template_on_time_change_reload_rule(name: str) -> None:
    for each in PAGES[name]["templating"]["list"]:
        assert each["type"] != "query" or each["refresh"] == 2, each["name"]


@EVERY
def test_panel_datasource_rule(name: str) -> None:
    for panel in shown(PAGES[name]):
        for each in (panel, *panel["targets"]):
            assert each["datasource"]["uid"] == "${datasource}", panel["title"]


@EVERY
def test_panel_title_description_rule(name: str) -> None:
    for panel in shown(PAGES[name]):
        assert panel["title"], panel["id"]
        assert panel["description"], panel["title"]


@EVERY
def test_panel_units_rule(name: str) -> None:
    for panel in shown(PAGES[name]):
        defaults = panel["fieldConfig"]["defaults"]
        units = {defaults.get("unit"), *overridden(panel, "unit").values()}
        assert defaults.get("mappings") or units <= UNITS, panel["title"]


@EVERY
def test_panel_no_targets_rule(name: str) -> None:
    for panel in shown(PAGES[name]):
        assert panel["targets"], panel["title"]
        letters = [each["refId"] for each in panel["targets"]]
        assert len(set(letters)) == len(letters), panel["title"]


@EVERY
def test_uneditable_dashboard(name: str) -> None:
    assert PAGES[name]["editable"] is False


def test_there_are_dashboards_and_panels_to_hold_to_the_rules() -> None:
    assert len(PAGES) == 5
    assert sum(len(shown(page)) for page in PAGES.values()) > 100


# What was seen.


def test_a_number_is_high_enough_for_its_course() -> None:
    for name, panel in of("stat"):
        words = bool(panel["fieldConfig"]["defaults"].get("mappings"))
        assert panel["options"]["graphMode"] == ("none" if words else "area"), name
        assert panel["gridPos"]["h"] >= panels.STAT_HEIGHT, name
        assert len(panel["title"]) <= 13, f"{name}: on a small screen its title is cut"


def test_no_legend_stands_beside_a_plot() -> None:
    for name, panel in of("timeseries"):
        legend = panel["options"]["legend"]
        assert (legend["placement"], legend["displayMode"]) == ("bottom", "list"), name


def test_no_curve_has_a_point_for_each_second_and_a_dot_on_each() -> None:
    for name, panel in of("timeseries"):
        assert panel["maxDataPoints"] <= panels.POINTS, name
        assert panel["fieldConfig"]["defaults"]["custom"]["showPoints"] == "never", name


def test_what_happens_is_drawn_in_stacked_bars() -> None:
    """Counts that are lines: each lies on those before it, and a zero on top colours everything."""
    for name, panel in of("timeseries"):
        custom = panel["fieldConfig"]["defaults"]["custom"]
        counts = [place for place in asked(panel) if FOLDS[place] == "sum"]
        if counts and set(counts) == set(asked(panel)):
            assert custom["drawStyle"] == "bars", name
        if custom["drawStyle"] == "bars":
            assert custom["stacking"]["mode"] == "normal", name
            assert custom["lineWidth"] == 0, name
        if custom["drawStyle"] == "line" and custom["stacking"]["mode"] == "normal":
            assert not labels(panel), f"{name}: stacked lines are for servers"


def test_what_has_another_unit_than_its_panel_has_an_axis_of_its_own() -> None:
    for name, panel in of("timeseries"):
        usual, other = panel["fieldConfig"]["defaults"]["unit"], overridden(panel, "unit")
        right = overridden(panel, "custom.axisPlacement")
        assert set(other) == {label for label, side in right.items() if side == "right"}, name
        for each in panel["targets"]:
            units = {curves.UNITS[KINDS[place]] for place in PLACE.findall(each["target"])}
            if "divideSeries" in each["target"] or "pow(" in each["target"]:
                continue  # a share, or an area
            label = re.search(r",'([^']*)'\)$", each["target"])
            assert units == {other.get(label[1] if label else "", usual)}, f"{name} {each['refId']}"


def test_no_axis_of_nothing_goes_up_to_a_hundred() -> None:
    for name, panel in of("timeseries"):
        custom = panel["fieldConfig"]["defaults"]["custom"]
        assert custom["axisSoftMax"] in (1, *panels.LEAST.values()), name
        assert 0 < custom["axisSoftMax"] <= 1024, name


def test_a_bar_has_an_end_of_its_own_and_no_panel_more_bars_than_room() -> None:
    for name, panel in of("bargauge"):
        defaults, options = panel["fieldConfig"]["defaults"], panel["options"]
        assert (defaults["min"], defaults["max"] > 0) == (0, True), name
        (target,) = panel["targets"]
        assert re.search(rf"(highest|lowest)Current\(.*,{panels.BARS}\)", target["target"]), name
        inner = panel["gridPos"]["h"] * 38 - 8 - 50
        assert panels.BARS * (options["minVizHeight"] + 10) - 10 <= inner, name
        assert options["maxVizHeight"] > 0.6 * inner, "mostly empty with one server"


def test_grades_are_words_and_never_a_share() -> None:
    for name, page in PAGES.items():
        for panel in shown(page):
            if any(KINDS[place] == "grade" for place in asked(panel)):
                defaults = panel["fieldConfig"]["defaults"]
                assert defaults["mappings"], f"{name}: {panel['title']}"
                assert defaults.get("unit", "none") == "none", f"{name}: {panel['title']}"


def test_decisions_mark_the_panels_that_are_about_them_and_no_others() -> None:
    titles = set()
    for name, page in PAGES.items():
        (mark,) = (e for e in page["annotations"]["list"] if e["name"].startswith("decision"))
        there = {p["title"] for p in shown(page) if p["id"] in mark["filter"]["ids"]}
        titles |= there
        assert mark["enable"] is bool(there), name
    assert titles == set(pages.DECIDED)


def test_every_rule_is_linked_to_a_panel_that_shows_what_it_asks() -> None:
    for rule in alerts():
        page = PAGES[rule["annotations"]["__dashboardUid__"].removeprefix("cm-")]
        (panel,) = (p for p in shown(page) if str(p["id"]) == rule["annotations"]["__panelId__"])
        target = rule["data"][0]["model"]["target"]
        wanted = {measure for _, measure in PLACE.findall(target)}
        there = {measure for _, measure in asked(panel)}
        assert wanted & there or rule["uid"] in RELATED, rule["title"]


RELATED = {
    "cm-overloaded": "the grade is made of the load, which the panel shows",
    "cm-server-gone": "a server that goes is a band that ends",
    "cm-unhealthy": "health is the worst of three, of which lateness is seldom looked at",
}


def test_every_rule_says_itself_what_to_do() -> None:
    for rule in alerts():
        for word in ("**Means.**", "**Look at.**", "**Do.**"):
            assert word in rule["annotations"]["runbook"], rule["title"]
        # Grafana would put the values of variables in, and take braces for a template.
        assert not re.search(r"[$]|\{\{", json.dumps(rule)), rule["title"]


def test_what_draws_them_is_pinned_and_no_lock_names_a_registry() -> None:
    wanted = json.loads((SOURCES / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert sorted(each.name for each in SOURCES.iterdir()) == ["board.jsx", "package.json"]


SOURCES = Path(__file__).parents[1] / "grafana"


# Colours.


def linear(colour: str) -> tuple[float, ...]:
    """Red, green and blue light of a colour."""
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    return tuple(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)


def seen(light: tuple[float, ...]) -> tuple[float, ...]:
    """Its place in OKLab, where distance is how different two colours look."""
    r, g, b = (max(0.0, part) for part in light)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


DEUTAN = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.01182, 0.04294, 0.968881),
)
PROTAN = (
    (0.152286, 1.052583, -0.204868),
    (0.114503, 0.786281, 0.099216),
    (-0.003882, -0.048116, 1.051998),
)
"""What is left of a colour for who sees no green, and no red (Machado and others, 2009)."""


def without(eye: tuple[tuple[float, ...], ...], colour: str) -> tuple[float, ...]:
    light = linear(colour)
    return seen(tuple(sum(a * b for a, b in zip(row, light, strict=True)) for row in eye))


def apart(one: str, other: str) -> float:
    """How different two colours look; 2 can just be told."""
    return 100 * math.dist(seen(linear(one)), seen(linear(other)))


def test_fifty_servers_have_fifty_colours_and_none_is_that_of_an_alarm() -> None:
    assert len(set(colours.SERVERS)) == 50
    assert min(itertools.starmap(apart, itertools.combinations(colours.SERVERS, 2))) > 6
    for colour in colours.SERVERS:
        assert apart(colour, colours.ALARM) > 16, colour
        assert apart(colour, colours.WARNING) > 16, colour


def test_the_first_servers_differ_for_people_with_any_colour_vision() -> None:
    for eye in (DEUTAN, PROTAN):
        for one, other in itertools.combinations(colours.SERVERS[:8], 2):
            assert 100 * math.dist(without(eye, one), without(eye, other)) > 7, (one, other)


def coloured(name: str) -> list[str]:
    """The colours that overrides give to a server of this name."""
    return [c for said, c in colours.by_name() if re.search(said.strip("/"), name)]


def test_each_name_has_one_colour_and_fifty_in_a_row_have_fifty() -> None:
    names = [f"gs-{n}" for n in range(1, 201)]
    found = [coloured(name) for name in names]
    assert {len(each) for each in found} == {1}
    for first in range(150):
        assert len({each[0] for each in found[first : first + 50]}) == 50
    assert found[0] == [colours.SERVERS[0]]
    assert found[50] == found[0]
    for name in ("extra", "eu-west", "7", "pod-x7k2z", "a"):
        assert len(coloured(name)) == 1, name


def test_a_server_has_the_same_colour_in_every_panel() -> None:
    for name, panel in of("timeseries"):
        if not labels(panel):
            found = {
                said: colour["fixedColor"] for said, colour in overridden(panel, "color").items()
            }
            assert found == dict(colours.by_name()), name


def test_no_two_curves_of_a_panel_have_one_colour_and_none_is_left_to_chance() -> None:
    for name, panel in of("timeseries"):
        if names := labels(panel):
            found = overridden(panel, "color")
            assert set(names) <= set(found), name
            given = [found[label]["fixedColor"] for label in names]
            assert len(set(given)) == len(given), name


BAD = re.compile(
    r"lost|refused|timed_out|player_left|missed|skipped|faults|failures|dropped|bad|unreachable"
    r"|recovered|waiting|throttled|failed"
)


def test_red_and_orange_are_for_what_is_bad_and_draw_nothing_where_there_is_nothing() -> None:
    for name, panel in of("timeseries"):
        for each in panel["targets"]:
            label = re.search(r",'([^']*)'\)$", each["target"])
            colour = overridden(panel, "color").get(label[1] if label else "", {})
            if colour.get("fixedColor") in (colours.ALARM, colours.WARNING):
                measures = [measure for _, measure in PLACE.findall(each["target"])]
                assert all(map(BAD.search, measures)), f"{name}: {label}"
                style = overridden(panel, "custom.drawStyle").get(label[1] if label else "")
                usual = panel["fieldConfig"]["defaults"]["custom"]["drawStyle"]
                assert (style or usual) == "bars", f"{name}: {label}"


def test_colours_are_of_the_palette() -> None:
    known = {*colours.MEANT, *colours.SERVERS}
    for name, page in PAGES.items():
        assert set(re.findall(r"#[0-9A-Fa-f]{6}", json.dumps(page))) <= known, name
