"""What Prometheus is told: the whole catalogue, by its conventions, as promtool judges it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from twisted.web.server import Site
from twisted.web.test.requesthelper import DummyRequest

from clientmigration.core.measures.families import places
from clientmigration.core.measures.metrics import Datapoint, MemorySink, datapoints, measures
from clientmigration.net.prometheus import WINDOW_S, Both, Exposition, MetricsPage

ROLES = ("gameserver", "router", "crowd")


def text(exposition: Exposition) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(exposition)
    return generate_latest(registry).decode()


def values(exposition: Exposition) -> dict[str, float]:
    """Each sample by its name, with its quantile if it has one."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text(exposition)):
        for sample in family.samples:
            found[sample.name + sample.labels.get("quantile", "")] = sample.value
    return found


def report(role: str, at: int, **said: float) -> Sequence[Datapoint]:
    return datapoints(role, "gs-1", said, at)


def filled(role: str) -> Exposition:
    exposition = Exposition(role)
    exposition.emit(datapoints(role, "gs-1", dict.fromkeys(measures(role), 1.0), 1000))
    return exposition


@pytest.mark.parametrize("role", [*ROLES, "status"])
def test_promtool_finds_nothing_wrong_with_any_family(role: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: apt install prometheus")
    told = text(filled(role) if role in ROLES else Exposition(role))
    done = subprocess.run(
        [promtool, "check", "metrics"], input=told, text=True, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("role", ROLES)
def test_every_measure_of_the_catalogue_is_told_once(role: str) -> None:
    known, told = measures(role), places(role)
    assert [name for name in known if name not in told] == [
        name for name in known if f"{name}_total" in known
    ]
    written = values(filled(role))
    for place in told.values():
        name = place.family.name + ("_total" if place.family.kind == "counter" else "")
        assert name + place.quantile in written
    spoken = {(place.family.name, place.quantile) for place in told.values()}
    assert len(spoken) == len(told)


def test_names_and_units_are_those_of_prometheus() -> None:
    exposition = Exposition("gameserver")
    said = {"tick_ms_p99": 12.5, "tick_ms_max": 30.0, "cpu_percent": 50.0, "sent_bytes_per_s": 700}
    exposition.emit(report("gameserver", 1000, **said, centre_x_m=3.0, load=0.25, skipped_ticks=2))
    known = values(exposition)
    assert known["clientmigration_gameserver_tick_seconds0.99"] == 0.0125
    assert known["clientmigration_gameserver_tick_max_seconds"] == 0.03
    assert known["clientmigration_gameserver_cpu_ratio"] == 0.5
    assert known["clientmigration_gameserver_sent_bytes_total"] == 700
    assert known["clientmigration_gameserver_centre_x_meters"] == 3.0
    assert known["clientmigration_gameserver_load_ratio"] == 0.25
    assert known["clientmigration_gameserver_skipped_ticks_total"] == 2
    assert 'name="gs-1"' in text(exposition)


def test_what_is_counted_in_each_second_is_added_up_and_what_counts_by_itself_is_not() -> None:
    exposition = Exposition("crowd")
    for at in (1000, 1001, 1002):
        exposition.emit(
            report("crowd", at, views_per_s=20, missed_ticks=1, missed_ticks_total=at - 990)
        )
    assert values(exposition)["clientmigration_crowd_views_total"] == 60
    assert values(exposition)["clientmigration_crowd_missed_ticks_total"] == 12


def test_a_level_that_is_no_longer_reported_is_gone() -> None:
    exposition = Exposition("router")
    exposition.emit(report("router", 1000, players=7, waiting=1))
    exposition.emit(report("router", 1001, waiting=2))
    assert "clientmigration_router_players" not in values(exposition)
    assert values(exposition)["clientmigration_router_waiting"] == 2


def test_what_players_felt_of_moves_is_told_for_a_minute_the_worst_of_it_too() -> None:
    exposition = Exposition("router")
    exposition.emit(report("router", 1000, blackout_ms_p50=4.0, blackout_ms_max=90.0))
    exposition.emit(report("router", 1010, blackout_ms_p50=6.0, blackout_ms_max=8.0))
    median, most = "clientmigration_router_blackout_seconds0.5", "clientmigration_router_blackout"
    assert values(exposition)[median] == 0.006
    assert values(exposition)[f"{most}_max_seconds"] == 0.09
    exposition.emit(report("router", 1000 + WINDOW_S))
    assert values(exposition)[median] == 0.006
    exposition.emit(report("router", 1001 + WINDOW_S, waiting=0))
    assert values(exposition)[f"{most}_max_seconds"] == 0.008
    exposition.emit(report("router", 1010 + WINDOW_S, waiting=0))
    assert median not in values(exposition)


def test_carbon_gets_the_same_whether_it_is_on_or_off() -> None:
    memory = MemorySink()
    points = report("router", 1000, waiting=0)
    Both(memory, Exposition("router")).emit(points)
    assert memory.seen == list(points)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, b"text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text;version=1.0.0",
            b"application/openmetrics-text; version=1.0.0",
        ),
    ],
)
def test_both_formats_are_answered(accept: str | None, kind: bytes) -> None:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(filled("router"))
    request: Any = DummyRequest([b""])
    request.path = b"/metrics"
    request.method = b"GET"
    if accept:
        request.requestHeaders.setRawHeaders(b"accept", [accept.encode()])
    body = MetricsPage(registry).render(request)
    assert request.responseHeaders.getRawHeaders(b"content-type")[0].startswith(kind)
    assert b"clientmigration_router_moves_settled_total" in body
    assert body.endswith(b"# EOF\n") == bool(accept)
    assert Site(MetricsPage(registry)).resource.isLeaf
