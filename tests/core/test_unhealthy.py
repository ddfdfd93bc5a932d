"""A server that does not keep up: who leaves it, who does not come, and that this ends."""

from collections.abc import Sequence

import pytest
from toy_fleet import POLICY, Toy, oscillations, toy_of

from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import place
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.measures.metrics import measurements

WITHIN_S = POLICY.health.unhealthy_s + POLICY.rebalance.lag_s + POLICY.rebalance.period_s
"""A server that does not keep up begins to be emptied within this time."""


def newcomer(toy: Toy) -> str | None:
    """Where somebody who comes now is sent."""
    return place(Newcomer("ada", None, {}), toy.fleet, POLICY, toy.second + 0.5).member


def to(moves: Sequence[Move], target: str) -> int:
    return sum(move.target == target for move in moves)


def most_often(names: Sequence[str]) -> int:
    return max(map(names.count, names), default=0)


@pytest.mark.parametrize("others", [[0], [50], [0, 70], [40, 40, 40], [10, 0, 90]])
@pytest.mark.parametrize(("there", "seed"), [(1, 1), (25, 2), (60, 3), (120, 4)])
def test_a_server_that_does_not_keep_up_is_emptied_within_its_time(
    there: int, others: list[int], seed: int
) -> None:
    toy = toy_of([there, *others], 0.002, seed).run(16)
    toy.servers["gs-0"].starved = True
    toy.run(round(WITHIN_S + toy.players("gs-0") / POLICY.limits.moves_per_second) + 4)
    assert toy.players("gs-0") == 0
    begun = len(toy.moves)
    toy.run(30)
    assert to(toy.moves[begun:], "gs-0") == 0


@pytest.mark.parametrize("players", [[50, 50], [0, 30], [60, 10, 10], [40, 40, 40, 40]])
def test_a_starved_server_gets_no_newcomers_from_then_until_it_keeps_up(players: list[int]) -> None:
    toy = toy_of(players, 0.003).run(12)
    toy.servers["gs-0"].starved = True
    toy.run(round(POLICY.health.fresh_s) + 1)
    for _ in range(40):
        assert newcomer(toy.run(1)) not in ("gs-0", None)
    toy.servers["gs-0"].starved = False
    toy.run(round(POLICY.health.unhealthy_s))
    placed = place(Newcomer("ada", None, {}), toy.fleet, POLICY, toy.second + 0.5)
    assert not any(score.excluded for score in placed.reasons)


@pytest.mark.parametrize("players", [[40, 40], [90, 20, 60], [30, 30, 30, 30]])
@pytest.mark.parametrize("for_s", [3, 8, 14, 40])
def test_who_was_starved_for_a_while_is_left_and_filled_again_once_and_then_all_is_quiet(
    players: list[int], for_s: int
) -> None:
    toy = toy_of(players, 0.002).run(60)
    toy.servers["gs-0"].starved = True
    toy.run(for_s)
    toy.servers["gs-0"].starved = False
    toy.run(60)
    made = len(toy.moves)
    assert len(toy.run(90).moves) - made <= 15
    assert most_often([m.player for m in toy.moves if m.source == "gs-0"]) <= 3


@pytest.mark.parametrize("players", [[30, 30], [30, 30, 30], [60, 60, 60], [100, 100, 100]])
@pytest.mark.parametrize(("cost", "times"), [(0.004, 4), (0.003, 14)])
@pytest.mark.parametrize("seed", range(2))
def test_a_server_with_a_part_of_a_core_keeps_what_it_can_carry(
    players: list[int], cost: float, times: int, seed: int
) -> None:
    toy = toy_of(players, cost, seed).run(12)
    toy.unbounded, weak = False, toy.servers["gs-0"]
    weak.cost, weak.base = weak.cost * times, weak.base * 4
    toy.run(60)
    made = len(toy.moves)
    for _ in range(120):
        toy.run(1)
        assert toy.load("gs-0") < 0.97
    assert len(toy.moves) - made <= 40
    assert oscillations(toy.moves[made:]) <= 5


