"""What is remembered of players' pings, and of groups."""

from clientmigration.core.fleet.groups import RECENT_S, Groups
from clientmigration.core.fleet.pings import ZONES, KnownPings


def test_the_latest_ping_to_each_zone_is_remembered_for_a_while() -> None:
    pings = KnownPings(remember_s=60.0)
    pings.note("ada", {"eu": 20.0, "us": 90.0}, 0.0)
    pings.note("ada", {"eu": 25.0}, 50.0)
    assert pings.known("ada", 60.0) == {"eu": 25.0, "us": 90.0}
    assert pings.known("ada", 61.0) == {"eu": 25.0}
    assert pings.known("bob", 0.0) == {}


def test_the_memory_is_bounded_by_players_and_by_zones() -> None:
    pings = KnownPings(60.0, players=2)
    for player in ("ada", "bob", "ada", "cyd"):
        pings.note(player, {"eu": 1.0}, 0.0)
    assert [bool(pings.known(p, 0.0)) for p in ("ada", "bob", "cyd")] == [True, False, True]
    pings.note("ada", {f"z{n}": 1.0 for n in range(99)}, 0.0)
    assert len(pings.known("ada", 0.0)) == ZONES


def test_mates_are_those_in_rosters_and_those_just_sent() -> None:
    company = Groups()
    company.listed("eu", {"ada": "red", "bob": "", "cyd": "ice"})
    company.sent("dan", "red", "eu", 0.0)
    company.sent("eve", "red", "us", 0.0)
    assert company.mates("fay", "red", 1.0, ["eu", "us"]) == {"eu": 2, "us": 1}
    assert company.mates("eve", "red", 1.0, ["eu", "us"]) == {"eu": 2}
    assert company.mates("fay", "", 1.0, ["eu", "us"]) == {}


def test_who_was_sent_counts_until_a_roster_shows_it_or_it_does_not_come() -> None:
    company = Groups()
    company.sent("ada", "red", "eu", 0.0)
    company.sent("bob", "red", "eu", 0.0)
    company.listed("eu", {"ada": "red"})
    assert company.mates("cyd", "red", 1.0, ["eu"]) == {"eu": 2}
    assert company.mates("cyd", "red", RECENT_S + 0.1, ["eu"]) == {"eu": 1}


def test_a_member_that_is_gone_has_nobody() -> None:
    company = Groups()
    company.listed("eu", {"ada": "red"})
    company.lost("eu")
    assert company.mates("cyd", "red", 0.0, ["eu"]) == {}
