"""Who of a fleet gives or takes when the router above wants players to go or come."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.fleet.estimate import LoadEstimate, estimates
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.handing import giving, taking
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.metrics import measurements

POLICY, NOW = Policy(), 1_000_000
CAPACITY = 200


def known(players: Sequence[int], cost: float = 0.004) -> tuple[LoadEstimate, ...]:
    """Members with so many players, known for long."""
    fleet = Fleet()
    for n, count in enumerate(players):
        name = f"gs-{n:03}"
        fleet.attach(name, "gameserver", f"{name}:4000")
        for second in range(NOW - 4, NOW + 1):
            told = {"health": 1.0, "load": cost * count, "players": float(count)}
            told["capacity"] = float(CAPACITY)
            fleet.observe(measurements("gameserver", name, told, second), second + 0.2)
    return estimates(fleet, POLICY, NOW + 0.5)


def after(players: Sequence[int], shares: dict[str, int], sign: int) -> list[int]:
    return [count + sign * shares.get(f"gs-{n:03}", 0) for n, count in enumerate(players)]


def test_those_who_have_most_give_down_to_one_level() -> None:
    players = [100, 60, 80, 20]
    left = after(players, dict(giving(known(players), 60)), -1)
    assert sum(players) - sum(left) == 60
    assert left == [60, 60, 60, 20]


def test_those_who_have_least_take_up_to_one_level() -> None:
    players = [100, 60, 80, 20]
    left = after(players, dict(taking(known(players), 60, POLICY)), 1)
    assert left == [100, 70, 80, 70]


def test_nobody_gives_more_than_it_has_nor_takes_more_than_it_carries() -> None:
    players = [10, 5]
    assert sum(giving(known(players), 1000).values()) == 15
    heavy = known([100, 100], cost=0.0086)
    assert sum(taking(heavy, 1000, POLICY).values()) <= 2 * 6  # load 0.86 of at most 0.9
    assert giving((), 5) == taking((), 5, POLICY) == {}


@given(
    st.lists(st.integers(0, CAPACITY), min_size=1, max_size=8),
    st.integers(0, 500),
    st.floats(0.0005, 0.004),
)
@pytest.mark.filterwarnings("error")
def test_so_many_as_asked_for_or_all_that_there_are(
    players: list[int], count: int, cost: float
) -> None:
    members = known(players, cost)
    given_ = giving(members, count)
    assert sum(given_.values()) == min(count, sum(players))
    assert min(after(players, dict(given_), -1)) >= 0
    taken = taking(members, count, POLICY)
    assert sum(taken.values()) <= count
    assert max(after(players, dict(taken), 1)) <= CAPACITY
    assert 0 not in {*given_.values(), *taken.values()}
