"""Who plays and who may not, as operators ask and order: lists, kicks, bans, unbans.

A player is meant by its whole name, or by `login:` and the subject of its login: so somebody can be
banned who was never here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred

from clientmigration.core.player.bans import Ban
from clientmigration.core.player.ledger import Record
from clientmigration.errors import Refused
from clientmigration.router.attached import AttachedMembers, connected
from clientmigration.router.bans import Bans, page
from clientmigration.router.expulsions import Expulsions
from clientmigration.wire.messages import Entry
from clientmigration.wire.operators import (
    AskBans,
    Banned,
    Ended,
    Listed,
    Listing,
    Order,
    Players,
)

_is_name = re.compile(r"[0-9a-f]{16}").fullmatch


class PlayersNamed(Protocol):
    """Who knows what players are called."""

    def who(self, said: str) -> str:
        """The player whom an operator means."""

    def login_of(self, player: str) -> str:
        """The subject of a player's login, "" if none is known."""


@dataclass(frozen=True)
class GuardPorts:
    """`read` answers the ledger's record of a player; `now` is the date."""

    read: Callable[[str], Deferred[Record]]
    now: Callable[[], float]


class PlayerGuard:
    """Carries out what operators want of players, and answers them."""

    def __init__(
        self,
        members: AttachedMembers,
        bans: Bans,
        expulsions: Expulsions,
        named: PlayersNamed,
        ports: GuardPorts,
    ) -> None:
        self._members, self._bans, self._expulsions = members, bans, expulsions
        self._named, self._ports = named, ports

    # Questions.

    async def players(self, asked: Listing) -> Players:
        """Who plays, from the rosters of game servers; a router below answers for its own."""
        servers = {name: each for name, each in self._members.items() if each.role != "router"}
        links = [link for name, link in servers.items() if asked.member in ("", name)]
        here = {e.player: (link.name, e) for link in links for e in link.roster.values()}
        names = sorted(name for name in here if name > asked.after)
        listed = [self._listed(*here[name]) for name in names[: asked.most]]
        return Players(n=asked.n, players=listed, total=len(here), more=len(names) > asked.most)

    def _listed(self, member: str, entry: Entry) -> Listed:
        away = entry.state == "playing" and not connected(entry)
        return Listed(
            player=entry.player,
            member=member,
            state="away" if away else entry.state,
            x=round(entry.x, 1),
            y=round(entry.y, 1),
            ping_ms=entry.ping_ms,
            group=entry.group,
            login=self._named.login_of(entry.player),
        )

    async def banned(self, asked: AskBans) -> Banned:
        """Who is banned."""
        await self._bans.known()
        bans = self._bans.listed()
        some, more = page(bans, asked.after, asked.most)
        return Banned(n=asked.n, bans=some, total=len(bans), more=more)

    # Orders.

    async def carry_out(self, order: Order, by: str) -> Ended:
        """Kick, ban or unban a player."""
        player = self._named.who(order.player)
        if not _is_name(player):
            return Ended(order.n, "refused", f"{order.player!r} is no player's whole name")
        if order.do == "kick":
            return await self._kick(order, player)
        if order.do == "unban":
            if await self._bans.unban(player):
                return Ended(order.n, "done", f"{player} may play again")
            return Ended(order.n, "refused", f"{player} is not banned")
        return await self._ban(order, player, by)

    async def _kick(self, order: Order, player: str) -> Ended:
        at = await self._at(player)
        if not at:
            return Ended(order.n, "refused", f"{order.player} plays nowhere now")
        self._expulsions.kick(player, order.reason)
        return Ended(order.n, "done", f"{player} was on {at}, and is out")

    async def _ban(self, order: Order, player: str, by: str) -> Ended:
        now, at = self._ports.now(), await self._at(player)
        if order.until and order.until <= now:
            return Ended(order.n, "refused", "that time is past already")
        try:
            await self._bans.ban(Ban(player, order.reason, order.until, by, now))
        except Refused as error:
            return Ended(order.n, "refused", str(error))
        was = f", was on {at}, and is out" if at else ""
        return Ended(order.n, "done", f"{player} is banned{was}")

    async def _at(self, player: str) -> str:
        """The member that lists the player, or ""; a router below lists few, but owns them."""
        here = next((name for name, link in self._members.items() if player in link.roster), "")
        if here or all(link.role != "router" for link in self._members.values()):
            return here
        owner = (await self._ports.read(player)).owner
        return owner if owner in self._members else ""
