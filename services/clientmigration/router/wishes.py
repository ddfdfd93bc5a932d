"""Players who wish to be moved: whoever shows a player's token may ask it for that player.

It grants nothing that the fleet would not: the target is one that placement would take, the move is
like any other, and wishes are few, of each player and altogether.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace
from twisted.logger import Logger

from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.placement import place
from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.core.player.ledger import Record
from clientmigration.errors import NotAuthentic
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.move import MoveEnded
from clientmigration.router.situation import Situation
from clientmigration.wire.operators import Ended, MoveWish

log = Logger()

EACH_S = 3.0  # between two wishes of one player, at least
ALL = (5.0, 20.0)  # wishes of everybody: a second, and at once


class WishMover(Protocol):
    """Who moves players."""

    def moving(self, player: str) -> bool:
        """Whether this one is being moved."""

    async def start(self, player: str, source: str, target: str, why: str) -> MoveEnded | None:
        """How the move ended; None if it could not be begun."""


class Wishes:
    """`identified` answers whose token it is, `newcomer` what is known of a player."""

    def __init__(
        self,
        identified: Callable[[str], str],
        newcomer: Callable[[Record, str], Newcomer],
        situation: Situation,
        ledger: TimedLedger,
        moves: WishMover,
        seconds: Callable[[], float],
    ) -> None:
        self._identified, self._newcomer, self._situation = identified, newcomer, situation
        self._ledger, self._moves, self._seconds = ledger, moves, seconds
        self._all = TokenBucket(*ALL)
        self._wished: dict[str, float] = {}  # when each player wished, in this order, lately

    async def grant(self, wish: MoveWish) -> Ended:
        """Move it, if that can be; answers when that is over, or why it is not."""
        try:
            player = self._identified(wish.token)
        except NotAuthentic as error:
            return Ended(wish.n, "refused", str(error))
        if not self._allows(player):
            return Ended(wish.n, "refused", "one wish in a few seconds is enough")
        record = await self._ledger.read(player)
        target = self._target(record)
        if not target:
            return Ended(wish.n, "refused", "no other server takes you now")
        why = "the player wished it"
        ended = await self._moves.start(player, record.owner, target, why)
        if ended is None:
            return Ended(wish.n, "refused", "you are being moved already, or play nowhere")
        return Ended(wish.n, str(ended.outcome), ended.reason)

    def _allows(self, player: str) -> bool:
        now = self._seconds()
        for one, at in list(self._wished.items()):
            if now - at < EACH_S:
                break
            del self._wished[one]
        if player in self._wished or not self._all.allows(now):
            return False
        self._wished[player] = now
        return True

    def _target(self, record: Record) -> str:
        """The best of the others, as placement sees them."""
        if not record.owner or self._moves.moving(record.player):
            return ""
        known = self._newcomer(record, record.snapshot.group if record.snapshot else "")
        known = replace(known, refused_by=known.refused_by | {record.owner})
        situation = self._situation
        found = place(known, situation.fleet, situation.policy, situation.now())
        return found.member or ""
