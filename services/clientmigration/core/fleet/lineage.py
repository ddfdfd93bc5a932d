"""Lineage: by what the router above knows that several routers are one zone: rules for one record
of the ledger.

Whoever comes first writes down a word that nobody else has, and what the zone is called; whoever
has the same ledger brings the same word, and has to call itself so. Two zones that were given one
name by mistake have two ledgers, and two words.
"""

from __future__ import annotations

from clientmigration.core.fleet.zones import Rule
from clientmigration.core.player.bans import PREFIX, kept
from clientmigration.core.player.ledger import Record

KEY = f"{PREFIX}lineage"


def word_in(record: Record) -> str:
    """The word that it has, "" if none was written yet."""
    return "" if record.snapshot is None else str(record.snapshot.game["word"])


def name_in(record: Record) -> str:
    """What the zone is called, "" if none was written yet."""
    return "" if record.snapshot is None else str(record.snapshot.game["name"])


def founded(word: str, name: str) -> Rule:
    """These are the word and the name, if there are none; None: there are."""

    def rule(record: Record, now: float) -> Record | None:
        return None if record.epoch else kept(record, {"word": word, "name": name}, now)

    return rule


def rewritten(record: Record, now: float) -> Record | None:
    """The same, as of now, so that no ledger takes it for one of somebody who never came back."""
    if record.snapshot is None:
        return None
    return kept(record, dict(record.snapshot.game), now)
