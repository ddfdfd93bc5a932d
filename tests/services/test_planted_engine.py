"""Bugs planted on purpose: what was unsafe with a ledger on other machines, each caught again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from twisted.logger import LogEvent

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.reconcile import (
    CallOff,
    GiveBack,
    Instruction,
    LetGo,
    Mend,
    undone,
)
from clientmigration.core.player.session import session
from clientmigration.core.player.standing import Life
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.waivers import Waivers
from clientmigration.router.outside import RouterParts
from clientmigration.router.recovery import Recovery
from clientmigration.testing import Parts
from clientmigration.testing.schedule import CALM, ENGINE, ENGINES
from clientmigration.testing.stage import STANDARD, perform
from clientmigration.wire.messages import Entry

# F1. Adoption by reading: who is frozen is called back, for the ledger still names its source.


class Reader(Recovery):
    def judged(
        self, member: str, entry: Entry, record: Record, owner: Entry | None
    ) -> tuple[Instruction, ...]:
        told = super().judged(member, entry, record, owner)
        if record.claim[:2] == (member, entry.epoch) and undone(entry):
            return tuple(
                CallOff(each.migration) if isinstance(each, GiveBack) else each for each in told
            )
        return told


# F2. An old answer makes the rightful owner let go.


class Gullible(Recovery):
    def judged(
        self, member: str, entry: Entry, record: Record, owner: Entry | None
    ) -> tuple[Instruction, ...]:
        told = super().judged(member, entry, record, owner)
        return tuple(LetGo(each.epoch) if isinstance(each, Mend) else each for each in told)


# F3. A seat lets in any migration, whichever has it.


class Open(Life):
    def lets_in(self, migration: str) -> bool:  # noqa: ARG002
        return True


class OpenSeat(Seat):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.life = Open(self)
        self.session = session(self.life)


# F4. As long as there is a router no target is asked to waive.


class Trusting(Waivers):
    def ask(self) -> None:
        if self._attachment.line is None:
            super().ask()


def recovering(kind: type[Recovery]) -> Parts:
    return replace(STANDARD, router=RouterParts(recovery=kind))


# With the word of the fault, the seed that catches it, and what it is caught by.
PLANTED: dict[str, tuple[str, Parts, int, str]] = {
    "who is frozen is called back by what was read": ("late claim", recovering(Reader), 2, "I14"),
    "an old answer makes the owner let go": ("stale reads", recovering(Gullible), 24, "I16"),
    "a seat lets in any migration": ("rival", replace(STANDARD, seat=OpenSeat), 43, "I13"),
    "who has a router does not ask": ("outage", replace(STANDARD, waivers=Trusting), 69, "I7"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught_by_the_fault_that_it_is_about(
    bug: str, no_logged_errors: list[LogEvent]
) -> None:
    word, planted, seed, by = PLANTED[bug]
    verdict = perform(seed, planted, repertoire=ENGINE)
    assert verdict.violation.startswith(by)
    assert set(verdict.done) - set(CALM) == {word}
    assert not perform(seed, repertoire=ENGINE).violation
    no_logged_errors.clear()  # the verdicts have judged them


def test_the_planted_bugs_are_caught_by_words_of_the_repertoire() -> None:
    assert {word for word, *_ in PLANTED.values()} <= set(ENGINES)
