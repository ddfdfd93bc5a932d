"""The ledger in a bucket of NATS JetStream: for several machines, and several routers at once.

A record is one key, and each write names the number of the write that it replaces, so of two at
once one wins. The last value of each player is remembered, and only ever to write on top of it: if
it was not the last any more the engine says so, and nobody is refused before its record was read
again. So what is stale can cost a question, never a player.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.player import ledger as rules
from clientmigration.core.player.ledger import Record
from clientmigration.errors import Away
from clientmigration.net.bucket import Bucket, Outrun, Settings, Value
from clientmigration.net.ledger import Change, Changed
from clientmigration.net.nats import Nats

log = Logger()

REMEMBERED = 16_384  # players whose last value is kept here: about 1 kB each
TRIES = 8  # to change a record that others change, too, before the outcome is left open
PAGE = 64  # records that are read at once, when all are
NOTHING = Value()

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode
_plain = re.compile(r"[A-Za-z0-9_-]{1,64}\Z").match


def key_of(player: str) -> str:
    """The player's key. What may be no part of a subject, such as a dot, is hashed."""
    return player if _plain(player) else "=" + sha256(player.encode()).hexdigest()


class JetStream(Service):
    """A bucket as a ledger. `nats` is started and stopped with it."""

    def __init__(self, nats: Nats, bucket: str, replicas: int = 1) -> None:
        self._nats = nats
        self.bucket = Bucket(nats.ask, bucket, replicas)
        self._last: OrderedDict[str, Value] = OrderedDict()

    def startService(self) -> None:
        """Connect. An engine that is away now is waited for."""
        super().startService()
        self._nats.startService()

    def stopService(self) -> Deferred[None]:
        """Ask nothing more."""
        super().stopService()
        return self._nats.stopService()

    def close(self) -> None:
        """The same, for those who do not wait."""
        if self._nats.running:
            self.stopService()

    def read(self, player: str) -> Deferred[Record]:
        """The record of a player, as the engine has it now."""
        return Deferred.fromCoroutine(self._read(player))

    def change(self, players: Sequence[str], changes: Sequence[Change]) -> Deferred[list[Changed]]:
        """Run one change per player, all at once; of one player's one after the other."""
        mine: dict[str, list[tuple[int, Change]]] = {}
        for number, (player, change) in enumerate(zip(players, changes, strict=True)):
            mine.setdefault(player, []).append((number, change))
        answers: dict[int, Changed] = {}
        each = [self._change_all(*item, answers) for item in mine.items()]
        all_of_them = gatherResults([Deferred.fromCoroutine(one) for one in each], True)
        return all_of_them.addCallbacks(lambda _: [answers[n] for n in range(len(players))], _first)

    def forget(self, before: float, kept: Collection[str]) -> Deferred[int]:
        """Drop old records: those that were written first, up to the first that is not old."""
        return Deferred.fromCoroutine(self._forget(before, kept))

    def each(self, take: Callable[[Record], None]) -> Deferred[int]:
        """Hand over every record, some at once."""
        return Deferred.fromCoroutine(self._each(take))

    def check(self) -> Deferred[list[str]]:
        """How the bucket is set, for somebody may have made it otherwise."""
        return Deferred.fromCoroutine(self._check())

    # One record.

    async def _read(self, player: str) -> Record:
        return _record(player, await self._fetch(player))

    async def _fetch(self, player: str) -> Value:
        """The record's value as the engine has it now; the newest there was is remembered."""
        key = key_of(player)
        entry = await self.bucket.get(key) or NOTHING
        held = self._last.get(key)
        if held is None or held.seq <= entry.seq:
            self._remember(key, entry)
        return entry

    def _remember(self, key: str, entry: Value) -> None:
        self._last[key] = entry
        self._last.move_to_end(key)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)

    async def _change_all(
        self, player: str, changes: list[tuple[int, Change]], answers: dict[int, Changed]
    ) -> None:
        for number, change in changes:
            answers[number] = await self._change(player, change)

    async def _change(self, player: str, change: Change) -> Changed:
        key = key_of(player)
        remembered = self._last.get(key)
        for _ in range(TRIES):
            entry = remembered or await self._fetch(player)
            record = _record(player, entry)
            changed = change(record)
            if changed is not None and await self._wrote(key, changed, entry.seq):
                return Changed(True, changed)
            if changed is None and remembered is None:
                return Changed(False, record)
            remembered = None
        raise Away(f"the record of {player} is changed by others all the time")

    async def _wrote(self, key: str, record: Record, seq: int) -> bool:
        """Whether the record could be written over the value that has the number `seq`."""
        self._last.pop(key, None)  # until it is known what it is
        data = _encode(record)
        try:
            written = await self.bucket.put(key, data, seq)
        except Outrun:
            return False
        held = self._last.get(key)
        if held is None or held.seq < written:
            self._remember(key, Value(seq=written, data=data))
        return True

    # All of them.

    async def _forget(self, before: float, kept: Collection[str]) -> int:
        count, entry = 0, await self.bucket.next(1)
        while entry is not None:
            record = _record("", entry)
            if record.stored_at >= before:
                break
            if rules.forgotten(record, before, kept):
                count += await self.bucket.drop(entry.subject, entry.seq)
            entry = await self.bucket.next(entry.seq + 1)
        return count

    async def _each(self, take: Callable[[Record], None]) -> int:
        count, page = 0, list[Deferred[Value | None]]()
        async for key in self.bucket.keys():
            page.append(Deferred.fromCoroutine(self.bucket.get(key)))
            if len(page) == PAGE:
                count, page = count + await _handed(page, take), []
        return count + await _handed(page, take)

    async def _check(self) -> list[str]:
        settings, state = await self.bucket.look()
        wrong = [
            f"{self.bucket.name}: {name} is {value}, and {why}"
            for name, value, good, why in _demands(settings)
            if not good
        ]
        log.info("bucket {name}: {count} records", name=self.bucket.name, count=state.messages)
        return wrong


def _demands(found: Settings) -> list[tuple[str, Any, bool, str]]:
    """Of a bucket: the setting, its value, whether it will do, and what is wrong if not."""
    once = found.max_msgs_per_subject == 1
    endless, roomy = found.max_msgs < 0 and found.max_bytes < 0, found.max_age == 0
    return [
        ("storage", found.storage, found.storage == "file", "is lost when the engine stops"),
        ("history", found.max_msgs_per_subject, once, "old records fill the disk"),
        ("a limit", (found.max_msgs, found.max_bytes), endless, "a full bucket takes no player"),
        ("max_age", found.max_age, roomy, "records of those who play may be dropped"),
    ]


async def _handed(page: list[Deferred[Value | None]], take: Callable[[Record], None]) -> int:
    """Hand over what has been asked for; who was dropped meanwhile is not counted."""
    entries = [entry for entry in await gatherResults(page, True) if entry is not None]
    for entry in entries:
        take(_record("", entry))
    return len(entries)


def _record(player: str, entry: Value) -> Record:
    return _decode(entry.data) if entry.data else Record(player)


def _first(failure: Failure) -> Failure:
    """What went wrong, and not that something of many did."""
    assert isinstance(failure.value, FirstError)
    return failure.value.subFailure
