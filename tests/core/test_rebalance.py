"""Rebalancing: how many should leave whom for whom."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientmigration.core.fleet.estimate import LoadEstimate, estimates
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.health import Grade
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows, level
from clientmigration.core.measures.metrics import measurements

POLICY = Policy()
NOW = 1010.5


def fleet_of(**members: dict[str, float]) -> Fleet:
    """A fleet whose members have been as they are for ten seconds; `for_s` says otherwise."""
    fleet = Fleet()
    for name, changed in members.items():
        fleet.attach(name, "gameserver", f"{name}:4000")
        values = {"load": 0.3, "health": 1.0, "players": 100.0, "capacity": 200.0, **changed}
        for second in range(1010 - int(values.pop("for_s", 10)), 1010):
            fleet.observe(measurements("gameserver", name, values, second), NOW)
    return fleet


def planned(fleet: Fleet, policy: Policy = POLICY) -> dict[tuple[str, str], int]:
    return {(flow.source, flow.target): flow.players for flow in flows(fleet, policy, NOW)}


EMPTY = {"load": 0.01, "players": 0.0}


def test_a_balanced_fleet_is_left_alone() -> None:
    assert planned(fleet_of(a={}, b={"load": 0.33}, c={"load": 0.28})) == {}


def test_an_empty_fleet_and_a_single_server_are_left_alone() -> None:
    assert planned(Fleet()) == {}
    assert planned(fleet_of(a={"load": 1.5})) == {}
    assert planned(fleet_of(a=EMPTY, b=EMPTY)) == {}


def test_a_server_clearly_above_the_level_gives_a_share_of_the_distance() -> None:
    (flow,) = flows(fleet_of(a={"load": 0.6, "players": 150.0}, b={"load": 0.2}), POLICY, NOW)
    assert (flow.source, flow.target) == ("a", "b")
    assert flow.reason == "high: 0.79 to 0.33, level 0.50"
    assert 20 < flow.players < 40


def test_a_new_server_is_filled_by_everybody_who_is_above_the_mean() -> None:
    plan = planned(fleet_of(a={}, b={}, c={}, new=EMPTY))
    assert {target for _, target in plan} == {"new"}
    assert len(plan) == 3
    assert 30 < sum(plan.values()) <= POLICY.budget


def test_of_few_players_that_weigh_much_one_is_moved_when_one_fits() -> None:
    eight, seven, four = (
        {"load": 0.06 * n, "players": n, "capacity": 50.0} for n in (8.0, 7.0, 4.0)
    )
    fitting = planned(fleet_of(a=eight, b=seven, c=seven, new=four))
    assert fitting.get(("a", "new")) == 1
    assert planned(fleet_of(a=eight, b=seven, c=seven, d=seven)) == {}


def test_a_new_server_is_filled_however_small_the_loads_are() -> None:
    idle = {"load": 0.0, "players": 100.0}
    assert sum(planned(fleet_of(a=idle, b=idle, c=idle, new=EMPTY)).values()) > 20


def test_a_server_is_not_judged_by_its_first_reports() -> None:
    assert planned(fleet_of(a={}, b={}, new={**EMPTY, "for_s": 2.0})) == {}
    assert planned(fleet_of(a={}, b={}, new={**EMPTY, "for_s": 3.0})) != {}


def test_a_report_is_judged_only_when_its_second_is_over() -> None:
    fleet = fleet_of(a={}, b={}, new={**EMPTY, "for_s": 3.0})
    assert flows(fleet, POLICY, 1009.9) == ()


def test_one_spike_of_load_moves_nobody() -> None:
    fleet = fleet_of(a={}, b={})
    values = {"load": 3.0, "health": 0.0, "players": 100.0, "capacity": 200.0}
    fleet.observe(measurements("gameserver", "a", values, 1009), NOW)
    assert planned(fleet) == {}


def test_a_restless_load_has_to_be_further_off_than_a_calm_one() -> None:
    calm = fleet_of(a={"load": 0.5}, b={"load": 0.25})
    restless = fleet_of(a={"load": 0.5}, b={"load": 0.25})
    for n, second in enumerate(range(1000, 1010)):
        values = {"load": (0.2, 0.8)[n % 2], "health": 1.0, "players": 100.0, "capacity": 200.0}
        restless.observe(measurements("gameserver", "a", values, second), NOW)
    assert planned(calm) != {}
    assert planned(restless) == {}


def test_an_overloaded_server_is_relieved_by_one_that_is_not_strained() -> None:
    busy, fit = {"load": 0.85}, {"load": 0.55}
    assert planned(fleet_of(a=busy, b={"load": 0.7}, c=fit)).keys() == {("a", "c")}


def test_when_all_are_overloaded_nobody_is_moved() -> None:
    assert planned(fleet_of(a={"load": 0.95}, b={"load": 0.85}, c={"load": 0.9})) == {}


def test_the_grade_in_a_load_estimate_has_hysteresis() -> None:
    fleet = fleet_of(a={"load": 0.82, "for_s": 10.0})
    values = {"load": 0.75, "health": 1.0, "players": 100.0, "capacity": 200.0}
    for second in range(1010, 1020):
        fleet.observe(measurements("gameserver", "a", values, second), second)
    (estimate,) = estimates(fleet, POLICY, 1020.5)
    assert estimate.grade is Grade.OVERLOADED


@pytest.mark.parametrize(
    "closed", [{"draining": 1.0}, {"health": 0.0}, {"capacity": 0.0}, {"players": 200.0}]
)
def test_who_can_take_nobody_gets_nobody(closed: dict[str, float]) -> None:
    plan = planned(fleet_of(a={"load": 0.7}, b={"load": 0.05, "players": 50.0, **closed}))
    assert "b" not in {target for _, target in plan}


def test_a_silent_server_neither_gives_nor_gets() -> None:
    fleet = fleet_of(a={"load": 0.9}, b={"load": 0.5}, c=EMPTY)
    late = 1009 + POLICY.health.fresh_s + POLICY.rebalance.lag_s + 0.1
    assert flows(fleet, POLICY, late) == ()


def test_a_draining_server_gives_everybody_within_the_budget() -> None:
    fleet = fleet_of(a={"draining": 1.0}, b={}, c={})
    assert sum(planned(fleet).values()) == POLICY.budget
    brave = Policy.parse({"limits": {"moves_per_second": 1000}})
    assert planned(fleet, brave) == {("a", "b"): 50, ("a", "c"): 50}
    assert all(flow.word == "draining" for flow in flows(fleet, brave, NOW))


def test_a_drain_never_exceeds_seats_nor_the_full_load() -> None:
    brave = Policy.parse({"limits": {"moves_per_second": 1000}})
    plan = planned(
        fleet_of(a={"draining": 1.0}, b={"players": 170.0}, c={"load": 0.8, "players": 80.0}), brave
    )
    assert plan == {("a", "b"): 30, ("a", "c"): 9}


def test_seats_taken_since_the_last_decision_are_not_given_away() -> None:
    fleet = fleet_of(a={"draining": 1.0}, b={})
    fleet.decided([Flow("b", "a", 10, "high: so")], 1008.0)
    values = {"load": 0.3, "health": 1.0, "players": 195.0, "capacity": 200.0}
    fleet.observe(measurements("gameserver", "b", values, 1009), NOW)
    assert planned(fleet) == {("a", "b"): 5}


def test_a_drain_with_no_room_elsewhere_moves_nobody() -> None:
    assert planned(fleet_of(a={"draining": 1.0}, b={"players": 200.0}, c={"load": 0.95})) == {}
    assert planned(fleet_of(a={"draining": 1.0})) == {}


def test_a_decision_is_not_taken_twice_before_it_shows() -> None:
    fleet = fleet_of(a={}, b={}, new=EMPTY)
    first = flows(fleet, POLICY, NOW)
    fleet.decided(first, NOW)
    second = flows(fleet, POLICY, NOW)
    assert sum(f.players for f in second) < sum(f.players for f in first) / 2


def test_flows_are_a_function_of_datapoints_and_decisions() -> None:
    one, other = (fleet_of(a={}, b={"load": 0.5}, new=EMPTY) for _ in range(2))
    for fleet in (one, other):
        fleet.decided([Flow("b", "new", 10, "low: so")], NOW - 3)
    one.placed("new", NOW)
    assert flows(one, POLICY, NOW) == flows(other, POLICY, NOW)


members = st.fixed_dictionaries(
    {
        "load": st.floats(0, 1.5),
        "players": st.integers(0, 200).map(float),
        "capacity": st.integers(0, 300).map(float),
        "draining": st.sampled_from([0.0, 0.0, 1.0]),
    }
)
fleets = st.dictionaries(st.sampled_from("abcdef"), members)


@settings(max_examples=150, deadline=None)
@given(fleets)
def test_a_plan_never_exceeds_seats_budget_or_the_players_there_are(
    described: dict[str, dict[str, float]],
) -> None:
    plan = flows(fleet_of(**described), POLICY, NOW)
    gone, come = Counter[str](), Counter[str]()
    for flow in plan:
        gone[flow.source] += flow.players
        come[flow.target] += flow.players
    assert gone.total() <= POLICY.budget
    assert all(n <= described[name]["players"] for name, n in gone.items())
    for name, n in come.items():
        assert described[name]["players"] + n <= described[name]["capacity"]
        assert not described[name]["draining"]
    assert not gone.keys() & come.keys()


@settings(max_examples=150, deadline=None)
@given(fleets)
def test_without_a_drain_nobody_is_lifted_above_the_level(
    described: dict[str, dict[str, float]],
) -> None:
    fleet = fleet_of(**{name: {**m, "draining": 0.0} for name, m in described.items()})
    before = {s.name: s for s in estimates(fleet, POLICY, NOW)}
    fleet.decided(flows(fleet, POLICY, NOW), NOW)
    after = {s.name: s.pressure for s in estimates(fleet, POLICY, NOW)}
    if before:
        even = level([s for s in before.values() if s.closed != "silent"], POLICY)
        for name, estimate in before.items():
            assert after[name] <= max(even, estimate.pressure) + 1e-9


@settings(max_examples=150, deadline=None)
@given(fleets)
def test_a_plan_never_makes_the_worst_server_worse(
    described: dict[str, dict[str, float]],
) -> None:
    """Nor anybody it gives players to as bad as that, unless a drain has nowhere else to go."""
    fleet = fleet_of(**described)
    before = {s.name: s for s in estimates(fleet, POLICY, NOW)}
    plan = flows(fleet, POLICY, NOW)
    fleet.decided(plan, NOW)
    after = {s.name: s for s in estimates(fleet, POLICY, NOW)}
    targets = {flow.target for flow in plan}
    drained = {flow.target for flow in plan if flow.reason.startswith("draining")}
    worst = max((s.pressure for s in before.values()), default=0.0)
    for name in targets - drained:
        assert after[name].pressure <= worst + 1e-9
        assert before[name].pressure < worst
    for name in drained:
        assert after[name].load <= max(POLICY.limits.full_load, before[name].load) + 1e-9


@settings(max_examples=100, deadline=None)
@given(fleets.filter(bool), st.integers(0, 300), st.booleans())
def test_adding_a_server_never_raises_the_maximum(
    described: dict[str, dict[str, float]], capacity: int, keen: bool
) -> None:
    """Neither above what it is, nor above what it would have become without the new one: that is
    told from a policy that acts on the smallest difference."""
    fewer = {name: {**m, "draining": 0.0} for name, m in described.items()}
    more = {**fewer, "new": {"load": 0.0, "players": 0.0, "capacity": float(capacity)}}
    keenly = {"rebalance": {"imbalance": 1.01, "margin": 0, "finish": 0}, "limits": BRAVE}
    policy = Policy.parse(keenly) if keen else POLICY
    now = max(s.pressure for s in estimates(fleet_of(**fewer), policy, NOW))
    without = max(s.pressure for s in carried_out(fewer, policy))
    bound = without + max(s.cost for s in carried_out(fewer, policy)) if keen else now
    assert max(s.pressure for s in carried_out(more, policy)) <= bound + 1e-9


BRAVE = {"moves_per_second": 1000, "full_load": 1}


def carried_out(described: dict[str, dict[str, float]], policy: Policy) -> Sequence[LoadEstimate]:
    """How the fleet stands once its plan is carried out."""
    fleet = fleet_of(**described)
    fleet.decided(flows(fleet, policy, NOW), NOW)
    return estimates(fleet, policy, NOW)


def test_the_level_is_where_machines_of_unlike_speed_meet() -> None:
    slow, fast = {"load": 0.8, "players": 100.0}, {"load": 0.2, "players": 100.0}
    fleet = fleet_of(slow=slow, fast={**fast, "capacity": 400.0})
    even = level(estimates(fleet, POLICY, NOW), POLICY)
    assert 0.36 < even < 0.5
    for _ in range(9):
        fleet.decided(flows(fleet, Policy.parse({"limits": BRAVE}), NOW), NOW)
    assert [s.pressure for s in estimates(fleet, POLICY, NOW)] == pytest.approx([even] * 2, abs=0.1)


# -- in which order, and to whom ------------------------------------------------------------------

FEW = Policy.parse({"limits": {"moves_per_second": 5}})
"""Ten players a decision: not all who should give can."""
HOT = {"load": 0.95, "players": 190.0}


def test_drains_come_first_however_hard_others_work() -> None:
    calm = {"load": 0.1, "players": 40.0}
    assert planned(fleet_of(hot=HOT, z=calm, new=EMPTY), FEW) == {("hot", "new"): 10}
    assert planned(fleet_of(hot=HOT, z={**calm, "draining": 1.0}, new=EMPTY), FEW) == {
        ("z", "new"): 10
    }


def test_a_drain_goes_to_the_lowest_however_far_that_is() -> None:
    near, far = {"load": 0.4, "centre_x_m": 0.0}, {"load": 0.2, "centre_x_m": 9000.0}
    drain = {"draining": 1.0, "load": 0.4, "players": 60.0}
    assert planned(fleet_of(a=drain, near=near, far=far)) == {("a", "far"): 50}


def test_a_drain_fills_the_lowest_until_they_are_even() -> None:
    low, lower = {"load": 0.3, "players": 100.0}, {"load": 0.2, "players": 100.0}
    plan = planned(fleet_of(a={"draining": 1.0}, low=low, lower=lower))
    assert plan == {("a", "lower"): 42, ("a", "low"): 8}  # the first 31 make them even


def test_who_does_not_keep_up_is_relieved_like_others_and_not_emptied_like_a_drain() -> None:
    brave = Policy.parse({"limits": {"moves_per_second": 1000}})
    high, also = {"load": 0.7, "players": 150.0}, {"load": 0.65, "players": 150.0}
    plan = flows(fleet_of(a={**high, "health": 0.0}, b=also, new=EMPTY), brave, NOW)
    assert plan == flows(fleet_of(a=high, b=also, new=EMPTY), brave, NOW)
    assert [(flow.source, flow.word) for flow in plan] == [("a", "high"), ("b", "high")]
    assert planned(fleet_of(a={"health": 0.0}, b={}, c={})) == {}


def test_who_is_above_the_level_gives_to_the_nearest_first() -> None:
    near, far = {"centre_x_m": 400.0}, {"centre_x_m": 9000.0, "load": 0.29}
    assert planned(fleet_of(a={"load": 0.75}, near=near, far=far), FEW) == {("a", "near"): 10}


def test_of_those_that_are_as_near_the_lowest_is_given_to_first() -> None:
    low, lower = {"centre_x_m": 400.0}, {"centre_x_m": 300.0, "load": 0.2}
    assert planned(fleet_of(a={"load": 0.75}, low=low, lower=lower), FEW) == {("a", "lower"): 10}


def test_the_overloaded_give_before_those_that_are_only_fuller() -> None:
    overloaded, full = {"load": 0.85, "players": 20.0}, {"load": 0.7, "players": 200.0}
    estimated = estimates(fleet_of(a=full, b=overloaded), POLICY, NOW)
    assert estimated[0].pressure > estimated[1].pressure
    plan = flows(fleet_of(a=full, b=overloaded, new=EMPTY), POLICY, NOW)
    assert [flow.source for flow in plan] == ["b", "a"]


def test_of_those_that_work_as_hard_the_fullest_gives_first() -> None:
    full, fuller = {"load": 0.7, "players": 150.0}, {"load": 0.7, "players": 190.0}
    assert planned(fleet_of(a=full, b=fuller, new=EMPTY), FEW) == {("b", "new"): 10}


# -- the level ------------------------------------------------------------------------------------


def level_of(**members: dict[str, float]) -> float:
    return level(estimates(fleet_of(**members), POLICY, NOW), POLICY)


def test_the_level_of_like_machines_is_the_mean() -> None:
    much, little = {"load": 0.6, "players": 120.0}, {"load": 0.2, "players": 40.0}
    assert level_of(a=much, b=little) == pytest.approx((0.75 + 0.25) / 2, abs=1e-4)
    assert level_of(a=much, b=little, c=little) == pytest.approx((0.75 + 0.25 * 2) / 3, abs=1e-4)


def test_who_takes_nobody_and_is_below_the_level_does_not_count_in_it() -> None:
    much, little = {"load": 0.6, "players": 120.0}, {"load": 0.2, "players": 40.0}
    closed = {**little, "health": 0.0}
    assert level_of(a=much, b=little, c=closed) == pytest.approx(0.5, abs=1e-4)


def test_all_the_players_of_a_drain_count_in_the_level_of_the_others() -> None:
    much, little = {"load": 0.6, "players": 120.0}, {"load": 0.2, "players": 40.0}
    drain = {**little, "draining": 1.0}
    assert level_of(a=much, b=little, c=drain) == pytest.approx((0.75 + 0.5) / 2, abs=1e-4)
