"""What operators announce: rules on one record of the ledger."""

from __future__ import annotations

from clientmigration.core.player import notices as rules
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.notices import Announcement

NOW = 1_700_000_000.0
EMPTY = Record("member-*notices")


def planned(name: str, end: float = 0.0) -> Announcement:
    return Announcement(name, "maintenance", "A new map comes", NOW, NOW + 60, end)


def test_what_is_said_is_told_by_whoever_reads_the_record() -> None:
    record = rules.said(EMPTY, planned("a"), NOW)
    record = rules.said(record, planned("b"), NOW)
    assert [each.id for each in rules.of(record)] == ["a", "b"]
    assert rules.of(EMPTY) == ()


def test_of_too_many_the_oldest_go_and_the_same_name_is_said_anew() -> None:
    record = EMPTY
    for n in range(rules.MOST + 2):
        record = rules.said(record, planned(f"{n}"), NOW)
    record = rules.said(record, planned("5", NOW + 99), NOW)
    assert len(rules.of(record)) == rules.MOST
    assert rules.of(record)[-1] == planned("5", NOW + 99)


def test_maintenance_is_told_until_its_end_and_an_incident_for_long_after() -> None:
    incident = Announcement("i", "incident", "Joins are slow", NOW, end=NOW + 10)
    both = (planned("m", NOW + 100), incident)
    assert rules.told(both, NOW + 50) == both
    assert rules.told(both, NOW + 100) == (incident,)
    assert rules.told(both, NOW + 10 + rules.KEPT_S) == ()


def test_an_incident_that_is_over_is_kept_with_its_end_and_a_plan_is_not() -> None:
    record = rules.said(EMPTY, planned("m"), NOW)
    record = rules.said(record, Announcement("i", "incident", "Slow", NOW), NOW)
    for name in ("m", "i"):
        changed = rules.ended(record, name, NOW + 5)
        assert changed is not None
        record = changed
    assert [(each.id, each.end) for each in rules.of(record)] == [("i", NOW + 5)]
    assert rules.ended(record, "nobody", NOW) is None
