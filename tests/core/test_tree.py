"""Routers under routers, simulated: they come to rest, and hand on who is wanted elsewhere."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.simulation.tree import TreeSimulator
from clientmigration.core.simulation.tree_review import LEVEL, LevelReview, tree_review
from clientmigration.core.simulation.tree_scenario import TreeScenario
from clientmigration.errors import ConfigurationError

FOLDER = Path(__file__).parents[2] / "docs" / "scenarios"


def read(name: str, **other: Any) -> TreeScenario:
    return TreeScenario.parse(tomllib.loads((FOLDER / f"{name}.toml").read_text()) | other)


Played = tuple[TreeSimulator, list[LevelReview]]


def played(scenario: TreeScenario, seed: int = 1) -> Played:
    simulated = TreeSimulator(scenario, Policy(), flows, np.random.default_rng(seed))
    simulated.play()
    return simulated, tree_review(simulated)


@pytest.fixture(scope="module")
def tree() -> Played:
    return played(read("tree"))


def test_a_tree_settles_at_each_level_and_then_moves_nobody(tree: Played) -> None:
    simulated, told = tree
    root, zones, leaves = told
    assert simulated.root.players == simulated.scenario.players + 200
    assert [each.routers for each in told] == [1, 4, 12]
    assert [each.steady_moves for each in told] == [0, 0, 0]
    assert (root.turned, zones.turned) == (0, 0)
    assert root.settled_s is not None
    assert zones.settled_s is not None
    assert max(root.settled_s, zones.settled_s) <= 20
    assert max(root.marks[-1][1], zones.marks[-1][1]) <= LEVEL
    assert leaves.marks[-1][1] <= 1.1


def test_who_drains_is_emptied_across_and_the_new_one_gets_players(tree: Played) -> None:
    simulated, _ = tree
    drained, *_, new = simulated.root.members.values()
    assert drained.players == 0
    assert new.players > 700


def test_a_million_players_and_their_root_in_small() -> None:
    """The same tree with a hundredth of the routers and of the players."""
    levels = tomllib.loads((FOLDER / "million.toml").read_text())["levels"]
    small = [level | {"members": 10} for level in levels]
    small[0]["policy"]["limits"]["moves_per_second"] = 100
    simulated, told = played(read("million", levels=small, players=10_000, seconds=60))
    assert simulated.root.players == 10_000
    assert told[0].settled_s is not None
    assert told[0].turned == 0
    assert told[0].marks[-1][1] <= LEVEL


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"levels": []}, "levels"),
        ({"players": 0}, "players"),
        ({"players": 10_000_000}, "seat"),
        ({"levels": [{"members": 0}]}, "members"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_scenario_is_refused_with_the_field(wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(ConfigurationError, match=where):
        read("tree", **wrong)


def test_a_level_may_not_have_a_policy_that_cannot_be() -> None:
    levels = [{"members": 2, "policy": {"rebalance": {"imbalance": 0.5}}}, {"members": 2}]
    scenario = read("tree", levels=levels, players=100, events=[])
    with pytest.raises(ConfigurationError, match="imbalance"):
        scenario.policies(Policy())
