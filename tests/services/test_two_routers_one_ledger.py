"""Two routers on one ledger at once, of every kind: of two claims one is granted, whatever either
remembers; old records go, and nobody's who came back; a backup never turns the ledger back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

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
    snapshot,
    started_once,
    take,
)
from twisted.internet.defer import Deferred, gatherResults

from clientmigration.core.player.ledger import Record
from clientmigration.errors import ConfigurationError
from clientmigration.net.backup import load, save
from clientmigration.net.jetstream import JetStream
from clientmigration.net.ledger import LastingLedger, MemoryLedger

Two = tuple[LastingLedger, LastingLedger]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with started_once(tmp_path_factory) as started:
        yield started


@pytest.fixture(params=KINDS)
def two(request: pytest.FixtureRequest, tmp_path: Path, started: Started) -> Iterator[Two]:
    """The same ledger, as two routers have it."""
    with empty_ledgers(request.param, tmp_path, started) as begin:
        yield begin(), begin()


# Compare-and-set.


@pytest_twisted.ensureDeferred
async def test_what_one_router_stores_the_other_reads(two: Two) -> None:
    here, there = two
    record = await owned(here)
    assert await there.read(ADA) == record


@pytest_twisted.ensureDeferred
async def test_of_claims_from_both_sides_exactly_one_is_granted_each_time(two: Two) -> None:
    record = await owned(two[0])
    for epoch in range(2, 12):
        claims = [take(two[n % 2], record, f"gs-{n}", f"m{n}", None, 3.0) for n in range(8)]
        answers = await gatherResults(claims)
        (won,) = [each.record for each in answers if each.made]
        assert won.epoch == epoch
        assert {each.record.claim for each in answers} == {won.claim}
        record = won


@pytest_twisted.ensureDeferred
async def test_who_claims_as_fast_as_it_can_on_both_sides_wins_an_epoch_each(two: Two) -> None:
    """Each epoch has one winner, whoever read what and when."""
    await owned(two[0])
    winners: list[tuple[int, str]] = []

    async def work(ledger: LastingLedger, name: str) -> None:
        record = await ledger.read(ADA)
        for n in range(15):
            answer = await take(ledger, record, name, f"{name}-{n}", None, 3.0)
            record = answer.record
            if answer.made:
                winners.append((record.epoch, name))

    workers = [Deferred.fromCoroutine(work(two[n % 2], f"gs-{n}")) for n in range(6)]
    await gatherResults(workers)
    record = await two[1].read(ADA)
    assert sorted(epoch for epoch, _ in winners) == list(range(2, record.epoch + 1))
    assert dict(winners)[record.epoch] == record.owner


@pytest_twisted.ensureDeferred
async def test_a_claim_on_what_was_read_before_the_other_router_changed_it_loses(two: Two) -> None:
    here, there = two
    seen = await owned(here)
    taken = (await take(there, seen, "gs-3", "m3", None, 3.0)).record
    late = await take(here, seen, "gs-2", "m2", None, 4.0)
    assert late == (False, taken)
    assert await here.read(ADA) == taken


@pytest_twisted.ensureDeferred
async def test_nobody_is_refused_for_what_a_router_remembers(two: Two) -> None:
    """Here it still looks as if gs-1 had the player."""
    here, there = two
    seen = await owned(here)
    await take(there, seen, "gs-2", "m2", None, 3.0)
    assert await checkpoint(here, "gs-2", [snapshot(2, 1)], 4.0) == [True]
    assert (await there.read(ADA)).snapshot == snapshot(2, 1)


@pytest_twisted.ensureDeferred
async def test_an_old_owner_stores_nothing_over_the_other_routers_claim(two: Two) -> None:
    here, there = two
    seen = await owned(here)
    taken = (await take(there, seen, "gs-2", "m2", None, 3.0)).record
    assert await checkpoint(here, "gs-1", [snapshot(1, 9)], 4.0) == [False]
    assert not (await free(here, "gs-1", snapshot(1, 9), 4.0)).made
    assert await here.read(ADA) == taken


@pytest_twisted.ensureDeferred
async def test_checkpoints_and_claims_from_both_sides_lose_no_snapshot_that_was_promised(
    two: Two,
) -> None:
    """What a checkpoint was told to have stored, is in the record that a later claim makes."""
    record, random = await owned(two[0]), Random(1)
    for seq in range(2, 22):
        final = [snapshot(record.epoch, seq)]
        storing = checkpoint(two[random.randrange(2)], record.owner, final, 3.0)
        claiming = take(two[random.randrange(2)], record, f"gs-{seq}", f"m{seq}", None, 3.0)
        stored, answer = await storing, await claiming
        assert answer.made
        after = await two[0].read(ADA)
        if stored == [True]:
            assert after.snapshot is not None
            assert after.snapshot.seq == seq
        record = after


@pytest_twisted.ensureDeferred
async def test_a_thousand_players_at_once_are_all_stored(two: Two) -> None:
    here, there = two
    players = [f"{n:016x}" for n in range(1000)]
    await gatherResults([take(here, Record(each), "gs-1", "m", None, 1.0) for each in players])
    batch = [snapshot(1, 1, each) for each in players]
    assert await checkpoint(there, "gs-1", batch, 2.0) == [True] * 1000
    assert await checkpoint(here, "gs-1", [snapshot(1, 2, each) for each in players], 3.0) == (
        [True] * 1000
    )


@pytest.mark.parametrize("name", ["a.b", "*", ">", "a b\r\nPUB x 0", "Zoë", "", "x" * 9999])
@pytest_twisted.ensureDeferred
async def test_a_player_may_have_any_name(two: Two, name: str) -> None:
    record = await owned(two[0], player=name)
    assert record.player == name
    assert await two[1].read(name) == record
    assert await two[1].read(name + "x") == Record(name + "x")


@pytest_twisted.ensureDeferred
async def test_a_change_that_can_not_be_decided_fails_and_changes_nothing(two: Two) -> None:
    def broken(_: Record) -> Record | None:
        raise ValueError("a change that can not be decided")

    record = await owned(two[0])
    with pytest.raises(ValueError, match="can not be decided"):
        await two[0].change([ADA], [broken])
    assert await two[1].read(ADA) == record


# Old records.


@pytest_twisted.ensureDeferred
async def test_records_of_those_who_never_came_back_are_dropped_and_no_others(two: Two) -> None:
    here, there = two
    await owned(here, "gs-1", "gone-home")
    await free(here, "gs-1", snapshot(1, 2, "gone-home"), 3.0)
    await owned(here, "gs-dead", "left-there")
    stands_still = await owned(here, "gs-1", "stands-still")
    recent = await owned(here, "gs-dead", "recent")
    await checkpoint(there, "gs-dead", [snapshot(1, 2, "recent")], 100.0)
    assert await at(there, 150.0).forget(60.0, {"gs-1"}) == 2
    assert await at(there, 150.0).forget(60.0, {"gs-1"}) == 0
    assert await here.read("gone-home") == Record("gone-home")
    assert await here.read("left-there") == Record("left-there")
    assert await here.read("stands-still") == stands_still
    assert (await here.read("recent")).claim == recent.claim


@pytest_twisted.ensureDeferred
async def test_a_claim_on_a_dropped_record_loses_and_its_player_begins_anew(two: Two) -> None:
    here, there = two
    seen = await owned(here)
    assert await there.forget(50.0, ()) == 1
    assert await take(here, seen, "gs-2", "m2", None, 60.0) == (False, Record(ADA))
    assert (await take(here, Record(ADA), "gs-2", "m2", None, 60.0)).made
    assert (await there.read(ADA)).claim == ("gs-2", 1, "m2")


@pytest_twisted.ensureDeferred
async def test_who_comes_back_while_old_records_are_dropped_is_not_dropped(two: Two) -> None:
    here, there = two
    seen = await owned(here)
    claiming, forgetting = take(here, seen, "gs-2", "m2", None, 60.0), there.forget(50.0, ())
    back, count = await claiming, await forgetting
    record = await here.read(ADA)
    assert record == (back.record if back.made else Record(ADA))
    assert count == (0 if back.made else 1)


@pytest_twisted.ensureDeferred
async def test_what_was_written_since_it_was_found_to_be_old_stays(two: Two) -> None:
    ledger = two[0]
    if not isinstance(ledger, JetStream):
        return  # they do both in one step
    seen = await owned(ledger)
    old = await ledger.bucket.next(1)
    assert old is not None
    back = await take(two[1], seen, "gs-2", "m2", None, 60.0)
    await ledger.bucket.drop(old.subject, old.seq)
    assert await ledger.read(ADA) == back.record


# Backup.


@pytest_twisted.ensureDeferred
async def test_a_backup_brings_everything_back_also_into_another_kind(
    two: Two, tmp_path: Path
) -> None:
    records = [await owned(two[0]), await owned(two[0], "gs-2", BOB)]
    home = tmp_path / "ledger.jsonl"
    assert await save(two[1], home) == 2
    assert home.stat().st_mode & 0o077 == 0
    other = MemoryLedger()
    assert await load(other, home) == (2, 0)
    assert [await other.read(each) for each in (ADA, BOB)] == records
    assert await two[0].forget(50.0, ()) == 2
    assert await load(two[1], home) == (2, 0)
    assert [await two[0].read(each) for each in (ADA, BOB)] == records


@pytest_twisted.ensureDeferred
async def test_a_backup_takes_nothing_back_that_happened_since(two: Two, tmp_path: Path) -> None:
    ada, home = await owned(two[0]), tmp_path / "ledger.jsonl"
    await save(two[0], home)
    await checkpoint(two[0], "gs-1", [snapshot(1, 5)], 3.0)
    assert await load(two[1], home) == (0, 1)
    assert (await two[1].read(ADA)).snapshot == snapshot(1, 5)
    moved = await take(two[0], await two[1].read(ADA), "gs-2", "m2", None, 4.0)
    assert moved.record.epoch == ada.epoch + 1
    assert await load(two[1], home) == (0, 1)
    assert await two[1].read(ADA) == moved.record


@pytest_twisted.ensureDeferred
async def test_a_backup_that_can_not_be_read_changes_nothing(two: Two, tmp_path: Path) -> None:
    home = tmp_path / "ledger.jsonl"
    good = msgspec.json.encode(Record(ADA, "gs-1", 1, "m1", None, 1.0))
    home.write_bytes(good + b"\n" + good[:-5])
    with pytest.raises(ConfigurationError, match="line 2"):
        await load(two[0], home)
    assert await two[1].read(ADA) == Record(ADA)
    with pytest.raises(ConfigurationError, match="no backup in"):
        await load(two[0], tmp_path / "nowhere")


@pytest_twisted.ensureDeferred
async def test_many_records_are_all_in_a_backup(two: Two, tmp_path: Path) -> None:
    players = [f"{n:016x}" for n in range(1100)]
    await gatherResults([take(two[0], Record(each), "gs-1", "m", None, 1.0) for each in players])
    assert await save(two[1], tmp_path / "ledger.jsonl") == 1100
    seen = list[str]()
    assert await two[0].each(lambda record: seen.append(record.player)) == 1100
    assert sorted(seen) == players


@pytest_twisted.ensureDeferred
async def test_a_ledger_that_is_well_has_nothing_to_complain_of(two: Two) -> None:
    await owned(two[0])
    assert await two[1].check() == []
