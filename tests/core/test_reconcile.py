"""What a server that comes back is told about its players, for every combination."""

from __future__ import annotations

from itertools import product

import msgspec
import pytest

from clientmigration.core.player.ledger import Record, mended
from clientmigration.core.player.reconcile import (
    Begin,
    CallOff,
    GiveBack,
    Instruction,
    KeepOn,
    LetGo,
    LookAgain,
    Mend,
    fenced_off,
    frozen_for,
    later_than_known,
    reconciled,
    undone,
    waits_for,
)

MINE, OTHER, NOBODY = "gs-1", "gs-2", ""
STATES = ("arriving", "playing", "frozen", "departed")
MIGRATIONS = ("", "m1", "m2")
EPOCHS = (0, 1, 2, 3)


class Line(msgspec.Struct, frozen=True):
    """A line of a roster."""

    epoch: int
    state: str
    migration: str
    waived: str
    heard_s: float | None = 0.0


def as_it_was(name: str, entry: Line, record: Record) -> list[Instruction]:
    """What is said of who plays or has left, with nothing undone, and was never said otherwise."""
    if record.owner == name and record.epoch > entry.epoch:
        return [LetGo(entry.epoch)]
    if (record.owner, record.epoch) != (name, entry.epoch):
        return [LetGo(record.epoch)]
    return [CallOff(entry.migration)] if entry.migration else []


def combinations() -> list[tuple[Line, Record]]:
    lines = map(Line, *zip(*product(EPOCHS, STATES, MIGRATIONS, MIGRATIONS), strict=True))
    records = [
        Record("ada", owner, epoch, migration)
        for owner, epoch, migration in product((MINE, OTHER, NOBODY), EPOCHS, MIGRATIONS)
    ]
    return list(product(lines, records))


def test_in_every_combination_a_lower_epoch_makes_no_server_let_go() -> None:
    for line, record in combinations():
        if record.epoch < line.epoch and line.state != "arriving":
            assert reconciled(MINE, line, record) == (Mend(line.epoch),)


def test_in_every_combination_nobody_is_called_back_by_what_was_read() -> None:
    for line, record in combinations():
        told = reconciled(MINE, line, record)
        waits = () if line.state == "arriving" else undone(line)
        if waits and record.claim[:2] == (MINE, line.epoch) and record.migration not in waits:
            assert told == (GiveBack(waits[0], line.epoch + 1),)
        called_off = {each.migration for each in told if isinstance(each, CallOff)}
        assert not called_off & set(waits) or any(isinstance(each, LetGo) for each in told)


def test_in_every_combination_who_waits_for_nothing_is_told_what_it_always_was() -> None:
    for line, record in combinations():
        if not undone(line) and line.state != "arriving" and record.epoch >= line.epoch:
            assert list(reconciled(MINE, line, record)) == as_it_was(MINE, line, record)


def test_who_is_given_back_and_hears_it_has_nothing_undone() -> None:
    """Whatever is claimed for a server, the same entry with the new record is kept on, and not
    claimed again: an answer that was lost is settled."""
    for line, record in combinations():
        for each in reconciled(MINE, line, record):
            if isinstance(each, GiveBack):
                claimed = Record("ada", MINE, each.epoch, each.migration)
                assert reconciled(MINE, line, claimed) == (KeepOn(each.migration, each.epoch),)


def test_a_ledger_that_was_put_back_is_mended_and_then_says_what_the_server_does() -> None:
    for line, record in combinations():
        if reconciled(MINE, line, record) == (Mend(line.epoch),) and not undone(line):
            after = mended(record, record.claim, MINE, line.epoch, 0.0)
            assert after is not None
            told = (CallOff(line.migration),) if line.migration else ()
            assert reconciled(MINE, line, after) == told


