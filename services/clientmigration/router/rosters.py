"""The rosters: which players each member has, where they are, how far away and in which group.

A roster comes in parts and counts when it is complete. It changes nobody's owner: what does not fit
is for recovery to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from clientmigration.core.fleet.pings import KnownPings
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Roster


class Reconciler(Protocol):
    """Whoever learns from a roster, or compares it with what it knows of the players."""

    def listed(self, link: MemberLink) -> None:
        """The link has a new roster."""


class Rosters:
    """Takes rosters in, and tells whoever wants to know. A router lists only those of its players
    about whom something is to be decided: that is told `below`."""

    def __init__(
        self,
        members: AttachedMembers,
        situation: Situation,
        pings: KnownPings,
        told: Sequence[Reconciler],
        below: Callable[[MemberLink], None] = lambda _link: None,
    ) -> None:
        self._members, self._situation, self._told = members, situation, told
        self._pings, self._below = pings, below

    def take(self, link: MemberLink, message: Roster) -> None:
        """One part of a roster."""
        if self._members.listed(link, message):
            if link.role == "router":
                self._below(link)
                return
            self._learn(link)
            for each in self._told:
                each.listed(link)

    def _learn(self, link: MemberLink) -> None:
        """How far its players are from here."""
        zone, now = self._situation.fleet.zone(link.name), self._situation.now()
        for each in link.roster.values():
            if each.ping_ms is not None:
                self._pings.note(each.player, {zone: each.ping_ms}, now)
