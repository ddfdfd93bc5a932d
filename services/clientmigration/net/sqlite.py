"""The ledger in one file: what one router on one machine needs, and nothing to install.

What is asked while a transaction runs is done in the next one, all together: a router that stores
thousands of players a second would else spend most of it between two threads. What was read or
written is remembered, so that nobody reads again what was written a second ago.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Collection, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.errors import ConfigurationError
from clientmigration.net.ledger import Change, Changed
from clientmigration.net.worker import Worker

PAGE = 1000  # records that are read at once, when all are
TOGETHER = 200  # questions that are answered in one transaction, so that nobody waits for long
REMEMBERED = 20_000  # records, some kB each: twice as many as the players that a router carries

_SCHEMA = """
create table if not exists player (
    player text primary key, owner text not null, epoch integer not null, migration text not null,
    snapshot blob, stored_at real not null
) without rowid
"""
_READ = "select player, owner, epoch, migration, snapshot, stored_at from player where player = ?"
_OLD = "select player, owner from player where stored_at < ?"
_DROP = "delete from player where player = ? and owner = ? and stored_at < ?"
_PAGE = "select player from player where player > ? order by player limit ?"
_WRITE = "insert or replace into player values (?, ?, ?, ?, ?, ?)"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Snapshot).decode


T = TypeVar("T")
Job = Callable[["Desk"], T]


class Asked(NamedTuple):
    """What is to be done, whether it `writes`, and who waits for it."""

    job: Job[Any]
    writes: bool
    answer: Deferred[Any]


class _Apart(Exception):
    """One of several changes in a transaction cannot be made: each has to have one of its own."""


class Desk:
    """What the ledger's thread does in one transaction, and what it remembers from the last ones.

    That is right as long as nobody else writes, which SQLite tells, and what was written was also
    committed: whoever knows that says that it is `sure`.
    """

    cursor: sqlite3.Cursor

    def __init__(self, most: int) -> None:
        self._most = most
        self.known: dict[str, Record] = {}
        self._changed: dict[str, Record] = {}
        self._version: object = None
        self.sure = False

    def run(self, cursor: sqlite3.Cursor, asked: Sequence[Asked]) -> list[Any]:
        """Do all of it, or nothing."""
        # Nobody writes between our read and our write.
        writes = any(each.writes for each in asked)
        self.cursor = cursor.execute("begin immediate" if writes else "begin")
        version = cursor.execute("pragma data_version").fetchone()
        if not self.sure or version != self._version:
            self.known.clear()
        self.sure, self._version = False, version
        self._changed.clear()
        try:
            done = [each.job(self) for each in asked]
        except Exception as error:
            raise _Apart from error
        self._write()
        while len(self.known) > self._most:
            del self.known[next(iter(self.known))]
        return done

    def get(self, player: str) -> Record:
        """The record of a player."""
        record = self.known.get(player)
        if record is None:
            record = self.known[player] = _read(self.cursor, player)
        return record

    def change(self, player: str, change: Change) -> Changed:
        """Change the record of a player, or not."""
        record = self.get(player)
        changed = change(record)
        if changed is None:
            return Changed(False, record)
        del self.known[player]  # who was written last is forgotten last
        self.known[player] = self._changed[player] = changed
        return Changed(True, changed)

    def _write(self) -> None:
        self.cursor.executemany(_WRITE, map(_row, self._changed.values()))

    def forget(self, before: float, kept: Collection[str]) -> int:
        """Drop old records."""
        self._write()
        old = self.cursor.execute(_OLD, (before,)).fetchall()
        gone = [(*each, before) for each in old if each[1] not in kept]
        self.cursor.executemany(_DROP, gone)
        self.known.clear()
        self._changed.clear()
        return len(gone)


class SQLite(Service):
    """One file in WAL mode, one connection in one thread: transactions never overlap, and the
    reactor never waits for the disk. So many records are `remembered` at most."""

    def __init__(
        self, path: Path, reactor: IReactorFromThreads, remembered: int = REMEMBERED
    ) -> None:
        self._path = path
        self.desk = Desk(remembered)
        self._waiting: list[Asked] = []
        self._busy = False
        self._worker = Worker(reactor, "ledger", self._disconnect)
        self._connection: sqlite3.Connection | None = None  # the thread's

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
        return self._ask(lambda desk: desk.get(player), writes=False)

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Changed]]:
        """Run one change per player, all of them or none."""
        return self._ask(lambda desk: [*map(desk.change, players, changes)], writes=True)

    def forget(self, before: float, kept: Collection[str]) -> Deferred[int]:
        """Drop old records, and give their room to later ones."""
        return self._ask(lambda desk: desk.forget(before, kept), writes=True)

    def _ask(self, job: Job[T], writes: bool) -> Deferred[T]:
        """Have it done, in order, with all that is asked until the thread is ready for it."""
        asked = Asked(job, writes, Deferred())
        self._waiting.append(asked)
        if not self._busy:
            self._begin()
        return asked.answer

    def _begin(self) -> None:
        asked, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        self._busy = bool(asked)
        if asked:
            running = self._do(lambda cursor: self.desk.run(cursor, asked))
            running.addCallbacks(self._done, self._failed, (asked,), errbackArgs=(asked,))

    def _done(self, results: Sequence[Any], asked: Sequence[Asked]) -> None:
        self.desk.sure = True
        self._begin()
        for each, result in zip(asked, results, strict=True):
            each.answer.callback(result)

    def _failed(self, why: Failure, asked: Sequence[Asked]) -> None:
        """If it was one of the changes, nothing was done, and the others can be. If it was not,
        nobody knows what was done."""
        broken = why.check(_Apart)
        apart = asked if broken and len(asked) > 1 else ()
        for each in apart:
            alone = self._do(partial(self.desk.run, asked=[each]))
            alone.addCallback(itemgetter(0)).addErrback(_cause).chainDeferred(each.answer)
        self._begin()
        for each in () if apart else asked:
            each.answer.errback(_cause(why))

    def each(self, take: Callable[[Record], None]) -> Deferred[int]:
        """Hand over every record, page by page, so that nobody waits long in between."""
        return Deferred.fromCoroutine(self._each(take))

    async def _each(self, take: Callable[[Record], None]) -> int:
        count, after = 0, ""
        while page := await self._do(partial(_page, after=after)):
            for record in page:
                take(record)
            count, after = count + len(page), page[-1].player
        return count

    def check(self) -> Deferred[list[str]]:
        """SQLite's own check of its file."""
        return self._do(
            lambda cursor: [
                text for (text,) in cursor.execute("pragma quick_check") if text != "ok"
            ]
        )

    def close(self) -> None:
        """End the thread, once it has done what waits, and close the file."""
        while self._waiting:
            self._begin()
        self._worker.close()

    # In the thread.

    def _do(self, job: Callable[[sqlite3.Cursor], T]) -> Deferred[T]:
        """Have it done in a transaction of its own: all of it, or nothing if it raises."""
        return self._worker.do(lambda: self._transact(job))

    def _transact(self, job: Callable[[sqlite3.Cursor], T]) -> T:
        connection = self._connection
        if connection is None:
            connection = self._connection = _connected(self._path)
        try:
            answer = job(connection.cursor())
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        return answer

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=5.0)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute(_SCHEMA)
    return connection


def _read(cursor: sqlite3.Cursor, player: str) -> Record:
    row = cursor.execute(_READ, (player,)).fetchone()
    if row is None:
        return Record(player)
    _, owner, epoch, migration, stored, at = row
    return Record(player, owner, epoch, migration, _decode(stored) if stored else None, at)


def _row(record: Record) -> tuple[Any, ...]:
    stored = record.snapshot and _encode(record.snapshot)
    return (record.player, *record.claim, stored, record.stored_at)


def _cause(why: Failure) -> Failure:
    """What was wrong with a change."""
    cause = why.value and why.value.__cause__
    return Failure(cause) if cause and why.check(_Apart) else why


def _page(cursor: sqlite3.Cursor, after: str) -> list[Record]:
    players = cursor.execute(_PAGE, (after, PAGE)).fetchall()
    return [_read(cursor, player) for (player,) in players]
