"""The members that are attached now, each with its link and the players that it said it has.

Nothing else writes this. It knows no fleet, no moves and no ledger; what is said to a member that
is not attached is lost, and whoever says it is told so. A zone may have several equal routers: each
has a link, all are one member, and one of them is spoken to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import msgspec
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.release import GameRelease
from clientmigration.core.player.records import is_record
from clientmigration.errors import NotAuthentic, OtherGame
from clientmigration.net.line import Line
from clientmigration.wire.base import Drain, Wants
from clientmigration.wire.messages import Entry, Roster
from clientmigration.wire.shared import Shared

log = Logger()

ROUTER = "router"
THE_SAME = GameRelease()  # of whoever does not say which game it runs
HEARD_S = 3.0  # a player pings once a second: heard so lately, it may be playing
BROUGHT_S = 300.0  # whom a game has brought the balance leaves there for so long
AGAIN_S = 0.1  # how often somebody who waits for a member looks whether it is here
QUIET_S = 1.6  # who reports every second, and has not for so long, is let go if an equal has


@dataclass(eq=False)
class MemberLink:
    """The link over which a member is attached; one that comes back has another.

    `roster` holds its players by name, as it listed them from `listed_at` on (seconds of the
    clock), and `records` its records, by key; `wanted` is what its game wants of the fleet,
    `brought` who came because a game wanted it there, and when (seconds of the clock); `measures`
    the values of its latest report by their names in the catalogue. Of one that has several routers
    `life` says which process it is, `routers` which it is attached to, `primary` to which of them
    it sends checkpoints, and `shared` more of some players. `release` is the game that it runs,
    `version` its program's. Of equals one took over from another that was lost `since` then, and
    each has reported last at `reported_at` (seconds of the clock).
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
    since: float = 0.0
    reported_at: float = 0.0

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
    """The links by the names of their members; of equals, that of the one that is spoken to. Others
    only look and speak."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._links: dict[str, MemberLink] = {}
        self._equals: dict[str, list[MemberLink]] = {}  # all links of each, in order of coming
        self._drained: dict[str, Drain] = {}  # what those were told who are to be empty

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
        `NotAuthentic` when the name is taken, `OtherGame` when the others run another game. Several
        routers of one `life` are equals."""
        for link in self._links.values():
            if not release.same_game(link.release.game):
                raise OtherGame(f"{release.game} is not played here, {link.release.game} is")
        if name in self._links and not (life and self._links[name].life == life and role == ROUTER):
            raise NotAuthentic(f"there is a member called {name} already")
        name = name or self._free_name()
        link = MemberLink(name, role, line, life=life, release=release, version=version)
        link.reported_at = self._clock.seconds()
        self._equals.setdefault(name, []).append(link)
        self._links.setdefault(name, link)
        return link

    def _free_name(self) -> str:
        """gs-1, gs-2, ...: small and used again, so that Graphite does not fill with names."""
        taken = self._links
        return next(name for n in range(1, len(taken) + 2) if (name := f"gs-{n}") not in taken)

    def lose(self, link: MemberLink) -> bool:
        """The link is gone. Whether its member is: it may have an equal, which takes over."""
        equals = self._equals.get(link.name, [])
        if link not in equals:
            return False
        equals.remove(link)
        if not equals:
            del self._equals[link.name], self._links[link.name]
            self._drained.pop(link.name, None)
            return True
        heir = max(equals, key=lambda each: each.reported_at)
        heir.since = self._clock.seconds()
        if self._links[link.name] is link:
            self._links[link.name] = heir
        return False

    def still(self, link: MemberLink | None) -> bool:
        """Whether this is still a link of its member. Over another one it may have started anew, or
        be an equal, and does not know what was promised over this."""
        return link is not None and link in self._equals.get(link.name, ())

    def links(self, name: str = "") -> Iterator[MemberLink]:
        """All links: of this member, or of everybody. Equals have one each."""
        if name:
            return iter([*self._equals.get(name, ())])
        return chain.from_iterable([*self._equals.values()])

    def entry(self, name: str, key: str) -> Entry | None:
        """What a member said last of this player or record: of equals, whoever lists it."""
        return next((entry for each in self.links(name) if (entry := each.entry(key))), None)

    def tell(self, name: str, message: msgspec.Struct) -> bool:
        """Say it to a member; False when it is not attached."""
        link = self._links.get(name)
        if link is not None:
            link.say(message)
        return link is not None

    def tell_all(self, name: str, message: msgspec.Struct) -> None:
        """Say it to all equals of a member."""
        for link in self.links(name):
            link.say(message)

    def drain(self, name: str, order: Drain) -> None:
        """A member is to be empty, or not any more: all equals hear it, also who comes later."""
        self._drained[name] = order
        self.tell_all(name, order)

    def remind(self, link: MemberLink) -> None:
        """An equal has come: it hears what the others were told."""
        if (order := self._drained.get(link.name)) is not None:
            link.say(order)

    async def until(self, name: str, deadline: float) -> bool:
        """Whether a member is attached, or will be by the deadline (seconds of the clock)."""
        while name not in self._links and self._clock.seconds() < deadline:
            await deferLater(self._clock, AGAIN_S, lambda: None)
        return name in self._links

    # What members say of themselves.

    def reported(self, link: MemberLink, deputy: bool) -> None:
        """It reports, as a `deputy` if an equal is to be heeded; otherwise it is spoken to from now
        on. An equal that is silent meanwhile is let go: it may come again."""
        link.reported_at = now = self._clock.seconds()
        for each in self.links(link.name):
            if now - each.reported_at > QUIET_S:
                log.warn("{name} has an equal that is silent", name=link.name)
                each.line.cut_off()
        if not deputy and self.still(link):
            self._links[link.name] = link

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
