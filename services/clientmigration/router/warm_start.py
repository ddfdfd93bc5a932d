"""A router that starts again asks Graphite for the last seconds of its fleet, once.

Nobody waits for the answer: who attaches before it, or without it, is judged by what it reports
itself, as any newcomer is. What comes too late is not used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from twisted.logger import Logger

from clientmigration.core.decisions.replay import in_order, reports
from clientmigration.core.decisions.rounds import DecisionRecord
from clientmigration.core.fleet.fleet import HISTORY_S, DecidedFlows
from clientmigration.core.fleet.member import Member
from clientmigration.core.measures.metrics import Datapoint, Measurement
from clientmigration.errors import Away
from clientmigration.net import history
from clientmigration.net.beats import Beats
from clientmigration.net.trust import Trust
from clientmigration.router.situation import Situation

log = Logger()

WITHIN_S = 5.0

PastReports = tuple[Sequence[Datapoint], Sequence[DecisionRecord]]
Ask = Callable[[int, int], Awaitable[PastReports]]
"""Datapoints and rounds from one second to another, both with it; may raise Away."""


def from_graphite(
    reactor: Any, base: str, within_s: float = WITHIN_S, trust: Trust | None = None
) -> Ask:
    """Asks the graphite-web at `base`; by https it has to convince `trust`."""

    async def ask(since: int, until: int) -> PastReports:
        known = await history.records(reactor, base, since, until, within_s, trust)
        told = await history.reports(reactor, base, since, until, within_s, trust)
        return told or (), known

    return ask


class KnownSince(Protocol):
    """Who keeps since when decisions about a member count."""

    def known_since(self, member: Member, since: float) -> None:
        """Decisions about this member count from then on (Unix seconds)."""


class WarmStart:
    """For the router of this `name`. Without `ask` it recalls nothing; `decides` if what it had
    decided is its own affair, and not handed on in the ledger (handover.py)."""

    def __init__(
        self,
        name: str,
        ask: Ask | None,
        situation: Situation,
        log: KnownSince,
        beats: Beats,
        decides: bool = True,
    ) -> None:
        self._name, self._ask, self._situation, self._decides = name, ask, situation, decides
        self._log, self._beats = log, beats
        self._started = 0.0
        self._known: dict[str, Mapping[int, Sequence[Measurement]]] = {}
        self._decided: list[DecidedFlows] = []

    def begin(self) -> None:
        """Ask, and return at once."""
        self._started = self._situation.now()
        if self._ask is not None:
            self._beats.spawn("recalling the last seconds", self._fill(self._ask))

    async def _fill(self, ask: Ask) -> None:
        started = self._started
        try:
            points, records = await ask(int(started - HISTORY_S), int(started))
        except Away as error:
            log.info("begins without the last seconds: {error}", error=str(error))
            return
        mine = [each for each in records if each.router == self._name and self._decides]
        self._known = dict(reports(points))
        self._known.pop(f"router.{self._name}", None)  # what it said of itself
        self._decided = [each.decided() for _, each in in_order(mine) if each.flows]
        log.info(
            "has {reports} reports of {members} members and {decisions} decisions of the last"
            " {seconds:g} s from Graphite",
            reports=sum(map(len, self._known.values())), members=len(self._known),
            decisions=len(self._decided), seconds=HISTORY_S,
        )  # fmt: skip
        for member in self._situation.fleet.members():
            self.joined(member)

    def joined(self, member: Member) -> None:
        """A member has just been let in: what is known of it counts, once, while it is fresh."""
        fleet, now = self._situation.fleet, self._situation.now()
        known = self._known.pop(f"{member.role}.{member.name}", {})
        fresh = [second for second in known if second > now - HISTORY_S]
        if not fresh:
            return
        for second in fresh:
            fleet.observe(known[second], now)
        fleet.recalled(member.name, self._decided)
        self._log.known_since(member, self._started - HISTORY_S)
