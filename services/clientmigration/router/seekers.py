"""Players at the doors of routers below, who are not theirs: whose they are is decided here.

As at our own door, but for one thing: whoever is nobody's is taken in where it knocks, if there is
room. What is not ours either goes on to the router above.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import Outcome
from clientmigration.router.attached import MemberLink
from clientmigration.router.homes import Homes, KnownElsewhere, nothing_meanwhile
from clientmigration.router.move import Arrive, MoveEnded
from clientmigration.wire.messages import Redirect
from clientmigration.wire.zones import Seek, Sought

log = Logger()

TRIES = 3
FULL = "nobody could take you in; try again later"


class Higher(Protocol):
    """The router above, if there is one."""

    def ours(self, record: Record, new: bool) -> bool:
        """Whether this player is for us to place."""

    async def seek(self, player: str, holder: str, group: str, new: bool) -> Redirect | str:
        """Where it is to go, or why that cannot be said."""


class Brings(Protocol):
    """Who brings a newcomer to a member."""

    async def place(
        self, record: Record, target: str, holder: str, group: str, arrive: Arrive
    ) -> MoveEnded:
        """How that ended."""


@dataclass(frozen=True)
class SeekPorts:
    """`find` answers a member with room for a player who knocked at that one, "" for none."""

    homes: Homes
    above: Higher
    moves: Brings
    find: Callable[[Record, str, str], str]


class Seekers:
    """Answers routers below."""

    def __init__(
        self,
        ports: SeekPorts,
        spawn: Callable[[str, Coroutine[Deferred[Any], Any, None]], None],
    ) -> None:
        self._ports, self._spawn = ports, spawn

    def seek(self, link: MemberLink, message: Seek) -> None:
        """Somebody is at its door."""
        self._spawn("a player at a router below", self._answer(link, message))

    async def _answer(self, link: MemberLink, message: Seek) -> None:
        try:
            found = await self._found(link, message)
        except KnownElsewhere as why:
            found = str(why)
        except Exception as error:
            log.warn("{player} is not found: {why}", player=message.player, why=str(error))
            found = "the router above could not answer; try again"
        if isinstance(found, Redirect):
            link.say(Sought(message.n, found))
        else:
            link.say(Sought(message.n, None, found))

    async def _found(self, link: MemberLink, message: Seek) -> Redirect | str:
        ports, player = self._ports, message.player
        told: list[Redirect] = []
        refused: set[str] = set()
        for _ in range(TRIES):
            record = await ports.homes.record_of(player, nothing_meanwhile, new=message.new)
            if not ports.above.ours(record, new=False):
                return await ports.above.seek(player, message.holder, message.group, message.new)
            home = ports.homes.here(record)
            target = home if home not in refused or ports.homes.below(record) else ""
            target = target or ports.find(
                record, message.group, "" if link.name in refused else link.name
            )
            if not target:
                return FULL
            ended = await ports.moves.place(
                record,
                target,
                message.holder,
                message.group,
                lambda redirect, _epoch: told.append(redirect),
            )
            if told:
                return told[-1]
            if ended.outcome is not Outcome.SETTLED:
                refused.add(target)
        return FULL
