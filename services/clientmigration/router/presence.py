"""Tells everyone who has to know that a member has come or gone, always in the same order.

It keeps since when members are away, and with it how long their players wait for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.logger import Logger

from clientmigration.core.fleet.grace import ReconnectGrace
from clientmigration.core.fleet.member import Member
from clientmigration.router.attached import AttachedMembers, Gone, MemberLink
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Attach

log = Logger()

OnJoined = Callable[[Member], None]
OnLeft = Callable[[Gone], None]


@dataclass(frozen=True)
class EqualEars:
    """Who is told of the link of an equal of a member that is there all the same."""

    joined: Callable[[MemberLink], None]
    left: Callable[[MemberLink], None]


class Presence:
    """Whoever is in `joined` or `left` is told in that order, when the fleet has been changed.
    `now` is the clock by which waits are measured."""

    def __init__(
        self,
        members: AttachedMembers,
        situation: Situation,
        joined: Sequence[OnJoined],
        left: Sequence[OnLeft],
        now: Callable[[], float],
        equal: EqualEars,
    ) -> None:
        self._members, self._situation = members, situation
        self._joined, self._left, self._now, self._equal = joined, left, now, equal
        self._grace = ReconnectGrace(0.0)

    def begin(self) -> None:
        """From now on members can come."""
        self._grace = ReconnectGrace(self._now())

    def joined(self, link: MemberLink, attach: Attach) -> None:
        """A member is attached, or an equal of one that is."""
        fleet, name = self._situation.fleet, link.name
        if len([*self._members.links(name)]) > 1:
            log.info("{name} has one router more", name=name)
            self._members.remind(link)
            self._equal.joined(link)
            return
        self._grace.back(name)
        fleet.attach(name, attach.role, attach.address, attach.zone, attach.inner)
        fleet.runs(name, link.release)
        log.info("{name} at {address} joins the fleet", name=name, address=attach.address)
        member = fleet.member(name)
        assert member is not None
        for told in self._joined:
            told(member)

    def left(self, link: MemberLink, reason: str, leaving: bool = False) -> None:
        """The link is gone: its member takes part in nothing until it comes back. Whoever was
        `leaving` had said so."""
        if not self._members.still(link):
            return
        fleet, name = self._situation.fleet, link.name
        if not self._members.lose(link):
            log.warn("{name} has one router less: {reason}", name=name, reason=reason)
            self._equal.left(link)
            return
        member = fleet.member(name)
        assert member is not None
        self._grace.left(name, self._now())
        fleet.detach(name)
        if leaving:
            log.info("{name} has left the fleet: {reason}", name=name, reason=reason)
        else:
            log.warn("{name} is gone: {reason}", name=name, reason=reason)
        for told in self._left:
            told(Gone(member, reason, leaving, link.life, link.primary))

    def given_up_at(self, name: str) -> float:
        """Until when (seconds of the clock) the players of a member that is away wait for it."""
        return self._grace.given_up_at(name)
