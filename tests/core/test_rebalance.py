"""Rebalancing: how many leave whom for whom, and who they are."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from clientmigration.core.fleet.choice import Move, choose
from clientmigration.core.fleet.estimate import LoadEstimate, estimates
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.health import Grade
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows, level
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.fleet.world import Position
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
    (standing,) = estimates(fleet, POLICY, 1020.5)
    assert standing.grade is Grade.OVERLOADED


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
    assert all(flow.reason.startswith("draining") for flow in flows(fleet, brave, NOW))


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
        for name, standing in before.items():
            assert after[name] <= max(even, standing.pressure) + 1e-9


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


# -- who moves ------------------------------------------------------------------------------------


def at(player: str, x: float, member: str = "a", **more: float) -> Resident:
    return Resident(player, member, Position(x, 0), more)


def names(moves: Iterable[Move]) -> list[str]:
    return [move.player for move in moves]


def two(players: int) -> Sequence[Flow]:
    return [Flow("a", "b", players, "high: so")]


CLUSTER = [at(f"in{n}", 10) for n in range(5)]


def test_those_whose_neighbours_are_already_there_go_first() -> None:
    roster = [*CLUSTER, at("zoe", 500), *(at(f"b{n}", 500, "b") for n in range(3))]
    (move,) = choose(roster, two(1), POLICY, NOW, 50)
    assert move == Move("zoe", "a", "b", "high: so; 3 neighbours there, 0 here")


def test_those_at_the_edge_of_a_cluster_go_before_those_inside() -> None:
    roster = [*CLUSTER, *(at(f"mid{n}", 60) for n in range(3)), at("rim", 110)]
    assert names(choose(roster, two(1), POLICY, NOW, 50)) == ["rim"]


def test_who_goes_draws_the_neighbours_after_it() -> None:
    groups = [at(f"p{n:02}", 1000.0 * (n % 3)) for n in range(12)]
    assert names(choose(groups, two(4), POLICY, NOW, 50)) == ["p00", "p03", "p06", "p09"]


def test_among_equals_the_one_whose_ping_suffers_least_goes() -> None:
    roster = [at("ada", 0, a=10, b=90), at("bob", 900, a=30, b=20), at("cyd", 1800)]
    assert names(choose(roster, two(3), POLICY, NOW, 50)) == ["bob", "cyd", "ada"]


def test_who_is_locked_or_was_moved_lately_stays() -> None:
    rested = replace(at("rested", 0), moved_at=NOW - 10)
    tired = replace(at("tired", 0), moved_at=NOW - 9)
    locked = replace(at("locked", 0), locked=True)
    assert names(choose([rested, tired, locked], two(3), POLICY, NOW, 50)) == ["rested"]


def test_a_player_without_a_position_can_move_too() -> None:
    assert names(choose([Resident("ada", "a", None, {})], two(1), POLICY, NOW, 50)) == ["ada"]


def test_the_budget_bounds_all_flows_together_in_their_order() -> None:
    plan = [Flow("a", "b", 3, "draining: so"), Flow("a", "c", 3, "low: so")]
    moves = choose([at(f"p{n}", 99 * n) for n in range(9)], plan, POLICY, NOW, 4)
    assert [move.target for move in moves] == ["b", "b", "b", "c"]
    assert len(set(names(moves))) == 4
    assert choose(CLUSTER, plan, POLICY, NOW, 0) == ()


# -- groups, games that ask, zones ----------------------------------------------------------------


def group(name: str, players: int, x: float, **more: bool) -> list[Resident]:
    return [
        Resident(f"{name}{n}", "a", Position(x, 0), {}, group=name, **more) for n in range(players)
    ]


def test_a_group_moves_as_a_whole_or_not_at_all() -> None:
    roster = [*group("red", 4, 0), *group("ice", 3, 900), *(at(f"p{n}", 500) for n in range(9))]
    assert names(choose(roster, two(3), POLICY, NOW, 50)) == ["ice0", "ice1", "ice2"]
    moves = choose(roster, two(6), POLICY, NOW, 50)
    assert sorted(names(moves)) == ["p0", "p1", "red0", "red1", "red2", "red3"]


def test_a_group_of_which_somebody_can_not_move_stays() -> None:
    torn = [*group("red", 3, 0), *group("ice", 1, 0, locked=True), *group("ice", 2, 0)[1:]]
    assert names(choose(torn, two(3), POLICY, NOW, 50)) == ["red0", "red1", "red2"]


def test_a_group_is_drawn_to_where_the_rest_of_it_is() -> None:
    there = [Resident(f"red{n}", "b", Position(5000, 0), {}, group="red") for n in range(5, 8)]
    roster = [*there, *group("red", 2, 0), *(at(f"b{n}", 0) for n in range(9)), at("zoe", 900)]
    assert names(choose(roster, two(2), POLICY, NOW, 50)) == ["red0", "red1"]


def test_a_drain_splits_a_group_that_fits_nowhere_as_a_whole() -> None:
    plan = [Flow("a", "b", 3, "draining: so"), Flow("a", "c", 3, "draining: so")]
    moves = choose(group("red", 6, 0), plan, POLICY, NOW, 50)
    assert [move.target for move in moves] == ["b"] * 3 + ["c"] * 3
    assert choose(group("red", 6, 0), two(5), POLICY, NOW, 50) == ()


def test_a_group_that_is_too_large_is_a_crowd() -> None:
    crowd = group("all", POLICY.limits.group + 1, 0)
    assert len(choose(crowd, two(3), POLICY, NOW, 50)) == 3


def test_whose_game_asks_to_leave_it_alone_is_moved_by_a_drain_only_and_last() -> None:
    roster = [replace(at("busy", 900), busy=True), *CLUSTER]
    assert "busy" not in names(choose(roster, two(6), POLICY, NOW, 50))
    drain = [Flow("a", "b", 6, "draining: so")]
    assert names(choose(roster, drain, POLICY, NOW, 50))[-1] == "busy"


def test_the_ping_that_counts_is_that_of_the_zone() -> None:
    far = Resident("far", "a", Position(0, 0), {"eu": 10.0, "us": 90.0})
    near = Resident("near", "a", Position(900, 0), {"eu": 60.0, "us": 20.0})
    zones = {"a": "eu", "b": "us"}
    assert names(choose([far, near], two(1), POLICY, NOW, 50, zones)) == ["near"]


residents = st.lists(
    st.builds(
        Resident,
        player=st.text("abc", min_size=1, max_size=4),
        member=st.sampled_from("abc"),
        position=st.none() | st.builds(Position, st.floats(-99, 99), st.floats(-99, 99)),
        ping_ms=st.dictionaries(st.sampled_from("abc"), st.floats(0, 300)),
        moved_at=st.none() | st.floats(NOW - 20, NOW),
        locked=st.booleans(),
        busy=st.booleans(),
        group=st.sampled_from(["", "red", "ice"]),
    ),
    unique_by=lambda resident: resident.player,
)


@given(residents, st.integers(0, 10), st.randoms(use_true_random=False))
def test_choices_are_allowed_bounded_and_do_not_depend_on_the_order_of_the_roster(
    roster: list[Resident], budget: int, shuffler: random.Random
) -> None:
    plan = [Flow("a", "b", 4, "high: so"), Flow("c", "b", 4, "high: so")]
    moves = choose(roster, plan, POLICY, NOW, budget)
    known = {resident.player: resident for resident in roster}
    assert len(moves) <= budget
    assert len(set(names(moves))) == len(moves)
    assert all(known[move.player].member == move.source for move in moves)
    assert all(known[move.player].movable(POLICY, NOW) for move in moves)
    assert not any(known[move.player].busy for move in moves)
    for group in ("red", "ice"):
        mates = {r.player for r in roster if (r.group, r.member) == (group, "a")}
        assert mates.isdisjoint(names(moves)) or mates <= set(names(moves))
    shuffled = list(roster)
    shuffler.shuffle(shuffled)
    assert choose(shuffled, plan, POLICY, NOW, budget) == moves


def test_ten_thousand_residents_are_chosen_from() -> None:
    rng = random.Random(1)
    roster = [
        Resident(f"p{n:05}", "abcd"[n % 4], Position(rng.uniform(0, 2e3), rng.uniform(0, 2e3)), {})
        for n in range(10_000)
    ]
    plan = [Flow("a", "b", 30, "high: so"), Flow("c", "d", 30, "high: so")]
    assert len(choose(roster, plan, POLICY, NOW, 50)) == 50
