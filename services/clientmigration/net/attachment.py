"""Whether this server is in a fleet, under which name, and its lines to the routers that are there.

Most servers have one router. Who has several is attached to all of them: what is said of the server
goes to each, what is to be stored to one, its primary. What is told while no router is there is
lost: what must not be lost is in the roster anyway.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from clientmigration.core.fleet.equals import primary, timekeeper
from clientmigration.core.fleet.release import GameRelease
from clientmigration.net.addresses import place_of
from clientmigration.net.line import Line
from clientmigration.wire.messages import LEAVING

log = Logger()


class Attachment:
    """`member` is this server's name in the fleet, "" until a router gives one; `address`
    (host:port, perhaps with a scheme) is what players are told, `inner` what other servers are told
    if that is another; `zone` where the server stands. `lines` are those to routers, by what these
    are called among equals ("" for one that has none); `line` is that to the primary, None while no
    router is there. `life` is this process, for who may have several routers; "" for who has one.
    `runs` is its game. Until it is `ready` nothing is asked."""

    def __init__(
        self,
        name: str,
        address: str,
        zone: str,
        inner: str = "",
        life: str = "",
        runs: GameRelease = GameRelease(),  # noqa: B008
    ) -> None:
        self.member, self.address, self.zone, self.inner = name, address, zone, inner
        self.life, self.runs = life, runs
        self.ready = True
        self.lines: dict[str, Line] = {}
        self.line: Line | None = None
        self._asking: Line | None = None

    def found_at(self, address: str) -> None:
        """We listen at `address`; players are told so unless they were told something else. If that
        is of another scheme, they come through something that other servers need not go through."""
        self.address = self.address or address
        if place_of(self.address).scheme != place_of(address).scheme:
            self.inner = self.inner or address

    def advertise(self, address: str) -> None:
        """Players reach us at `address` (host:port), wherever we listen."""
        self.address = address

    def waits(self) -> None:
        """What our life is has to be found out first: nobody is asked to take us in."""
        self.ready = False

    def lives(self, life: str) -> None:
        """It was found out."""
        self.life, self.ready = life, True

    def asks(self, line: Line) -> bool:
        """Whether this line may ask a router to take us in: who has no name yet asks one router
        only, for each would give it another."""
        if not self.ready:
            return False
        if not self.member and self._asking is not None and not self._asking.over:
            return self._asking is line
        self._asking = line
        return True

    def attached(self, line: Line, name: str, router: str) -> bool:
        """We are in the fleet. False, and nothing has changed: there is a line to this router, or
        it has no equals and there is another."""
        others = {each: by for each, by in self.lines.items() if not by.over}
        if router in others or (others and "" in (router, *others)):
            return False
        self.lines, self.member = {**others, router: line}, name
        self._choose()
        return True

    def detached(self, line: Line) -> bool:
        """This line is gone. Answers whether it was one that counted."""
        left = {each: by for each, by in self.lines.items() if by is not line}
        counted, self.lines = len(left) < len(self.lines), left
        self._choose()
        return counted

    def _choose(self) -> None:
        self.line = self.lines.get(self.primary)

    @property
    def primary(self) -> str:
        """The router that stores what is to be stored."""
        return primary(self.member, self.lines)

    @property
    def routers(self) -> list[str]:
        """The equal routers that are there, of who may have several; one without equals has no
        name among them."""
        return sorted(filter(None, self.lines)) if self.life else []

    def router_of(self, line: object) -> str:
        """What the router at the other end of this line is called, "" if it is gone."""
        return next((name for name, each in self.lines.items() if each is line), "")

    def keeps_time(self, line: object) -> bool:
        """Whether what this router says of the date counts: of several one has to be heeded by all
        servers alike."""
        return self.lines.get(timekeeper(self.lines)) is line

    def tell(self, message: Any) -> None:
        """Say it to the primary, if there is one."""
        if self.line is not None:
            self.line.say(message)

    def tell_all(self, message: Any) -> None:
        """Say it to every router that is there."""
        for line in self.lines.values():
            line.say(message)

    def leave(self) -> None:
        """We go on purpose, and say so: otherwise we would count as lost."""
        lines, self.lines, self.line = self.lines, {}, None
        for line in lines.values():
            line.hang_up(LEAVING, "it stops")
