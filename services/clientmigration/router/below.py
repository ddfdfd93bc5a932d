"""Routers below this one: members like any other, but that they choose themselves who leaves, have
players at doors of their own, and are never given up.

Which of several routers a player comes to does not matter: whoever does not know it asks above, and
there it is decided as at our own door. A router that is away may have its players playing on, so
nobody is taken over from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from msgspec import UNSET, UnsetType
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from clientmigration.core.fleet import zones
from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.flow import Flow
from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.pings import KnownPings
from clientmigration.net.beats import Beats
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.attached import AttachedMembers, Gone, MemberLink
from clientmigration.router.move import MoveTerms
from clientmigration.wire.messages import Entry, Report
from clientmigration.wire.shared import About
from clientmigration.wire.zones import Branch, Inquire, Inquired, Offer, Part

log = Logger()

OFFER_S = 3.0  # a router answers within a few round trips, or has nobody to offer
ASKED_S = 10.0  # what was asked for and not offered by then is not wanted any more
ANSWER_S = 3.0  # the same for the question whether it knows a player


NONE = Branch([])


class Begins(Protocol):
    """Who begins planned moves, one after the other."""

    def more(self, move: Move) -> None:
        """One more."""


@dataclass
class _Wanted:
    """So many more may be offered for this, until then (seconds of the clock)."""

    left: int
    reason: str
    until: float


class Crossings:
    """What was asked of routers below, and what they have offered."""

    def __init__(self, clock: IReactorTime, members: AttachedMembers, begins: Begins) -> None:
        self._clock, self._members, self._begins = clock, members, begins
        self._asked: dict[tuple[str, str], _Wanted] = {}
        self._awaited: dict[str, Deferred[str]] = {}

    def chooses(self, member: str) -> bool:
        """Whether this member chooses itself who leaves it."""
        link = self._members.get(member)
        return link is not None and link.role == "router"

    def ask(self, flow: Flow) -> None:
        """Have it offer players for this flow."""
        until = self._clock.seconds() + ASKED_S
        self._asked[flow.source, flow.target] = _Wanted(flow.players, flow.reason, until)
        wish = Part(flow.target, flow.players, drains=flow.empties)
        self._members.tell(flow.source, wish)

    def offered(self, link: MemberLink, offer: Offer) -> None:
        """One of its players can go."""
        player = offer.player.player
        self._members.offered(link, offer.player)
        awaited = self._awaited.pop(player, None)
        if awaited is not None:
            awaited.callback(link.name)
            return
        asked = self._asked.get((link.name, offer.target))
        if asked is None or not asked.left or self._clock.seconds() > asked.until:
            return
        asked.left -= 1
        self._begins.more(Move(player, link.name, offer.target, asked.reason))

    async def one(self, player: str, source: str, target: str) -> bool:
        """Have one player offered, whom somebody has ordered there. Whether it was."""
        waiting = self._awaited[player] = Deferred()
        self._members.tell(source, Part(target, 1, player))
        waiting.addTimeout(OFFER_S, self._clock, lambda _result, _s: "")
        return bool(await waiting)


class Branches:
    """What routers below say of themselves: that they are routers, where one of their servers can
    be pinged, which members they have, and whether they know a player."""

    def __init__(
        self,
        members: AttachedMembers,
        ledger: TimedLedger,
        beats: Beats,
        moved: Callable[[str, str], None],
        clock: IReactorTime,
    ) -> None:
        self._members, self._ledger, self._beats, self._moved = members, ledger, beats, moved
        self._clock = clock
        self._under: dict[str, Branch] = {}
        self._unsaid: set[str] = set()  # routers of which the ledger does not know yet
        self._numbers = count(1)
        self._asked: dict[int, Deferred[bool]] = {}

    def joined(self, member: Member) -> None:
        """A member is attached. That it is a router is kept for when it is away."""
        if member.role == "router":
            self._unsaid.add(member.name)
            self._beats.spawn("noting a router", self._note(zones.added(member.name), member.name))

    def left(self, gone: Gone) -> None:
        """A member is gone."""
        name = gone.member.name
        self._under.pop(name, None)
        if gone.leaving and gone.member.role == "router":
            self._beats.spawn("forgetting a router", self._note(zones.dropped(name), name))

    async def _note(self, rule: zones.Rule, name: str) -> None:
        await self._ledger.rule([(zones.KEY, rule)])
        self._unsaid.discard(name)

    async def keep(self) -> None:
        """Have the ledger keep which they are; if there were ever any."""
        for name in [*self._unsaid]:
            await self._note(zones.added(name), name)
        await self._ledger.rule([(zones.KEY, zones.rewritten)])

    async def known(self) -> set[str]:
        """The names of all routers that belong here, whether they are there or not, and whichever
        of several equals they were attached to."""
        return self._unsaid | zones.zones_in(await self._ledger.read(zones.KEY))

    async def forget(self, name: str) -> None:
        """One will not come back."""
        await self._note(zones.dropped(name), name)

    async def is_router(self, name: str) -> bool:
        """Whether the member of this name, which may be away, is a router."""
        link = self._members.get(name)
        if link is not None:
            return link.role == "router"
        return name in await self.known()

    async def may_have(self, player: str) -> bool:
        """Whether one of them may have this player, of whom we know nothing: one that is away may
        have let it in, and so may one that was until a moment ago. All others are asked."""
        links = [self._members.get(name) for name in sorted(await self.known())]
        if not all(link is not None and link.listed_at for link in links):
            return True
        for link in links:
            if link is None or await self._has(link.name, player):
                return True
        return False

    async def _has(self, name: str, player: str) -> bool:
        """Of equals, which have one ledger, whoever answers first is heard."""
        n = next(self._numbers)
        waiting = self._asked[n] = Deferred()
        self._members.tell_all(name, Inquire(n, player))
        try:
            return await waiting.addTimeout(ANSWER_S, self._clock)
        except DeferredTimeout:
            return True
        finally:
            self._asked.pop(n, None)

    def answered(self, _link: MemberLink, message: Inquired) -> None:
        """One of them was asked for a player."""
        waiting = self._asked.pop(message.n, None)
        if waiting is not None:
            waiting.callback(message.have)

    def reported(self, link: MemberLink, report: Report) -> None:
        """Where players can ping one of its servers. Of equals one is heeded."""
        if report.address is not UNSET and self._members.get(link.name) is link:
            self._moved(link.name, report.address)

    def told(self, link: MemberLink, branch: Branch) -> None:
        """Its members. Of equals one is heeded."""
        if self._members.get(link.name) is not link:
            return
        self._under[link.name] = branch

    def under(self, name: str) -> Branch:
        """The members of this one, as it said itself."""
        return self._under.get(name, NONE)


class Knowledge:
    """What a router below is told of a player whom it is to place."""

    def __init__(self, members: AttachedMembers, pings: KnownPings, now: Callable[[], float]):
        self._members, self._pings, self._now = members, pings, now

    def of(self, terms: MoveTerms) -> About | UnsetType:
        """All that is known and that matters there; nothing to a game server."""
        target = self._members.get(terms.target)
        if target is None or target.role != "router":
            return UNSET
        return About(
            self._place(terms), terms.group, dict(self._pings.known(terms.player, self._now()))
        )

    def _place(self, terms: MoveTerms) -> tuple[float, float] | None:
        source = self._members.get(terms.source)
        entry: Entry | None = source.roster.get(terms.player) if source is not None else None
        last = terms.record.snapshot
        if entry is not None:
            return entry.x, entry.y
        return (last.x, last.y) if last is not None else None
