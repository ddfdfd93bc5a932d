"""The router's decisions, every few seconds: ask the pure policy, then have it carried out.

Nothing is decided here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Protocol

from twisted.logger import Logger

from clientmigration.core.fleet.choice import Move, choose
from clientmigration.core.fleet.flow import Flow, moves_of, ways
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.measures.meter import Meter
from clientmigration.router.situation import Situation

log = Logger()


class RoundLog(Protocol):
    """Where rounds of decisions are kept."""

    def held(self, now: float, flows: Sequence[Flow], moves: Sequence[Move]) -> None:
        """A round is over; the fleet is still as it was when flows were asked for."""


class Below(Protocol):
    """The members that are routers."""

    def chooses(self, member: str) -> bool:
        """Whether this is one."""

    def ask(self, flow: Flow) -> None:
        """Have it offer players for this flow."""


class Decisions:
    """`residents` answers who plays at some members, `plan` has moves begun. Nothing is decided
    while another router `plans`. Members that are routers choose `below` who leaves them."""

    def __init__(
        self,
        situation: Situation,
        meter: Meter,
        decision_log: RoundLog,
        residents: Callable[[Container[str]], Sequence[Resident]],
        plan: Callable[[Iterable[Move]], None],
        plans: Callable[[], bool] = lambda: True,
        below: Below | None = None,
    ) -> None:
        self._situation, self._meter, self._log = situation, meter, decision_log
        self._residents, self._plan, self._plans = residents, plan, plans
        self._below = below

    def decide(self) -> None:
        """One round: flows from the datapoints, moves from the rosters."""
        if not self._plans():
            self._plan(())
            return
        fleet, policy, now = self._situation.fleet, self._situation.policy, self._situation.now()
        started = time.perf_counter()
        decided = flows(fleet, policy, now)
        moves = self._choose(decided, now) if decided else ()
        self._meter.gauge("decision_ms", (time.perf_counter() - started) * 1000)
        self._log.held(now, decided, moves)
        if not decided:
            return
        planned = moves_of(decided, ((move.source, move.target) for move in moves))
        planned = self._asked(decided, planned)
        fleet.decided(decided, now, planned)
        self._meter.count("flows", len(decided))
        self._meter.count("planned_moves", sum(planned))
        exchanged = [n for flow, n in zip(decided, planned, strict=True) if flow.exchanges]
        self._meter.count("exchanges", len(exchanged))
        self._meter.count("planned_exchanges", sum(exchanged))
        _announce(decided)
        self._plan(moves)

    def _asked(self, decided: tuple[Flow, ...], planned: tuple[int, ...]) -> tuple[int, ...]:
        """The same, with those that were asked for below."""
        if self._below is None or not any(self._below.chooses(each.source) for each in decided):
            return planned
        counts = []
        for flow, n in zip(decided, planned, strict=True):
            asks = self._below.chooses(flow.source) and not flow.exchanges
            if asks:
                self._below.ask(flow)
            counts.append(flow.players if asks else n)
        return tuple(counts)

    def _choose(self, decided: tuple[Flow, ...], now: float) -> tuple[Move, ...]:
        policy, members = self._situation.policy, self._situation.fleet.members()
        zones = {member.name: member.zone for member in members}
        involved = {flow.source for flow in decided} | {flow.target for flow in decided}
        return choose(self._residents(involved), decided, policy, now, policy.budget, zones)


def _announce(decided: tuple[Flow, ...]) -> None:
    for flow, way in ways(decided):
        log.info(
            "{way}: {reason}",
            way=way, reason=flow.reason,
            players=flow.players, source=flow.source, target=flow.target,
        )  # fmt: skip
