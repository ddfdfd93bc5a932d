"""What a ledger costs a router: claims and reads one after the other, and many checkpoints at once.

    python tests/bench/ledgers.py run/bench.sqlite nats://127.0.0.1:4222/bench ...

Each ledger that is named gets records of made-up players, and keeps them: name none that is in use.
CPU is that of this process, which is what a router would spend.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.net.ledger import TimedLedger
from clientmigration.net.ledgers import kept_in, opened

PLAYERS, EACH, ROUNDS = 1000, 2000, 5
BYTES = 1500  # of a player's state: its record has about 2 kB


def snapshot(player: str, epoch: int, seq: int) -> Snapshot:
    """A state of a usual size."""
    return Snapshot(
        player=player, epoch=epoch, seq=seq, tick=2**40, x=0.1, y=-7.25, holder="ff" * 32,
        progress=Progress(1, 2, 3), game={"coins": 3, "name": "x" * BYTES}, workloads=[],
    )  # fmt: skip


async def one_by_one(what: str, act: Callable[[int], Awaitable[object]]) -> None:
    """Say how long each took."""
    took_ms, cpu = list[float](), time.process_time()
    for n in range(EACH):
        began = time.perf_counter()
        await act(n)
        took_ms.append((time.perf_counter() - began) * 1000)
    took_ms.sort()
    p50, p99, most = took_ms[EACH // 2], took_ms[EACH * 99 // 100], took_ms[-1]
    each = (time.process_time() - cpu) / EACH * 1e6
    print(f"  {what}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, max {most:.1f} ms, CPU {each:.0f} µs")


async def at_once(ledger: TimedLedger, players: Sequence[str], start: int) -> None:
    """Say how long checkpoints of all players take, the best of some rounds."""
    walls, cpus = list[float](), list[float]()
    for n in range(ROUNDS):
        batch = [snapshot(player, 1, start + n) for player in players]
        wall, cpu = time.perf_counter(), time.process_time()
        assert all(await ledger.checkpoint("gs-1", batch))
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    each = min(cpus) / len(players) * 1e6
    print(
        f"  {len(players)} checkpoints at once: {min(walls) * 1000:.0f} ms, CPU {each:.0f} µs each"
    )


async def measure(reactor: Any, where: str) -> None:
    """All of it for one ledger."""
    kept = opened(kept_in(where), reactor, os.urandom(8).hex())
    kept.startService()
    ledger = TimedLedger(kept, time.time, lambda _: None, time.perf_counter)
    run = os.urandom(4).hex()
    players = [f"{run}{n:08x}" for n in range(PLAYERS)]
    print(where)
    await gatherResults([ledger.take(Record(each), "gs-1", "m", None) for each in players])
    await at_once(ledger, players, 1)
    record = await ledger.read(players[0])

    async def claim(n: int) -> None:
        nonlocal record
        made, record = await ledger.take(record, "gs-1", f"m{n}", None)
        assert made

    await one_by_one("claim", claim)
    await one_by_one("read", lambda _: ledger.read(players[0]))
    await (kept.stopService() or gatherResults([]))
    kept.close()


async def main(reactor: Any, wheres: Sequence[str]) -> None:
    """One ledger after the other."""
    for where in wheres:
        await measure(reactor, where)


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, sys.argv[1:])))
