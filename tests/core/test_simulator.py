"""The simulator: the real decisions over simulated time, and simple baselines beside them."""

import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import msgspec
import numpy as np
import pytest

from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.simulation.baselines import (
    Brain,
    LeastLoad,
    LeastPlayers,
    Ours,
    RoundRobin,
)
from clientmigration.core.simulation.crowd import SimulatedCrowd
from clientmigration.core.simulation.log import Log
from clientmigration.core.simulation.oracle import least_apart
from clientmigration.core.simulation.review import Review, review
from clientmigration.core.simulation.scenario import Day, Scenario
from clientmigration.core.simulation.simulator import START, Simulator
from clientmigration.errors import ConfigurationError

FOLDER = Path(__file__).parents[2] / "docs" / "scenarios"
POLICY = Policy()
OFF = Policy.parse({"together": {"share": 0}})
QUICK = {"day": 900, "wander": 120, "uneven": 300}  # seconds into which long scenarios are pressed
LONGER = {"wander": 300, "uneven": 900}  # for `make soak`


def scenario(name: str, pressed: dict[str, int] = QUICK) -> Scenario:
    read = Scenario.parse(tomllib.loads((FOLDER / f"{name}.toml").read_text()))
    if name not in pressed:
        return read
    day = read.day and Day(most=read.day.most, length_s=pressed[name])
    return msgspec.structs.replace(read, seconds=pressed[name], day=day)


def played(
    scenario: Scenario, brain: Brain, seed: int = 1, oracle: bool = False
) -> tuple[Review, Log]:
    log = Simulator(scenario, POLICY, brain, np.random.default_rng(seed), oracle).play()
    return review(brain.name, scenario, log, START), log


BESIDE_METIS = ("new-server", "swap")


@cache
def ours(name: str) -> tuple[Review, Log]:
    """How a scenario went with the usual policy, played once. METIS, where it looks on, changes
    nothing."""
    return played(scenario(name), Ours(POLICY), oracle=name in BESIDE_METIS)


SCENARIOS = [
    path.stem
    for path in sorted(FOLDER.glob("*.toml"))
    if "levels" not in tomllib.loads(path.read_text())
]


@pytest.mark.parametrize("name", SCENARIOS)
def test_nobody_swings_and_the_fleet_settles(name: str) -> None:
    """By balance alone."""
    told, log = played(scenario(name), Ours(OFF))
    assert (told.back, told.turned) == (0, 0)
    assert told.steady_moves in (0, None)
    assert told.settled_s is not None
    assert told.settled_s <= 15
    assert told.overloaded == told.waited == 0
    assert told.imbalance < 1.2
    assert told.moves_per_player_hour < 5
    assert len(log.imbalance) == scenario(name).seconds


@pytest.mark.parametrize("name", SCENARIOS)
def test_with_exchanges_too_the_fleet_settles_and_hardly_anybody_swings(name: str) -> None:
    assert swings(*ours(name)) == []


@pytest.mark.soak
@pytest.mark.parametrize("name", LONGER)
def test_it_does_so_for_longer_too(name: str) -> None:
    assert swings(*played(scenario(name, LONGER), Ours(POLICY))) == []


def swings(told: Review, log: Log) -> list[str]:
    """What is wrong with how it went."""
    per_s = Counter(second for second, _ in log.moves)
    rules = {
        "turned": told.turned == 0,
        "back": told.back <= 0.02 * told.moves,
        "settled": told.settled_s is not None and told.settled_s <= 15,
        "waited": told.waited == 0,
        "overloaded": told.overloaded < 0.005,
        "imbalance": told.imbalance < 1.2,
        "moves an hour": told.moves_per_player_hour < 16,
        "moves a second": max(per_s.values(), default=0) <= POLICY.limits.moves_per_second,
    }
    return [rule for rule, holds in rules.items() if not holds]


def test_when_nobody_walks_nobody_is_moved_any_more() -> None:
    still = msgspec.structs.replace(scenario("swap"), events=[], walk_m_s=1e-9, seconds=300)
    _, log = played(still, Ours(POLICY))
    assert any(flow.exchanges for _, flow in log.flows)
    assert not [second for second, _ in log.moves if second > START + 200]


