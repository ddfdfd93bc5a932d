"""The rules of the ledger: who owns which player, at which epoch, with which last snapshot.

Pure decisions on one record; adapters in net/ run them inside a transaction. A decision never
weakens: whatever order messages arrive in, an owner changes only by compare-and-set on the whole of
(owner, epoch, migration), and a snapshot replaces only an older one of the same owner.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from clientmigration.core.player.snapshot import Snapshot

ABOVE = "^"
"""The owner of a player who has left this router's part of a tree, or is about to: whose it is, the
router above knows. No member can be called so."""


class Record(msgspec.Struct, frozen=True):
    """What the ledger knows of one player. `owner` is a member's name, or "" when nobody's."""

    player: str
    owner: str = ""
    epoch: int = 0
    migration: str = ""
    snapshot: Snapshot | None = None
    stored_at: float = 0.0

    @property
    def claim(self) -> tuple[str, int, str]:
        """What a compare-and-set compares."""
        return (self.owner, self.epoch, self.migration)


def taken(
    record: Record,
    expected: tuple[str, int, str],
    owner: str,
    migration: str,
    snapshot: Snapshot | None,
    now: float,
) -> Record | None:
    """`record` owned by `owner` at the next epoch, or None when it is not as `expected` any more.

    The stored snapshot is the newer of what the record held and the one given.
    """
    if record.claim != expected:
        return None
    return Record(
        record.player,
        owner,
        record.epoch + 1,
        migration,
        newest(record.snapshot, snapshot),
        now,
    )


def handed(
    record: Record,
    expected: tuple[str, int, str],
    owner: str,
    epoch: int,
    migration: str,
    snapshot: Snapshot | None,
    now: float,
) -> Record | None:
    """`record` as the router above decided: of `owner`, at an epoch that it knows (never a lower
    one than before). None when it is not as `expected`."""
    if record.claim != expected:
        return None
    kept = newest(record.snapshot, snapshot)
    return Record(record.player, owner, max(epoch, record.epoch), migration, kept, now)


def mended(
    record: Record, expected: tuple[str, int, str], owner: str, epoch: int, now: float
) -> Record | None:
    """`record` as its `owner` says that it is, at a later `epoch`: the ledger has lost what it knew
    (a backup was put back). None when it is not as `expected`, or knows this epoch: then what was
    read before was old."""
    if record.claim != expected or record.epoch >= epoch:
        return None
    return Record(record.player, owner, epoch, "", record.snapshot, now)


def checkpointed(record: Record, owner: str, snapshot: Snapshot, now: float) -> Record | None:
    """`record` with a newer snapshot from its owner, or None when the owner was fenced off.

    Epochs come only from the ledger. One for a player that it never heard of means that the ledger
    was lost: then the server that plays the player is right, and the record is made anew.
    """
    if record.epoch == 0 and snapshot.epoch > 0:
        return Record(record.player, owner, snapshot.epoch, "", snapshot, now)
    if record.owner != owner or record.epoch != snapshot.epoch:
        return None
    kept = newest(record.snapshot, snapshot)
    return msgspec.structs.replace(record, snapshot=kept, stored_at=now)


def freed(record: Record, owner: str, snapshot: Snapshot, now: float) -> Record | None:
    """`record` owned by nobody, with its owner's last state, or None when that was fenced off."""
    stored = checkpointed(record, owner, snapshot, now)
    return stored and msgspec.structs.replace(stored, owner="", migration="")


def forgotten(record: Record, before: float, kept: Collection[str]) -> bool:
    """Whether nobody stored anything for this player since `before`, and none of `kept` owns it.

    If it comes back after all it is as if the ledger had been lost: a server that plays it is
    believed, and otherwise it begins anew.
    """
    return record.stored_at < before and record.owner not in kept


def restored(record: Record, saved: Record) -> Record | None:
    """What a backup knew, where the ledger knows less; else None. A ledger never goes back: a
    record that was claimed since is the newer one, whenever it was stored."""
    return saved if saved.epoch > record.epoch else None


def newest(held: Snapshot | None, offered: Snapshot | None) -> Snapshot | None:
    """The one with the greater fence; what is held wins a tie."""
    if held is None or offered is None:
        return offered or held
    return offered if offered.fence > held.fence else held
