"""Between whom players are exchanged, by datapoints alone."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clientmigration.core.fleet.estimate import VAIN_S, estimates
from clientmigration.core.fleet.exchange import PAIRS
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.measures.metrics import measurements

POLICY = Policy()
OFF = Policy.parse({"together": {"share": 0}})
NOW = 1010.5
USUAL = {"load": 0.3, "health": 1.0, "players": 100.0, "capacity": 200.0}


def sees(number: int, *shared: tuple[int, int], pairs: int = 1000) -> dict[str, float]:
    """What a member reports that shares so many of its pairs with those of these numbers."""
    said = {"number": float(number), "pairs": float(pairs)}
    said["pairs_split"] = float(sum(n for _, n in shared))
    for n, (other, count) in enumerate(shared, 1):
        said |= {f"split_{n}_number": float(other), f"split_{n}_pairs": float(count)}
    return said


def fleet_of(**members: dict[str, float]) -> Fleet:
    return fleet_in({}, members)


def fleet_in(zones: dict[str, str], members: dict[str, dict[str, float]]) -> Fleet:
    fleet = Fleet()
    for name, changed in members.items():
        fleet.attach(name, "gameserver", "", zones.get(name, ""))
        report(fleet, name, changed, range(1000, 1010))
    return fleet


def report(fleet: Fleet, name: str, changed: dict[str, float], seconds: range) -> None:
    for second in seconds:
        said = measurements("gameserver", name, {**USUAL, **changed}, second)
        fleet.observe(said, second + 0.5)


def planned(fleet: Fleet, policy: Policy = POLICY, now: float = NOW) -> dict[tuple[str, str], int]:
    return {(flow.source, flow.target): flow.players for flow in flows(fleet, policy, now)}


A, B = sees(1, (2, 400)), sees(2, (1, 400))


def test_members_that_share_pairs_exchange_players_both_ways() -> None:
    there, back = flows(fleet_of(a=A, b=B), POLICY, NOW)
    assert there.exchanges
    assert back.exchanges
    assert {(there.source, there.target), (back.target, back.source)} == {("a", "b")}
    assert there.reason == "together: 400 of 2000 pairs apart"
    assert there.players + back.players <= POLICY.budget * POLICY.together.share


def test_a_game_without_positions_a_share_of_nothing_and_little_to_win_move_nobody() -> None:
    assert planned(fleet_of(a={}, b={})) == {}
    assert planned(fleet_of(a=A, b=B), OFF) == {}
    assert planned(fleet_of(a=sees(1, (2, 1)), b=sees(2, (1, 1)))) == {}


@pytest.mark.parametrize(
    "not_able",
    [
        {"draining": 1.0, "players": 0.0},
        {"health": 0.0},
        {"load": 0.85},
        {"number": 0.0},
        {"number": 2.0},
    ],
)
def test_who_cannot_take_or_is_not_known_exchanges_nothing(not_able: dict[str, float]) -> None:
    able = {"load": 0.85} if "load" in not_able else {}
    assert planned(fleet_of(a={**A, **not_able}, b={**B, **able})) == {}


def test_who_gives_or_takes_for_balance_does_not_exchange_at_the_same_time() -> None:
    fleet = fleet_of(a={**A, "load": 0.7}, b={**B, "load": 0.2}, c=sees(3, (1, 400)))
    assert all(not flow.exchanges for flow in flows(fleet, POLICY, NOW))


def test_after_a_decision_for_balance_it_is_waited_until_it_shows() -> None:
    fleet = fleet_of(a=A, b=B)
    fleet.decided([Flow("a", "b", 3, "high: so")], NOW - 2)
    assert planned(fleet) == {}


def test_an_exchange_needs_no_waiting_and_is_no_load() -> None:
    fleet = fleet_of(a=A, b=B)
    before = [(each.load, each.sure) for each in estimates(fleet, POLICY, NOW)]
    decided = flows(fleet, POLICY, NOW)
    fleet.decided(decided, NOW, [5, 5])
    assert [(each.load, each.sure) for each in estimates(fleet, POLICY, NOW)] == before
    assert flows(fleet, POLICY, NOW) == decided


def test_what_more_went_one_way_is_counted_until_reports_show_it() -> None:
    fleet = fleet_of(a=A, b=B)
    fleet.decided(flows(fleet, POLICY, NOW), NOW, [0, 5])
    one, other = estimates(fleet, POLICY, NOW)
    assert (one.players + other.players, abs(one.players - other.players)) == (200, 10)


def test_who_found_nobody_to_exchange_rests_and_then_tries_again() -> None:
    fleet = fleet_of(a=A, b=B)
    fleet.decided(flows(fleet, POLICY, NOW), NOW, [0, 0])
    assert planned(fleet) == {}
    late = int(NOW + VAIN_S) + 2
    for name, said in (("a", A), ("b", B)):
        report(fleet, name, said, range(1010, late))
    assert planned(fleet, now=late + 0.5) != {}


def test_who_found_somebody_elsewhere_is_asked_again() -> None:
    c = sees(3, (1, 300))
    fleet = fleet_of(a=sees(1, (2, 400), (3, 300)), b=B, c=c)
    decided = flows(fleet, POLICY, NOW)
    found = [4 if "c" in (flow.source, flow.target) else 0 for flow in decided]
    fleet.decided(decided, NOW, found)
    assert planned(fleet).keys() >= {("a", "b"), ("b", "a")}


def test_who_is_fuller_than_the_others_only_gives() -> None:
    fleet = fleet_of(a={**A, "load": 0.38}, b={**B, "load": 0.3}, c={"load": 0.3})
    assert planned(fleet).keys() == {("a", "b")}


def test_those_of_one_zone_come_before_those_who_share_more() -> None:
    zones = {"a": "eu", "b": "us", "c": "eu"}
    a, b, c = sees(1, (2, 500), (3, 100)), sees(2, (1, 500)), sees(3, (1, 100))
    fleet = fleet_in(zones, {"a": a, "b": b, "c": c})
    first = flows(fleet, POLICY, NOW)[0]
    assert {first.source, first.target} == {"a", "c"}


def test_not_more_than_so_many_pairs_exchange_at_once() -> None:
    members = {f"m{n}": sees(n, *((n + k, 100) for k in range(1, 5))) for n in range(1, 20)}
    assert len(flows(fleet_of(**members), POLICY, NOW)) <= 2 * PAIRS


seen = st.builds(
    lambda number, shared: sees(number, *shared, pairs=2000),
    st.integers(0, 6),
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 500)), max_size=4),
)
states = st.fixed_dictionaries(
    {
        "load": st.floats(0, 1.2),
        "players": st.integers(0, 200).map(float),
        "draining": st.sampled_from([0.0, 0.0, 0.0, 1.0]),
    }
)
fleets = st.dictionaries(
    st.sampled_from("abcdef"), st.builds(lambda one, two: one | two, seen, states)
)


@settings(max_examples=150, deadline=None)
@given(fleets)
def test_exchanges_come_after_what_balance_does_and_change_nothing_of_it(
    described: dict[str, dict[str, float]],
) -> None:
    plan = flows(fleet_of(**described), POLICY, NOW)
    balance = tuple(flow for flow in plan if not flow.exchanges)
    assert balance == flows(fleet_of(**described), OFF, NOW)
    moving = {name for flow in balance for name in (flow.source, flow.target)}
    for flow in plan:
        if flow.exchanges:
            assert not {flow.source, flow.target} & moving
            assert flow.players <= POLICY.budget - sum(each.players for each in balance)
    assert plan == flows(fleet_of(**described), POLICY, NOW)


@settings(max_examples=150, deadline=None)
@given(fleets)
def test_whatever_is_exchanged_nobody_gets_fuller_than_the_fullest(
    described: dict[str, dict[str, float]],
) -> None:
    """Also when each one gets all that it may take and gives nothing for it."""
    fleet = fleet_of(**described)
    before = {each.name: each for each in estimates(fleet, POLICY, NOW)}
    takes = Counter[str]()
    for flow in flows(fleet, POLICY, NOW):
        if flow.exchanges:
            takes[flow.target] += flow.players
            takes[flow.source] -= flow.players
            assert flow.players <= before[flow.target].seats
    highest = max((each.pressure for each in before.values()), default=0.0)
    for name, n in takes.items():
        assert before[name].pressure + max(0, n) * before[name].cost <= highest + 1e-9