@pytest.mark.parametrize(
    ("line", "record", "told"),
    [
        (Line(2, "playing", "", ""), Record("ada", MINE, 2, "m1"), ()),
        (Line(2, "frozen", "m2", ""), Record("ada", MINE, 2, "m1"), (GiveBack("m2", 3),)),
        (Line(2, "frozen", "m2", ""), Record("ada", "", 3, "m2"), (GiveBack("m2", 4),)),
        (Line(2, "frozen", "m2", ""), Record("ada", MINE, 3, "m2"), (KeepOn("m2", 3),)),
        (Line(2, "frozen", "m2", ""), Record("ada", OTHER, 3, "m2"), (LetGo(3),)),
        (Line(0, "arriving", "m2", ""), Record("ada", OTHER, 2, "m1"), (CallOff("m2"),)),
        (Line(2, "playing", "", "m2"), Record("ada", OTHER, 3, "m2"), (GiveBack("m2", 4),)),
        (Line(2, "playing", "", "m2"), Record("ada", MINE, 4, "m2"), (KeepOn("m2", 4),)),
        (Line(2, "playing", "", "m2"), Record("ada", MINE, 2, "m1"), (GiveBack("m2", 3),)),
        (Line(2, "playing", "", "m2"), Record("ada", OTHER, 3, "m3"), (CallOff("m2"), LetGo(3))),
        (Line(2, "playing", "", ""), Record("ada"), (Mend(2),)),
        (Line(3, "playing", "", ""), Record("ada", OTHER, 2, "m1"), (Mend(3),)),
        (Line(1, "playing", "", ""), Record("ada", MINE, 3, "m3"), (LetGo(1),)),
    ],
)
def test_the_cases_that_happen(line: Line, record: Record, told: tuple[Instruction, ...]) -> None:
    assert reconciled(MINE, line, record) == told


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (Record("ada", MINE, 2), ()),
        (Record("ada", MINE, 3), (LookAgain(),)),
        (Record("ada", OTHER, 2), (LetGo(2),)),
        (Record("ada", OTHER, 3), (LetGo(3),)),
        (Record("ada", NOBODY, 2), (LetGo(2),)),
        (Record("ada", OTHER, 1), (Mend(2),)),
    ],
)
def test_whose_checkpoint_was_refused_lets_go_unless_the_ledger_has_changed_its_mind(
    record: Record, told: tuple[Instruction, ...]
) -> None:
    assert fenced_off(MINE, 2, record) == told


@pytest.mark.parametrize(
    ("state", "waits"),
    [("arriving", "m1"), ("frozen", "m1"), ("playing", "m2"), ("departed", "m2")],
)
def test_a_player_waits_for_its_migration_only_half_way_through(state: str, waits: str) -> None:
    assert waits_for(Line(1, state, "m1", "m2")) == waits


# Half a move whose claim was made is finished: its target begins, and its source lets go.

FROZEN, COMING = Line(2, "frozen", "m2", ""), Line(0, "arriving", "m2", "")
MOVED = Record("ada", OTHER, 3, "m2")


def test_a_lost_claim_is_finished_forward() -> None:
    assert reconciled(MINE, FROZEN, MOVED, COMING) == (Begin(OTHER), LetGo(3))
    assert reconciled(OTHER, COMING, MOVED, COMING) == (Begin(OTHER),)


@pytest.mark.parametrize(
    "target",
    [
        None,  # not here
        Line(0, "arriving", "m2", "", None),  # nobody has come there
        Line(0, "arriving", "m3", ""),  # it waits for another move
        Line(3, "playing", "", ""),  # it has begun
    ],
)
def test_a_target_that_does_not_wait_is_not_told_to_begin(target: Line | None) -> None:
    assert reconciled(MINE, FROZEN, MOVED, target) == (LetGo(3),)


def test_nobody_waits_any_more_for_who_was_not_claimed_once_its_source_is_settled() -> None:
    still = Record("ada", MINE, 2, "m1")
    assert reconciled(OTHER, COMING, still, FROZEN) == ()
    assert reconciled(OTHER, COMING, still, Line(2, "playing", "", "m2")) == ()
    assert reconciled(OTHER, COMING, still, Line(3, "playing", "", "")) == (CallOff("m2"),)
    assert reconciled(OTHER, COMING, still) == (CallOff("m2"),)


def test_a_router_below_that_knows_an_earlier_epoch_of_its_own_is_to_keep_the_player() -> None:
    line = Line(1, "playing", "", "")
    assert later_than_known("a", line, Record("ada", "a", 2))
    assert not later_than_known("a", line, Record("ada", "a", 1)), "it knows"
    assert not later_than_known("a", line, Record("ada", "b", 2)), "it is another's"
    assert not later_than_known("a", line, Record("ada", "a", 2, "m1")), "a claim is under way"
    assert not later_than_known("a", Line(1, "frozen", "m1", ""), Record("ada", "a", 2))


def test_who_stands_still_for_a_move_that_was_made_is_known_by_its_migration() -> None:
    line = Line(1, "frozen", "m1", "")
    assert frozen_for(line, Record("ada", "b", 2, "m1"))
    assert not frozen_for(line, Record("ada", "b", 2, "m2"))
    assert not frozen_for(Line(1, "playing", "m1", ""), Record("ada", "b", 2, "m1"))
    assert not frozen_for(Line(1, "frozen", "", ""), Record("ada", "b", 2))
