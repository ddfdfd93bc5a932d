"""The members that are attached now, each with its link and the players that it said it has.

Nothing else writes this. It knows no fleet, no moves and no ledger; what is said to a member that
is not attached is lost, and whoever says it is told so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.release import GameRelease
from clientmigration.core.player.records import is_record
from clientmigration.errors import NotAuthentic, OtherGame
from clientmigration.net.line import Line
from clientmigration.wire.base import Wants
from clientmigration.wire.messages import Entry, Roster
from clientmigration.wire.shared import Shared

THE_SAME = GameRelease()  # of whoever does not say which game it runs
HEARD_S = 3.0  # a player pings once a second: heard so lately, it may be playing
BROUGHT_S = 300.0  # whom a game has brought the balance leaves there for so long
AGAIN_S = 0.1  # how often somebody who waits for a member looks whether it is here


@dataclass(eq=False)
class MemberLink:
    """The link over which a member is attached; one that comes back has another.

    `roster` holds its players by name, as it listed them from `listed_at` on (seconds of the
    clock), and `records` its records, by key; `wanted` is what its game wants of the fleet,
    `brought` who came because a game wanted it there, and when (seconds of the clock); `measures`
    the values of its latest report by their names in the catalogue. Of one that has several routers
    `life` says which process it is, `routers` which it is attached to, `primary` to which of them
    it sends checkpoints, and `shared` more of some players. `release` is the game that it runs,
    `version` its program's.
    """

    name: str
    role: str
    line: Line
    roster: dict[str, Entry] = field(default_factory=dict)
    records: dict[str, Entry] = field(default_factory=dict)
    wanted: Wants = field(default_factory=Wants)
    brought: dict[str, float] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    listing: dict[str, Entry] = field(default_factory=dict)  # a roster of which parts are missing
    listing_since: float = 0.0
    listed_at: float = 0.0
    life: str = ""
    version: str = ""
    routers: Sequence[str] = ()
    primary: str = ""
    shared: Mapping[str, Shared] = field(default_factory=dict)
    release: GameRelease = GameRelease()  # noqa: RUF009

    def say(self, message: msgspec.Struct) -> None:
        """Say it, if the link is still up."""
        self.line.say_soon(message)

    def entry(self, key: str) -> Entry | None:
        """What it said last of this player or record."""
        return self.roster.get(key) or self.records.get(key)

    def everything(self) -> dict[str, Entry]:
        """Players and records."""
        return self.roster | self.records


@dataclass(frozen=True)
class Gone:
    """A member's link has ended, and why; `leaving`: it had said so, for it stops. `primary` is the
    router to which it sent checkpoints, if it has several."""

    member: Member
    reason: str
    leaving: bool = False
    life: str = ""
    primary: str = ""


class AttachedMembers(Mapping[str, MemberLink]):
    """The links by the names of their members. Others only look and speak."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._links: dict[str, MemberLink] = {}

    def __getitem__(self, name: str) -> MemberLink:
        return self._links[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def __len__(self) -> int:
        return len(self._links)

    def __contains__(self, name: object) -> bool:
        return name in self._links

    def admit(
        self,
        name: str,
        role: str,
        line: Line,
        life: str = "",
        release: GameRelease = THE_SAME,
        version: str = "",
    ) -> MemberLink:
        """Attach a member under this name, or under a free one if it brings none. Raises
        `NotAuthentic` when the name is taken, `OtherGame` when the others run another game."""
        for link in self._links.values():
            if not release.same_game(link.release.game):
                raise OtherGame(f"{release.game} is not played here, {link.release.game} is")
        if name in self._links:
            raise NotAuthentic(f"there is a member called {name} already")
        name = name or self._free_name()
        link = MemberLink(name, role, line, life=life, release=release, version=version)
        self._links[name] = link
        return link

    def _free_name(self) -> str:
        """gs-1, gs-2, ...: small and used again, so that Graphite does not fill with names."""
        taken = self._links
        return next(name for n in range(1, len(taken) + 2) if (name := f"gs-{n}") not in taken)

    def lose(self, link: MemberLink) -> bool:
        """The link is gone. Whether its member was attached over it."""
        attached = self.still(link)
        if attached:
            del self._links[link.name]
        return attached

    def still(self, link: MemberLink | None) -> bool:
        """Whether this is still the link of its member. Over another one it may have started anew,
        and does not know what it promised."""
        return link is not None and self._links.get(link.name) is link

    def tell(self, name: str, message: msgspec.Struct) -> bool:
        """Say it to a member; False when it is not attached."""
        link = self._links.get(name)
        if link is not None:
            link.say(message)
        return link is not None

    async def until(self, name: str, deadline: float) -> bool:
        """Whether a member is attached, or will be by the deadline (seconds of the clock)."""
        while name not in self._links and self._clock.seconds() < deadline:
            await deferLater(self._clock, AGAIN_S, lambda: None)
        return name in self._links

    # What members say of themselves.

    def listed(self, link: MemberLink, roster: Roster) -> bool:
        """A part of a roster. Whether it is complete now, and counts: as of its first part, which
        may be as old as that."""
        if not link.listing:
            link.listing_since = self._clock.seconds()
        link.listing |= {entry.player: entry for entry in roster.entries}
        if roster.last:
            listed, link.listing = link.listing, {}
            link.roster = {key: each for key, each in listed.items() if not is_record(key)}
            link.records = {key: each for key, each in listed.items() if is_record(key)}
            link.listed_at, now = link.listing_since, self._clock.seconds()
            link.brought = {
                player: at
                for player, at in link.brought.items()
                if player in link.roster and now - at < BROUGHT_S
            }
            link.shared, link.primary = roster.shared or {}, roster.primary or ""
        return roster.last

    def offered(self, link: MemberLink, entry: Entry) -> None:
        """A router says of one of its players that it can go; until its next roster that stands."""
        link.roster[entry.player] = entry

    def went_home(self, link: MemberLink, player: str) -> None:
        """A player or record is not on this roster any more."""
        for listed in (link.roster, link.records, link.listing):
            listed.pop(player, None)

    def wants(self, link: MemberLink, wanted: Wants) -> None:
        """What its game wants from now on."""
        link.wanted = wanted

    def brought(self, name: str, player: str) -> None:
        """A game wanted this player there, and it has come."""
        if name in self._links:
            self._links[name].brought[player] = self._clock.seconds()

    def measured(
        self, link: MemberLink, measures: Mapping[str, float], routers: Sequence[str] = ()
    ) -> None:
        """The values of its latest report, and the routers that it is attached to."""
        link.measures, link.routers = measures, routers


def connected(entry: Entry) -> bool:
    """Whether the player has a connection to its server, as far as the server can tell."""
    return entry.heard_s is not None and entry.heard_s < HEARD_S
