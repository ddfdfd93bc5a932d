"""The ledger in one file: what one router on one machine needs, and nothing to install.

What is asked while the disk is busy is done together next, in one transaction: a crowd at the door
costs one commit for all of them, and one change of threads. What fails of it fails alone.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from twisted.application.service import Service
from twisted.enterprise import adbapi
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.errors import ConfigurationError
from clientmigration.net.ledger import Change, Changed

T = TypeVar("T")

PAGE = 1000  # records that are read at once, when all are
TOGETHER = 200  # questions that are answered in one transaction, at most

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


@dataclass(frozen=True)
class _Errand:
    """What is to be done in a transaction, and who waits for it. `writes` says whether nobody may
    write meanwhile."""

    run: Callable[[Any], Any]
    writes: bool
    answer: Deferred[Any] = field(default_factory=Deferred)


class SQLite(Service):
    """One file in WAL mode, one connection in one thread: transactions never overlap, and the
    reactor never waits for the disk."""

    def __init__(self, path: Path, reactor: IReactorFromThreads) -> None:
        self._path = path
        self._pool = adbapi.ConnectionPool(
            "sqlite3", str(path), check_same_thread=False, timeout=5.0,
            cp_min=1, cp_max=1, cp_reactor=reactor, cp_openfun=_prepare,
        )  # fmt: skip
        self._waiting: list[_Errand] = []
        self._busy = False

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
        return self._ask(lambda cursor: _read(cursor, player), writes=False)

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Changed]]:
        """Run one change per player, all of them or none."""

        def run(cursor: Any) -> list[Changed]:
            return [
                _change(cursor, _read(cursor, player), change)
                for player, change in zip(players, changes, strict=True)
            ]

        return self._ask(run, writes=True)

    def _ask(self, run: Callable[[Any], T], writes: bool) -> Deferred[T]:
        """Have this done in order, with all that is asked until the disk is ready for it."""
        asked = _Errand(run, writes)
        self._waiting.append(asked)
        if not self._busy:
            self._begin()
        return asked.answer

    def _begin(self) -> None:
        asked, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        if asked:
            self._busy = True
            self._pool.runInteraction(_together, asked).addBoth(self._answer, asked)

    def _answer(self, answers: list[Any] | Failure, asked: Sequence[_Errand]) -> None:
        self._busy = False
        self._begin()
        for n, each in enumerate(asked):
            each.answer.callback(
                Failure(answers.value) if isinstance(answers, Failure) else answers[n]
            )

    def forget(self, before: float, kept: Collection[str]) -> Deferred[int]:
        """Drop old records, and give their room to later ones."""
        return self._pool.runInteraction(_forget, before, kept)  # type: ignore[no-any-return]

    def each(self, take: Callable[[Record], None]) -> Deferred[int]:
        """Hand over every record, page by page, so that nobody waits long in between."""
        return Deferred.fromCoroutine(self._each(take))

    async def _each(self, take: Callable[[Record], None]) -> int:
        count, after = 0, ""
        while page := await self._pool.runInteraction(_page, after):
            for record in page:
                take(record)
            count, after = count + len(page), page[-1].player
        return count

    def check(self) -> Deferred[list[str]]:
        """SQLite's own check of its file."""
        return self._pool.runQuery("pragma quick_check").addCallback(  # type: ignore[no-any-return]
            lambda rows: [text for (text,) in rows if text != "ok"]
        )

    def close(self) -> None:
        """Do what was asked for, end the thread and close the file."""
        while self._waiting:
            self._begin()
        self._pool.close()


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute(_SCHEMA)


def _together(transaction: Any, asked: Sequence[_Errand]) -> list[Any]:
    """The answer to each; a `Failure` where it failed, and then nothing of it was done."""
    writes = any(each.writes for each in asked)
    # Nobody writes between our reads and our writes. The cursor itself is quicker to ask.
    cursor = transaction.execute("begin immediate" if writes else "begin")
    return [_alone(cursor, each.run) for each in asked]


def _alone(cursor: Any, run: Callable[[Any], Any]) -> Any:
    cursor.execute("savepoint one")
    try:
        answer = run(cursor)
    except Exception:
        answer = Failure()
        cursor.execute("rollback to one")
    cursor.execute("release one")
    return answer


def _read(transaction: Any, player: str) -> Record:
    row = transaction.execute(_READ, (player,)).fetchone()
    if row is None:
        return Record(player)
    _, owner, epoch, migration, stored, at = row
    return Record(player, owner, epoch, migration, _decode(stored) if stored else None, at)


def _change(transaction: Any, record: Record, change: Change) -> Changed:
    changed = change(record)
    if changed is None:
        return Changed(False, record)
    stored = changed.snapshot and _encode(changed.snapshot)
    transaction.execute(_WRITE, (changed.player, *changed.claim, stored, changed.stored_at))
    return Changed(True, changed)


def _forget(transaction: Any, before: float, kept: Collection[str]) -> int:
    transaction.execute("begin immediate")
    old = transaction.execute(_OLD, (before,)).fetchall()
    gone = [(*each, before) for each in old if each[1] not in kept]
    transaction.executemany(_DROP, gone)
    return len(gone)


def _page(transaction: Any, after: str) -> list[Record]:
    players = transaction.execute(_PAGE, (after, PAGE)).fetchall()
    return [_read(transaction, player) for (player,) in players]
