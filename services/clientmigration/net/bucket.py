"""A bucket of NATS JetStream: keys with values, each write compared with the last one's number.

Reads are answered by the stream's leader, not by whichever replica is near. A bucket that is not
there is made when it is first needed, and so is one that somebody deleted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from clientmigration.errors import Away, ClientMigrationError, Refused
from clientmigration.wire.nats import Delivery

log = Logger()
T = TypeVar("T")

Ask = Callable[..., Deferred[Delivery]]

NO_RESPONDERS = 503
NOT_FOUND, NO_BUCKET, OTHERWISE = 10037, 10059, 10058
OUTRUN = (10071, 10164)  # wrong last sequence, in the words of older servers and of newer ones
SUBJECTS = 100_000  # that a server lists at once


class Outrun(ClientMigrationError):
    """Somebody else wrote this key meanwhile; nothing was changed."""


class Value(msgspec.Struct, frozen=True):
    """A value with the number of its write; numbers only grow, over all keys."""

    subject: str = ""
    seq: int = 0
    data: bytes = b""


class Settings(msgspec.Struct, frozen=True):
    """Of the stream that holds a bucket: what a ledger depends on."""

    storage: str = "file"
    num_replicas: int = 1
    max_msgs: int = -1
    max_bytes: int = -1
    max_age: int = 0
    max_msgs_per_subject: int = 1


class State(msgspec.Struct, frozen=True):
    """What is in the stream."""

    messages: int = 0
    first_seq: int = 0
    last_seq: int = 0
    subjects: dict[str, int] = {}


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Answer(msgspec.Struct, frozen=True):
    error: _Error | None = None
    seq: int = 0
    purged: int = 0
    message: Value | None = None
    config: Settings = Settings()
    state: State = State()


_decode = msgspec.json.Decoder(_Answer).decode


class Bucket:
    """The bucket `name`, over `ask`. `replicas` counts when it is made, and not after."""

    def __init__(self, ask: Ask, name: str, replicas: int = 1) -> None:
        self._ask, self.name, self._replicas = ask, name, replicas
        self._prefix = f"$KV.{name}."
        self._making: Deferred[None] | None = None

    async def get(self, key: str) -> Value | None:
        """The last value of `key`, or None."""
        return await self._message(last_by_subj=self._prefix + key)

    async def next(self, seq: int) -> Value | None:
        """The first value that was written at `seq` or later and is still its key's last."""
        return await self._message(seq=seq, next_by_subj=self._prefix + ">")

    async def put(self, key: str, value: bytes, seq: int) -> int:
        """Write, if the last write of `key` has the number `seq` (0: there is none). Answers the
        number of this write, or raises `Outrun`."""
        header = f"Nats-Expected-Last-Subject-Sequence: {seq}"
        return (await self._asked(self._prefix + key, value, header)).seq

    async def drop(self, subject: str, seq: int) -> bool:
        """Forget a key, if its last write has the number `seq`: a later one stays. Answers whether
        it was so."""
        return (await self._api("STREAM.PURGE", filter=subject, seq=seq + 1)).purged > 0

    async def keys(self) -> AsyncIterator[str]:
        """All keys."""
        offset, more = 0, True
        while more:
            wanted = {"subjects_filter": self._prefix + ">", "offset": offset}
            found = (await self._api("STREAM.INFO", **wanted)).state.subjects
            for subject in found:
                yield subject.removeprefix(self._prefix)
            offset, more = offset + len(found), len(found) >= SUBJECTS

    async def look(self) -> tuple[Settings, State]:
        """How the bucket is set, and what is in it."""
        answer = await self._api("STREAM.INFO")
        return answer.config, answer.state

    async def _message(self, **which: Any) -> Value | None:
        try:
            return (await self._api("STREAM.MSG.GET", **which)).message
        except _Failed as failed:
            if failed.code == NOT_FOUND:
                return None
            raise

    async def _api(self, verb: str, **what: Any) -> _Answer:
        subject = f"$JS.API.{verb}.KV_{self.name}"
        return await self._asked(subject, msgspec.json.encode(what) if what else b"")

    async def _asked(self, subject: str, payload: bytes, header: str = "") -> _Answer:
        try:
            return _read(await self._ask(subject, payload, header))
        except _NoBucket:
            await self._made()
        return _read(await self._ask(subject, payload, header))

    async def _made(self) -> None:
        """Have it made, once for all who miss it. Who comes second sees by itself whether it is."""
        if self._making is None:
            self._making = Deferred.fromCoroutine(self._make())
        try:
            await self._making
        finally:
            self._making = None

    async def _make(self) -> None:
        config = {
            "name": f"KV_{self.name}", "subjects": [self._prefix + ">"], "storage": "file",
            "num_replicas": self._replicas, "max_msgs_per_subject": 1, "discard": "new",
            "max_msgs": -1, "max_bytes": -1, "max_age": 0, "deny_delete": True,
            "allow_rollup_hdrs": True, "allow_direct": True,
        }  # fmt: skip
        subject = f"$JS.API.STREAM.CREATE.KV_{self.name}"
        try:
            _read(await self._ask(subject, msgspec.json.encode(config)))
            log.info("bucket {name} is there", name=self.name)
        except _Failed as failed:
            if failed.code != OTHERWISE:  # somebody made it otherwise: `check` says how
                raise


class _Failed(Refused):
    def __init__(self, error: _Error) -> None:
        super().__init__(f"NATS refuses: {error.description}")
        self.code = error.err_code


class _NoBucket(Away):
    pass


def _read(message: Delivery) -> _Answer:
    if message.status == NO_RESPONDERS:
        raise _NoBucket("nobody answers at NATS: JetStream is off, or has no leader")
    try:
        answer = _decode(message.payload)
    except msgspec.DecodeError as error:
        raise Away(f"NATS answers what cannot be read: {error}") from None
    if answer.error is None:
        return answer
    if answer.error.err_code in OUTRUN:
        raise Outrun(answer.error.description)
    if answer.error.err_code == NO_BUCKET:
        raise _NoBucket("NATS has no such bucket")
    raise _Failed(answer.error)
