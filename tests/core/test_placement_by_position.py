"""Position in placement: a newcomer goes where those around it play, if load and ping allow."""

from collections import Counter

import pytest
from msgspec.structs import replace
from placed import NOW, POLICY, chosen, fleet_of, report, zoned

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import candidates, decided, place
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.vicinity import Vicinity
from clientmigration.core.fleet.world import Position

HERE = Position(75.0, 75.0)


def among(pings: dict[str, float] | None = None, **near: int) -> Newcomer:
    """A newcomer with so many players around it at each member."""
    return Newcomer("ada", HERE, pings or {}, near=near)


def test_a_newcomer_goes_where_most_of_those_around_it_play() -> None:
    fleet = fleet_of(a={}, b={"load": 0.21}, c={})
    assert chosen(among(a=2, b=12, c=5), fleet) == "b"
    answer = place(among(a=2, b=12, c=5), fleet, POLICY, NOW)
    assert decided(answer, POLICY) == "position"
    signals = {s.member: s.position for s in answer.reasons}
    assert signals["b"] == 0 < signals["c"] == signals["a"] <= 1


def test_no_place_fills_a_server_beyond_what_balance_would_leave_alone() -> None:
    crowded = fleet_of(a={"load": 0.5}, b={"load": 0.4}, c={"load": 0.4})
    assert chosen(among(a=40), crowded) != "a"
    assert chosen(among(a=40), fleet_of(a={"load": 0.44}, b={"load": 0.4}, c={"load": 0.4})) == "a"


def test_no_circle_fills_a_server_either() -> None:
    """Even if nobody is around, and the players of all others are far away."""
    fleet = fleet_of(a={"load": 0.5}, b={"load": 0.4, "centre_x_m": 9e3})
    assert chosen(among(), fleet) == "b"


def test_ping_beats_position_between_zones() -> None:
    fleet = zoned("eu", "us")
    report(fleet, "s1", load=0.1)
    assert chosen(among({"eu": 10.0, "us": 45.0}, s1=90), fleet) == "s0"
    assert chosen(among({"eu": 10.0, "us": 35.0}, s1=90), fleet) == "s1"


def test_one_more_neighbour_is_worth_so_many_ms_of_ping() -> None:
    """Of ten around it chance would have brought five to each, so five are won by going there."""
    fleet = fleet_of(a={}, b={})
    each_ms = POLICY.rebalance.neighbour_ms
    worse, too_bad = (10 + each_ms * won for won in (4.0, 5.5))
    assert chosen(among({"a": 10.0, "b": worse}, b=10), fleet) == "b"
    assert chosen(among({"a": 10.0, "b": too_bad}, b=10), fleet) == "a"


def test_a_group_counts_more_than_who_happens_to_be_around() -> None:
    grouped = replace(among(a=50), mates={"b": 1})
    assert chosen(grouped, fleet_of(a={}, b={})) == "b"


def test_position_that_weighs_nothing_decides_nothing() -> None:
    blind = Policy.parse({"placement": {"position_weight": 0.0}})
    assert chosen(among(a=50), fleet_of(a={"load": 0.201}, b={"load": 0.19}), blind) == "b"


def test_who_may_be_near_is_asked_to_ping_first() -> None:
    fleet = fleet_of(**{f"s{n:02}": {} for n in range(30)})
    for n in range(10):
        name = f"s{3 * n:02}"
        asked = candidates(Newcomer(f"p{n}", HERE, {}, near={name: 20}), fleet, POLICY, NOW)
        assert asked[0] == name


def gathering(fleet: Fleet, joins: int, there: dict[str, int], at: Position = HERE) -> Counter[str]:
    """So many newcomers at one place, where so many play already; they see each other."""
    world, homes = Vicinity(POLICY.rebalance.cell_m), Counter[str]()
    for member, players in there.items():
        world.listed(member, {f"{member} {n}": (at.x, at.y) for n in range(players)})
    for n in range(joins):
        newcomer = Newcomer(f"p{n}", at, {}, near=world.near(at, NOW))
        home = chosen(newcomer, fleet)
        assert home is not None
        fleet.placed(home, NOW)
        world.sent(newcomer.player, at, home, NOW)
        homes[home] += 1
    return homes


@pytest.mark.parametrize("load", [0.02, 0.2, 0.4, 0.6])
def test_a_burst_of_200_at_one_place_spreads_before_it_overloads(load: float) -> None:
    fleet = fleet_of(**{name: {"load": load, "capacity": 400.0} for name in "abcd"})
    homes = gathering(fleet, 200, {"a": 60, "b": 5})
    pressure = fleet.columns(POLICY).outlook().pressure
    assert homes["a"] == max(homes.values())
    r = POLICY.rebalance
    assert pressure.max() <= pressure.mean() * (1 + r.finish * (r.imbalance - 1)) + 0.01
    assert fleet.columns(POLICY).outlook().load.max() < 1.5 * load + 0.1


def test_a_burst_of_which_nobody_knows_the_cost_is_spread_the_more_evenly() -> None:
    fleet = fleet_of(**{name: {"load": 0.01, "players": 0.0} for name in "abcd"})
    homes = gathering(fleet, 400, {})
    assert max(homes.values()) <= 108


def test_two_crowds_that_come_at_once_come_apart() -> None:
    """Whoever comes first makes the place of those who come next."""
    fleet = fleet_of(a={}, b={})
    towns, homes = (HERE, Position(600.0, 75.0)), (Counter[str](), Counter[str]())
    world = Vicinity(POLICY.rebalance.cell_m)
    for n in range(80):
        at = towns[n % 2]
        home = chosen(Newcomer(f"p{n}", at, {}, near=world.near(at, NOW)), fleet)
        assert home is not None
        fleet.placed(home, NOW)
        world.sent(f"p{n}", at, home, NOW)
        homes[n % 2][home] += 1
    assert all(max(each.values()) >= 36 for each in homes)
    assert homes[0].most_common(1)[0][0] != homes[1].most_common(1)[0][0]


def test_where_everybody_stands_at_one_place_position_means_nothing() -> None:
    loads = {"a": {"players": 120.0}, "b": {"players": 80.0}, "c": {"load": 0.21}}
    there = {"a": 120, "b": 80, "c": 100}
    without, nothing = fleet_of(**loads), Policy.parse({"placement": {"position_weight": 0.0}})
    homes = Counter[str | None]()
    for n in range(60):
        home = chosen(Newcomer(f"p{n}", None, {}), without, nothing)
        homes[home] += 1
        without.placed(str(home), NOW)
    assert gathering(fleet_of(**loads), 60, there) == homes
