"""What a server that comes back is told: for every combination the same as it always was."""

from __future__ import annotations

from collections import Counter
from itertools import product

import msgspec
import pytest

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.reconcile import (
    CallOff,
    GiveBack,
    Instruction,
    KeepOn,
    LetGo,
    Unheard,
    fenced_off,
    reconciled,
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


def as_it_was(name: str, entry: Line, record: Record) -> list[Instruction]:
    """The same, said again as the router said it before: `MemberLine.judge`, `Router.give_back`."""
    said: list[Instruction] = []
    mine = record.owner == name and record.epoch == entry.epoch
    if entry.waived == record.migration != "":
        epoch = record.epoch + (record.owner != name)
        if record.owner == name:
            said.append(KeepOn(record.migration, epoch))
        else:
            said.append(GiveBack(record.migration, epoch))
        return said
    if entry.waived:
        said.append(CallOff(entry.waived))
    if entry.state == "arriving":
        said.append(CallOff(entry.migration))
    elif record.epoch == 0:
        said.append(Unheard())
    elif record.owner == name and record.epoch > entry.epoch:
        said.append(LetGo(entry.epoch))
    elif not mine:
        said.append(LetGo(max(record.epoch, entry.epoch)))
    elif entry.migration:
        said.append(CallOff(entry.migration))
    return said


def combinations() -> list[tuple[Line, Record]]:
    lines = map(Line, *zip(*product(EPOCHS, STATES, MIGRATIONS, MIGRATIONS), strict=True))
    records = [
        Record("ada", owner, epoch, migration)
        for owner, epoch, migration in product((MINE, OTHER, NOBODY), EPOCHS, MIGRATIONS)
    ]
    return list(product(lines, records))


def test_in_every_combination_a_server_is_told_what_it_always_was() -> None:
    all_of_them = combinations()
    assert len(all_of_them) == 5184
    kinds: Counter[str] = Counter()
    for line, record in all_of_them:
        told = reconciled(MINE, line, record)
        assert list(told) == as_it_was(MINE, line, record), (line, record)
        kinds.update(type(each).__name__ for each in told)
    assert kinds == {"CallOff": 3438, "LetGo": 2079, "GiveBack": 768, "KeepOn": 384, "Unheard": 756}


@pytest.mark.parametrize(
    ("line", "record", "told"),
    [
        (Line(2, "playing", "", ""), Record("ada", MINE, 2, "m1"), ()),
        (Line(2, "frozen", "m2", ""), Record("ada", MINE, 2, "m1"), (CallOff("m2"),)),
        (Line(2, "frozen", "m2", ""), Record("ada", OTHER, 3, "m2"), (LetGo(3),)),
        (Line(0, "arriving", "m2", ""), Record("ada", OTHER, 2, "m1"), (CallOff("m2"),)),
        (Line(2, "playing", "", "m2"), Record("ada", OTHER, 3, "m2"), (GiveBack("m2", 4),)),
        (Line(2, "playing", "", "m2"), Record("ada", MINE, 4, "m2"), (KeepOn("m2", 4),)),
        (Line(2, "playing", "", "m2"), Record("ada", MINE, 2, "m1"), (CallOff("m2"),)),
        (Line(2, "playing", "", ""), Record("ada"), (Unheard(),)),
        (Line(1, "playing", "", ""), Record("ada", MINE, 3, "m3"), (LetGo(1),)),
    ],
)
def test_the_cases_that_happen(line: Line, record: Record, told: tuple[Instruction, ...]) -> None:
    assert reconciled(MINE, line, record) == told


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (Record("ada", MINE, 2), ()),
        (Record("ada", MINE, 3), (LetGo(3),)),
        (Record("ada", OTHER, 2), (LetGo(2),)),
        (Record("ada", NOBODY, 2), (LetGo(2),)),
    ],
)
def test_whose_checkpoint_was_refused_lets_go_unless_the_ledger_has_changed_its_mind(
    record: Record, told: tuple[LetGo, ...]
) -> None:
    assert fenced_off(MINE, 2, record) == told


@pytest.mark.parametrize(
    ("state", "waits"),
    [("arriving", "m1"), ("frozen", "m1"), ("playing", "m2"), ("departed", "m2")],
)
def test_a_player_waits_for_its_migration_only_half_way_through(state: str, waits: str) -> None:
    assert waits_for(Line(1, state, "m1", "m2")) == waits
