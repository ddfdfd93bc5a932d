"""The router's decisions, every few seconds: ask the pure policy, then carry out what it says.

Nothing is decided here. Moves are begun one by one at the policy's pace, so that a decision never
becomes a burst.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Container
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.fleet.choice import Move as Planned
from clientmigration.core.fleet.choice import choose
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.fleet.world import Position
from clientmigration.core.player.migration import Outcome

if TYPE_CHECKING:
    from clientmigration.router.service import Router

log = Logger()


class Decisions:
    """Decides, and begins what was decided."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.planned: deque[Planned] = deque()
        self._next: IDelayedCall | None = None

    def decide(self) -> None:
        """One round: flows from the datapoints, moves from the roster."""
        router, policy, now = self.router, self.router.policy, self.router.now()
        started = time.perf_counter()
        decided = flows(router.fleet, policy, now)
        moves = self._choose(decided, now) if decided else ()
        router.meter.gauge("decision_ms", (time.perf_counter() - started) * 1000)
        router.journal.held(now, decided, moves)
        if not decided:
            return
        router.fleet.decided(decided, now)
        router.meter.count("flows", len(decided))
        router.meter.count("planned_moves", len(moves))
        self._announce(decided)
        self.planned = deque(moves)
        self._begin()

    def _choose(self, decided: tuple[Flow, ...], now: float) -> tuple[Planned, ...]:
        policy, members = self.router.policy, self.router.fleet.members()
        zones = {member.name: member.zone for member in members}
        involved = {flow.source for flow in decided} | {flow.target for flow in decided}
        return choose(self.roster(involved), decided, policy, now, policy.budget, zones)

    def _announce(self, decided: tuple[Flow, ...]) -> None:
        for flow in decided:
            log.info(
                "{players} players from {source} to {target}: {reason}",
                players=flow.players, source=flow.source, target=flow.target, reason=flow.reason,
            )  # fmt: skip

    def roster(self, involved: Container[str]) -> list[Resident]:
        """Everybody who plays at these members, as they listed them."""
        moves, pings, now = self.router.moves, self.router.pings, self.router.now()
        return [
            Resident(
                player=entry.player,
                member=name,
                position=Position(entry.x, entry.y),
                ping_ms=pings.known(entry.player, now),
                moved_at=moves.moved_at.get(entry.player),
                locked=entry.player in moves.by_player,
                busy=entry.busy,
                group=entry.group,
            )
            for name, member in self.router.members.items()
            if name in involved
            for entry in member.roster.values()
            if entry.state == "playing"
        ]

    def _begin(self) -> None:
        """Begin the next move, and the one after it a moment later."""
        if self._next is not None and self._next.active():
            return
        if not self.planned:
            return
        move = self.planned.popleft()
        starting = self.router.moves.start(move.player, move.source, move.target, move.reason)
        Deferred.fromCoroutine(starting).addCallbacks(self._ended, self._failed)
        pace = 1.0 / max(1.0, self.router.policy.limits.moves_per_second)
        self._next = self.router.clock.callLater(pace, self._begin)

    def _ended(self, outcome: Outcome | None) -> None:
        """Counted where it ended."""

    def _failed(self, failure: Failure) -> None:
        log.failure("a move could not be begun", failure)

    def stop(self) -> None:
        """Begin nothing more."""
        self.planned.clear()
        if self._next is not None and self._next.active():
            self._next.cancel()
