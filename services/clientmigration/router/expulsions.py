"""Puts players out: tells the game servers, and closes what there is of them at this router's door.

It decides nothing. A member that did not hear of a ban is told again when its roster shows the
player.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from twisted.logger import Logger

from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.bans import Ban
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.wire.base import Expel, Pardon

log = Logger()

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
    """`ban_of` answers whether a player is banned now."""

    def __init__(
        self,
        members: AttachedMembers,
        visitors: Visitors,
        meter: Meter,
        ban_of: Callable[[str], Ban | None],
    ) -> None:
        self._members, self._visitors, self._meter = members, visitors, meter
        self._ban_of = ban_of

    def kick(self, player: str, reason: str) -> None:
        """Out it goes, and may come back at once."""
        self._expel(player, KICKED, f"an operator asks you to leave{_because(reason)}", False)

    def banned(self, ban: Ban) -> None:
        """Out it goes, wherever it plays."""
        self._expel(ban.player, BANNED, told(ban), True)

    def unbanned(self, player: str) -> None:
        """It may come again, also within the time of its last ticket."""
        for link in self._members.values():
            link.say(Pardon(player))

    def _expel(self, player: str, code: str, text: str, bars: bool) -> None:
        self._meter.count("expelled")
        for link in self._members.values():
            link.say(Expel(player, code, text, bars))
        self._visitors.dismiss(player, code, text)

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
