"""Puts players out: tells the game servers, and closes what there is of them at this router's door.

It decides nothing. A member that did not hear of a ban is told again when its roster shows the
player.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from twisted.logger import Logger

from clientmigration.core.fleet.member import Member
from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.bans import Ban
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.wire.base import Expel, Pardon
from clientmigration.wire.zones import Bars

log = Logger()

PART = 500  # bans in one message
BANNED, KICKED = "banned", "kicked"
"""The codes of the goodbye to a player who is put out."""


class AtTheDoor(Protocol):
    """One connection of a player at this router."""

    def dismissed(self, code: str, text: str) -> None:
        """It has to go."""


class Visitors:
    """Whose connections there are at the door, and who may not come in. `known` waits until bans
    are known, `ban_of` answers whether a player is banned now."""

    def __init__(
        self, known: Callable[[], Awaitable[None]], ban_of: Callable[[str], Ban | None]
    ) -> None:
        self._known, self._ban_of = known, ban_of
        self._here: dict[str, AtTheDoor] = {}

    async def ready(self) -> None:
        """Wait until bans are known."""
        await self._known()

    def refusal(self, player: str) -> tuple[str, str] | None:
        """The code and the text of the goodbye to who is banned."""
        ban = self._ban_of(player)
        return None if ban is None else (BANNED, told(ban))

    def came(self, player: str, visit: AtTheDoor) -> None:
        """This is the newest connection of a player."""
        self._here[player] = visit

    def went(self, visit: AtTheDoor, player: str) -> None:
        """It is over."""
        if self._here.get(player) is visit:
            del self._here[player]

    def dismiss(self, player: str, code: str, text: str) -> None:
        """The player has to go, if it is here."""
        if (visit := self._here.get(player)) is not None:
            visit.dismissed(code, text)


class Expulsions:
    """`ban_of` answers whether a player is banned now, `listed` all bans."""

    def __init__(
        self,
        members: AttachedMembers,
        visitors: Visitors,
        meter: Meter,
        ban_of: Callable[[str], Ban | None],
        bans: Callable[[], Sequence[Ban]],
    ) -> None:
        self._members, self._visitors, self._meter = members, visitors, meter
        self._ban_of, self._bans = ban_of, bans

    def joined(self, member: Member) -> None:
        """A router that has just been attached hears of all bans."""
        link = self._members.get(member.name)
        if link is not None and link.role == "router":
            self.inform(link)

    def inform(self, link: MemberLink) -> None:
        """Say all bans over this link."""
        bans = list(self._bans())
        for start in range(0, max(1, len(bans)), PART):
            link.say(Bars(bans[start : start + PART], first=not start))

    def kick(self, player: str, reason: str) -> None:
        """Out it goes, and may come back at once."""
        self.hand_on(Expel(player, KICKED, f"an operator asks you to leave{_because(reason)}"))

    def banned(self, ban: Ban) -> None:
        """Out it goes, wherever it plays."""
        expel = Expel(ban.player, BANNED, told(ban), True)
        self._meter.count("expelled")
        for link in self._members.links():
            link.say(Bars([ban]) if link.role == "router" else expel)
        self._visitors.dismiss(ban.player, expel.code, expel.text)

    def unbanned(self, player: str) -> None:
        """It may come again, also within the time of its last ticket."""
        for link in self._members.links():
            link.say(Pardon(player))

    def hand_on(self, order: Expel) -> None:
        """Out it goes, wherever it is here."""
        self._meter.count("expelled")
        for link in self._members.links():
            link.say(order)
        self._visitors.dismiss(order.player, order.code, order.text)

    def listed(self, link: MemberLink) -> None:
        """Who plays there, though it is banned?"""
        for player in link.roster:
            ban = self._ban_of(player)
            if ban is not None:
                log.warn("{player} is banned, and plays on {name}", player=player, name=link.name)
                link.say(Expel(player, BANNED, told(ban), True))


def told(ban: Ban) -> str:
    """What a player is told who is banned."""
    until = f" until {date_of(ban.until)}" if ban.until else ""
    return f"you are banned{until}{_because(ban.reason)}"


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def date_of(at: float) -> str:
    """Unix seconds as a date that players and operators read."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
