"""Where a newcomer goes: asks the pure placement, and tells everybody who counts on the answer.

Nothing is decided here; who is next is the queue's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from twisted.logger import Logger

from clientmigration.core.decisions.audit import AuditTrail, placed
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import Placement, decided, place
from clientmigration.core.measures.meter import Meter
from clientmigration.net.complaints import Sparing
from clientmigration.router.companions import Companions
from clientmigration.router.situation import Situation

log = Logger()


class Reachable(Protocol):
    """Who knows which members players could not reach."""

    def avoided(self, player: str) -> Mapping[str, float]:
        """Those that this one could not reach lately, and from when on it may try again."""

    def trying(self, member: str) -> None:
        """Somebody is about to go there."""


class Placing:
    """`companions` knows with whom a newcomer would be, `arrivals` whom players could not reach."""

    def __init__(
        self,
        situation: Situation,
        companions: Companions,
        arrivals: Reachable,
        meter: Meter,
        audit: AuditTrail,
    ) -> None:
        self._situation, self._companions, self._arrivals = situation, companions, arrivals
        self._meter, self._audit, self._sparing = meter, audit, Sparing()

    def find(self, newcomer: Newcomer, group: str, waited_s: float) -> str:
        """The member to go to, "" while there is none. It counts as sent there from now on."""
        fleet, policy, now = self._situation.fleet, self._situation.policy, self._situation.now()
        mates, near = self._companions.of(newcomer.player, group, newcomer.position)
        newcomer = Newcomer(
            player=newcomer.player,
            position=newcomer.position,
            pings=newcomer.pings,
            waited_s=max(0.0, waited_s),
            mates=mates,
            stranded=newcomer.stranded,
            refused_by=newcomer.refused_by,
            avoids=self._arrivals.avoided(newcomer.player),
            near=near,
        )
        placement = place(newcomer, fleet, policy, now)
        if placement.member is None:
            return ""
        fleet.placed(placement.member, now)
        self._arrivals.trying(placement.member)
        self._meter.count(f"placed_by_{decided(placement, policy)}")
        self._audit.keep(placed(newcomer, placement, now))
        self._companions.sent(newcomer, group, placement.member)
        self._tell(newcomer, placement, now)
        return placement.member

    def stays_away(self, member: str) -> None:
        """Somebody who was sent there will not come: the place is free again."""
        self._situation.fleet.stays_away(member)

    def _tell(self, newcomer: Newcomer, placement: Placement, now: float) -> None:
        """In the log. Of a crowd a few are named there; the audit trail keeps all, with reasons."""
        more = self._sparing.may("placed", newcomer.player, now)
        if more is None:
            return
        best = placement.reasons[0]
        log.info(
            "{player} goes to {member}: ping {ping:.2f}, load {load:.2f}, position {position:.2f}, "
            "group {group:.2f}{more}",
            player=newcomer.player, member=best.member,
            ping=best.ping, load=best.load, position=best.position, group=best.group,
            more=f" (and {more} more that were not shown)" if more else "",
        )  # fmt: skip
