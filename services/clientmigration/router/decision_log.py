"""The router's journal: every round of decisions as an event, so that anybody can decide it again.

A decision is posted at once, quiet rounds together: half a minute's worth, or as many as fit into
one event, or those until a member came or went. What graphite-web does not take is lost, and
counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clientmigration.core.decisions.rounds import DecisionRecord, Round, moves_of, peculiar, witness
from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.flow import Flow

if TYPE_CHECKING:
    from clientmigration.router.service import Router

QUIET_ROUNDS = 15  # half a minute of them
QUIET_BYTES = 6_000  # of one event; the members, the policy and JSON within JSON take the rest


class DecisionLog:
    """See the module. It has to hear of members that come and go, and of every round."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.since: dict[str, float] = {}
        self._quiet: list[Round] = []
        self._bytes = 0

    def joined(self, role: str, name: str, since: float) -> None:
        """From `since` on, decisions about this member count."""
        self.flush()
        self.since[f"{role}.{name}"] = since

    def left(self, role: str, name: str) -> None:
        """It is no member any more."""
        self.flush()
        self.since.pop(f"{role}.{name}", None)

    def held(self, now: float, flows: Sequence[Flow], moves: Sequence[Move]) -> None:
        """A round is over; the fleet is still as it was when flows were asked for."""
        planned = moves_of(flows, ((move.source, move.target) for move in moves))
        seen = witness(self.router.fleet, self.router.policy, now, flows, planned)
        if flows:
            tags = ["clientmigration", "decision"]
            self.router.events.post(seen.sentence(), tags, int(now), self._record([seen]))
        elif self.since:
            self._quiet.append(seen)
            self._bytes += len(DecisionRecord((seen,)).text())
            if len(self._quiet) >= QUIET_ROUNDS or self._bytes > QUIET_BYTES:
                self.flush()

    def flush(self) -> None:
        """Post the quiet rounds that have not been posted yet."""
        if self._quiet:
            what = f"{len(self._quiet)} rounds in which nobody was moved"
            record = self._record(self._quiet)
            self.router.events.post(what, ["rounds"], int(self._quiet[-1].now), record)
        self._quiet, self._bytes = [], 0

    def _record(self, rounds: Sequence[Round]) -> str:
        router, policy = self.router.member, peculiar(self.router.policy)
        return DecisionRecord(tuple(rounds), dict(self.since), policy, router).text()
