"""How many game servers there should be."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from clientmigration.core.fleet.autoscale import Need, remembered, wanted
from clientmigration.core.fleet.health import Grade, Health
from clientmigration.core.fleet.policy import AutoscalePolicy
from clientmigration.core.fleet.world import Position

POLICY = AutoscalePolicy(rise_s=10, fall_s=180)
NOW = 1_000_000.0


def health(load: float, players: int = 0, capacity: int = 200, draining: bool = False) -> Health:
    grade, centre = Grade.FIT, Position(0, 0)
    return Health(load, 1.0, grade, players, capacity, draining, centre, 0.0, int(NOW))


def need(*fleet: Health, waiting: int = 0) -> Need:
    found = Need.of(fleet, waiting, POLICY, NOW)
    assert found is not None
    return found


def always(servers: int, fewer: int, since_s: int = 300) -> list[Need]:
    """The same need, each second until now."""
    return [Need(NOW - ago, servers, 1, fewer) for ago in range(since_s, -1, -1)]


def test_load_is_shared_out_as_the_policy_aims_at() -> None:
    assert need(health(0.9), health(0.9), health(0.3)).load == 5  # 2.1 of 0.5 each


def test_seats_are_shared_out_and_those_in_line_want_one_too() -> None:
    assert need(health(0, 150), health(0, 10)).seats == 1  # 160 of 200 are 0.8
    assert need(health(0, 150), health(0, 10), waiting=1).seats == 2


def test_what_a_draining_server_carries_has_to_go_somewhere() -> None:
    assert need(health(0.4), health(0.4, draining=True)).load == 2


def test_a_server_that_players_cannot_reach_is_one_more_than_is_needed() -> None:
    cut = health(0.4, 100)
    with_it = Need.of([health(0.5, 150), health(0.5, 150)], 40, POLICY, NOW, cut_off=[cut])
    assert with_it == Need(NOW, load=2 + 1, seats=3 + 1, fewer=3 + 1)
    nobody_else = Need.of([], 40, POLICY, NOW, cut_off=[cut, cut])
    assert nobody_else == Need(NOW, load=0 + 2, seats=1 + 2, fewer=1 + 2)


def test_the_last_bit_of_a_sum_costs_no_server() -> None:
    assert need(*[health(0.1)] * 15).load == 3  # 1.5000000000000002 of 0.5


def test_a_fleet_that_has_not_reported_needs_nothing_that_is_known() -> None:
    assert Need.of((), 7, POLICY, NOW) is None


def test_more_are_wanted_at_once_when_they_were_needed_throughout() -> None:
    assert wanted(always(5, 6, since_s=10), 3, POLICY, NOW).servers == 5
    assert wanted(always(5, 6, since_s=10), 3, POLICY, NOW).reason.startswith("load: ")


def test_a_peak_of_some_seconds_wants_nobody() -> None:
    needs = always(3, 4)[:-5] + always(9, 10, since_s=4)
    assert wanted(needs, 3, POLICY, NOW).servers == 3
    assert wanted(needs, 3, POLICY, NOW).reason.startswith("enough: ")


def test_one_fewer_is_wanted_when_they_would_have_done_for_long() -> None:
    assert wanted(always(2, 2), 5, POLICY, NOW).servers == 4
    assert wanted(always(2, 2), 5, POLICY, NOW).reason.startswith("idle: ")


def test_one_fewer_is_not_wanted_when_they_would_be_nearly_full() -> None:
    assert wanted(always(2, 3), 3, POLICY, NOW).servers == 3


def test_one_fewer_is_not_wanted_after_a_peak_or_when_it_was_not_watched_for_long() -> None:
    peak = [Need(NOW - 100, 3, 1, 4), *always(1, 1)]
    assert wanted(sorted(peak, key=lambda each: each.at), 3, POLICY, NOW).servers == 3
    assert wanted(always(1, 1, since_s=60), 3, POLICY, NOW).servers == 3


def test_silence_wants_what_is_there() -> None:
    old = [Need(NOW - 60, 9, 9, 9)]
    for needs in ([], old):
        assert wanted(needs, 4, POLICY, NOW).servers == 4
        assert wanted(needs, 4, POLICY, NOW).reason.startswith("unknown: ")


def test_a_fleet_of_nobody_gets_the_least_there_should_be() -> None:
    assert wanted([], 0, POLICY, NOW).servers == 1


@pytest.mark.parametrize(("running", "least", "most", "servers"), [(3, 6, 9, 6), (3, 1, 4, 4)])
def test_bounds_hold(running: int, least: int, most: int, servers: int) -> None:
    policy = AutoscalePolicy(least=least, most=most)
    told = wanted(always(5, 6), running, policy, NOW)
    assert told.servers == servers
    assert told.reason.endswith("kept within bounds")


def test_the_needs_that_can_still_decide_are_remembered() -> None:
    kept = remembered(reversed(always(2, 2, since_s=400)), POLICY, NOW)
    assert [each.at for each in kept] == [NOW - ago for ago in range(180, -1, -1)]
    for running in range(1, 6):
        assert wanted(kept, running, POLICY, NOW) == wanted(always(2, 2), running, POLICY, NOW)


@given(total=some.floats(0, 60), running=some.integers(1, 120))
def test_a_steady_fleet_comes_to_rest_and_does_not_swing(total: float, running: int) -> None:
    held = need(*(health(total / running) for _ in range(running)))
    needs = [Need(NOW - ago, held.load, held.seats, held.fewer) for ago in (200, 100, 5, 0)]
    path = [running]
    while len(path) < 200 and (told := wanted(needs, path[-1], POLICY, NOW).servers) != path[-1]:
        path.append(told)
    assert path in (sorted(path), sorted(path, reverse=True))
    assert path[-1] == POLICY.most or held.servers <= path[-1] <= max(running, held.fewer)
