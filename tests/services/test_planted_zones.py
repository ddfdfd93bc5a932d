"""Bugs planted on purpose: what is unsafe with zones of several routers, each at a named seed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct
from twisted.logger import LogEvent

from clientmigration.router.move import MoveCarrier
from clientmigration.router.outside import RouterParts
from clientmigration.testing import Parts
from clientmigration.testing.trees import perform_zones

# I1. A migration does not belong to the link on which it began: all equals of a zone hear of it.


class ToAll(MoveCarrier):
    def _to_target(self, message: Struct) -> bool:
        self.tools.members.tell_all(self.terms.target, message)
        return True


def planted(**parts: Any) -> Parts:
    return Parts(router=RouterParts(**parts))


PLANTED = {
    "all equals of a zone hear of a migration": (planted(carrier=ToAll), 2),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught_and_without_it_the_same_seed_is_fine(
    bug: str, no_logged_errors: list[LogEvent]
) -> None:
    parts, seed = PLANTED[bug]
    assert perform_zones(seed, parts).violation
    no_logged_errors.clear()
    assert not perform_zones(seed).violation
