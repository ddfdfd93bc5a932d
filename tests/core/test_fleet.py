"""The fleet: built from datapoints and membership."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.fleet.fleet import NOBODY, Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.health import Grade, Health
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.metrics import Measurement, measurements
from clientmigration.errors import ConfigurationError, PeersFault

POLICY = Policy()


def said(name: str, second: int, **changed: float) -> tuple[Measurement, ...]:
    values = {"load": 0.2, "health": 1.0, "players": 100.0, "capacity": 200.0, **changed}
    return measurements("gameserver", name, values, second)


def fleet_of(*names: str) -> Fleet:
    fleet = Fleet()
    for name in names:
        fleet.attach(name, "gameserver", f"{name}:4000")
    return fleet


def newest(fleet: Fleet, name: str) -> Health:
    member = fleet.member(name)
    assert member is not None
    assert member.newest is not None
    return member.newest


def predicted(fleet: Fleet, name: str) -> int:
    columns = fleet.columns(POLICY)
    return int(columns.outlook().players[columns.row[name]])


def test_a_member_is_known_by_its_name_role_and_address() -> None:
    fleet = fleet_of("b", "a")
    assert [(m.name, m.role, m.address) for m in fleet.members()] == [
        ("a", "gameserver", "a:4000"),
        ("b", "gameserver", "b:4000"),
    ]


def test_a_name_that_cannot_stand_in_a_path_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="eu-west"):
        fleet_of("EU.West")


def test_the_fleet_says_what_the_datapoints_said() -> None:
    fleet = fleet_of("a")
    fleet.observe(said("a", 1000, load=0.7, players=12.0, draining=1.0), 1000.2)
    health = newest(fleet, "a")
    assert (health.load, health.players, health.draining, health.timestamp) == (0.7, 12, True, 1000)


def test_datapoints_of_others_and_of_other_roles_are_left_out() -> None:
    fleet = fleet_of("a")
    fleet.observe(said("b", 1000), 1000)
    fleet.observe(measurements("crowd", "a", {"players": 3.0}, 1000), 1000)
    fleet.observe([Measurement("nonsense", "a", "load", 1.0, 1000)], 1000)
    assert [m.history for m in fleet.members()] == [()]


def test_a_second_without_its_essentials_is_no_sample() -> None:
    fleet = fleet_of("a")
    fleet.observe(said("a", 1000)[:2], 1000)
    assert fleet.members()[0].newest is None


def test_history_is_in_order_whatever_the_order_of_arrival_and_forgets_after_a_while() -> None:
    fleet = fleet_of("a")
    for second in (1003, 1001, 1002, 1030, 1010):
        fleet.observe(said("a", second), 1030)
    assert [h.timestamp for h in fleet.members()[0].history] == [1010, 1030]


@given(st.permutations(range(1000, 1010)))
def test_the_same_datapoints_make_the_same_history_in_any_order(seconds: list[int]) -> None:
    fleet = fleet_of("a")
    for second in seconds:
        fleet.observe(said("a", second, players=float(second - 1000)), 1010)
    assert [h.players for h in fleet.members()[0].history] == list(range(10))


def test_a_report_that_cannot_be_true_is_its_senders_fault_and_changes_nothing() -> None:
    fleet = fleet_of("a", "b")
    with pytest.raises(PeersFault, match="b reports"):
        fleet.observe((*said("a", 1000), *said("b", 1000, players=-5.0)), 1000)
    assert [m.newest for m in fleet.members()] == [None, None]


def test_a_member_is_fresh_for_five_seconds_after_its_last_report() -> None:
    fleet = fleet_of("a")
    assert not fleet.fresh("a", 1000, POLICY)
    fleet.observe(said("a", 1000), 1000)
    assert fleet.fresh("a", 1005, POLICY)
    assert not fleet.fresh("a", 1005.1, POLICY)
    assert not fleet.fresh("nobody", 1000, POLICY)


def test_a_member_with_a_clock_far_ahead_is_not_believed() -> None:
    fleet = fleet_of("a")
    fleet.observe(said("a", 5000), 1000)
    assert not fleet.fresh("a", 1000, POLICY)


def test_a_detached_member_is_forgotten_and_may_come_back_as_new() -> None:
    fleet = fleet_of("a")
    fleet.observe(said("a", 1000), 1000)
    fleet.detach("a")
    fleet.detach("a")
    fleet.observe(said("a", 1001), 1001)
    assert fleet.members() == ()
    fleet.attach("a", "router", "elsewhere")
    assert fleet.members()[0].newest is None


def test_a_placement_counts_until_the_players_show() -> None:
    fleet = fleet_of("a")
    fleet.observe(said("a", 1000, players=100.0), 1000)
    for _ in range(30):
        fleet.placed("a", 1000.5)
    assert predicted(fleet, "a") == 130
    fleet.observe(said("a", 1001, players=120.0), 1001)
    assert predicted(fleet, "a") == 130
    fleet.observe(said("a", 1002, players=130.0), 1002)
    assert predicted(fleet, "a") == 130


def test_a_placement_that_never_arrives_stops_counting() -> None:
    fleet = fleet_of("a")
    fleet.observe(said("a", 1000), 1000)
    fleet.placed("a", 1000.5)
    fleet.observe(said("a", 1003), 1003)
    assert predicted(fleet, "a") == 101
    fleet.observe(said("a", 1004), 1004)
    assert predicted(fleet, "a") == 100


def test_players_on_the_way_by_a_decision_count_where_they_go() -> None:
    fleet = fleet_of("a", "b")
    fleet.observe((*said("a", 1000), *said("b", 1000)), 1000)
    fleet.decided([Flow("a", "b", 20, "high: so"), Flow("a", "gone", 5, "high: so")], 1000.5)
    assert predicted(fleet, "a") == 100
    assert predicted(fleet, "b") == 120


def test_older_samples_are_corrected_by_a_decision_and_the_next_ones_not_believed() -> None:
    fleet = fleet_of("a", "b")
    for second in range(1000, 1002):
        fleet.observe(said("a", second), second)
    fleet.decided([Flow("a", "b", 40, "high: so")], 1002.0)
    for second in range(1002, 1008):
        fleet.observe(said("a", second, players=60.0), second)
    settled = fleet.members()[0].settled(POLICY.rebalance, usual=0.1)
    assert [(h.timestamp, h.players) for h in settled] == [
        (1000, 60),
        (1001, 60),
        (1006, 60),
        (1007, 60),
    ]
    assert settled[0].load == pytest.approx(0.12)


def test_a_flow_of_nobody_or_to_itself_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="0 players"):
        Flow("a", "b", 0, "")
    with pytest.raises(ValueError, match="a to a"):
        Flow("a", "a", 1, "")


def test_the_summary_of_a_fleet_is_the_health_of_one_member() -> None:
    fleet = fleet_of("a", "b", "c")
    fleet.observe(said("a", 1000, load=0.2, players=10.0, capacity=100.0, centre_x_m=0.0), 1000)
    fleet.observe(
        said("b", 1001, load=0.6, players=30.0, capacity=300.0, centre_x_m=40.0, grade=1.0), 1001
    )
    assert fleet.summary(POLICY, 1001) == Health(
        load=0.5,
        health=1.0,
        grade=Grade.FIT,
        players=40,
        capacity=400,
        draining=False,
        centre=Position(30.0, 0.0),
        spread_m=15.0,
        timestamp=1001,
    )


def test_seats_on_a_draining_member_are_no_room_in_the_summary() -> None:
    fleet = fleet_of("a", "b")
    fleet.observe((*said("a", 1000), *said("b", 1000, draining=1.0)), 1000)
    summary = fleet.summary(POLICY, 1000)
    assert (summary.capacity, summary.draining) == (200, False)


def test_who_is_silent_has_no_seats_and_no_players_in_the_summary() -> None:
    fleet, fresh_s = fleet_of("a", "b"), POLICY.health.fresh_s
    fleet.observe((*said("a", 1000), *said("b", 1001, players=3.0, capacity=50.0)), 1001)
    both, one, nobody = (fleet.summary(POLICY, at + fresh_s) for at in (1000, 1001, 1001.1))
    assert (both.players, both.capacity) == (103, 250)
    assert (one.players, one.capacity) == (3, 50)
    assert nobody == NOBODY


def test_a_fleet_without_reports_has_no_room() -> None:
    assert fleet_of("a").summary(POLICY, 1000).capacity == 0


def test_a_flow_knows_its_word_from_how_it_was_written_down() -> None:
    assert Flow.of("a", "b", 3, "high", "0.79 to 0.33") == Flow("a", "b", 3, "high: 0.79 to 0.33")
    assert Flow("a", "b", 3, "draining: 0.79 to 0.33").word == "draining"
    assert Flow("a", "b", 3, "drainage: of another time").word is None


def test_a_flow_is_written_down_by_four_fields() -> None:
    flow = Flow.of("a", "b", 3, "low", "so")
    assert msgspec.to_builtins(flow) == {
        "source": "a", "target": "b", "players": 3, "reason": "low: so",
    }  # fmt: skip
