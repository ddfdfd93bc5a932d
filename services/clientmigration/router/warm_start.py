"""A router that starts again asks Graphite for the last seconds of its fleet, once.

Nobody waits for the answer: who attaches before it, or without it, is judged by what it reports
itself, as any newcomer is. What comes too late is not used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from clientmigration.core.decisions.replay import in_order, reports
from clientmigration.core.decisions.rounds import DecisionRecord
from clientmigration.core.fleet.fleet import HISTORY_S
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.measures.metrics import Datapoint, Measurement
from clientmigration.errors import Away
from clientmigration.net import history

if TYPE_CHECKING:
    from clientmigration.router.service import Router

log = Logger()

WITHIN_S = 5.0

PastReports = tuple[Sequence[Datapoint], Sequence[DecisionRecord]]
Ask = Callable[[int, int], Awaitable[PastReports]]
"""Datapoints and rounds from one second to another, both with it; may raise Away."""


def from_graphite(reactor: Any, base: str, within_s: float = WITHIN_S) -> Ask:
    """Asks the graphite-web at `base`."""

    async def ask(since: int, until: int) -> PastReports:
        known = await history.records(reactor, base, since, until, within_s)
        return await history.reports(reactor, base, since, until, within_s) or (), known

    return ask


class WarmStart:
    """See the module. Without `ask` it recalls nothing."""

    def __init__(self, router: Router, ask: Ask | None) -> None:
        self.router, self._ask = router, ask
        self._known: dict[str, Mapping[int, Sequence[Measurement]]] = {}
        self._decided: list[tuple[float, Sequence[Flow]]] = []

    def begin(self) -> None:
        """Ask, and return at once."""
        if self._ask is not None:
            Deferred.fromCoroutine(self._fill(self._ask)).addErrback(
                lambda failure: log.failure("recalling the last seconds broke", failure)
            )

    async def _fill(self, ask: Ask) -> None:
        started = self.router.now()
        try:
            points, records = await ask(int(started - HISTORY_S), int(started))
        except Away as error:
            log.info("begins without the last seconds: {error}", error=str(error))
            return
        mine = [record for record in records if record.router == self.router.member]
        self._known = dict(reports(points))
        self._known.pop(f"router.{self.router.member}", None)  # what it said of itself
        self._decided = [(each.now, each.flows) for _, each in in_order(mine) if each.flows]
        log.info(
            "has {reports} reports of {members} members and {decisions} decisions of the last"
            " {seconds:g} s from Graphite",
            reports=sum(map(len, self._known.values())), members=len(self._known),
            decisions=len(self._decided), seconds=HISTORY_S,
        )  # fmt: skip
        for member in self.router.fleet.members():
            self.joined(member.role, member.name)

    def joined(self, role: str, name: str) -> None:
        """A member has just been let in: what is known of it counts, once, while it is fresh."""
        known, now = self._known.pop(f"{role}.{name}", {}), self.router.now()
        fresh = [s for s in known if s > now - HISTORY_S]
        if not fresh:
            return
        for second in fresh:
            self.router.fleet.observe(known[second], now)
        self.router.fleet.recalled(name, self._decided)
        self.router.journal.joined(role, name, self.router.started - HISTORY_S)
