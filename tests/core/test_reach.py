"""Which members players could not get to lately, and what follows from it."""

from clientmigration.core.fleet.policy import ReachPolicy
from clientmigration.core.fleet.reach import MOST, PLAYERS, Reach

POLICY = ReachPolicy(avoid_s=60, many=3, shut_s=60, trial_s=10)


def tried(*who: str, at: float = 100.0) -> Reach:
    """These players could not reach `eu`, one second after the other."""
    reach = Reach(POLICY)
    for second, player in enumerate(who):
        reach.failed(player, "eu", at + second)
    return reach


def test_a_member_that_many_cannot_reach_is_shut_for_a_while_after_the_last_of_them() -> None:
    assert tried("ada", "bob").shut("eu") == (0.0, 0.0)
    assert tried("ada", "bob", "cid").shut("eu") == (162.0, 112.0)
    assert tried("ada", "bob", "cid", "dan").shut("eu") == (163.0, 113.0)


def test_one_player_is_not_many_however_often_it_fails() -> None:
    assert tried(*["ada"] * 20).shut("eu") == (0.0, 0.0)


def test_those_who_failed_long_ago_do_not_count() -> None:
    reach = tried("ada", "bob")
    reach.failed("cid", "eu", 160.5)
    assert reach.shut("eu") == (0.0, 0.0)


def test_a_member_that_more_can_reach_than_cannot_stays_open() -> None:
    reach = Reach(POLICY)
    for player in ("eve", "fay", "gil"):
        reach.arrived(player, "eu", 99.0)
    for player in ("ada", "bob", "cid"):
        reach.failed(player, "eu", 100.0)
    assert reach.shut("eu") == (0.0, 0.0)
    reach.failed("dan", "eu", 101.0)
    assert reach.shut("eu") == (161.0, 111.0)


def test_it_opens_when_one_arrives_and_nobody_avoids_it_any_more() -> None:
    reach = tried("ada", "bob", "cid")
    reach.arrived("dan", "eu", 105.0)
    assert reach.shut("eu") == (0.0, 0.0)
    assert reach.avoided("ada", 105.0) == {}


def test_it_opens_when_one_is_answered_and_who_could_not_reach_it_goes_on_to_avoid_it() -> None:
    reach = tried("ada", "bob", "cid")
    reach.answered("eu", 105.0)
    assert reach.shut("eu") == (0.0, 0.0)
    assert reach.avoided("ada", 105.0) == {"eu": 110.0}


def test_a_ping_alone_does_not_excuse_a_member_that_is_open() -> None:
    reach = tried("ada", "bob")
    reach.answered("eu", 102.0)
    reach.failed("cid", "eu", 103.0)
    assert reach.shut("eu") == (163.0, 113.0)


def test_one_at_a_time_tries_a_member_that_is_shut() -> None:
    reach = tried("ada", "bob", "cid")
    reach.trying("eu", 112.0)
    assert reach.shut("eu") == (162.0, 122.0)
    reach.trying("us", 112.0)
    assert reach.shut("us") == (0.0, 0.0)


def test_a_player_avoids_for_a_while_what_it_could_not_reach_until_it_arrives_there() -> None:
    reach = tried("ada")
    assert reach.avoided("ada", 159.9) == {"eu": 110.0}
    assert reach.avoided("ada", 160.0) == {}
    assert reach.avoided("bob", 101.0) == {}
    reach.failed("ada", "us", 105.0)
    reach.arrived("ada", "eu", 106.0)
    assert reach.avoided("ada", 107.0) == {"us": 115.0}


def test_a_member_that_comes_anew_has_a_clean_sheet() -> None:
    reach = tried("ada", "bob", "cid")
    reach.forget("eu")
    assert reach.shut("eu") == (0.0, 0.0)
    assert reach.avoided("ada", 101.0) == {}


def test_memory_is_bounded() -> None:
    reach = Reach(POLICY)
    for n in range(PLAYERS + 10):
        reach.failed(f"{n}", "eu", 100.0)
    assert len(reach._avoided) == PLAYERS
    assert len(reach._tried["eu"].failed) == MOST


def test_one_witness_counts_once_however_many_players_it_speaks_for() -> None:
    reach = Reach(ReachPolicy())
    for n in range(100):
        reach.failed(f"p{n}", "eu", 100.0, "203.0.113.9")
    assert reach.shut("eu") == (0.0, 0.0)
    assert "eu" in reach.avoided("p7", 101.0)
    reach.failed("ada", "eu", 101.0, "203.0.113.10")
    assert reach.shut("eu") == (0.0, 0.0)
    reach.failed("bob", "eu", 101.0)
    assert reach.shut("eu") != (0.0, 0.0)
