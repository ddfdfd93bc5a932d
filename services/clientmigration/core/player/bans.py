"""Bans: which players may not play, for how long and why: rules for a few records of the ledger.

Bans are kept in `SHARDS` records, by the player's name, so that every router of a ledger has the
same ones. Another record, `HEAD`, counts their changes: who has seen its number knows them all.
Pure rules, as those of `ledger.py`; what is over is left out when a record is written again.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import msgspec

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Snapshot

PREFIX = "kept-"
"""Before the key of what routers keep in a ledger beside players, and beside names of members."""
HEAD = f"{PREFIX}bans"
SHARDS = 16
EACH = 4_000  # bans in one record: some 500 kB

Rule = Callable[[Record, float], Record | None]


class Ban(msgspec.Struct, frozen=True):
    """`player` may not play before `until` (Unix seconds; 0: never again), said `by` an operator
    `at` that time."""

    player: str
    reason: str = ""
    until: float = 0.0
    by: str = ""
    at: float = 0.0

    def holds(self, now: float) -> bool:
        """Whether it is not over."""
        return not self.until or now < self.until


def is_kept(key: str) -> bool:
    """Whether the record of this key is what routers keep, and no player."""
    return key.startswith(PREFIX)


def shard_of(player: str) -> str:
    """The record in which this player's ban is."""
    return f"{HEAD}-{zlib.crc32(player.encode()) % SHARDS:x}"


def shards() -> list[str]:
    """All of those records."""
    return [f"{HEAD}-{number:x}" for number in range(SHARDS)]


def bans_in(record: Record, now: float) -> dict[str, Ban]:
    """The bans of a record that are not over, by player."""
    listed = msgspec.convert(record.snapshot.game["bans"], list[Ban]) if record.snapshot else []
    return {ban.player: ban for ban in listed if ban.holds(now)}


def banned(ban: Ban) -> Rule:
    """Puts a ban in place of any other of its player; None: there are too many already."""

    def rule(record: Record, now: float) -> Record | None:
        bans = bans_in(record, now) | {ban.player: ban}
        return None if len(bans) > EACH else _with(record, bans, now)

    return rule


def unbanned(player: str) -> Rule:
    """Ends a player's ban; None: there is none."""

    def rule(record: Record, now: float) -> Record | None:
        bans = bans_in(record, now)
        return _with(record, bans, now) if bans.pop(player, None) else None

    return rule


def rewritten(record: Record, now: float) -> Record | None:
    """The same, as of now, so that no ledger takes it for one of somebody who never came back."""
    return _with(record, bans_in(record, now), now) if record.epoch else None


def counted(record: Record, now: float) -> Record:
    """The head after one more change."""
    return Record(record.player, "", record.epoch + 1, "", None, now)


def _with(record: Record, bans: dict[str, Ban], now: float) -> Record:
    return kept(record, {"bans": list(bans.values())}, now)


def kept(record: Record, content: dict[str, object], now: float) -> Record:
    """A record that is no player's, with other content."""
    value = msgspec.to_builtins(content)
    epoch = record.epoch + 1
    held = Snapshot(
        player=record.player, epoch=epoch, seq=0, tick=0, x=0, y=0, holder="", game=value
    )
    return Record(record.player, "", epoch, "", held, now)
