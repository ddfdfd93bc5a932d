"""The catalogue is whole, and nothing but what it says can become a datapoint."""

import configparser
import json
import math
import re
from collections import Counter

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.measures import metrics
from clientmigration.core.measures.metrics import (
    CATALOGUE,
    Datapoint,
    Measure,
    MemorySink,
    NotADatapoint,
)
from clientmigration.errors import ClientMigrationError

NOW = 1_700_000_000
ROLES = ("gameserver", "router", "crowd")
NAMES = st.text(max_size=100)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60)


def carbons_method(rules: str, path: str) -> str:
    """The method that carbon would choose: the first section whose pattern is found in the path."""
    sections = configparser.RawConfigParser()
    sections.read_string(rules)
    for section in sections.sections():
        if re.search(sections[section]["pattern"], path):
            assert float(sections[section]["xFilesFactor"]) == 0
            return sections[section]["aggregationMethod"]
    raise AssertionError(path)


def test_every_role_measures_what_its_process_costs() -> None:
    for role in ROLES:
        assert {"cpu_percent", "rss_bytes", "reactor_lag_ms", "carbon_dropped"} <= set(
            metrics.measures(role)
        )


def test_a_router_measures_its_fleet_as_a_server_measures_itself() -> None:
    health = {"health", "load", "grade", "players", "capacity", "draining"}
    health |= {"centre_x_m", "centre_y_m", "spread_m"}
    for role in ("gameserver", "router"):
        assert health <= set(metrics.measures(role))


def test_no_role_has_a_measure_twice_and_each_row_explains_itself() -> None:
    assert max(Counter((measure.role, measure.name) for measure in CATALOGUE).values()) == 1
    assert {measure.role for measure in CATALOGUE} == set(ROLES)
    assert all(len(measure.text) > 10 for measure in CATALOGUE)


def test_only_percentiles_and_what_not_everybody_has_may_be_absent_from_a_second() -> None:
    ranks = tuple(f"_{rank}" for rank in metrics.SPREAD)
    absent = (*ranks, "certificate_days")
    assert all(measure.sparse == measure.name.endswith(absent) for measure in CATALOGUE)


def test_worst_cases_stay_worst_cases_and_totals_stay_totals_when_history_gets_coarser() -> None:
    endings = {"_p50": "average", "_p95": "max", "_p99": "max", "_max": "max", "_total": "last"}
    for measure in CATALOGUE:
        for ending, fold in endings.items():
            assert not measure.name.endswith(ending) or measure.fold == fold, measure


@pytest.mark.parametrize(
    ("name", "fold", "text"),
    [("Load", "average", "Bad name."), ("load", "min", "Bad fold."), ("load", "max", "No stop")],
)
def test_a_wrong_row_is_refused(name: str, fold: metrics.Fold, text: str) -> None:
    with pytest.raises(NotADatapoint):
        Measure("router", name, "ratio", fold, text)


def test_every_path_is_read_back_as_it_was_made() -> None:
    for measure in CATALOGUE:
        path = metrics.path(measure.role, "gs-1", measure.name)
        assert path == f"clientmigration.{measure.role}.gs-1.{measure.name}"
        assert metrics.parse(path) == (measure.role, "gs-1", measure.name)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "clientmigration.gameserver.gs-1",
        "clientmigration.gameserver.gs-1.load.extra",
        "clientmigration.gameserver..load",
        "clientmigration.gameserver.gs.1.load",
        "clientmigration.gameserver.GS-1.load",
        "clientmigration.gameserver.gs-1.Load",
        "clientmigration.gameserver.gs-1.load\n",
        "clientmigration.gameserver.gs-1\n.load",
        "clientmigration.gameserver.gs 1.load",
        "clientmigration.gameserver.*.load",
        "clientmigration.gameserver.-.load",
        "clientmigration.gameserver.gs-1.joins_per_s",
        "clientmigration.server.gs-1.load",
        "carbon.agents.gs-1.cpu",
    ],
)
def test_a_path_outside_the_catalogue_is_refused(path: str) -> None:
    with pytest.raises(NotADatapoint):
        metrics.parse(path)


@given(NAMES)
def test_a_cleaned_name_fits_a_path_and_stays_as_it_is(name: str) -> None:
    try:
        cleaned = metrics.clean(name)
    except NotADatapoint:
        return
    assert metrics.clean(cleaned) == cleaned
    path = metrics.path("gameserver", cleaned, "load")
    assert metrics.parse(path) == ("gameserver", cleaned, "load")


def test_names_are_cleaned_of_dots_case_and_blanks() -> None:
    assert metrics.clean("EU.West 1") == "eu-west-1"
    assert metrics.clean("gs-1") == "gs-1"
    assert len(metrics.clean("x" * 500)) == 64
    with pytest.raises(NotADatapoint):
        metrics.clean("...")


def test_an_uncleaned_name_is_refused_rather_than_changed_in_silence() -> None:
    with pytest.raises(NotADatapoint, match="clean"):
        metrics.datapoints("gameserver", "eu.1", {"load": 0.5}, NOW)


def test_datapoints_carry_path_value_and_second() -> None:
    made = metrics.datapoints("gameserver", "gs-1", {"load": 0.5, "players": 7}, NOW)
    assert made == (
        Datapoint("clientmigration.gameserver.gs-1.load", 0.5, NOW),
        Datapoint("clientmigration.gameserver.gs-1.players", 7.0, NOW),
    )


