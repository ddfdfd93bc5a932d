"""The router's decisions, every few seconds: ask the pure policy, then have it carried out.

Nothing is decided here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
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


class Chooses(Protocol):
    """The members that are routers."""

    def chooses(self, member: str) -> bool:
        """Whether this is one."""

    def ask(self, flow: Flow) -> None:
        """Have it offer players for this flow."""


@dataclass(frozen=True)
class DecisionPorts:
    """`residents` answers who plays at some members, `plan` has moves begun; `plans` whether not
    another router does. Members that are routers choose `below` who leaves them."""

    residents: Callable[[Container[str]], Sequence[Resident]]
    plan: Callable[[Iterable[Move]], None]
    plans: Callable[[], bool]
    below: Chooses


class Decisions:
    """Nothing is decided while another router plans."""

    def __init__(
        self, situation: Situation, meter: Meter, decision_log: RoundLog, ports: DecisionPorts
    ) -> None:
        self._situation, self._meter, self._log = situation, meter, decision_log
        self._ports = ports

    def decide(self) -> None:
        """One round: flows from the datapoints, moves from the rosters."""
        if not self._ports.plans():
            self._ports.plan(())
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
        self._ports.plan(moves)

    def _asked(self, decided: tuple[Flow, ...], planned: tuple[int, ...]) -> tuple[int, ...]:
        """The same, with those that were asked for below."""
        below, counts = self._ports.below, []
        for flow, n in zip(decided, planned, strict=True):
            asks = below.chooses(flow.source) and not flow.exchanges
            if asks:
                below.ask(flow)
            counts.append(flow.players if asks else n)
        return tuple(counts)

    def _choose(self, decided: tuple[Flow, ...], now: float) -> tuple[Move, ...]:
        policy, members = self._situation.policy, self._situation.fleet.members()
        zones = {member.name: member.zone for member in members}
        involved = {flow.source for flow in decided} | {flow.target for flow in decided}
        return choose(self._ports.residents(involved), decided, policy, now, policy.budget, zones)


def _announce(decided: tuple[Flow, ...]) -> None:
    for flow, way in ways(decided):
        log.info(
            "{way}: {reason}",
            way=way, reason=flow.reason,
            players=flow.players, source=flow.source, target=flow.target,
        )  # fmt: skip
