"""The orders that operators give: drain a server, move a player, put one out. A move is carried out
as any other.

An order that makes no sense now is refused with the reason, in words.
"""

from __future__ import annotations

from typing import Protocol

from clientmigration.core.fleet.rebalance import refuge
from clientmigration.core.player.ledger import Record
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.attached import AttachedMembers
from clientmigration.router.move import MoveEnded
from clientmigration.router.situation import Situation
from clientmigration.wire.base import Drain
from clientmigration.wire.operators import Ended, Order

FORCE = "--force drains it all the same"


class PlayerMover(Protocol):
    """Who moves players."""

    def moving(self, player: str) -> bool:
        """Whether this one is being moved."""

    async def start(self, player: str, source: str, target: str) -> MoveEnded | None:
        """How the move ended; None if it could not be begun."""


class Guard(Protocol):
    """Who puts players out."""

    async def carry_out(self, order: Order, by: str) -> Ended:
        """Kick, ban or unban a player; answers when that is so."""


class Offers(Protocol):
    """The members that are routers."""

    def chooses(self, member: str) -> bool:
        """Whether this is one."""

    async def one(self, player: str, source: str, target: str) -> bool:
        """Whether it offers this player for that."""


class Orders:
    """Carries out orders, one at a time or several."""

    def __init__(
        self,
        situation: Situation,
        members: AttachedMembers,
        ledger: TimedLedger,
        moves: PlayerMover,
        guard: Guard,
        below: Offers | None = None,
    ) -> None:
        self._situation, self._members = situation, members
        self._ledger, self._moves, self._guard = ledger, moves, guard
        self._below = below

    async def carry_out(self, order: Order, by: str) -> Ended:
        """Do it; answers when it is done, or why it is not. `by`: the operator's name."""
        if order.do == "move":
            return await self._move(order)
        if order.do in ("kick", "ban", "unban"):
            return await self._guard.carry_out(order, by)
        member = self._situation.fleet.member(order.member)
        if member is None:
            return Ended(order.n, "refused", f"no game server is called {order.member!r}")
        if order.do == "drain" and not order.force and (why := self._nowhere(order.member)):
            return Ended(order.n, "refused", why)
        drain = Drain(on=order.do != "undrain", stop=order.do == "stop")
        self._members.drain(order.member, drain)
        return Ended(order.n, "done", f"{order.member} has been told")

    def _nowhere(self, name: str) -> str:
        """Why the players of this server would have nowhere to go, or nothing."""
        fleet, policy, now = self._situation.fleet, self._situation.policy, self._situation.now()
        room, players = refuge(fleet, policy, now, name), fleet.players(name)
        if room is None:
            return f"no other server takes players, so those of {name} could go nowhere; {FORCE}"
        if room < players:
            return f"the others have room for {room} of the {players} players of {name}; {FORCE}"
        return ""

    async def _move(self, order: Order) -> Ended:
        record = await self._ledger.read(order.player)
        refusal = self._refusal(order, record)
        if refusal:
            return Ended(order.n, "refused", refusal)
        if self._below is not None and self._below.chooses(record.owner):
            offered = await self._below.one(order.player, record.owner, order.member)
            if not offered:
                return Ended(order.n, "refused", f"{record.owner} has no player {order.player!r}")
        ended = await self._moves.start(order.player, record.owner, order.member)
        if ended is None:
            return Ended(order.n, "refused", f"{order.player} has just left {record.owner}")
        reason = ended.reason
        text = f"moving {order.player} to {order.member}: {reason}" if reason else ""
        return Ended(order.n, str(ended.outcome), text)

    def _refusal(self, order: Order, record: Record) -> str:
        if record.epoch == 0:
            return f"no player is called {order.player!r}"
        if record.owner not in self._members:
            return f"{order.player} plays nowhere now"
        if order.member not in self._members:
            return f"no member is called {order.member!r}"
        if record.owner == order.member:
            return f"{order.player} plays on {order.member} already"
        here, there = (self._members[each].release for each in (record.owner, order.member))
        if not there.takes(here, emptied=True):
            return f"{order.member} can not read what {record.owner} stores"
        moving = self._moves.moving(order.player)
        return f"{order.player} is being moved already" if moving else ""
