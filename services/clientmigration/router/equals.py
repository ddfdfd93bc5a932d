"""This router among its equals: what it does, and what it leaves to another.

Equal routers have one ledger, and hear of each other only by what members report. Nothing is agreed
on: each decides alone what all decide alike (core/fleet/equals.py), and where that is too late or
too early the ledger and the seats hold.
"""

from __future__ import annotations

from math import inf

from clientmigration.core.fleet.equals import planner
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.reconcile import Instruction, anothers, in_time
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Entry

HANDED_S = 3.0  # by then the members of a router that has come are attached, and have reported


class Equals:
    """The router of this `name`; `shared`: it may have equals. `members` tell which routers each is
    attached to, `situation` which of them are fresh."""

    def __init__(
        self, name: str, shared: bool, members: AttachedMembers, situation: Situation
    ) -> None:
        self.name, self.shared = name, shared
        self._members, self._situation = members, situation
        self._plans_since = inf
        self._tells, self._same_at = False, -inf

    def _fresh(self) -> list[MemberLink]:
        situation = self._situation
        now, policy = situation.now(), situation.policy
        return [
            link for name, link in self._members.items() if situation.fleet.fresh(name, now, policy)
        ]

    def first(self) -> bool:
        """Whether this router plans, and counts what there is of the whole fleet."""
        if not self.shared:
            return True
        return (
            planner({link.name: link.routers or (self.name,) for link in self._fresh()})
            == self.name
        )

    def tells(self) -> bool:
        """Whether it tells of the fleet as a whole; to be asked at each report. Where several are,
        the one before goes on for a moment: who has just come may not have all members yet."""
        now, first = self._situation.now(), self.first()
        others = any(router != self.name for link in self._fresh() for router in link.routers)
        if first == self._tells:
            self._same_at = now
        elif not others or now - self._same_at >= HANDED_S:
            self._tells = first
        return self._tells

    def plans(self) -> bool:
        """Whether it is to decide now. Who has just become the first waits until reports show what
        the one before it had decided."""
        if not self.shared:
            return True
        now = self._situation.now()
        self._plans_since = min(self._plans_since, now) if self.first() else inf
        return now - self._plans_since >= self._situation.policy.rebalance.settle_s

    def serves(self) -> bool:
        """Whether there is anybody to send players to; otherwise an equal may have somebody."""
        return not self.shared or bool(self._fresh())

    def leaves(self, link: MemberLink, entry: Entry) -> bool:
        """Whether another router sees to this player of a member."""
        tended = link.shared.get(entry.player)
        return anothers(entry, tended, self.name, link.primary == self.name)

    def in_time(
        self,
        told: tuple[Instruction, ...],
        link: MemberLink,
        entry: Entry,
        record: Record,
        owner: Entry | None,
    ) -> tuple[Instruction, ...]:
        """What of that may be said to a member already."""
        return in_time(told, entry, link.shared.get(entry.player), record, owner)
