"""Health, grades and what a player costs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.fleet.health import Grade, Health, grade, health_of
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.metrics import measures

POLICY = Policy()
FULL = {"load": 0.5, "health": 0.75, "players": 100.0, "capacity": 200.0}

healths = st.builds(
    Health,
    load=st.floats(0, 3),
    health=st.floats(0, 1),
    grade=st.sampled_from(Grade),
    players=st.integers(0, 5000),
    capacity=st.integers(0, 5000),
    draining=st.booleans(),
    centre=st.builds(Position, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    spread_m=st.floats(0, 1e6),
    timestamp=st.integers(1, 2**33),
)


def test_an_idle_server_is_perfectly_well_and_a_late_one_is_not() -> None:
    assert health_of(0, 0, 0, 50) == 1
    assert health_of(0.5, 0, 0, 50) == 0.75
    assert health_of(0, 25, 0, 50) == 0.5
    assert health_of(0, 0, 50, 50) == 0


@given(st.floats(0, 100), st.floats(-10, 1e5), st.floats(-10, 1e5), st.floats(1, 1000))
def test_health_is_always_from_0_to_1(load: float, late: float, lag: float, tick: float) -> None:
    assert 0 <= health_of(load, late, lag, tick) <= 1


@pytest.mark.parametrize("wrong", [(math.nan, 0, 0, 50), (0, math.inf, 0, 50), (0, 0, 0, 0)])
def test_health_of_nonsense_is_refused(wrong: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="health needs"):
        health_of(*wrong)


def test_a_grade_rises_at_once_and_falls_late() -> None:
    grades, now = [], Grade.FIT
    for load in (0.59, 0.6, 0.55, 0.49, 0.85, 0.71, 0.69, 0.4):
        now = grade(now, load, POLICY)
        grades.append(now.value)
    assert grades == [0, 1, 1, 0, 2, 2, 1, 0]


@given(st.floats(0.6, 0.699))
def test_load_that_trembles_within_the_hysteresis_keeps_its_grade(load: float) -> None:
    strained = grade(Grade.FIT, 0.65, POLICY)
    assert grade(strained, load, POLICY) is Grade.STRAINED


@given(healths)
def test_what_a_member_emits_is_what_the_router_reads(health: Health) -> None:
    assert Health.from_measures(health.measures(), health.timestamp) == health


def test_every_measure_of_health_is_in_the_catalogue_of_servers_and_routers() -> None:
    emitted = Health.from_measures(FULL, 1).measures().keys()
    assert emitted <= measures("gameserver").keys()
    assert emitted <= measures("router").keys()


@pytest.mark.parametrize("missing", list(FULL))
def test_a_sample_without_its_essentials_is_none(missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        Health.from_measures({k: v for k, v in FULL.items() if k != missing}, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"load": -0.1},
        {"load": math.nan},
        {"health": 1.1},
        {"players": -1},
        {"capacity": math.inf},
        {"grade": 7},
        {"spread_m": -1},
        {"centre_x_m": math.nan},
    ],
)
def test_a_sample_that_cannot_be_true_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Health.from_measures({**FULL, **wrong}, 1)


def test_more_players_bring_their_load_with_them() -> None:
    health = Health.from_measures(FULL, 1).plus(10, usual=9.0)
    assert health.players == 110
    assert health.load == pytest.approx(0.55)


def test_on_a_nearly_empty_server_a_player_costs_what_is_usual() -> None:
    health = Health.from_measures({**FULL, "players": 2.0}, 1).plus(10, usual=0.01)
    assert health.load == pytest.approx(0.6)


def test_pressure_counts_seats_beside_load() -> None:
    assert Health.from_measures(FULL, 1).pressure(0.25) == pytest.approx(0.625)
    assert Health.from_measures({**FULL, "capacity": 0.0}, 1).pressure(0.25) > 1
