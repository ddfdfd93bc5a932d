"""Bugs planted on purpose: what is unsafe with zones of several routers, each at a named seed."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent

from clientmigration.core.player import ledger as rules
from clientmigration.core.player.ledger import Record
from clientmigration.net.ledger import Changed, TimedLedger
from clientmigration.router.outside import RouterParts
from clientmigration.testing import Parts
from clientmigration.testing.trees import perform_zones

# I18. What an equal has written meanwhile is not looked at: what the router above says is written
# down, whatever is there.


class Blind(TimedLedger):
    def hand(self, expected: Record, owner: str, epoch: int, *more: Any) -> Deferred[Changed]:
        migration, snapshot = (*more, "", None)[:2] if len(more) < 2 else more
        now = self._now()
        return self._changed(
            expected.player,
            lambda record: rules.handed(
                record, record.claim, owner, epoch, migration, snapshot, now
            ),
        )


def planted(**parts: Any) -> Parts:
    return Parts(router=RouterParts(**parts))


PLANTED = {
    "an equal's word is not looked at": (planted(ledger=Blind), 1),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught_and_without_it_the_same_seed_is_fine(
    bug: str, no_logged_errors: list[LogEvent]
) -> None:
    parts, seed = PLANTED[bug]
    assert perform_zones(seed, parts).violation
    no_logged_errors.clear()
    assert not perform_zones(seed).violation
