"""Every ledger keeps the rules: what the pure decisions allow is stored, whole, and nothing else.

SQLite runs in the real reactor's thread, on a real file; NATS is a real server, a current one and
Debian's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_twisted
from ledger_cases import (
    ADA,
    BOB,
    KINDS,
    Started,
    at,
    checkpoint,
    empty_ledgers,
    free,
    owned,
    real_reactor,
    snapshot,
    started_once,
    take,
)
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from clientmigration.core.player.ledger import Record, taken
from clientmigration.errors import ConfigurationError
from clientmigration.net.ledger import Change, Changed, Ledger, MemoryLedger, TimedLedger
from clientmigration.net.sqlite import SQLite


@contextmanager
def opened(path: Path) -> Iterator[SQLite]:
    with closing(SQLite(path, real_reactor())) as ledger:
        ledger.startService()
        yield ledger


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with started_once(tmp_path_factory) as started:
        yield started


@pytest.fixture(params=KINDS)
def ledger(request: pytest.FixtureRequest, tmp_path: Path, started: Started) -> Iterator[Ledger]:
    with empty_ledgers(request.param, tmp_path, started) as begin:
        yield begin()


# Reading and writing.


@pytest_twisted.ensureDeferred
async def test_a_player_never_heard_of_has_an_empty_record(ledger: Ledger) -> None:
    assert await ledger.read(ADA) == Record(ADA)


@pytest_twisted.ensureDeferred
async def test_what_was_stored_is_read_back_to_the_last_field(ledger: Ledger) -> None:
    await take(ledger, Record(ADA), "gs-1", "m1", None, 1.5)
    assert await ledger.read(ADA) == Record(ADA, "gs-1", 1, "m1", None, 1.5)
    await checkpoint(ledger, "gs-1", [snapshot(1, 1)], 2.5)
    assert await ledger.read(ADA) == Record(ADA, "gs-1", 1, "m1", snapshot(1, 1), 2.5)


@pytest_twisted.ensureDeferred
async def test_players_do_not_touch_each_other(ledger: Ledger) -> None:
    await owned(ledger)
    assert await ledger.read(BOB) == Record(BOB)
    await owned(ledger, "gs-2", BOB)
    assert (await ledger.read(ADA)).owner == "gs-1"


# How long it takes.


@pytest.mark.parametrize("fails", [False, True])
def test_how_long_an_answer_took_is_told_whatever_it_was(fails: bool) -> None:
    clock, answer, took = Clock(), Deferred[Record](), list[float]()

    class Late(MemoryLedger):
        def read(self, player: str) -> Deferred[Record]:  # noqa: ARG002
            return answer

    reading = TimedLedger(Late(), clock.seconds, took.append, clock.seconds).read(ADA)
    clock.advance(0.25)
    assert took == []
    if fails:
        answer.errback(ValueError("the ledger is away"))
    else:
        answer.callback(Record(ADA))
    assert took == [0.25]
    seen: list[Any] = []
    reading.addBoth(seen.append)
    assert isinstance(seen[0], Failure if fails else Record)


# Compare-and-set.


@pytest_twisted.ensureDeferred
async def test_a_claim_moves_the_player_and_keeps_the_final_state(ledger: Ledger) -> None:
    record = await owned(ledger)
    assert (await take(ledger, record, "gs-2", "m2", snapshot(1, 2), 3.0)).made
    assert await ledger.read(ADA) == Record(ADA, "gs-2", 2, "m2", snapshot(1, 2), 3.0)


@pytest.mark.parametrize("changed", [{"owner": "gs-9"}, {"epoch": 0}, {"migration": "m9"}])
@pytest_twisted.ensureDeferred
async def test_a_claim_with_any_part_not_as_expected_changes_nothing(
    ledger: Ledger, changed: dict[str, Any]
) -> None:
    record = await owned(ledger)
    stale = msgspec.structs.replace(record, **changed)
    assert not (await take(ledger, stale, "gs-2", "m2", snapshot(1, 2), 3.0)).made
    assert await ledger.read(ADA) == record


@pytest_twisted.ensureDeferred
async def test_of_two_claims_at_the_same_time_one_is_granted(ledger: Ledger) -> None:
    record = await owned(ledger)
    both = [take(ledger, record, f"gs-{n}", f"m{n}", None, 3.0) for n in (2, 3)]
    answers = await gatherResults(both)
    won = await ledger.read(ADA)
    assert answers == [Changed(True, won), Changed(False, won)]
    assert won.claim == ("gs-2", 2, "m2")


@pytest_twisted.ensureDeferred
async def test_a_claim_whose_answer_was_lost_is_settled_by_claiming_again(ledger: Ledger) -> None:
    record = await owned(ledger)
    await take(ledger, record, "gs-2", "m2", None, 3.0)  # whoever asked never hears the answer
    made, now = await take(ledger, record, "gs-2", "m2", None, 4.0)
    assert (made, now.claim) == (False, ("gs-2", 2, "m2"))


@pytest_twisted.ensureDeferred
async def test_a_ledger_that_was_put_back_hears_of_a_later_epoch(ledger: Ledger) -> None:
    record = await owned(ledger)
    assert not (await at(ledger, 3.0).mend(record, "gs-2", 1)).made
    made, now = await at(ledger, 3.0).mend(record, "gs-2", 4)
    assert (made, now) == (True, Record(ADA, "gs-2", 4, "", snapshot(1, 1), 3.0))
    assert await at(ledger, 4.0).mend(record, "gs-1", 5) == Changed(False, now)
    assert await checkpoint(ledger, "gs-2", [snapshot(4, 1)], 5.0) == [True]


@pytest_twisted.ensureDeferred
async def test_a_move_called_off_is_not_revived_by_a_later_one(ledger: Ledger) -> None:
    """Trap: A to B is called off, A to C and back happens; the old claim finds nothing it knows."""
    seen_by_old = await owned(ledger)
    await take(ledger, seen_by_old, "gs-3", "m3", None, 3.0)
    await take(ledger, await ledger.read(ADA), "gs-1", "m4", None, 4.0)
    assert not (await take(ledger, seen_by_old, "gs-2", "m2", snapshot(1, 99), 5.0)).made
    same_epoch = msgspec.structs.replace(await ledger.read(ADA), migration="m1")
    assert not (await take(ledger, same_epoch, "gs-2", "m2", None, 5.0)).made
    assert (await ledger.read(ADA)).claim == ("gs-1", 3, "m4")


# The fence.


@pytest_twisted.ensureDeferred
async def test_a_delayed_older_snapshot_does_not_overwrite_a_newer_one(ledger: Ledger) -> None:
    await owned(ledger)
    for seq in (5, 3, 5):
        assert await checkpoint(ledger, "gs-1", [snapshot(1, seq, coins=seq)], 3.0) == [True]
    assert (await ledger.read(ADA)).snapshot == snapshot(1, 5, coins=5)


@pytest_twisted.ensureDeferred
async def test_an_old_owner_is_told_that_it_stores_nothing_any_more(ledger: Ledger) -> None:
    record = await owned(ledger)
    await take(ledger, record, "gs-2", "m2", snapshot(1, 2, coins=5), 3.0)
    after = await ledger.read(ADA)
    assert await checkpoint(ledger, "gs-1", [snapshot(1, 9, coins=9)], 4.0) == [False]
    assert not (await free(ledger, "gs-1", snapshot(1, 9, coins=9), 4.0)).made
    assert await checkpoint(ledger, "gs-2", [snapshot(1, 9, coins=9)], 4.0) == [False]
    assert await ledger.read(ADA) == after


@pytest_twisted.ensureDeferred
async def test_a_batch_answers_for_each_player_and_stores_those_that_may_be(ledger: Ledger) -> None:
    await owned(ledger)
    await owned(ledger, "gs-2", BOB)
    batch = [snapshot(1, 2), snapshot(1, 2, BOB), snapshot(1, 3)]
    assert await checkpoint(ledger, "gs-1", batch, 3.0) == [True, False, True]
    assert (await ledger.read(ADA)).snapshot == snapshot(1, 3)
    assert (await ledger.read(BOB)).snapshot == snapshot(1, 1, BOB)


@pytest_twisted.ensureDeferred
async def test_an_empty_batch_is_no_trouble(ledger: Ledger) -> None:
    assert await checkpoint(ledger, "gs-1", [], 3.0) == []


@pytest_twisted.ensureDeferred
async def test_who_goes_home_is_nobodys_and_comes_back_with_its_things(ledger: Ledger) -> None:
    await owned(ledger)
    assert (await free(ledger, "gs-1", snapshot(1, 2, coins=5), 3.0)).made
    home = await ledger.read(ADA)
    assert home == Record(ADA, "", 1, "", snapshot(1, 2, coins=5), 3.0)
    assert not (await free(ledger, "gs-1", snapshot(1, 2, coins=5), 4.0)).made
    assert (await take(ledger, home, "gs-2", "m2", None, 5.0)).made
    assert await ledger.read(ADA) == Record(ADA, "gs-2", 2, "m2", snapshot(1, 2, coins=5), 5.0)


# The file.


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest_twisted.ensureDeferred
async def test_a_ledger_that_is_opened_again_knows_everything(file: Path) -> None:
    with opened(file) as before:
        record = await owned(before)
    with opened(file) as after:
        assert await after.read(ADA) == record
        assert (await take(after, record, "gs-2", "m2", None, 3.0)).made


@pytest_twisted.ensureDeferred
async def test_what_was_answered_is_in_the_file_for_everyone_to_read(file: Path) -> None:
    """Checkpoint, then speak: an answer means committed, not only remembered."""
    with opened(file) as ledger:
        await owned(ledger)
        with closing(sqlite3.connect(file)) as reader:
            assert reader.execute("select owner, epoch from player").fetchall() == [("gs-1", 1)]
            assert reader.execute("pragma journal_mode").fetchone() == ("wal",)


@pytest_twisted.ensureDeferred
async def test_a_batch_that_breaks_half_way_stores_nothing_of_it(file: Path) -> None:
    def broken(_: Record) -> Record | None:
        raise ValueError("a change that can not be decided")

    with opened(file) as ledger:
        record = await owned(ledger)
        with pytest.raises(ValueError, match="can not be decided"):
            await ledger.change([ADA, BOB], [lambda _: Record(ADA, "gs-9", 9), broken])
        assert await ledger.read(ADA) == record
        assert (await take(ledger, record, "gs-2", "m2", None, 3.0)).made


@pytest_twisted.ensureDeferred
async def test_a_file_that_can_not_be_written_is_an_unknown_outcome_and_no_answer(
    file: Path,
) -> None:
    with opened(file) as ledger:
        record = await owned(ledger)
        with closing(sqlite3.connect(file)) as other:
            other.execute("drop table player")
            other.commit()
        with pytest.raises(sqlite3.OperationalError):
            await take(ledger, record, "gs-2", "m2", None, 3.0)
        with pytest.raises(sqlite3.OperationalError):
            await ledger.read(ADA)


@pytest_twisted.ensureDeferred
async def test_many_claims_from_all_sides_are_granted_one_after_the_other(file: Path) -> None:
    """Each of ten routers claims what it read at first; later ones read again, as they must."""
    with opened(file) as ledger:
        record = await owned(ledger)
        for round_ in range(5):
            claims = [take(ledger, record, f"gs-{n}", f"m{n}", None, 3.0) for n in range(10)]
            granted = [each.made for each in await gatherResults(claims)]
            assert granted == [True] + [False] * 9
            record = await ledger.read(ADA)
            assert record.epoch == round_ + 2


@pytest_twisted.ensureDeferred
async def test_what_is_asked_at_once_is_done_in_order_and_committed_together(file: Path) -> None:
    """The first goes by itself, and all others wait for it and go together."""
    with opened(file) as ledger:
        committed = list[int]()

        def claiming(n: int) -> Change:
            def claim(record: Record) -> Record | None:
                with closing(sqlite3.connect(file)) as other:
                    committed.extend(other.execute("select count(*) from player").fetchone())
                return taken(record, ("", 0, ""), f"gs-{n}", f"m{n}", None, 1.0)

            return claim

        await ledger.read(ADA)  # there is a table
        players = [f"{n:016x}" for n in range(5)]
        asked = [ledger.change([each], [claiming(n)]) for n, each in enumerate(players)]
        last = ledger.read(players[-1])
        answers = await gatherResults(asked)
        assert [answer[0].made for answer in answers] == [True] * 5
        assert (await last).owner == "gs-4"
        assert committed == [0, 1, 1, 1, 1]


@pytest_twisted.ensureDeferred
async def test_what_fails_among_others_fails_alone(file: Path) -> None:
    def broken(_: Record) -> Record | None:
        raise ValueError("a change that can not be decided")

    new = lambda name: lambda _: Record(name, "gs-1", 1)  # noqa: E731
    with opened(file) as ledger:
        first = ledger.change([ADA], [lambda _: None])
        bad = ledger.change(["c" * 16, "d" * 16], [new("c" * 16), broken])
        good = ledger.change([BOB], [new(BOB)])
        await first
        with pytest.raises(ValueError, match="can not be decided"):
            await bad
        assert (await good)[0].made
        assert (await ledger.read(BOB)).owner == "gs-1"
        assert (await ledger.read("c" * 16)).owner == ""


@pytest_twisted.ensureDeferred
async def test_what_was_asked_before_it_is_closed_is_stored(file: Path) -> None:
    with opened(file) as ledger:
        asked = [
            ledger.change([n * 16], [lambda r: msgspec.structs.replace(r, owner="gs-1")])
            for n in "abc"
        ]
    assert await gatherResults(asked)
    with opened(file) as again:
        assert [(await again.read(n * 16)).owner for n in "abc"] == ["gs-1"] * 3


@pytest_twisted.ensureDeferred
async def test_nobody_else_writes_between_the_read_and_the_write_of_a_claim(file: Path) -> None:
    """A second process on the same file: an old router that does not know yet that it is one."""

    def claim(record: Record) -> Record | None:
        with closing(sqlite3.connect(file, timeout=0.0)) as other:
            other.execute("update player set owner = 'gs-3', epoch = 2, migration = 'm3'")
            other.commit()
        return taken(record, ("gs-1", 1, "m1"), "gs-2", "m2", None, 3.0)

    with opened(file) as ledger:
        record = await owned(ledger)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            await ledger.change([ADA], [claim])
        assert await ledger.read(ADA) == record


def test_a_ledger_that_cannot_be_written_is_refused_before_anybody_plays(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ledger = SQLite(tmp_path / "file" / "ledger.sqlite", real_reactor())
    with pytest.raises(ConfigurationError, match="no ledger in "):
        ledger.startService()
