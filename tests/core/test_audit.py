"""Why players are where they are, in words."""

from clientmigration.core.decisions.audit import TOLD, AuditTrail, placed
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import place
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.metrics import measurements
from clientmigration.core.player.fact import Fact

NOW = 1_000.5


def fact(number: int, player: str = "ada", source: str = "a", target: str = "b") -> Fact:
    return Fact(float(number), "begun", player, source, target, "high", f"m{number}")


def test_a_trail_tells_the_latest_first_and_forgets_the_oldest() -> None:
    trail = AuditTrail(room=3)
    for number in range(5):
        trail.keep(fact(number))
    assert [each.at for each in trail.about("ada")] == [4.0, 3.0, 2.0]
    assert trail.since() == 2.0


def test_it_is_asked_by_player_by_move_and_by_member() -> None:
    trail = AuditTrail()
    trail.keep(fact(1, "ada", "a", "b"))
    trail.keep(fact(2, "bob", "b", "c"))
    assert [each.player for each in trail.about("ad")] == ["ada"]
    assert [each.player for each in trail.about("m2")] == ["bob"]
    assert [each.player for each in trail.about("b")] == ["bob", "ada"]
    assert [each.player for each in trail.about("c")] == ["bob"]
    assert trail.about("nobody") == trail.about("") == []


def test_it_does_not_tell_more_than_somebody_reads() -> None:
    trail = AuditTrail()
    for number in range(TOLD + 5):
        trail.keep(fact(number))
    assert len(trail.about("ada")) == TOLD


def test_a_placement_is_told_with_the_scores_of_the_best_and_who_was_out() -> None:
    fleet = Fleet()
    for name, load, players in (("a", 0.1, 0.0), ("b", 0.7, 0.0), ("c", 0.1, 10.0)):
        fleet.attach(name, "gameserver", "")
        values = {"load": load, "health": 1.0, "players": players, "capacity": 10.0}
        fleet.observe(measurements("gameserver", name, values, 1_000), NOW)
    newcomer = Newcomer("ada", None, {}, waited_s=1.25, near={"a": 3, "b": 1})
    told = placed(newcomer, place(newcomer, fleet, Policy(), NOW), NOW)
    assert (told.what, told.player, told.source, told.target) == ("placed", "ada", "", "a")
    assert told.text.startswith("a scores 0.")
    assert "load 0.06" in told.text
    assert "b scores 0." in told.text
    assert "c is out: full" in told.text
    assert told.text.endswith("; 3 of 4 around it play there; it waited 1.2 s")
