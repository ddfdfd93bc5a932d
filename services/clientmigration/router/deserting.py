"""Forgets a router below that will never come back: whoever was its own is nobody's from then on.

Nobody else gives up a player of a zone that is away, for it may be playing there. So this is done
by an operator's order only, and not while the zone is attached.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from clientmigration.core.fleet import zones
from clientmigration.core.player.ledger import Record
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.attached import AttachedMembers
from clientmigration.router.below import Branches
from clientmigration.wire.operators import Ended, Order

log = Logger()

PART = 200  # records that are changed at once


class Deserted:
    """Carries out the order. `each` hands over every record of the ledger; `elsewhere` answers
    whether another router has a member of this name."""

    def __init__(
        self,
        members: AttachedMembers,
        branches: Branches,
        ledger: TimedLedger,
        each: Callable[[Callable[[Record], None]], Deferred[int]],
        elsewhere: Callable[[str], Coroutine[Deferred[Any], Any, bool]],
    ) -> None:
        self._members, self._branches = members, branches
        self._ledger, self._each, self._elsewhere = ledger, each, elsewhere

    async def carry_out(self, order: Order) -> Ended:
        """Forget it. The name goes last: should this break off, it can be ordered again."""
        name = order.member
        if why := await self._refusal(name):
            return Ended(order.n, "refused", why)
        found: list[str] = []
        await self._each(lambda record: _note(record, name, found))
        freed = 0
        for start in range(0, len(found), PART):
            if name in self._members:
                return Ended(
                    order.n, "refused", f"{name} has come back; {freed} players were freed"
                )
            rules = [(player, zones.deserted(name)) for player in found[start : start + PART]]
            freed += sum(answer.made for answer in await self._ledger.rule(rules))
        await self._branches.forget(name)
        log.info("{name} is forgotten, {n} players are nobody's", name=name, n=freed)
        return Ended(
            order.n, "done", f"{name} is forgotten: {freed} players of it are nobody's now"
        )

    async def _refusal(self, name: str) -> str:
        known = await self._branches.known()
        if name in self._members or (name in known and await self._elsewhere(name)):
            return f"{name} is attached: drain it, and stop it"
        if name not in known:
            away = ", ".join(sorted(known - set(self._members))) or "none"
            return f"no router that is away is called {name!r}; away: {away}"
        return ""


def _note(record: Record, zone: str, found: list[str]) -> None:
    if record.owner == zone:
        found.append(record.player)
