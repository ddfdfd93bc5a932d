"""Records: what a game keeps that belongs to no player (a room, the weather), and how it is called.

A record is owned, checkpointed and handed over as a player is, under a key of its own kind. It has
no connection, counts as nobody, and is where somebody wants it.
"""

from __future__ import annotations

import re

PREFIX = "record-"
"""Before a record's name, in the ledger and in letters: no player and no member is called so."""
RECORDS = 4_096  # that one server can want at once, or have
_proper = re.compile(r"[A-Za-z0-9_-]{1,48}").fullmatch


def is_name(name: object) -> bool:
    """Whether a record can be called so: 1 to 48 of A-Z, a-z, 0-9, _ and -."""
    return isinstance(name, str) and _proper(name) is not None


def is_record(key: str) -> bool:
    """Whether this is a record's key, and no player."""
    return key.startswith(PREFIX)


def key_of(name: str) -> str:
    """The key of the record of this name."""
    return PREFIX + name


def name_of(key: str) -> str:
    """The name of the record with this key."""
    return key[len(PREFIX) :]
