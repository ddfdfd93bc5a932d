"""Who of a group is where."""

from clientmigration.core.fleet.groups import RECENT_S, Groups


def test_mates_are_those_in_rosters_and_those_just_sent() -> None:
    groups = Groups()
    groups.listed("eu", {"ada": "red", "bob": "", "cyd": "ice"})
    groups.sent("dan", "red", "eu", 0.0)
    groups.sent("eve", "red", "us", 0.0)
    assert groups.mates("fay", "red", 1.0, ["eu", "us"]) == {"eu": 2, "us": 1}
    assert groups.mates("eve", "red", 1.0, ["eu", "us"]) == {"eu": 2}
    assert groups.mates("fay", "", 1.0, ["eu", "us"]) == {}


def test_who_was_sent_counts_until_a_roster_shows_it_or_it_does_not_come() -> None:
    groups = Groups()
    groups.sent("ada", "red", "eu", 0.0)
    groups.sent("bob", "red", "eu", 0.0)
    groups.listed("eu", {"ada": "red"})
    assert groups.mates("cyd", "red", 1.0, ["eu"]) == {"eu": 2}
    assert groups.mates("cyd", "red", RECENT_S + 0.1, ["eu"]) == {"eu": 1}


def test_a_member_that_is_gone_has_nobody() -> None:
    groups = Groups()
    groups.listed("eu", {"ada": "red"})
    groups.lost("eu")
    assert groups.mates("cyd", "red", 0.0, ["eu"]) == {}
