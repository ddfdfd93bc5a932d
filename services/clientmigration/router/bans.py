"""The bans that this router knows: kept in the ledger, so that equal routers have the same.

They are all known here, so nobody waits for the ledger to hear whether somebody may play; what
another router has changed is known `LOOK_S` later. Who is banned is put out elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.defer import DeferredLock

from clientmigration.core.player import bans as rules
from clientmigration.core.player.bans import EACH, HEAD, Ban
from clientmigration.errors import Refused
from clientmigration.net.complaints import SparingLogger
from clientmigration.net.ledger import TimedLedger

log = SparingLogger(__name__)

LOOK_S = 0.3  # how often it is looked whether another router has changed anything
AGAIN_S = 30.0  # and for good measure everything is read again


class BanNews(Protocol):
    """Who has to know at once."""

    def banned(self, ban: Ban) -> None:
        """From now on."""

    def unbanned(self, player: str) -> None:
        """From now on it may play."""


class Bans:
    """`now` is the date; `told` hears what is new, whichever router was asked for it."""

    def __init__(self, ledger: TimedLedger, now: Callable[[], float], told: BanNews) -> None:
        self._ledger, self._now, self._told = ledger, now, told
        self._known: dict[str, Ban] = {}
        self._seen = -1  # the number of the last change that is known
        self._read_at = 0.0
        self._silent = False  # whether the ledger has not answered, and that was said
        self._one = DeferredLock()  # what is read must not be older than what was changed

    def __len__(self) -> int:
        return len(self._known)

    def of(self, player: str) -> Ban | None:
        """The ban of this player, if there is one that is not over."""
        ban = self._known.get(player)
        return ban if ban is not None and ban.holds(self._now()) else None

    def listed(self) -> list[Ban]:
        """All that are not over, by name."""
        now = self._now()
        return sorted((ban for ban in self._known.values() if ban.holds(now)), key=_name)

    def measures(self) -> dict[str, float]:
        """Of the catalogue."""
        return {"bans": len(self.listed())}

    async def known(self) -> None:
        """Wait until they are, right after the start. Fails with the ledger's error."""
        if self._seen < 0:
            async with self._one:
                await self._first()

    # What operators order.

    async def ban(self, ban: Ban) -> None:
        """It is banned, and everybody knows, before this answers. Raises Refused if there are too
        many bans."""
        async with self._one:
            await self._first()
            rule = rules.banned(ban)
            (answer,) = await self._ledger.rule([(rules.shard_of(ban.player), rule)])
            if not answer.made:
                raise Refused(f"there are {EACH} bans in this record of the ledger already")
            self._learn({**self._known, ban.player: ban})
            await self._changed()

    async def unban(self, player: str) -> bool:
        """It may play again. Whether it was banned."""
        async with self._one:
            await self._first()
            rule = rules.unbanned(player)
            (answer,) = await self._ledger.rule([(rules.shard_of(player), rule)])
            if answer.made:
                self._learn({name: ban for name, ban in self._known.items() if name != player})
                await self._changed()
            return answer.made

    async def _changed(self) -> None:
        """Have other routers look: after the change itself, or they could look too early."""
        (head,) = await self._ledger.rule([(HEAD, rules.counted)])
        if head.record.epoch == self._seen + 1:  # else others have changed something too
            self._seen += 1

    # What others have ordered.

    async def look(self) -> None:
        """Learn what is new, if anything is. A ledger that is away is asked again."""
        try:
            async with self._one:
                await self._look()
        except Exception as error:
            if not self._silent:
                log.warn("bans are not known anew: {why}", why=str(error))
            self._silent = True
        else:
            self._silent = False

    async def _first(self) -> None:
        if self._seen < 0:
            await self._look()

    async def _look(self) -> None:
        head, now = await self._ledger.read(HEAD), self._now()
        if head.epoch == self._seen and abs(now - self._read_at) <= AGAIN_S:
            return
        found: dict[str, Ban] = {}
        for key in rules.shards() if head.epoch else ():
            found |= rules.bans_in(await self._ledger.read(key), now)
        self._learn(found)
        self._seen, self._read_at = head.epoch, now

    def _learn(self, found: dict[str, Ban]) -> None:
        before, self._known = self._known, found
        for name, ban in found.items():
            if before.get(name) != ban:
                self._told.banned(ban)
        now = self._now()
        for name in before.keys() - found.keys():
            if before[name].holds(now):
                self._told.unbanned(name)

    async def keep(self) -> None:
        """Write them anew, so that no ledger drops them as old; if there were ever any."""
        if self._seen <= 0:
            return
        shards = [(key, rules.rewritten) for key in rules.shards()]
        await self._ledger.rule([*shards, (HEAD, rules.counted)])


def _name(ban: Ban) -> str:
    return ban.player


def page(bans: Sequence[Ban], after: str, most: int) -> tuple[list[Ban], bool]:
    """Those after this name, and whether there are more."""
    rest = [ban for ban in bans if ban.player > after]
    return rest[:most], len(rest) > most
