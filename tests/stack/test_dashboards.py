"""The dashboards and alerts that are committed: made from their sources, of Grafana's own shape,
asking only for measures of the catalogue, and looking alike.

What Grafana draws is not seen here. The model is the vendor's foundation SDK: a field that it does
not know, or reads in another way, comes back different. It does not look into a target (it knows no
Graphite), nor at values that are merely text, such as units, colours and the names of reducers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import make
import panels
import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import alerting
from grafana_foundation_sdk.models import dashboard as model
from questions import GRAFANA, alerts, dashboards, every
from questions import panels as shown

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.metrics import CATALOGUE, PREFIX, path

ALERTS = GRAFANA.parent / "docs" / "alerts.md"
PLACE = re.compile(rf"{PREFIX}\.(\w+)\.([^.,()]+)\.(\w+)")
PAGES = dashboards()
EVERY = pytest.mark.parametrize("name", sorted(PAGES))


def lost(mine: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """What of mine did not come back, by its place."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key, value in mine.items():
            if key in theirs:
                yield from lost(value, theirs[key], f"{where}.{key}")
            else:
                yield f"{where}.{key}"
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for n, (one, other) in enumerate(zip(mine, theirs, strict=True)):
            yield from lost(one, other, f"{where}[{n}]")
    elif mine != theirs:
        yield f"{where}: {mine!r} came back as {theirs!r}"


def there_and_back(kind: Any, value: Any) -> list[str]:
    """What Grafana's model loses of a value."""
    plugins.register_default_plugins()
    return list(lost(value, json.loads(json.dumps(kind.from_json(value), cls=JSONEncoder))))


def test_the_committed_files_are_what_the_sources_make() -> None:
    made = dict(make.files())
    stale = [path_.name for path_, text in made.items() if path_.read_text() != text]
    assert not stale, "run `make dashboards`"
    assert {path_.stem for path_ in made if path_.suffix == ".json"} == set(PAGES)


def test_what_is_made_twice_is_the_same_twice() -> None:
    assert list(make.files()) == list(make.files())


@EVERY
def test_grafanas_own_model_reads_each_dashboard_and_gives_all_of_it_back(name: str) -> None:
    assert there_and_back(model.Dashboard, PAGES[name]) == []
    assert PAGES[name]["schemaVersion"] == model.Dashboard().schema_version


def test_grafanas_own_model_reads_each_alert_and_gives_all_of_it_back() -> None:
    assert len(alerts()) == 17
    for rule in alerts():
        assert there_and_back(alerting.Rule, rule) == [], rule["title"]


def test_the_model_tells_what_it_does_not_know() -> None:
    page = json.loads(json.dumps(PAGES["fleet"]))
    page["panels"][1]["height"] = "250px"
    page["panels"][1]["options"]["reduceOptions"]["fancy"] = True
    assert there_and_back(model.Dashboard, page) == [
        ".panels[1].options.reduceOptions.fancy",
        ".panels[1].height",
    ]


def test_every_name_that_is_asked_for_is_in_the_catalogue() -> None:
    for query in every():
        if query.kind != "annotation":
            found = PLACE.findall(query.text)
            assert found, query.name
            for role, _who, measure in found:
                path(role, "any", measure)


def test_every_measure_of_the_catalogue_has_its_place_in_a_panel() -> None:
    asked = {
        (role, measure)
        for query in every()
        for role, _who, measure in PLACE.findall(query.text)
        if query.kind == "target"
    }
    assert [m.name for m in CATALOGUE if (m.role, m.name) not in asked] == []


def test_what_makes_the_dashboards_knows_the_catalogue_and_nothing_else_of_ours() -> None:
    known = {
        line.split()[1]
        for source in make.HERE.glob("*.py")
        for line in source.read_text().splitlines()
        if line.startswith(("from clientmigration", "import clientmigration"))
    }
    assert known == {"clientmigration.core.measures.metrics"}


def test_each_query_has_a_name_of_its_own() -> None:
    names = [query.name for query in every()]
    assert len(set(names)) == len(names)


def test_servers_that_left_do_not_clutter_panels() -> None:
    """A wildcard that makes one curve per server is asked for those with values only; what sums or
    compares needs no such care, and the bars of now look back for half a minute."""
    for query in every():
        if "*" in query.text and "aliasByNode" in query.text:
            assert "removeEmptySeries(" in query.text, query.name
    bars = [p for page in PAGES.values() for p in shown(page) if p["type"] == "bargauge"]
    assert bars
    assert {panel["timeFrom"] for panel in bars} == {"30s"}


def test_history_gets_coarser_in_a_panel_as_it_does_in_carbon() -> None:
    folds = {(m.role, m.name): m.fold for m in CATALOGUE}
    for query in every():
        if found := re.search(r"consolidateBy\((.*),'(average|sum|max|last)'\)", query.text):
            rate_or_share = "scaleToSeconds" in found[1] or "divideSeries" in found[1]
            for role, _who, measure in PLACE.findall(found[1]):
                if measure != "draining":  # part of a grade
                    fold = "average" if rate_or_share else folds[role, measure]
                    assert fold == found[2], query.name


