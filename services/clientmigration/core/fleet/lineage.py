"""Lineage: by what the router above knows that several routers are one zone: rules for one record
of the ledger.

Whoever comes first writes down a word that nobody else has; whoever has the same ledger brings the
same word. Two zones that were given one name by mistake have two ledgers, and two words.
"""

from __future__ import annotations

from clientmigration.core.fleet.zones import Rule
from clientmigration.core.player.bans import PREFIX, kept
from clientmigration.core.player.ledger import Record

KEY = f"{PREFIX}lineage"


def word_in(record: Record) -> str:
    """The word that it has, "" if none was written yet."""
    return "" if record.snapshot is None else str(record.snapshot.game["word"])


def founded(word: str) -> Rule:
    """This is the word, if there is none; None: there is."""

    def rule(record: Record, now: float) -> Record | None:
        return None if record.epoch else kept(record, {"word": word}, now)

    return rule


def rewritten(record: Record, now: float) -> Record | None:
    """The same, as of now, so that no ledger takes it for one of somebody who never came back."""
    return kept(record, {"word": word_in(record)}, now) if record.epoch else None
