"""`clientmigration ledger backup|restore|check`: saves a ledger, puts it back, looks it over.

Each asks the file or the engine itself, also while routers use it, and no router.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from clientmigration.cli.command import DONE, NO, Command, Output, waited
from clientmigration.cli.router import LEDGER
from clientmigration.core.fleet.handover import KEY
from clientmigration.core.fleet.naming import is_name
from clientmigration.core.player.bans import is_kept
from clientmigration.core.player.ledger import Record
from clientmigration.errors import ConfigurationError
from clientmigration.net.backup import load, save
from clientmigration.net.ledger import LastingLedger
from clientmigration.net.ledgers import EXAMPLE, kept_in, opened

T = TypeVar("T")

ANSWER_S = 10.0  # nobody plays who would wait


def _which(own: ArgumentParser) -> None:
    own.add_argument(
        "--ledger",
        metavar="LEDGER",
        help=f"as the router's: a file, or an engine such as {EXAMPLE}; default {LEDGER}",
    )


def _with_file(own: ArgumentParser) -> None:
    _which(own)
    own.add_argument("file", type=Path, metavar="FILE", help="the backup: a record a line, JSON")


def _asked(
    given: Namespace, work: Callable[[LastingLedger], Awaitable[T]], empty: bool = False
) -> T:
    """What `work` makes of the ledger that the flag names; an `empty` one may be made for it."""
    where = kept_in(given.ledger, "--ledger ")
    if isinstance(where, Path) and not (empty or where.exists()):
        raise ConfigurationError(f"--ledger {given.ledger}: there is no such file")

    async def to_the_end(reactor: Any) -> T:
        ledger = opened(where, reactor, os.urandom(16).hex(), ANSWER_S)
        ledger.startService()
        try:
            return await work(ledger)
        finally:
            await (ledger.stopService() or _nothing())
            ledger.close()

    return waited(to_the_end)


async def _nothing() -> None:
    """There was nothing to wait for."""


def _backup(given: Namespace, answer: Output) -> int:
    try:
        count = _asked(given, lambda ledger: save(ledger, given.file))
    except OSError as error:
        raise ConfigurationError(f"no backup in {given.file}: {error.strerror}") from error
    answer.tell({"records": count}, f"{count} records are in {given.file}")
    return DONE


def _restore(given: Namespace, answer: Output) -> int:
    back, newer = _asked(given, lambda ledger: load(ledger, given.file), empty=True)
    text = f"{back} records were put back; of {newer} the ledger knows as much, or more"
    answer.tell({"put_back": back, "kept": newer}, text)
    return DONE


def _check(given: Namespace, answer: Output) -> int:
    owners: Counter[str] = Counter()

    async def look(ledger: LastingLedger) -> list[str]:
        def take(record: Record) -> None:
            if not (is_name(record.player) or is_kept(record.player) or record.player == KEY):
                owners[record.owner] += 1

        wrong = await ledger.check()
        await ledger.each(take)
        return wrong

    wrong = _asked(given, look)
    verdict = "; ".join(wrong) if wrong else "good"
    at_home, count = owners.pop("", 0), owners.total()
    answer.tell(
        {"wrong": wrong, "at_home": at_home, "owned": dict(owners)},
        f"{verdict}: {at_home + count} records, {count} of them owned by {len(owners)} servers",
    )
    return NO if wrong else DONE


COMMANDS = (
    Command(
        "ledger backup", "Save every record of a ledger, while it is used.", _with_file, _backup
    ),
    Command(
        "ledger restore",
        "Put back from a backup what the ledger does not know, or knew at an earlier epoch.",
        _with_file,
        _restore,
    ),
    Command("ledger check", "Look a ledger over, and count its records.", _which, _check),
)
