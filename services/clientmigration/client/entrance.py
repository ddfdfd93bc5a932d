"""The way in: tells the router who we are, hears where to play, or our place in line meanwhile.

It knows the player's name and token, and is the only one to change them. When to ask the router,
and what a redirect leads to, is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from clientmigration.client.connections import PlayerConnection, RouterConnection, ServerConnection
from clientmigration.client.listeners import Listeners
from clientmigration.client.pinging import Pinging
from clientmigration.client.told import Lost
from clientmigration.errors import BadInput
from clientmigration.net.door import Dial
from clientmigration.net.tickets import hashed
from clientmigration.wire.messages import Candidate, Hello, Redirect

SEEK_S = 10.0  # to find the router and hear its greeting: it may have several addresses
GROUP_LIMIT, TOKEN_LIMIT = 64, 1024  # characters: more the router would not read


@dataclass(frozen=True)
class Passport:
    """What a player program shows: at which router, a token if it has been here before, its group
    if it wants company, and the secret that binds its tickets to this program."""

    router: str
    secret: str
    token: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if len(self.group) > GROUP_LIMIT:
            raise BadInput(f"a group of {len(self.group)} characters, {GROUP_LIMIT} are allowed")


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
        self._router: RouterConnection | None = None

    def ask(self) -> None:
        """Connect to the router and ask for a place."""
        holder = hashed(self._passport.secret)
        hello = Hello(holder=holder, token=self.token, group=self._passport.group)
        self._router = RouterConnection(self._clock, self._dial, self._passport.router, self, hello)
        self._router.connect(SEEK_S)

    def close(self) -> None:
        """Close the connection to the router, and those to candidates."""
        router, self._router = self._router, None
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
        """The router is gone, or ends it."""
        if connection is self._router:
            self._guest.turned_away(why)
