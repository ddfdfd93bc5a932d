"""The ledger: its port, its adapters, and the pure rules of core/player/ledger.py run on them.

Every method answers with a Deferred. A Deferred that fails means that the outcome is *unknown*:
read the record again before acting. Nothing here decides.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec
from twisted.application.service import Service
from twisted.enterprise import adbapi
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorFromThreads

from clientmigration.core.player import ledger as rules
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.errors import ConfigurationError

T = TypeVar("T")

Change = Callable[[Record], Record | None]


class Written(NamedTuple):
    """What a change came to: whether it was `made`, and the record as it is then. Whoever was
    refused knows by it what the ledger says, without a read that may be older."""

    made: bool
    record: Record


class Ledger(Protocol):
    """Where records live. `change` is compare-and-set: it may refuse by answering None. A record
    that is read may be an old one, what a change answers is not."""

    def read(self, player: str) -> Deferred[Record]:
        """The record of `player`; an empty one for a player never heard of."""

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Written]]:
        """Run one change per player. Players are independent: no change hangs on another."""

    def close(self) -> None:
        """Let go of files and threads."""


class TimedLedger:
    """A ledger as a router uses it: the rules, one method each, on any adapter.

    `now` answers Unix seconds, which records keep; `took` is told how many seconds each answer
    took by the clock, whatever it was.
    """

    def __init__(
        self,
        ledger: Ledger,
        now: Callable[[], float],
        took: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._ledger, self._now, self._took, self._clock = ledger, now, took, clock

    def read(self, player: str) -> Deferred[Record]:
        """The record of a player; an empty one for a player never heard of."""
        return self._timed(self._ledger.read(player))

    def take(
        self, expected: Record, owner: str, migration: str, snapshot: Snapshot | None
    ) -> Deferred[Written]:
        """Make `owner` the owner, if the record is still as `expected`."""
        claim, now = expected.claim, self._now()
        change = lambda record: rules.taken(record, claim, owner, migration, snapshot, now)  # noqa: E731
        return self._written(expected.player, change)

    def restore(self, expected: Record, owner: str, epoch: int) -> Deferred[Written]:
        """Make the ledger know that `owner` has the player at a later epoch than it says, if the
        record is still as `expected`."""
        claim, now = expected.claim, self._now()
        change = lambda record: rules.restored(record, claim, owner, epoch, now)  # noqa: E731
        return self._written(expected.player, change)

    def confirm(self, player: str) -> Deferred[Record]:
        """The record as it surely is: what is read may be older, what a refusal answers is not."""
        return self._written(player, lambda _: None).addCallback(lambda written: written.record)

    def checkpoint(self, owner: str, snapshots: Sequence[Snapshot]) -> Deferred[list[bool]]:
        """Store what `owner` reports; answers for which it is the owner."""
        now = self._now()
        changes = [self.storing(owner, each, now) for each in snapshots]
        changing = self._ledger.change([each.player for each in snapshots], changes)
        return self._timed(changing).addCallback(lambda all_: [each.made for each in all_])

    def storing(self, owner: str, snapshot: Snapshot, now: float) -> Change:
        """The change that stores one snapshot."""
        return lambda record: rules.checkpointed(record, owner, snapshot, now)

    def free(self, owner: str, snapshot: Snapshot) -> Deferred[Written]:
        """The player went home: nobody owns it, its last state is kept."""
        now = self._now()
        change = lambda record: rules.freed(record, owner, snapshot, now)  # noqa: E731
        return self._written(snapshot.player, change)

    def _written(self, player: str, change: Change) -> Deferred[Written]:
        return self._timed(self._ledger.change([player], [change])).addCallback(
            lambda all_: all_[0]
        )

    def _timed(self, answer: Deferred[T]) -> Deferred[T]:
        started = self._clock()

        def done(result: T) -> T:
            self._took(self._clock() - started)
            return result

        return answer.addBoth(done)


class MemoryLedger:
    """An adapter for tests, and for reading: the whole ledger is a dictionary."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def read(self, player: str) -> Deferred[Record]:
        """The record of a player."""
        return succeed(self.records.get(player) or Record(player))

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Written]]:
        """Run one change per player."""
        done = []
        for player, change in zip(players, changes, strict=True):
            record = self.records.get(player) or Record(player)
            changed = change(record)
            if changed is not None:
                self.records[player] = changed
            done.append(Written(changed is not None, changed or record))
        return succeed(done)

    def close(self) -> None:
        """There is nothing to let go of."""


_SCHEMA = """
create table if not exists player (
    player text primary key, owner text not null, epoch integer not null, migration text not null,
    snapshot blob, stored_at real not null
) without rowid
"""
_READ = "select player, owner, epoch, migration, snapshot, stored_at from player where player = ?"
_WRITE = "insert or replace into player values (?, ?, ?, ?, ?, ?)"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Snapshot).decode


class SQLite(Service):
    """One file in WAL mode, one connection in one thread: transactions never overlap, and the
    reactor never waits for the disk."""

    def __init__(self, path: Path, reactor: IReactorFromThreads) -> None:
        self._path = path
        self._pool = adbapi.ConnectionPool(
            "sqlite3", str(path), check_same_thread=False, timeout=5.0,
            cp_min=1, cp_max=1, cp_reactor=reactor, cp_openfun=_prepare,
        )  # fmt: skip

    def startService(self) -> None:
        """See that the file can be written by whoever this process runs as now."""
        super().startService()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab"):
                pass
            if not os.access(self._path.parent, os.W_OK):  # for its journal
                raise PermissionError(errno.EACCES, "the folder may not be written")
        except OSError as error:
            raise ConfigurationError(f"no ledger in {self._path}: {error.strerror}") from error

    def read(self, player: str) -> Deferred[Record]:
        """The record of a player."""
        return self._pool.runInteraction(_read, player)  # type: ignore[no-any-return]

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Written]]:
        """Run one change per player, all of them or none."""

        def run(transaction: Any) -> list[Written]:
            transaction.execute("begin immediate")  # nobody writes between our read and our write
            return [
                _change(transaction, player, change)
                for player, change in zip(players, changes, strict=True)
            ]

        return self._pool.runInteraction(run)  # type: ignore[no-any-return]

    def close(self) -> None:
        """End the thread and close the file."""
        self._pool.close()


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute(_SCHEMA)


def _read(transaction: Any, player: str) -> Record:
    row = transaction.execute(_READ, (player,)).fetchone()
    if row is None:
        return Record(player)
    _, owner, epoch, migration, stored, at = row
    return Record(player, owner, epoch, migration, _decode(stored) if stored else None, at)


def _change(transaction: Any, player: str, change: Change) -> Written:
    record = _read(transaction, player)
    changed = change(record)
    if changed is None:
        return Written(False, record)
    stored = changed.snapshot and _encode(changed.snapshot)
    transaction.execute(_WRITE, (player, *changed.claim, stored, changed.stored_at))
    return Written(True, changed)
