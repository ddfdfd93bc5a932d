"""The way in: tells the router who we are, hears where to play, or our place in line meanwhile.

It knows the player's name and token, and is the only one to change them. When to ask the router,
and what a redirect leads to, is not decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from clientmigration.client.connections import (
    ANSWER_S,
    PlayerConnection,
    RouterConnection,
    ServerConnection,
)
from clientmigration.client.listeners import Listeners
from clientmigration.client.pinging import Pinging
from clientmigration.client.told import Lost
from clientmigration.errors import BadInput
from clientmigration.net.door import Dial
from clientmigration.net.tickets import hashed
from clientmigration.wire.messages import Candidate, Hello, Redirect

SEEK_S = 10.0  # to find the router and hear its greeting: it may have several addresses
QUICK_S = 0.3  # then another router is asked too, if there is one: one that is stopped accepts
QUIET_S = 0.8  # for the next word of one of several: it may have been stopped just then
ROUNDS = 2  # of all routers, before the way in is lost: the second one is patient
GROUP_LIMIT, TOKEN_LIMIT = 64, 1024  # characters: more the router would not read


@dataclass(frozen=True)
class Passport:
    """What a player program shows: at which router (or one of several, with commas between them), a
    token if it has been here before, its group if it wants company, and the secret that binds its
    tickets to this program."""

    router: str
    secret: str
    token: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if len(self.group) > GROUP_LIMIT:
            raise BadInput(f"a group of {len(self.group)} characters, {GROUP_LIMIT} are allowed")


class Routers:
    """The addresses of equal routers, one after the other. Which one is first is by chance: the
    program's secret decides it."""

    def __init__(self, addresses: str, secret: str) -> None:
        self._all = addresses.split(",")
        self._at = int(hashed(secret)[:8], 16) % len(self._all)
        self._tried = 0

    def first(self) -> None:
        """Begin to try them."""
        self._tried = 0

    def next(self, asked: Collection[str] = ()) -> bool:
        """On to the next one that is not being `asked`; False: there is none to try at once."""
        count = len(self._all)
        for step in range(1, count + 1 if count > 1 else 1):
            address = self._all[(self._at + step) % count]
            if address not in asked and self._tried + step < ROUNDS * count:
                self._at, self._tried = (self._at + step) % count, self._tried + step
                return True
        return False

    @property
    def address(self) -> str:
        """Where to knock."""
        return self._all[self._at]

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self._all) > 1

    @property
    def answer_s(self) -> float:
        """How long to wait for this one's words: not for long if there are others that were not
        asked yet. The last one is waited for: who leaves a busy one only makes it busier."""
        return QUIET_S if self._tried < len(self._all) - 1 else ANSWER_S


class Entering(Protocol):
    """Whoever comes in this way."""

    def connection_to(self, address: str) -> ServerConnection:
        """A connection to a game server that has not begun to connect."""

    def sent(self, where: Redirect) -> None:
        """The router has found a place."""

    def turned_away(self, why: Lost) -> None:
        """The connection to the router is gone, and we did not close it."""


class Entrance:
    """One player's way in. `told` hears the events `identity` and `position`.

    While there is no place, `position` is the place in line and `estimate_s` how long it may take
    (None: unknown)."""

    def __init__(
        self, clock: IReactorTime, dial: Dial, passport: Passport, guest: Entering, told: Listeners
    ) -> None:
        self._clock, self._dial, self._passport = clock, dial, passport
        self._guest, self._told = guest, told
        self.name = ""
        # A token that no router can have written is like one of another cluster.
        self.token = passport.token if len(passport.token) <= TOKEN_LIMIT else ""
        self.position = 0
        self.estimate_s: float | None = None
        self.pinging = Pinging(clock, guest.connection_to, self._report)
        self._router: RouterConnection | None = None  # the one that has greeted
        self._knocking: dict[RouterConnection, IDelayedCall | None] = {}
        self._routers = Routers(passport.router, passport.secret)

    def ask(self) -> None:
        """Connect to a router and ask for a place."""
        self._routers.first()
        self._knock()

    def _knock(self) -> None:
        holder = hashed(self._passport.secret)
        hello = Hello(holder=holder, token=self.token, group=self._passport.group)
        router = RouterConnection(
            self._clock, self._dial, self._routers.address, self, hello, self._routers.answer_s
        )
        several = self._routers.several
        another = self._clock.callLater(QUICK_S, self._another) if several else None
        self._knocking[router] = another
        router.connect(SEEK_S)

    def _another(self) -> None:
        """Nobody has greeted yet: ask one more, and go with who is first."""
        if self._routers.next({each.address for each in self._knocking}):
            self._knock()

    def _knock_no_more(self, but: RouterConnection | None = None) -> None:
        knocking, self._knocking = self._knocking, {}
        for each, another in knocking.items():
            if another is not None and another.active():
                another.cancel()
            if each is not but:
                each.close()

    def close(self) -> None:
        """Close the connection to the router, and those to candidates."""
        router, self._router = self._router, None
        self._knock_no_more()
        if router is not None:
            router.close()
        self.pinging.close()

    def forget(self) -> bool:
        """The router does not know our token: come back as somebody new. False: we had none."""
        known, self.token = bool(self.token), ""
        return known

    def _report(self, pings: dict[str, float]) -> None:
        if self._router is not None:
            self._router.tell_pings(pings)

    # What the connection to the router tells.

    def greeted(self, connection: RouterConnection) -> None:
        """A router lets us in: it is the one."""
        self._router = connection
        self._knock_no_more(but=connection)

    def identified(self, name: str, token: str) -> None:
        """This is who we are from now on."""
        self.name, self.token = name, token
        self._told.tell("identity", name)

    def asked(self, candidates: Sequence[Candidate]) -> None:
        """The router wants to know the round trips to these."""
        self.pinging.ask(candidates)

    def queued(self, position: int, estimate_s: float | None) -> None:
        """Our place in line; 0: we stand in line no more."""
        before, self.position, self.estimate_s = self.position, position, estimate_s
        if position != before:
            self._told.tell("position", position)

    def redirected(self, connection: PlayerConnection, where: Redirect) -> None:
        """There is a place."""
        if connection is self._router:
            self.queued(0, None)
            self._guest.sent(where)

    def lost(self, connection: PlayerConnection, why: Lost) -> None:
        """The router is gone, or ends it. One that has not let us in is not the only one."""
        router = connection if isinstance(connection, RouterConnection) else None
        if router is not None and router in self._knocking:
            another = self._knocking.pop(router)
            if another is not None and another.active():
                another.cancel()
        elif router is None or router is not self._router:
            return
        self._router = None
        asked = {each.address for each in self._knocking}
        if why.code in ("", "elsewhere") and self._routers.next(asked):
            self.pinging.close()
            self._knock()
        elif not self._knocking:
            self._guest.turned_away(why)
