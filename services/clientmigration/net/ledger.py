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
from typing import Any, Protocol, TypeVar

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


class Ledger(Protocol):
    """Where records live. `change` is compare-and-set: it may refuse by answering None."""

    def read(self, player: str) -> Deferred[Record]:
        """The record of `player`; an empty one for a player never heard of."""

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[bool]]:
        """Run one change per player in one transaction; answers which ones were made."""

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
    ) -> Deferred[list[bool]]:
        """Make `owner` the owner, if the record is still as `expected`; [True] when it was."""
        claim, now = expected.claim, self._now()
        change = lambda record: rules.taken(record, claim, owner, migration, snapshot, now)  # noqa: E731
        return self._timed(self._ledger.change([expected.player], [change]))

    def checkpoint(self, owner: str, snapshots: Sequence[Snapshot]) -> Deferred[list[bool]]:
        """Store what `owner` reports, in one transaction; answers for which it is the owner."""
        now = self._now()
        changes = [self.storing(owner, each, now) for each in snapshots]
        return self._timed(self._ledger.change([each.player for each in snapshots], changes))

    def storing(self, owner: str, snapshot: Snapshot, now: float) -> Change:
        """The change that stores one snapshot."""
        return lambda record: rules.checkpointed(record, owner, snapshot, now)

    def free(self, owner: str, snapshot: Snapshot) -> Deferred[list[bool]]:
        """The player went home: nobody owns it, its last state is kept."""
        now = self._now()
        change = lambda record: rules.freed(record, owner, snapshot, now)  # noqa: E731
        return self._timed(self._ledger.change([snapshot.player], [change]))

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

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[bool]]:
        """Run one change per player."""
        done = []
        for player, change in zip(players, changes, strict=True):
            changed = change(self.records.get(player) or Record(player))
            if changed is not None:
                self.records[player] = changed
            done.append(changed is not None)
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

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[bool]]:
        """Run one change per player, all of them or none."""

        def run(transaction: Any) -> list[bool]:
            transaction.execute("begin immediate")  # nobody writes between our read and our write
            return [
                _write(transaction, change(_read(transaction, player)))
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


def _write(transaction: Any, record: Record | None) -> bool:
    if record is None:
        return False
    stored = record.snapshot and _encode(record.snapshot)
    transaction.execute(_WRITE, (record.player, *record.claim, stored, record.stored_at))
    return True
