"""Who has which name in a fleet that several routers see: rules for one record of the ledger.

A name is a record like a player's: its `owner` is the life of one server process. A router that has
that process attached says so again every `KEPT_S`; what nobody has said for `FRESH_S` counts no
more. Which of two lives has a name is decided by compare-and-set, and by nothing that was read.
"""

from __future__ import annotations

from clientmigration.core.player.ledger import Record

KEPT_S = 1.0
FRESH_S = 4.0
PREFIX = "member-"
"""Before a name, in the ledger: players are called otherwise."""


def key_of(name: str) -> str:
    """Where the ledger has this name."""
    return PREFIX + name


def is_name(key: str) -> bool:
    """Whether the record of this key is a name, and no player."""
    return key.startswith(PREFIX)


def claimed(record: Record, life: str, now: float) -> Record | None:
    """The record when this life comes with the name; None: another has it. A name that was given
    back is free at once: a server that has crashed comes again as another life."""
    if record.owner not in ("", life) and _fresh(record, now):
        return None
    return _of(record, life, now)


def given(record: Record, life: str, now: float) -> Record | None:
    """The record when a router gives the name to a life that brings none; None: it may be
    somebody's, who will come back to it."""
    if record.owner != life and _fresh(record, now):
        return None
    return _of(record, life, now)


def kept(record: Record, life: str, now: float) -> Record | None:
    """The record while the life is attached somewhere; None: the name is another's. What a router
    that has lost it has given back is taken again."""
    return _of(record, life, now) if record.owner in ("", life) else None


def given_back(record: Record, life: str, now: float) -> Record | None:
    """The record when a router has lost this life; None: the name is not its own."""
    if record.owner != life:
        return None
    return Record(record.player, "", record.epoch, "", None, now)


def held(record: Record, now: float) -> bool:
    """Whether the life that has the name is attached to some router, as far as the ledger knows."""
    return record.owner != "" and _fresh(record, now)


def _fresh(record: Record, now: float) -> bool:
    return record.epoch > 0 and now - record.stored_at < FRESH_S


def _of(record: Record, life: str, now: float) -> Record:
    epoch = record.epoch + (record.owner != life)
    return Record(record.player, life, epoch, "", None, now)
