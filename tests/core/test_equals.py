"""Equal routers: who does what, and whose a name is, as everybody works it out alone."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from clientmigration.core.fleet import naming
from clientmigration.core.fleet.equals import planner, primary, timekeeper
from clientmigration.core.player.ledger import Record

ROUTERS = ("r1", "r2", "r3")
MEMBERS = [f"gs-{n}" for n in range(1, 301)]


def test_primaries_are_spread_evenly_over_the_routers() -> None:
    counts = Counter(primary(each, ROUTERS) for each in MEMBERS)
    assert set(counts) == set(ROUTERS)
    assert max(counts.values()) < 1.3 * len(MEMBERS) / 3


@pytest.mark.parametrize("gone", ROUTERS)
def test_when_a_router_goes_only_its_own_members_change_their_primary(gone: str) -> None:
    left = [each for each in ROUTERS if each != gone]
    for each in MEMBERS:
        before = primary(each, ROUTERS)
        assert before == gone or primary(each, left) == before


def test_the_order_in_which_routers_are_known_changes_nothing() -> None:
    assert primary("gs-1", ROUTERS) == primary("gs-1", ROUTERS[::-1])
    assert timekeeper(ROUTERS[::-1]) == "r1"


def test_without_routers_nobody_is_meant() -> None:
    assert (primary("gs-1", ()), timekeeper(()), planner({})) == ("", "", "")


def test_the_first_of_those_with_most_members_plans() -> None:
    assert planner({"a": ("r2", "r1"), "b": ("r1", "r2")}) == "r1"
    assert planner({"a": ("r2",), "b": ("r1", "r2")}) == "r2"
    assert planner({"a": (), "b": ("r3",)}) == "r3"
    assert planner({"a": ("r2", "r2"), "b": ("r1",), "c": ("r1",)}) == "r1"


def test_all_who_know_the_same_reports_find_the_same_planner() -> None:
    for some in combinations(ROUTERS, 2):
        attached = dict.fromkeys(MEMBERS, some)
        assert planner(attached) == planner(dict(reversed(attached.items()))) == min(some)


# Names.

KEY = naming.key_of("gs-1")


def named(life: str, at: float, epoch: int = 1) -> Record:
    return Record(KEY, life, epoch, "", None, at)


def test_a_name_is_the_first_lives_as_long_as_somebody_says_so() -> None:
    mine = naming.claimed(Record(KEY), "ada", 10.0)
    assert mine == named("ada", 10.0)
    assert naming.claimed(mine, "bob", 10.0 + naming.FRESH_S - 0.1) is None
    assert naming.claimed(mine, "bob", 10.0 + naming.FRESH_S) == named("bob", 14.0, 2)
    assert naming.claimed(mine, "ada", 11.0) == named("ada", 11.0)


def test_a_server_that_died_has_its_name_again_at_once_as_another_life() -> None:
    free = naming.given_back(named("ada", 10.0), "ada", 11.0)
    assert free == named("", 11.0)
    assert naming.claimed(free, "bob", 11.1) == named("bob", 11.1, 2)


def test_a_name_that_was_just_given_back_is_not_given_to_who_brings_none() -> None:
    free = named("", 11.0)
    assert naming.given(free, "bob", 11.1) is None
    assert naming.given(free, "bob", 11.0 + naming.FRESH_S) == named("bob", 15.0, 2)
    assert naming.given(Record(KEY), "bob", 0.5) == named("bob", 0.5)


def test_what_one_router_has_given_back_another_that_has_the_member_takes_again() -> None:
    assert naming.kept(named("", 11.0), "ada", 11.5) == named("ada", 11.5, 2)
    assert naming.kept(named("bob", 11.0), "ada", 11.5) is None
    assert naming.given_back(named("bob", 11.0), "ada", 11.5) is None


def test_no_player_is_called_like_a_name() -> None:
    assert naming.is_name(KEY)
    assert not naming.is_name("00aa00aa00aa00aa")
