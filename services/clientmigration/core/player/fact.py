"""A fact: what happened to one player and why, in words. It is kept for operators who ask."""

from typing import Literal

import msgspec

What = Literal["placed", "begun", "ended"]


class Fact(msgspec.Struct, frozen=True):
    """What happened to a player `at` (Unix seconds): it was `placed`, or a move has `begun` or
    `ended`; and why, in words.

    `source` is "" for a newcomer, `migration` for what was no move.
    """

    at: float
    what: What
    player: str
    source: str
    target: str
    text: str
    migration: str = ""

    def concerns(self, subject: str) -> bool:
        """Whether it is about this member, or a player or a move whose name begins so."""
        named = self.player.startswith(subject) or self.migration.startswith(subject)
        return named or subject in (self.source, self.target)
