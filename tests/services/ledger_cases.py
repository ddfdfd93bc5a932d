"""What tests of ledgers share: ledgers of every kind, players, and the ledger at one time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_twisted
from real_engine import ENGINES, PATIENCE_S, Engine, engine
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.net.jetstream import JetStream
from clientmigration.net.ledger import Changed, LastingLedger, Ledger, MemoryLedger, TimedLedger
from clientmigration.net.ledgers import kept_in, opened
from clientmigration.net.sqlite import SQLite

ADA, BOB = "ada" + "0" * 13, "b0b" + "0" * 13
KINDS = ("memory", "sqlite", *ENGINES)

Open = Callable[[], LastingLedger]
Started = Callable[[str], Engine]


def real_reactor() -> IReactorFromThreads:
    from twisted.internet import reactor

    return reactor  # type: ignore[return-value]


@contextmanager
def started_once(folders: pytest.TempPathFactory) -> Iterator[Started]:
    """Real engines by name, each started when it is first asked for."""
    running: dict[str, Engine] = {}

    def started(which: str) -> Engine:
        if which not in running:
            running[which] = engine(which, folders.mktemp(which))
            running[which].start()
        return running[which]

    yield started
    for each in running.values():
        each.stop()


def begun(where: str) -> SQLite | JetStream:
    """The ledger there, as a router opens it."""
    ledger = opened(kept_in(where), real_reactor(), os.urandom(8).hex(), PATIENCE_S)
    ledger.startService()
    return ledger


def ended(ledger: SQLite | JetStream) -> None:
    """Closed, and nothing of it left in the reactor."""
    stopping = ledger.stopService()
    if stopping is not None:
        pytest_twisted.blockon(stopping)
    ledger.close()


@contextmanager
def empty_ledgers(kind: str, folder: Path, started: Started) -> Iterator[Open]:
    """Opens an empty ledger of this kind; once more, and another router has the same one."""
    records = MemoryLedger().records
    open_ones: list[SQLite | JetStream] = []
    if kind in ENGINES:
        where = started(kind).address(f"/test-{os.urandom(4).hex()}")
    else:
        where = str(folder / "run" / "ledger.sqlite")

    def begin() -> LastingLedger:
        if kind == "memory":
            return MemoryLedger(records)
        open_ones.append(begun(where))
        return open_ones[-1]

    yield begin
    for each in open_ones:
        ended(each)


def snapshot(epoch: int, seq: int, player: str = ADA, coins: int = 0) -> Snapshot:
    return Snapshot(
        player=player, epoch=epoch, seq=seq, tick=2**40, x=0.1, y=-7.25, holder="ff" * 32,
        progress=Progress(2**32 - 1, 2**32 - 1, 2**32 - 1), game={"coins": coins, "name": "Zoë"},
        workloads=[{"kind": "burn", "us_per_tick": 50}],
    )  # fmt: skip


def at(ledger: Ledger, now: float) -> TimedLedger:
    """The ledger at that time."""
    return TimedLedger(ledger, lambda: now, lambda _: None, lambda: now)


def take(
    ledger: Ledger,
    expected: Record,
    owner: str,
    migration: str,
    snapshot: Snapshot | None,
    now: float,
) -> Deferred[Changed]:
    return at(ledger, now).take(expected, owner, migration, snapshot)


def checkpoint(
    ledger: Ledger, owner: str, snapshots: Sequence[Snapshot], now: float
) -> Deferred[list[bool]]:
    return at(ledger, now).checkpoint(owner, snapshots)


def free(ledger: Ledger, owner: str, snapshot: Snapshot, now: float) -> Deferred[Changed]:
    return at(ledger, now).free(owner, snapshot)


async def owned(ledger: Ledger, owner: str = "gs-1", player: str = ADA) -> Record:
    """A player that `owner` took over from nobody, with its first snapshot stored."""
    assert (await take(ledger, Record(player), owner, "m1", None, 1.0)).made
    assert await checkpoint(ledger, owner, [snapshot(1, 1, player)], 2.0) == [True]
    return await ledger.read(player)
