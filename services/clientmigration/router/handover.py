"""Handing on what was decided: this router tells the ledger, and asks it when its own turn comes.

Between two of its decisions nobody else may have decided anything that it does not know, or it
asks. While the ledger does not answer nothing is decided: nobody could be moved then anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.logger import Logger

from clientmigration.core.fleet import handover
from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.fleet import DecidedFlows
from clientmigration.core.fleet.flow import Flow, moves_of
from clientmigration.core.fleet.member import Member
from clientmigration.net.beats import Beats
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.situation import Situation

log = Logger()


class DecisionBook(Protocol):
    """Where rounds are recorded, and what they were decided after."""

    def held(self, now: float, flows: Sequence[Flow], moves: Sequence[Move]) -> None:
        """A round is over."""

    def took_over(self, at: float, decided: Sequence[DecidedFlows]) -> None:
        """From now on these count of all that was decided before."""


class Handover:
    """For the router of this `name`, which `plans` when no equal does."""

    def __init__(
        self,
        name: str,
        situation: Situation,
        ledger: TimedLedger,
        beats: Beats,
        book: DecisionBook,
        plans: Callable[[], bool],
    ) -> None:
        self._name, self._situation, self._ledger, self._beats = name, situation, ledger, beats
        self._book, self._its_turn = book, plans
        self._ready = self._asking = False
        self._taken: Sequence[DecidedFlows] = ()

    def plans(self) -> bool:
        """Whether to decide now: it is this router's turn, and it knows what the one before it had
        decided."""
        if not self._its_turn():
            self._ready = False
        elif not self._ready and not self._asking:
            self._asking = True
            self._beats.spawn("taking decisions over", self._take_over())
        return self._ready

    async def _take_over(self) -> None:
        try:
            record = await self._ledger.confirm(handover.KEY)
        except Exception as error:  # the next round asks again
            log.warn("nothing is decided, for the ledger does not answer: {why}", why=str(error))
            return
        finally:
            self._asking = False
        now = self._situation.now()
        self._taken = handover.told(record, now)
        self._situation.fleet.took_over(self._taken)
        self._book.took_over(now, self._taken)
        self._ready = True
        log.info("decides from now on, after {n} decisions", n=len(self._taken))

    def joined(self, member: Member) -> None:
        """What was taken over counts for who has just come, too."""
        self._situation.fleet.recalled(
            member.name, handover.young(self._taken, self._situation.now())
        )

    def held(self, now: float, flows: Sequence[Flow], moves: Sequence[Move]) -> None:
        """A round is over: if anything was decided, whoever decides next is to know it."""
        self._book.held(now, flows, moves)
        if flows:
            planned = moves_of(flows, ((move.source, move.target) for move in moves))
            made = DecidedFlows(now, tuple(flows), planned)
            self._beats.spawn("handing a decision on", self._tell(made))

    async def _tell(self, made: DecidedFlows) -> None:
        try:
            await self._ledger.rule(
                [(handover.KEY, lambda r, now: handover.with_decision(r, made, self._name, now))]
            )
        except Exception as error:  # who decides next does without it, as after a crash before it
            log.warn("a decision is not handed on: {why}", why=str(error))
