"""The base of every control message, and what is said beside migrations.

A tag is pinned: renaming a class never changes the wire.
"""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True, tag_field="t"):
    """The base of every control message."""


class Drain(Message, frozen=True, tag="drain"):
    """Router: an operator wants you empty: take nobody (`on` false: you may take players again);
    with `stop` end as well, as by a signal."""

    on: bool
    stop: bool = False


class Expel(Message, frozen=True, tag="expel"):
    """Router: say goodbye to this player with this code and text: it goes home now. With `bars` no
    ticket of it is good here, of those that it may still have."""

    player: str
    code: str
    text: str = ""
    bars: bool = False


class Pardon(Message, frozen=True, tag="pardon"):
    """Router: tickets of this player are good again."""

    player: str


class Wants(Message, frozen=True, omit_defaults=True, tag="wants"):
    """Member: my game wants these records, each for so many of my players, and nothing else any
    more; and it wants these players of mine to be where that record (its key) or player is."""

    records: dict[str, int] = {}  # msgspec copies it
    gather: dict[str, str] = {}


class Stays(Message, frozen=True, tag="stays"):
    """Router: for now this player is not brought to `where`, for this reason."""

    player: str
    where: str
    reason: str