def test_where_nobody_keeps_up_nobody_is_moved_and_newcomers_wait() -> None:
    toy = toy_of([90, 40, 10], 0.003).run(16)
    for server in toy.servers.values():
        server.starved = True
    toy.run(6)
    made = len(toy.moves)
    for _ in range(40):
        assert newcomer(toy.run(1)) is None
    assert len(toy.moves) == made
    toy.servers["gs-2"].starved = False
    toy.run(30)
    assert newcomer(toy) == "gs-2"
    assert toy.players("gs-2") == 140


def test_others_take_over_only_as_far_as_they_are_not_overloaded_by_it() -> None:
    toy = toy_of([100, 100, 100], 0.005, noise=0.0).run(16)
    toy.servers["gs-0"].starved = True
    toy.run(60)
    assert max(toy.load("gs-1"), toy.load("gs-2")) <= POLICY.health.overloaded
    assert toy.players("gs-0") == 0 or max(toy.load("gs-1"), toy.load("gs-2")) > 0.7


def fleet_of(**healths: Sequence[float]) -> Fleet:
    fleet = Fleet()
    for name, values in healths.items():
        fleet.attach(name, "gameserver", f"{name}:4000")
        for second, health in enumerate(values, 1010 - len(values)):
            said = {"load": 0.3, "health": health, "players": 50.0, "capacity": 200.0}
            fleet.observe(measurements("gameserver", name, said, second), 1010.5)
    return fleet


@pytest.mark.parametrize(
    ("healths", "emptied"),
    [
        ([1.0] * 4 + [0.0] * 10, True),
        ([1.0] * 4 + [0.0] * 4 + [0.9] + [0.0] * 5, True),
        ([1.0] * 9 + [0.0] * 5, False),
        ([0.0, 0.6] * 7, False),
        ([0.0] * 5, False),
        ([0.0] * 10 + [0.9] * 4, False),
    ],
    ids=["ten bad seconds", "one good one between", "five", "every other", "new", "well again"],
)
def test_one_second_says_nothing_and_ten_do(healths: list[float], emptied: bool) -> None:
    plan = flows(fleet_of(a=healths, b=[1.0] * 14), POLICY, 1010.9)
    assert [flow.word for flow in plan] == (["unhealthy"] if emptied else [])


def test_a_policy_may_say_that_nobody_is_emptied_for_its_health() -> None:
    never = Policy.parse({"health": {"unhealthy_s": 0}})
    assert flows(fleet_of(a=[0.0] * 14, b=[1.0] * 14), never, 1010.9) == ()


def test_who_drains_goes_before_who_does_not_keep_up() -> None:
    fleet = fleet_of(a=[0.0] * 14, b=[1.0] * 14, c=[1.0] * 14)
    said = {"load": 0.3, "health": 1.0, "players": 40.0, "capacity": 200.0, "draining": 1.0}
    fleet.observe(measurements("gameserver", "b", said, 1009), 1010.5)
    plan = flows(fleet, POLICY, 1010.9)
    assert [(flow.source, flow.word, flow.players) for flow in plan] == [
        ("b", "draining", 40),
        ("a", "unhealthy", 10),
    ]


def test_who_was_unhealthy_just_now_takes_few_and_shows_what_it_can_carry() -> None:
    busy = [1.0] * 14
    for healths, few in (([0.0] * 7 + [1.0] * 7, True), ([0.0] * 2 + [1.0] * 12, False)):
        fleet = fleet_of(a=busy, b=healths)
        for second in range(996, 1010):
            for name, load, players in (("a", 0.7, 150.0), ("b", 0.02, 0.0)):
                health = healths[second - 996] if name == "b" else 1.0
                said = {"load": load, "health": health, "players": players, "capacity": 200.0}
                fleet.observe(measurements("gameserver", name, said, second), 1010.5)
        (flow,) = flows(fleet, POLICY, 1010.9)
        assert flow.players <= 10 if few else flow.players > 20
