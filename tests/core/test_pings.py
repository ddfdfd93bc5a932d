"""What is remembered of players' pings."""

from clientmigration.core.fleet.pings import ZONES, KnownPings


def test_the_latest_ping_to_each_zone_is_remembered_for_a_while() -> None:
    pings = KnownPings(remember_s=60.0)
    pings.note("ada", {"eu": 20.0, "us": 90.0}, 0.0)
    pings.note("ada", {"eu": 25.0}, 50.0)
    assert pings.known("ada", 60.0) == {"eu": 25.0, "us": 90.0}
    assert pings.known("ada", 61.0) == {"eu": 25.0}
    assert pings.known("bob", 0.0) == {}


def test_what_did_not_answer_is_forgotten() -> None:
    pings = KnownPings(60.0)
    pings.note("ada", {"eu": 20.0, "us": 90.0}, 0.0)
    pings.forget("ada", {"eu", "asia"})
    pings.forget("bob", {"eu"})
    assert pings.known("ada", 1.0) == {"us": 90.0}


def test_the_memory_is_bounded_by_players_and_by_zones() -> None:
    pings = KnownPings(60.0, players=2)
    for player in ("ada", "bob", "ada", "cyd"):
        pings.note(player, {"eu": 1.0}, 0.0)
    assert [bool(pings.known(p, 0.0)) for p in ("ada", "bob", "cyd")] == [True, False, True]
    pings.note("ada", {f"z{n}": 1.0 for n in range(99)}, 0.0)
    assert len(pings.known("ada", 0.0)) == ZONES