@given(NUMBERS)
def test_a_value_keeps_its_spelling_through_json_and_text(value: float) -> None:
    [made] = metrics.datapoints("gameserver", "gs-1", {"load": value}, NOW)
    assert repr(made.value) == repr(float(repr(made.value)))
    assert repr(json.loads(json.dumps(made.value))) == repr(made.value)
    assert metrics.checked(made) == ("gameserver", "gs-1", "load", made.value, NOW)
    assert made.value == float(value)


def test_numpy_numbers_become_plain_floats() -> None:
    numbers = {"load": numpy.float32(0.5), "players": numpy.int64(7), "health": numpy.float64(1)}
    made = metrics.datapoints("gameserver", "gs-1", numbers, NOW)  # type: ignore[arg-type]
    assert [type(datapoint.value) for datapoint in made] == [float] * 3
    assert [datapoint.value for datapoint in made] == [0.5, 7.0, 1.0]


def test_zero_has_one_spelling() -> None:
    [made] = metrics.datapoints("gameserver", "gs-1", {"load": -0.0}, NOW)
    assert repr(made.value) == "0.0"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, 10**400, "1", None])
def test_what_is_not_a_finite_number_is_refused(value: float) -> None:
    with pytest.raises(NotADatapoint):
        metrics.datapoints("gameserver", "gs-1", {"load": value}, NOW)
    with pytest.raises(NotADatapoint):
        metrics.checked(Datapoint("clientmigration.gameserver.gs-1.load", value, NOW))


@pytest.mark.parametrize("timestamp", [0, -1, 1.5, True, None])
def test_a_timestamp_that_is_no_whole_second_is_refused(timestamp: int) -> None:
    with pytest.raises(NotADatapoint):
        metrics.datapoints("gameserver", "gs-1", {"load": 0.5}, timestamp)
    with pytest.raises(NotADatapoint):
        metrics.checked(Datapoint("clientmigration.gameserver.gs-1.load", 0.5, timestamp))


@pytest.mark.parametrize("value", [5, -0.0])
def test_a_received_value_with_another_spelling_is_refused(value: float) -> None:
    with pytest.raises(NotADatapoint, match="spelled"):
        metrics.checked(Datapoint("clientmigration.gameserver.gs-1.load", value, NOW))


def test_an_unknown_measure_or_role_is_refused() -> None:
    with pytest.raises(NotADatapoint, match="catalogue"):
        metrics.datapoints("gameserver", "gs-1", {"charm": 1.0}, NOW)
    with pytest.raises(NotADatapoint, match="role"):
        metrics.measures("server")


def test_a_refusal_is_both_a_value_error_and_one_of_ours() -> None:
    assert issubclass(NotADatapoint, ValueError)
    assert issubclass(NotADatapoint, ClientMigrationError)


def test_nobody_can_change_the_catalogue_through_what_measures_returns() -> None:
    metrics.measures("router").clear()
    assert metrics.measures("router")


def test_a_spread_holds_values_that_occurred() -> None:
    assert metrics.spread_of(list(range(1, 101))) == {"p50": 50, "p95": 95, "p99": 99, "max": 100}
    assert metrics.spread_of([4.0]) == {"p50": 4.0, "p95": 4.0, "p99": 4.0, "max": 4.0}
    assert metrics.spread_of([]) == {}


def test_a_spread_is_named_after_its_stem_as_the_catalogue_names_it() -> None:
    assert set(metrics.spread_as("tick_ms", [1.0, 2.0])) <= set(metrics.measures("gameserver"))
    assert metrics.spread_as("tick_ms", []) == {}


@given(st.lists(st.lists(st.floats(0, 1e6), min_size=1), min_size=1))
def test_the_greatest_percentile_bounds_the_percentile_of_all_samples(
    seconds: list[list[float]],
) -> None:
    together = metrics.spread_of([sample for second in seconds for sample in second])
    apart = [metrics.spread_of(second) for second in seconds]
    assert together["p99"] <= max(spread["p99"] for spread in apart)


def test_a_memory_keeps_the_latest() -> None:
    memory = MemorySink(limit=3)
    made = metrics.datapoints("gameserver", "gs-1", {"load": 0.5, "players": 7}, NOW)
    memory.emit(made)
    memory.emit(made)
    assert memory.seen == [made[1], *made]


def test_carbon_folds_every_measure_as_the_catalogue_says() -> None:
    rules = metrics.aggregation_rules()
    for measure in CATALOGUE:
        path = metrics.path(measure.role, "gs-1", measure.name)
        assert carbons_method(rules, path) == measure.fold, path


def test_carbon_averages_what_the_catalogue_does_not_know() -> None:
    for path in ("carbon.agents.here.cpuUsage", "clientmigration.gameserver.gs-1.charm"):
        assert carbons_method(metrics.aggregation_rules(), path) == "average"


def test_one_name_cannot_fold_in_two_ways() -> None:
    rows = [
        Measure("router", "moves", "count", "sum", "Moves planned."),
        Measure("crowd", "moves", "count", "last", "Moves felt."),
    ]
    with pytest.raises(NotADatapoint, match="two ways"):
        metrics.aggregation_rules(rows)
