"""The ledger's rules: an owner changes only by compare-and-set, a snapshot only for a newer one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from clientmigration.core.player.ledger import (
    Record,
    checkpointed,
    forgotten,
    freed,
    newest,
    restored,
    taken,
)
from clientmigration.core.player.snapshot import Snapshot

ADA = "ada" + "0" * 13


def snapshot(epoch: int, seq: int, coins: int = 0) -> Snapshot:
    return Snapshot(
        player=ADA, epoch=epoch, seq=seq, tick=1, x=0.0, y=0.0, holder="", game={"coins": coins}
    )


OWNED = Record(ADA, "gs-1", 3, "m3", snapshot(3, 10), 100.0)


def kept(record: Record | None) -> Snapshot:
    assert record is not None
    assert record.snapshot is not None
    return record.snapshot


# Compare-and-set.


def test_nobody_owns_a_player_that_was_never_heard_of() -> None:
    assert Record(ADA).claim == ("", 0, "")
    assert Record(ADA).snapshot is None


def test_a_claim_that_is_as_expected_changes_the_owner_the_epoch_and_the_migration() -> None:
    final = snapshot(3, 11)
    assert taken(OWNED, OWNED.claim, "gs-2", "m4", final, 101.0) == Record(
        ADA, "gs-2", 4, "m4", final, 101.0
    )


@pytest.mark.parametrize(
    "stale",
    [("gs-9", 3, "m3"), ("gs-1", 2, "m3"), ("gs-1", 4, "m3"), ("gs-1", 3, "m9"), ("", 3, "")],
)
def test_a_claim_with_any_part_not_as_expected_is_refused(stale: tuple[str, int, str]) -> None:
    assert taken(OWNED, stale, "gs-2", "m4", snapshot(3, 11), 101.0) is None


def test_a_claim_that_is_made_twice_is_granted_once() -> None:
    """An answer that was lost: the second claim fails, and the record says who won."""
    first = taken(OWNED, OWNED.claim, "gs-2", "m4", None, 101.0)
    assert first is not None
    assert taken(first, OWNED.claim, "gs-2", "m4", None, 102.0) is None
    assert first.claim == ("gs-2", 4, "m4")


def test_of_two_claims_on_the_same_record_one_is_granted() -> None:
    first = taken(OWNED, OWNED.claim, "gs-2", "m4", None, 101.0)
    assert first is not None
    assert taken(first, OWNED.claim, "gs-3", "m5", None, 101.0) is None


def test_a_move_that_was_called_off_does_not_come_back_with_the_next_one_of_the_same_epoch() -> (
    None
):
    """Trap: owner and epoch are the same again; only the migration tells the two apart."""
    came = Record(ADA, "gs-1", 4, "m4")
    went_and_came = msgspec.structs.replace(came, migration="m5")
    assert taken(went_and_came, came.claim, "gs-2", "m6", None, 101.0) is None


def test_a_claim_keeps_the_newer_of_what_is_stored_and_what_it_brings() -> None:
    for brought, stays in ((snapshot(3, 9), snapshot(3, 10)), (snapshot(3, 11), snapshot(3, 11))):
        assert kept(taken(OWNED, OWNED.claim, "gs-2", "m4", brought, 101.0)) == stays
    assert kept(taken(OWNED, OWNED.claim, "gs-2", "m4", None, 101.0)) == snapshot(3, 10)


# The fence.


def test_an_owner_stores_newer_snapshots() -> None:
    assert checkpointed(OWNED, "gs-1", snapshot(3, 11), 101.0) == msgspec.structs.replace(
        OWNED, snapshot=snapshot(3, 11), stored_at=101.0
    )


def test_a_delayed_older_snapshot_of_the_same_epoch_does_not_replace_a_newer_one() -> None:
    """Trap: the epoch alone is not a fence."""
    assert kept(checkpointed(OWNED, "gs-1", snapshot(3, 9, coins=99), 101.0)) == snapshot(3, 10)


def test_of_two_snapshots_with_the_same_fence_the_first_stays() -> None:
    assert kept(checkpointed(OWNED, "gs-1", snapshot(3, 10, coins=99), 101.0)) == snapshot(3, 10)


@pytest.mark.parametrize(
    ("owner", "epoch"), [("gs-2", 3), ("gs-1", 2), ("gs-1", 4), ("gs-2", 4), ("", 3)]
)
def test_who_is_not_the_owner_of_this_epoch_stores_nothing(owner: str, epoch: int) -> None:
    assert checkpointed(OWNED, owner, snapshot(epoch, 99), 101.0) is None
    assert freed(OWNED, owner, snapshot(epoch, 99), 101.0) is None


def test_an_old_owner_that_writes_on_does_not_double_what_was_given_away() -> None:
    """Trap: loading before the final save, with no fence on the old writer."""
    moved = taken(OWNED, OWNED.claim, "gs-2", "m4", snapshot(3, 11, coins=5), 101.0)
    assert moved is not None
    assert checkpointed(moved, "gs-1", snapshot(3, 12, coins=9), 102.0) is None
    assert kept(moved).game == {"coins": 5}


def test_an_old_owner_that_owns_it_again_can_not_store_what_it_kept_from_before() -> None:
    record: Record | None = OWNED
    for owner, migration in (("gs-2", "m4"), ("gs-1", "m5")):
        assert record is not None
        record = taken(record, record.claim, owner, migration, None, 101.0)
    assert record is not None
    assert checkpointed(record, "gs-1", snapshot(3, 99), 102.0) is None
    assert checkpointed(record, "gs-1", snapshot(5, 1), 102.0) is not None


def test_the_first_snapshot_of_a_new_epoch_is_newer_than_all_of_the_last() -> None:
    moved = taken(OWNED, OWNED.claim, "gs-2", "m4", snapshot(3, 5000), 101.0)
    assert moved is not None
    assert kept(checkpointed(moved, "gs-2", snapshot(4, 1), 102.0)) == snapshot(4, 1)


# Going home.


def test_who_goes_home_is_nobodys_and_keeps_its_last_state() -> None:
    home = freed(OWNED, "gs-1", snapshot(3, 11), 101.0)
    assert home == Record(ADA, "", 3, "", snapshot(3, 11), 101.0)


def test_going_home_twice_changes_nothing_the_second_time() -> None:
    home = freed(OWNED, "gs-1", snapshot(3, 11), 101.0)
    assert home is not None
    assert freed(home, "gs-1", snapshot(3, 11), 102.0) is None


def test_a_player_that_comes_back_is_claimed_from_nobody_at_the_next_epoch() -> None:
    home = freed(OWNED, "gs-1", snapshot(3, 11), 101.0)
    assert home is not None
    back = taken(home, home.claim, "gs-1", "m9", None, 200.0)
    assert back is not None
    assert back.claim == ("gs-1", 4, "m9")
    assert kept(back) == snapshot(3, 11)


def test_a_late_word_about_going_home_does_not_free_a_player_that_is_back() -> None:
    home = freed(OWNED, "gs-1", snapshot(3, 11), 101.0)
    assert home is not None
    back = taken(home, home.claim, "gs-1", "m9", None, 200.0)
    assert back is not None
    assert freed(back, "gs-1", snapshot(3, 12), 201.0) is None


# The newer of two.


def test_something_is_newer_than_nothing() -> None:
    assert newest(None, snapshot(0, 0)) == newest(snapshot(0, 0), None) == snapshot(0, 0)
    assert newest(None, None) is None


def test_a_record_is_never_changed_in_place() -> None:
    before = msgspec.json.encode(OWNED)
    taken(OWNED, OWNED.claim, "gs-2", "m4", snapshot(3, 11), 101.0)
    checkpointed(OWNED, "gs-1", snapshot(3, 11), 101.0)
    freed(OWNED, "gs-1", snapshot(3, 11), 101.0)
    assert msgspec.json.encode(OWNED) == before


# Anything, in any order.

SERVERS = st.sampled_from(["gs-1", "gs-2", "gs-3"])
MIGRATIONS = st.sampled_from(["m1", "m2", "m3"])


class AnyOrder(RuleBasedStateMachine):
    """Routers that claim what they once read, and servers that write whatever they still hold."""

    @initialize()
    def begin(self) -> None:
        self.record = Record(ADA)
        self.history = [self.record]

    def _made(self, changed: Record | None, now: float) -> bool:
        if changed is None:
            return False
        held = self.record.snapshot
        assert changed.epoch >= self.record.epoch
        assert held is None or kept(changed).fence >= held.fence
        assert changed.stored_at == now
        self.record = changed
        self.history.append(changed)
        return True

    @rule(data=st.data(), owner=SERVERS, migration=MIGRATIONS, seq=st.integers(0, 5))
    def claim(self, data: st.DataObject, owner: str, migration: str, seq: int) -> None:
        read = data.draw(st.sampled_from(self.history))
        final = snapshot(read.epoch, seq) if seq else None
        was = self.record
        made = self._made(taken(was, read.claim, owner, migration, final, 1.0), 1.0)
        assert made == (was.claim == read.claim)
        assert not made or self.record.claim == (owner, was.epoch + 1, migration)

    @rule(owner=SERVERS, back=st.integers(-1, 2), seq=st.integers(0, 5), home=st.booleans())
    def store(self, owner: str, back: int, seq: int, home: bool) -> None:
        was, said = self.record, snapshot(self.record.epoch - back, seq)
        made = self._made((freed if home else checkpointed)(was, owner, said, 2.0), 2.0)
        if was.epoch == 0 and said.epoch > 0:  # the ledger was lost, and is made anew from servers
            assert made
            return
        assert made == (owner == was.owner and back == 0)
        if made:
            assert self.record.epoch == was.epoch
            assert self.record.claim == (("", was.epoch, "") if home else was.claim)
            assert kept(self.record).fence >= said.fence

    @invariant()
    def an_epoch_has_one_owner(self) -> None:
        owners = {(each.epoch, each.owner) for each in self.history if each.owner}
        assert len(owners) == len({epoch for epoch, _ in owners})


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


# Old records, and backups.


@pytest.mark.parametrize(
    ("stored_at", "kept", "gone"),
    [(9.0, [], True), (10.0, [], False), (9.0, ["gs-2"], True), (9.0, ["gs-1"], False)],
)
def test_a_record_is_forgotten_when_it_is_old_and_nobody_who_is_here_owns_it(
    stored_at: float, kept: list[str], gone: bool
) -> None:
    assert forgotten(Record("ada", "gs-1", 3, "m1", None, stored_at), 10.0, kept) is gone


@pytest.mark.parametrize(("epoch", "back"), [(0, True), (2, True), (3, False), (4, False)])
def test_a_backup_knows_more_only_at_a_later_epoch(epoch: int, back: bool) -> None:
    saved = Record("ada", "gs-1", 3, "m1", None, 5.0)
    held = Record("ada", "gs-2", epoch, "m2", None, 9.0) if epoch else Record("ada")
    assert restored(held, saved) == (saved if back else None)
