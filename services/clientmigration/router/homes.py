"""Where a player that comes to the door belongs: what the ledger says, once nothing is under way.

A server that is away gets a moment to come back before its player is taken over from it. One that
is away only from here, and attached to another router, is not away: that router knows the way. A
record that was waived is waited for: it is about to be undone. Nobody is moved here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from clientmigration.core.player.ledger import ABOVE, Record
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.attached import AttachedMembers

log = Logger()

SENT_ON_S = 10.0  # who was sent on to another router, and is back so soon, did not get in there
SENT_ON = 1_000  # players of whom that is known
LOOK_S = 0.1  # how often it is looked whether a waived player was given back
BACK_S = 5.0  # so long a player waits for the router of its zone, and then asks again

Elsewhere = Callable[[str], Coroutine[Deferred[Any], Any, bool]]
Meanwhile = Callable[[Record], Coroutine[Deferred[Any], Any, None]]


async def nowhere(_name: str) -> bool:
    """There is no other router."""
    return False


ZONE_AWAY = "the router of the part of the world that you left is away; try again"
ATTACHED_ELSEWHERE = "your server is attached to another router"


class KnownElsewhere(Exception):
    """Only another router knows how the player is. The text is for the player."""


async def nothing_meanwhile(_record: Record) -> None:
    """What those do who have nobody at the door: nothing."""


@dataclass(frozen=True)
class AwayPorts:
    """What is known of members that are not here: `given_up_at` answers until when (seconds of the
    clock) the players of one wait for it, `elsewhere` whether it is attached to another router,
    `is_router` whether it is one; `may_have` whether one may have this player, of whom we know
    nothing."""

    given_up_at: Callable[[str], float]
    is_router: Elsewhere
    may_have: Elsewhere
    elsewhere: Elsewhere = nowhere


class Homes:
    """`idle` fires when no migration of a player is under way; `waived` answers whether a record is
    about to be undone; `away` knows of those who are not here."""

    def __init__(
        self,
        members: AttachedMembers,
        ledger: TimedLedger,
        idle: Callable[[str], Deferred[None]],
        away: AwayPorts,
        waived: Callable[[Record], bool],
        clock: IReactorTime,
    ) -> None:
        self._sent_on: dict[str, float] = {}
        self._members, self._ledger, self._clock = members, ledger, clock
        self._idle, self._away, self._waived = idle, away, waived

    def here(self, record: Record) -> str:
        """The player's owner, if it is attached now, or ""."""
        return record.owner if record.owner in self._members else ""

    def below(self, record: Record) -> bool:
        """Whether the owner is a router that is attached: nobody else knows how its player is, so
        nobody but that one gives it up."""
        link = self._members.get(record.owner)
        return link is not None and link.role == "router"

    async def record_of(self, player: str, meanwhile: Meanwhile, new: bool = True) -> Record:
        """The ledger's record with nothing under way. If the owner is away, `meanwhile` is done
        while it may come back: this time has to pass anyway. Raises `KnownElsewhere` if another
        router knows the owner, if nobody may take the player over, or if one that is not `new` may
        be known where nobody can be asked."""
        await self._idle(player)
        record = await self._ledger.read(player)
        while self._waived(record):
            await deferLater(self._clock, LOOK_S)
            record = await self._ledger.read(player)
        if record.epoch == 0 and not new and await self._away.may_have(player):
            raise KnownElsewhere(ZONE_AWAY)
        if record.owner in ("", ABOVE) or record.owner in self._members:
            return record  # nobody is waited for who is the router's above to give
        if await self._away.is_router(record.owner):
            until = self._clock.seconds() + BACK_S
            if not await self._members.until(record.owner, until):
                raise KnownElsewhere(ZONE_AWAY)
            return record
        doing = Deferred.fromCoroutine(meanwhile(record))
        doing.addErrback(lambda failure: failure.trap(CancelledError))
        back = await self._members.until(record.owner, self._away.given_up_at(record.owner))
        if back:
            doing.cancel()
        await doing
        if back:
            return record
        if await self._is_sent_on(record):
            raise KnownElsewhere(ATTACHED_ELSEWHERE)
        log.info("{player} is taken over from {owner}", player=player, owner=record.owner)
        return await self._ledger.read(player)

    async def _is_sent_on(self, record: Record) -> bool:
        """Whether its owner is somewhere else; once, for perhaps the player cannot go there."""
        now = self._clock.seconds()
        sent_at = self._sent_on.pop(record.player, None)
        if sent_at is not None and now - sent_at < SENT_ON_S:
            return False
        if not await self._away.elsewhere(record.owner):
            return False
        while len(self._sent_on) >= SENT_ON:
            del self._sent_on[next(iter(self._sent_on))]
        self._sent_on[record.player] = now
        log.info("{owner} is attached elsewhere, and so is its player", owner=record.owner)
        return True
