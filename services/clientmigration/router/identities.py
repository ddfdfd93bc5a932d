"""Who comes to the door: by a login of the game's own backend, by the token that it kept, or new.

A login names the same player each time. Its player gets a token as everybody does, which is good
for some hours, so that who plays comes back while the backend is away.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec import UNSET

from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.names import GROUPS, NamePattern
from clientmigration.errors import BadName, LoginLater, LoginRefused, LoginRequired, NotAuthentic
from clientmigration.net.tickets import Seals
from clientmigration.wire.messages import Hello, Identity

REMEMBERED = 20_000  # players whose subject is known to operators
HOUR_S = 3600.0
LOGIN = "login:"
"""Before a subject, where an operator names a player by it."""


ANY_GROUP = NamePattern("group", GROUPS)


class Backend(Protocol):
    """Who knows logins."""

    async def subject(self, token: str) -> str:
        """Whose login this is; LoginRefused or LoginLater."""

    def player(self, subject: str) -> str:
        """The name of the player who is this subject."""


@dataclass(frozen=True)
class Admission:
    """Who may come in: with a login of `backend`, if there is one, whose token is good for so many
    hours; without any, if `anonymous` may come; in groups whose names are of a pattern."""

    backend: Backend | None = None
    anonymous: bool = True
    hours: float = 12.0
    groups: NamePattern = ANY_GROUP


class Identities:
    """`now` is the date."""

    def __init__(
        self,
        seals: Seals,
        entropy: Callable[[int], bytes],
        now: Callable[[], float],
        admission: Admission,
        meter: Meter,
    ) -> None:
        self._seals, self._entropy, self._now = seals, entropy, now
        self._admission, self._meter = admission, meter
        self._subjects: OrderedDict[str, str] = OrderedDict()

    async def of(self, hello: Hello) -> Identity:
        """Who says that. Raises `NotAuthentic` for a token that is not ours, and what there is of
        logins; `BadName` for a group that nobody may have."""
        if hello.group and (why := self._admission.groups.refusal(hello.group)):
            raise BadName(why)
        try:
            if hello.login is not UNSET and hello.login:
                return await self._logged_in(hello.login)
            return self._come_back(hello.token) if hello.token else self._new()
        except LoginRefused as error:
            self._meter.count(f"logins_refused_{error.why}")
            raise
        except LoginRequired:
            self._meter.count("logins_missing")
            raise
        except LoginLater:
            self._meter.count("logins_later")
            raise

    async def _logged_in(self, login: str) -> Identity:
        backend = self._admission.backend
        if backend is None:
            raise LoginRefused("format", "no logins are taken here: come without one")
        subject = await backend.subject(login)
        player = backend.player(subject)
        self._subjects[player] = subject
        self._subjects.move_to_end(player)
        if len(self._subjects) > REMEMBERED:
            self._subjects.popitem(last=False)
        self._meter.count("logins")
        now = self._now()
        token = self._seals.identity(player, now, now + self._admission.hours * HOUR_S)
        return Identity(player=player, token=token)

    def _come_back(self, token: str) -> Identity:
        player, until = self._seals.known(token)
        if until is None and not self._admission.anonymous:
            raise LoginRequired("nobody may play here without a login: log in")
        if until is not None and until <= self._now():
            raise NotAuthentic("your login was too long ago: log in again")
        if not self._seals.is_fresh(token):  # the secret was changed since
            token = self._seals.identity(player, self._now(), until)
        return Identity(player=player, token=token)

    def _new(self) -> Identity:
        if not self._admission.anonymous:
            raise LoginRequired("nobody may play here without a login: log in")
        player = self._entropy(8).hex()
        return Identity(player=player, token=self._seals.identity(player, self._now()))

    # For operators.

    def login_of(self, player: str) -> str:
        """The subject of the player's login, if it came in here lately; or ""."""
        return self._subjects.get(player, "")

    def who(self, said: str) -> str:
        """The player whom an operator means: by its name, or by the subject of its login."""
        backend = self._admission.backend
        if backend is not None and said.startswith(LOGIN):
            return backend.player(said.removeprefix(LOGIN))
        return said
