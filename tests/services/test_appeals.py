"""What the router above is asked with the next roster, and for how long."""

from clientmigration.core.player.ledger import Record
from clientmigration.router.appeals import KEPT_S, WAITS_S, Appeals
from clientmigration.wire.messages import Own


def told(migration: str) -> Own:
    """The one above says that the player is ours."""
    return Own(migration=migration, player="ada", epoch=3, holder="", snapshot=None)


def test_who_is_waited_for_is_asked_about_for_a_while_and_not_for_ever() -> None:
    appeals = Appeals()
    appeals.wait(told("m1"), 100.0)
    asked = appeals.take()["ada"]
    assert (asked.state, asked.migration, asked.epoch) == ("arriving", "m1", 3)
    assert asked.heard_s is not None  # or the one above would not say it again
    assert appeals.take() == {}
    appeals.wait(told("m1"), 100.0 + WAITS_S - 0.1)
    assert "ada" in appeals.take()
    appeals.wait(told("m1"), 100.0 + WAITS_S)
    assert appeals.take() == {}
    appeals.wait(told("m2"), 100.0 + WAITS_S)
    assert appeals.take()["ada"].migration == "m2"


def test_of_whom_our_ledger_has_no_migration_is_to_be_ended() -> None:
    """The one above ended it, was told so again, and ended it again, every two seconds."""
    appeals = Appeals()
    appeals.about(Record("ada", "gs-1", 2, "m1"), "playing", 100.0)
    assert appeals.take()["ada"].migration == ""
    appeals.about(Record("ada", "^", 2, "m1"), "frozen", 100.0)
    assert appeals.take()["ada"].migration == "m1"


def test_who_stands_still_does_so_since_the_first_time_it_was_asked_about() -> None:
    appeals, record = Appeals(), Record("ada", "^", 2, "m1")
    appeals.about(record, "frozen", 100.0)
    appeals.about(record, "frozen", 101.5)
    assert appeals.stand(102.0)["ada"].since_s == 2.0
    appeals.over("ada")
    assert appeals.stand(102.0) == {}
    assert appeals.take() == {}
    appeals.about(record, "frozen", 110.0)
    appeals.sweep(110.0 + KEPT_S)
    assert appeals.stand(110.0 + KEPT_S) == {}
