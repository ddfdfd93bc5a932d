"""Bugs planted on purpose: what is unsafe with routers under routers, each at a named seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.logger import LogEvent

from clientmigration.core.player.ledger import ABOVE, Record
from clientmigration.net.ledger import Changed, TimedLedger
from clientmigration.net.line import Line
from clientmigration.router.above import Above
from clientmigration.router.outside import RouterParts
from clientmigration.testing import Parts
from clientmigration.testing.trees import perform_tree

# I18. A router counts epochs itself, and does not heed those of the one above.


class OwnEpochs(TimedLedger):
    def hand(self, expected: Record, owner: str, epoch: int, *more: Any) -> Deferred[Changed]:
        own = expected.epoch + 1 if expected.epoch else epoch
        return super().hand(expected, owner, own, *more)


# I18. The final state goes up before the ledger says that the player is the one above's to give.


class Hasty(TimedLedger):
    def hand(self, expected: Record, owner: str, *more: Any) -> Deferred[Changed]:
        if owner == ABOVE:
            return succeed(Changed(True, Record(expected.player, ABOVE, *more[:2])))
        return super().hand(expected, owner, *more)


# I19. Nobody new is let in while the router above is away, though nobody else can know them.


class Timid(Above):
    def ours(self, record: Record, new: bool) -> bool:
        return super().ours(record, new) and not (new and record.epoch == 0)


# I18. Who may be somewhere else is let in here while the one above is away.


class OpenHouse(Above):
    def ours(self, record: Record, new: bool) -> bool:
        return super().ours(record, new) or not self.there


# I20. A router that is attached does not say who is its own.


class Silent(Above):
    def attached(self, line: Line, now: float | None) -> None:
        news, self._news = self._news, replace(self._news, attached=lambda: None)
        super().attached(line, now)
        self._news = news


def planted(**parts: Any) -> Parts:
    return Parts(router=RouterParts(**parts))


PLANTED = {
    "epochs of the one above are not heeded": (planted(ledger=OwnEpochs), 3),
    "the final state goes up before the ledger knows": (planted(ledger=Hasty), 11),
    "nobody is let in while the one above is away": (planted(above=Timid), 59),
    "who may be elsewhere is let in": (planted(above=OpenHouse), 6),
    "an attached router does not say who is its own": (planted(above=Silent), 2),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught_and_without_it_the_same_seed_is_fine(
    bug: str, no_logged_errors: list[LogEvent]
) -> None:
    parts, seed = PLANTED[bug]
    assert perform_tree(seed, parts).violation
    no_logged_errors.clear()
    assert not perform_tree(seed).violation