@EVERY
def test_each_dashboard_has_a_stable_address_and_leads_to_the_others(name: str) -> None:
    page = PAGES[name]
    assert page["uid"] == f"cm-{name}"
    assert [link["tags"] for link in page["links"]] == [page["tags"]] == [["clientmigration"]]
    assert len({panel["id"] for panel in page["panels"]}) == len(page["panels"])


@EVERY
def test_each_panel_says_what_it_shows_in_which_unit_and_fits_its_place(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PAGES[name]["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= panels.WIDTH, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert panel["targets"], panel["title"]
            if panel["type"] != "state-timeline":
                assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_thresholds_are_those_of_the_policy() -> None:
    policy = Policy()
    assert [at for at, _ in panels.SHARE[1:]] == [policy.health.strained, policy.health.overloaded]
    assert panels.HEALTH[1][0] == policy.health.unhealthy
    imbalance = f'"value": {policy.rebalance.imbalance}'
    assert imbalance in json.dumps(PAGES["decisions"])


def test_each_alert_leads_to_a_dashboard_and_says_what_to_do() -> None:
    for rule in alerts():
        assert rule["annotations"]["__dashboardUid__"].removeprefix("cm-") in PAGES
        assert len(rule["annotations"]["description"]) > 40
    loud = {rule["uid"] for rule in alerts() if rule["noDataState"] == "Alerting"}
    assert loud == {"cm-router-gone"}


# A value of now does not depend on who has reported in the newest second.


def by_the_last(panel: Any) -> bool:
    """Whether the panel shows the newest value as a number or as a state."""
    calcs = panel["options"].get("reduceOptions", {}).get("calcs", ["lastNotNull"])
    return panel["type"] in ("stat", "state-timeline") and calcs == ["lastNotNull"]


def test_a_last_value_of_several_servers_keeps_what_each_said_last() -> None:
    """tests/live/test_phases_live.py asks a real graphite-web at every tenth of a second."""
    asked = {
        panel["title"]: panel["targets"][0]["target"]
        for page in PAGES.values()
        for panel in shown(page)
        if by_the_last(panel) and ".*." in panel["targets"][0]["target"]
    }
    for rule in alerts():
        if rule["data"][1]["model"]["reducer"] == "last":
            asked[rule["title"]] = rule["data"][0]["model"]["target"]
    counted = asked.pop("The router is gone")  # as many as have said anything in half a minute
    assert counted.startswith("countSeries(removeEmptySeries(")
    assert len(asked) >= 10
    for title, target in asked.items():
        assert target.count("keepLastValue(") == len(PLACE.findall(target)), title


def test_what_is_added_up_over_time_counts_nothing_twice() -> None:
    folds = {(m.role, m.name): m.fold for m in CATALOGUE}
    for query in every():
        for role, measure in re.findall(
            r"keepLastValue\([^)]*?\.(\w+)\.[^.]+\.(\w+)\W", query.text
        ):
            assert folds[role, measure] != "sum", query.name
    for rule in alerts():
        if rule["data"][1]["model"]["reducer"] != "last":
            assert "keepLastValue" not in rule["data"][0]["model"]["target"], rule["title"]


# In a Grafana that has data sources, folders, policies and contact points already.


def sources(value: Any) -> Iterator[Any]:
    """Every reference to a data source, wherever it stands."""
    if isinstance(value, dict):
        if "datasource" in value:
            yield value["datasource"]
        for each in value.values():
            yield from sources(each)
    elif isinstance(value, list):
        for each in value:
            yield from sources(each)


def provisioned(path_: str) -> Any:
    return yaml.safe_load((GRAFANA / "provisioning" / path_).read_text())


@EVERY
def test_every_panel_mark_and_choice_asks_the_data_source_that_is_chosen_above(name: str) -> None:
    first, *others = PAGES[name]["templating"]["list"]
    assert (first["type"], first["name"], first["query"]) == (
        "datasource",
        "datasource",
        "graphite",
    )
    assert {each["type"] for each in others} == {"query"}
    found = list(sources(PAGES[name]))
    for panel in shown(PAGES[name]):
        assert panel["datasource"] in found, panel["title"]
    assert {(each["type"], each["uid"]) for each in found} == {("graphite", "${datasource}")}
    assert PAGES[name]["links"][0]["includeVars"] is True


def test_the_data_source_takes_no_place_that_another_has() -> None:
    (source,) = provisioned("datasources/clientmigration.yaml")["datasources"]
    assert "isDefault" not in source
    assert (source["uid"], source["name"]) == (panels.PROVISIONED, panels.PROVISIONED_NAME)
    for page in PAGES.values():
        chosen = page["templating"]["list"][0]["current"]
        assert (chosen["value"], chosen["text"]) == (source["uid"], source["name"])
    for rule in alerts():
        assert rule["data"][0]["datasourceUid"] == source["uid"]


def test_files_of_ours_bear_our_name_and_stand_on_no_file_of_others() -> None:
    files = [each for each in (GRAFANA / "provisioning").rglob("*") if each.is_file()]
    read = [each for each in files if each.suffix in (".yaml", ".yml", ".json")]
    assert {each.name for each in read} == {"clientmigration.yaml"}
    assert [each.name for each in files if each not in read] == ["contact.yaml.example"]


def test_alerts_and_dashboards_are_in_one_folder_that_is_found_by_its_title() -> None:
    (provider,) = provisioned("dashboards/clientmigration.yaml")["providers"]
    (group,) = provisioned("alerting/clientmigration.yaml")["groups"]
    assert provider["folder"] == group["folder"]
    assert "folderUid" not in provider
    compose = (GRAFANA.parent / "docker-compose.yml").read_text()
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in compose


def test_the_example_of_a_contact_point_is_what_grafana_reads() -> None:
    example = provisioned("alerting/contact.yaml.example")
    ((point,), (policy,)) = (example["contactPoints"], example["policies"])
    (receiver,) = point["receivers"]
    assert there_and_back(alerting.ContactPoint, receiver) == []
    assert there_and_back(alerting.NotificationPolicy, _without_org(policy)) == []
    assert policy["receiver"] == point["name"] == policy["routes"][0]["receiver"]
    labels = {name: value for name, _, value in policy["routes"][0]["object_matchers"]}
    assert all(labels.items() <= rule["labels"].items() for rule in alerts()[:1])


def _without_org(policy: Any) -> Any:
    return {key: value for key, value in policy.items() if key != "orgId"}


def test_rules_for_another_grafana_are_made_with_flags() -> None:
    grafana = make.asked(["--datasource", "theirs", "--docs", "https://x/", "--receiver", "us"])
    texts = {path_.name: text for path_, text in make.files(grafana)}
    for rule in yaml.safe_load(texts["clientmigration.yaml"])["groups"][0]["rules"]:
        assert rule["data"][0]["datasourceUid"] == "theirs"
        assert rule["data"][0]["model"]["datasource"]["uid"] == "theirs"
        assert rule["annotations"]["runbook_url"].startswith("https://x/alerts.md#")
        assert rule["notification_settings"] == {"receiver": "us"}
        assert there_and_back(alerting.Rule, rule) == [], rule["title"]
    assert make.asked([]) == make.USUAL


# What players feel, and what to do.


def test_alerts_about_players_see_those_that_are_no_bots() -> None:
    for rule in alerts():
        roles = {role for role, _, _ in PLACE.findall(rule["data"][0]["model"]["target"])}
        assert roles - {"crowd"}, rule["title"]
    (missed,) = (rule for rule in alerts() if rule["uid"] == "cm-missed-ticks")
    assert ".blackout_ticks_max" in missed["data"][0]["model"]["target"]


def slug(heading: str) -> str:
    """The address of a section, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_each_alert_has_its_section_in_the_page_of_alerts() -> None:
    """It says what the alert means, what to look at and what to do, in a few lines."""
    text = ALERTS.read_text()
    sections = dict(re.findall(r"^### (.+)\n\n((?:.+\n)+)", text, re.MULTILINE))
    by_address = {slug(title): (title, body) for title, body in sections.items()}
    for rule in alerts():
        base, _, address = rule["annotations"]["runbook_url"].partition("#")
        assert Path(base) == Path("docs/alerts.md")
        title, body = by_address[address]
        assert title == rule["title"]
        lines = body.splitlines()
        assert 3 <= len(lines) <= 8, title
        for word in ("**Means.**", "**Look at.**", "**Do.**"):
            assert word in body, title
        assert f"| [{title}](#{address}) |" in text


def test_each_section_names_the_panel_of_its_alert_and_none_that_is_not_there() -> None:
    sections = dict(re.findall(r"^### (.+)\n\n((?:.+\n)+)", ALERTS.read_text(), re.MULTILINE))
    titles = {panel["title"] for page in PAGES.values() for panel in shown(page)}
    for rule in alerts():
        (look,) = re.findall(r"^\*\*Look at\.\*\* (.+)$", sections[rule["title"]], re.MULTILINE)
        named = set(re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", look))
        assert named <= titles | set(sections), rule["title"]
        page = PAGES[rule["annotations"]["__dashboardUid__"].removeprefix("cm-")]
        number = int(rule["annotations"]["__panelId__"])
        (panel,) = (each for each in shown(page) if each["id"] == number)
        assert panel["title"] in named, rule["title"]


def test_the_panel_that_is_framed_in_the_status_page_is_the_one_that_it_says() -> None:
    text = (ALERTS.parent / "status.md").read_text()
    ((name, number, title),) = re.findall(
        r'/d-solo/cm-(\w+)/\w+\?panelId=(\d+)&.*? title="([^"]+)"', text
    )
    assert [p["title"] for p in shown(PAGES[name]) if p["id"] == int(number)] == [title]
