"""The way in: tells the router who we are, hears where to play, or our place in line meanwhile.

It knows the player's name and token, and is the only one to change them. When to ask the router,
and what a redirect leads to, is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec import UNSET, UnsetType
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

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
LOGIN_LIMIT = 2560  # of a login
LOGIN_S = 10.0  # for the program to get one
FINAL = (*("replaced", "not_our_protocol", "banned", "kicked", "login_required", "bad_name"),)
"""After such an end, to come back would not help."""


@dataclass(frozen=True)
class Login:
    """Who the player is, by the game's own backend: a token of it, or what gets one (now, or as a
    Deferred) each time that one is shown. For a token alone there is no other when it has
    expired."""

    of: str | Callable[[], str | Deferred[str]]

    def __post_init__(self) -> None:
        if isinstance(self.of, str) and not 0 < len(self.of) <= LOGIN_LIMIT:
            raise BadInput(f"a login of {len(self.of)} characters, 1 to {LOGIN_LIMIT} are allowed")

    def fresh(self) -> Deferred[str]:
        """One to show. Fails with whatever the program raised, or BadInput."""
        return maybeDeferred(self._get).addCallback(_readable)

    def _get(self) -> str | Deferred[str]:
        return self.of() if callable(self.of) else self.of

    @property
    def renews(self) -> bool:
        """Whether there is another one when this is not good any more."""
        return callable(self.of)


def _readable(login: object) -> str:
    if not isinstance(login, str) or not 0 < len(login) <= LOGIN_LIMIT:
        raise BadInput(f"a login is text, of 1 to {LOGIN_LIMIT} characters")
    return login


@dataclass(frozen=True)
class Passport:
    """What a player program shows: at which router (or one of several, with commas between them), a
    token if it has been here before or a login instead, its group if it wants company, and the
    secret that binds its tickets to this program."""

    router: str
    secret: str
    token: str | Login = ""
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
        shown = passport.token
        self._login = shown if isinstance(shown, Login) else None
        # A token that no router can have written is like one of another cluster.
        self.token = shown if isinstance(shown, str) and len(shown) <= TOKEN_LIMIT else ""
        self._getting: Deferred[None] | None = None
        self._shown: str | UnsetType = UNSET  # the login of this asking
        self.position = 0
        self.estimate_s: float | None = None
        self.pinging = Pinging(clock, guest.connection_to, self._report)
        self._router: RouterConnection | None = None  # the one that has greeted
        self._knocking: dict[RouterConnection, IDelayedCall | None] = {}
        self._routers = Routers(passport.router, passport.secret)

    def ask(self) -> None:
        """Connect to a router and ask for a place: with the token that we have; or with a login, as
        long as we have none by it."""
        self._routers.first()
        if self._login is None or self.token:
            self._knock()
            return
        getting = self._login.fresh().addTimeout(LOGIN_S, self._clock)
        self._getting = getting.addCallbacks(self._show, self._no_login)

    def _show(self, login: str) -> None:
        self._getting, self._shown = None, login
        self._knock()

    def _no_login(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            why = Lost("", f"no login: {failure.getErrorMessage()}")
            self._clock.callLater(0, self._guest.turned_away, why)

    def _knock(self) -> None:
        holder, group = hashed(self._passport.secret), self._passport.group
        login = UNSET if self.token else self._shown
        hello = Hello(holder=holder, token=self.token, group=group, login=login)
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
        getting, self._getting = self._getting, None
        if getting is not None:
            getting.cancel()
        router, self._router = self._router, None
        self._knock_no_more()
        if router is not None:
            router.close()
        self.pinging.close()

    def forget(self) -> bool:
        """The router does not know our token: come back as somebody new, or with the login. False:
        we are nobody else by that."""
        known, self.token = bool(self.token), ""
        return known and self._login is None

    def final(self, code: str) -> bool:
        """Whether to come back would not help after an end with this code."""
        renews = self._login is not None and self._login.renews
        return code in FINAL or (code == "login_refused" and not renews)

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
