"""The ledger in a file does together what is asked meanwhile, and reads nothing back.

What it answers, and what is in the file, must be as if it did one after the other and remembered
nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_twisted
from ledger_cases import ADA, BOB, checkpoint, owned, real_reactor, snapshot, take
from twisted.internet.defer import gatherResults

from clientmigration.core.player.ledger import Record, taken
from clientmigration.net.sqlite import SQLite


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(file: Path) -> Iterator[SQLite]:
    with closing(SQLite(file, real_reactor())) as ledger:
        ledger.startService()
        yield ledger


def kept(file: Path) -> dict[str, tuple[str, int]]:
    """Owner and epoch of everybody, as another process reads the file."""
    with closing(sqlite3.connect(file)) as other:
        rows = other.execute("select player, owner, epoch from player")
        return {player: (owner, epoch) for player, owner, epoch in rows}


def broken(_record: Record) -> Record | None:
    raise ZeroDivisionError


@pytest_twisted.ensureDeferred
async def test_what_is_asked_at_once_is_done_in_the_order_asked(ledger: SQLite, file: Path) -> None:
    first = Record(ADA)
    answers = await gatherResults(
        [take(ledger, first, f"gs-{n}", f"m{n}", None, 1.0) for n in range(5)]
    )
    assert [each.made for each in answers] == [True, False, False, False, False]
    assert {each.record for each in answers} == {Record(ADA, "gs-0", 1, "m0", None, 1.0)}
    assert kept(file) == {ADA: ("gs-0", 1)}


@pytest_twisted.ensureDeferred
async def test_who_breaks_a_change_harms_nobody_who_asked_at_the_same_time(
    ledger: SQLite, file: Path
) -> None:
    await owned(ledger)
    claim = ledger.change([ADA], [lambda each: taken(each, each.claim, "gs-2", "m2", None, 2.0)])
    wrong = ledger.change([BOB], [broken])
    then = ledger.change([ADA], [lambda each: taken(each, each.claim, "gs-3", "m3", None, 3.0)])
    with pytest.raises(ZeroDivisionError):
        await wrong
    ((made, _),) = await claim
    ((also, record),) = await then
    assert (made, also, record.owner, record.epoch) == (True, True, "gs-3", 3)
    assert kept(file) == {ADA: ("gs-3", 3)}


@pytest_twisted.ensureDeferred
async def test_of_a_batch_that_breaks_nothing_is_remembered(ledger: SQLite, file: Path) -> None:
    record = await owned(ledger)

    def claimed(each: Record) -> Record | None:
        return taken(each, each.claim, "gs-2", "m2", None, 2.0)

    with pytest.raises(ZeroDivisionError):
        await ledger.change([ADA, BOB], [claimed, broken])
    assert await ledger.read(ADA) == record
    assert kept(file) == {ADA: ("gs-1", 1)}


@pytest_twisted.ensureDeferred
async def test_what_another_process_writes_is_seen_at_once(ledger: SQLite, file: Path) -> None:
    await owned(ledger)
    with closing(sqlite3.connect(file)) as other:
        other.execute("update player set owner = 'gs-9', epoch = 7")
        other.commit()
    record = await ledger.read(ADA)
    assert (record.owner, record.epoch) == ("gs-9", 7)


@pytest_twisted.ensureDeferred
async def test_what_was_dropped_is_not_remembered(ledger: SQLite, file: Path) -> None:
    await owned(ledger)
    dropping = ledger.forget(1e9, ())
    after = ledger.read(ADA)
    assert (await dropping, await after, kept(file)) == (1, Record(ADA), {})


@pytest_twisted.ensureDeferred
async def test_only_so_many_are_remembered_and_all_are_in_the_file(
    file: Path,
) -> None:
    players = [f"p{n}" for n in range(10)]
    with closing(SQLite(file, real_reactor(), remembered=3)) as ledger:
        ledger.startService()
        for player in players:
            await take(ledger, Record(player), "gs-1", "m", None, 1.0)
        assert [*ledger.desk.known] == players[-3:]
        assert kept(file) == dict.fromkeys(players, ("gs-1", 1))
        assert (await ledger.read("p0")).owner == "gs-1"


@pytest_twisted.ensureDeferred
async def test_what_waits_when_it_ends_is_done(file: Path) -> None:
    ledger = SQLite(file, real_reactor())
    ledger.startService()
    await owned(ledger)
    asked = [checkpoint(ledger, "gs-1", [snapshot(1, n)], 2.0) for n in (1, 2)]
    ledger.close()
    await gatherResults(asked)
    with closing(SQLite(file, real_reactor())) as again:
        again.startService()
        assert (await again.read(ADA)).snapshot == snapshot(1, 2)
