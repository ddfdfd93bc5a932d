"""Orders that operators gave: who, when, what, and what came of it, as a ledger keeps them.

Pure rules on one record, as those of `ledger.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from clientmigration.core.player.bans import PREFIX, Rule, kept
from clientmigration.core.player.ledger import Record

KEY = f"{PREFIX}orders"
KEPT = 500  # orders, some 100 kB


class Given(msgspec.Struct, frozen=True):
    """An order, given `by` an operator `at` that time (Unix seconds): `do` what, to whom
    (`subject`: a player or a member), `text` with what, and what came of it."""

    at: float
    by: str
    do: str
    subject: str
    text: str
    outcome: str
    router: str = ""

    @property
    def line(self) -> str:
        """In words."""
        with_what = f" ({self.text})" if self.text else ""
        return f"{self.by} says {self.do} {self.subject}{with_what}: {self.outcome}"


def orders_in(record: Record) -> list[Given]:
    """The orders that a record keeps, the newest last."""
    return msgspec.convert(record.snapshot.game["orders"], list[Given]) if record.snapshot else []


def given(orders: Sequence[Given]) -> Rule:
    """Adds these, and leaves out the oldest."""

    def rule(record: Record, now: float) -> Record | None:
        known = dict.fromkeys((*orders_in(record), *orders))  # one that is known is not added again
        latest = sorted(known, key=lambda each: each.at)[-KEPT:]
        return kept(record, {"orders": latest}, now)

    return rule
