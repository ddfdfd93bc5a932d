"""Where a player that comes to the door belongs: what the ledger says, once nothing is under way.

A server that is away gets a moment to come back before its player is taken over from it. A record
that was waived is waited for: it is about to be undone. Nobody is moved here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from clientmigration.core.player.ledger import Record
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.attached import AttachedMembers

log = Logger()

LOOK_S = 0.1  # how often it is looked whether a waived player was given back
BACK_S = 5.0  # so long a player waits for the router of its zone, and then asks again

Meanwhile = Callable[[Record], Coroutine[Deferred[Any], Any, None]]


class ZoneAway(Exception):
    """The player belongs to a router below, which is away: nobody else knows how it is."""


async def nothing_meanwhile(_record: Record) -> None:
    """What those do who have nobody at the door: nothing."""


@dataclass(frozen=True)
class HomePorts:
    """`idle` fires when no migration of a player is under way; `given_up_at` answers until when
    (seconds of the clock) the players of a member that is away wait for it; `waived` whether a
    record is about to be undone; `is_router` whether a member that may be away is a router;
    `missing` whether one is away that may have players of whom we know nothing."""

    idle: Callable[[str], Deferred[None]]
    given_up_at: Callable[[str], float]
    waived: Callable[[Record], bool]
    is_router: Callable[[str], Coroutine[Deferred[Any], Any, bool]]
    missing: Callable[[], bool]


class Homes:
    """Asks the ledger, and waits for what has to be waited for."""

    def __init__(
        self, members: AttachedMembers, ledger: TimedLedger, clock: IReactorTime, ports: HomePorts
    ) -> None:
        self._members, self._ledger, self._clock, self._ports = members, ledger, clock, ports

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
        while it may come back: this time has to pass anyway. Raises `ZoneAway` if nobody may take
        the player over, or if one that is not `new` may be known where nobody can be asked."""
        await self._ports.idle(player)
        record = await self._ledger.read(player)
        while self._ports.waived(record):
            await deferLater(self._clock, LOOK_S)
            record = await self._ledger.read(player)
        if record.epoch == 0 and not new and self._ports.missing():
            raise ZoneAway(player)
        if not record.owner or record.owner in self._members:
            return record
        if await self._ports.is_router(record.owner):
            until = self._clock.seconds() + BACK_S
            if not await self._members.until(record.owner, until):
                raise ZoneAway(record.owner)
            return record
        doing = Deferred.fromCoroutine(meanwhile(record))
        doing.addErrback(lambda failure: failure.trap(CancelledError))
        back = await self._members.until(record.owner, self._ports.given_up_at(record.owner))
        if back:
            doing.cancel()
        await doing
        if back:
            return record
        log.info("{player} is taken over from {owner}", player=player, owner=record.owner)
        return await self._ledger.read(player)
