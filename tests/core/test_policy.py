"""The policy file."""

import math
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clientmigration.core.fleet.policy import HealthPolicy, PlacementPolicy, Policy
from clientmigration.errors import ConfigurationError

FILE = Path(__file__).parents[2] / "docs" / "policy.toml"


def test_the_documented_file_is_the_default_policy() -> None:
    assert Policy.parse(tomllib.loads(FILE.read_text())) == Policy()


def test_the_documented_file_leaves_no_field_out() -> None:
    every_field = msgspec.json.decode(msgspec.json.encode(Policy()))
    assert tomllib.loads(FILE.read_text()) == every_field


def test_an_empty_file_is_the_default_policy() -> None:
    assert Policy.parse({}) == Policy()


def test_a_file_changes_only_what_it_says() -> None:
    policy = Policy.parse({"placement": {"ping_weight": 3, "ping_caps_ms": [30, 60]}})
    assert policy.placement == PlacementPolicy(ping_weight=3, ping_caps_ms=(30, 60))
    assert policy.rebalance == Policy().rebalance


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"placement": {"ping_weight": "much"}}, "placement.ping_weight"),
        ({"placement": {"ping_weight": -1}}, "ping_weight must be from 0 to 100, not -1"),
        ({"placement": {"ping_weight": math.nan}}, "ping_weight"),
        ({"placement": {"ping_caps_ms": [50, 50]}}, "ping_caps_ms must rise"),
        ({"placement": {"start_m": [1]}}, "start_m must be empty or x and y, not [1.0]"),
        ({"placement": {"start_m": [1, math.inf]}}, "start_m must be empty or x and y"),
        ({"placement": {"pingweight": 1}}, "unknown field `pingweight`"),
        (
            {"placement": {"ping_weight": 0, "load_weight": 0, "position_weight": 0}},
            "must not all be 0",
        ),
        ({"rebalance": {"damping": 0}}, "damping"),
        ({"rebalance": {"datapoints": 2.5}}, "rebalance.datapoints"),
        ({"health": {"strained": 0.9}}, "strained < overloaded"),
        ({"limits": {"cooldown_s": True}}, "limits.cooldown_s"),
        ({"limits": 5}, "limits"),
        ({"limit": {}}, "unknown field `limit`"),
    ],
)
def test_a_wrong_file_is_refused_by_the_name_of_the_field(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Policy.parse(wrong)
    assert told in str(refused.value)
    assert str(refused.value).startswith("policy: ")


def test_a_policy_made_in_code_refuses_to_be_wrong_as_well() -> None:
    with pytest.raises(ValueError, match="fresh_s"):
        HealthPolicy(fresh_s=0)


def test_the_budget_of_one_decision_is_the_rate_times_the_period() -> None:
    assert Policy.parse({"limits": {"moves_per_second": 10}}).budget == 20
    assert Policy.parse({"limits": {"moves_per_second": 0}}).budget == 0