def test_a_new_server_takes_its_share_with_fewer_moves_than_simple_policies_make() -> None:
    told = {
        brain.name: played(scenario("new-server"), brain)[0]
        for brain in (Ours(OFF), RoundRobin(POLICY), LeastPlayers(POLICY), LeastLoad(POLICY))
    }
    ours = told.pop("ClientMigration")
    assert ours.marks[-1][1] < 1.1 < told["round robin"].marks[-1][1]
    assert ours.moves < min(told[name].moves for name in ("least players", "least load"))
    assert ours.cut < told["least players"].cut
    assert told["least load"].back > 0


def test_the_same_seed_plays_the_same_and_another_does_not() -> None:
    short = msgspec.structs.replace(scenario("loss"), seconds=100)
    assert played(short, Ours(POLICY)) == played(short, Ours(POLICY))
    assert played(short, Ours(POLICY))[1].cut != played(short, Ours(POLICY), seed=2)[1].cut


def test_a_crash_and_a_drain_leave_nobody_without_a_place() -> None:
    _, log = played(msgspec.structs.replace(scenario("loss"), seconds=240), Ours(POLICY))
    assert sum(log.waiting) == 0
    assert {flow.word for _, flow in log.flows} >= {"draining"}
    assert {move.source for _, move in log.moves if "draining" in move.reason} == {"gs-2"}


def test_who_is_moved_back_and_which_flows_turn_round_is_counted() -> None:
    quiet = msgspec.structs.replace(scenario("new-server"), seconds=1, events=[])
    there, back = (Move("ada", a, b, "") for a, b in (("x", "y"), ("y", "x")))
    flows = [(START, Flow("x", "y", 1, "")), (START + 50, Flow("y", "x", 1, ""))]
    moves = [(START, there), (START + 30, back), (START + 200, there)]
    log = Log(highest=[0.5], mean=[0.5], moves=moves, flows=flows)
    told = review("", quiet, log, START)
    assert (told.back, told.turned) == (1, 1)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [({"title": 1}, "title"), ({"servers": []}, "servers"), ({"events": [{"what": "x"}]}, "x")],
)
def test_a_wrong_scenario_is_refused_with_the_field(wrong: dict[str, object], where: str) -> None:
    good = {"title": "t", "seconds": 9, "players": 1, "servers": [{}]}
    assert Scenario.parse(good).seconds == 9
    with pytest.raises(ConfigurationError, match=where):
        Scenario.parse({**good, **wrong})


@pytest.mark.parametrize("name", BESIDE_METIS)
def test_who_stands_together_comes_to_play_together_nearly_as_metis_would_have_it(
    name: str,
) -> None:
    told, _ = ours(name)
    last = told.apart[-1]
    assert last.ours <= last.metis + 0.05
    assert told.moves_per_player_hour < 12


def test_position_moves_nobody_where_the_policy_says_so() -> None:
    _, log = played(scenario("new-server"), Ours(OFF))
    assert log.moves
    assert not any(flow.exchanges for _, flow in log.flows)


def test_the_oracle_parts_nobody_where_there_is_one_server_and_as_few_as_it_can() -> None:
    crowd = SimulatedCrowd(scenario("new-server"), 1, np.random.default_rng(1))
    crowd.join(200, 1)
    crowd.home[:] = 0
    assert least_apart(crowd, [(1.0, 0)]) == 0
    assert 0 <= least_apart(crowd, [(1.0, 0)] * 4) < 0.2


def test_wanderers_leave_their_towns_and_halves_swap_places() -> None:
    wander = msgspec.structs.replace(scenario("wander"), players=100, wander_s=10.0)
    crowd = SimulatedCrowd(wander, 1, np.random.default_rng(1))
    crowd.join(100, 1)
    goals = crowd.goal.copy()
    for _ in range(30):
        crowd.walk()
    far = np.hypot(*(crowd.goal - goals).T) > 200
    assert far.sum() > 50
    east = crowd.goal[:, 0].copy()
    crowd.swap()
    assert np.allclose(crowd.goal[:, 0], wander.size_m - east)
