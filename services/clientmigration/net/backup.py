"""Backups of a ledger: one record a line, as JSON, whichever kind of ledger it is taken from.

So one is moved from a file to an engine and back, too. It is taken while routers work, record by
record: players are independent. Put back, it never replaces what was claimed since.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import msgspec

from clientmigration.core.player.ledger import Record, restored
from clientmigration.errors import ConfigurationError
from clientmigration.net.ledger import LastingLedger

BATCH = 500  # records that are put back at once

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Record).decode


async def save(ledger: LastingLedger, path: Path) -> int:
    """Write all records to `path`, which nobody else may read; answers how many. A backup that is
    there already stays whole until the new one is."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    opener = partial(os.open, mode=0o600)
    with open(unfinished, "xb", opener=opener) as file:
        count = await ledger.each(lambda record: _write(file, record))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return count


async def load(ledger: LastingLedger, path: Path) -> tuple[int, int]:
    """Put back the records in `path`, all of which are read first; answers how many were, and how
    many were not because the ledger knows more. ConfigurationError if it is no backup."""
    records, put_back = list(_records(path)), 0
    for begin in range(0, len(records), BATCH):
        batch = records[begin : begin + BATCH]
        changes = [partial(restored, saved=each) for each in batch]
        answers = await ledger.change([each.player for each in batch], changes)
        put_back += sum(answer.made for answer in answers)
    return put_back, len(records) - put_back


def _write(file: BinaryIO, record: Record) -> None:
    file.write(_encode(record) + b"\n")


def _records(path: Path) -> Iterator[Record]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"no backup in {path}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        try:
            yield _decode(line)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{path}, line {number}: {error}") from error
