"""The link to a router, as its member hears it. It proves itself, and passes orders on.

No order is heard before both sides have proved that they know the cluster's secret.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import UNSET
from twisted.logger import Logger

from clientmigration.core.measures.worldtime import NEAR_S
from clientmigration.errors import OutOfTurn
from clientmigration.net.attachment import Attachment
from clientmigration.net.door import told_as
from clientmigration.net.line import MEMBER_SILENCE_S, MEMBER_UNREAD, Line, LineTerms
from clientmigration.net.shipped import VERSION
from clientmigration.net.tickets import Seals
from clientmigration.wire.connection import ROUTER_TO_MEMBER
from clientmigration.wire.messages import Attach, Attached, Challenge, Goodbye

log = Logger()

RATE = (20_000.0, 100_000.0)  # a router may talk fast, and still not without limit
TERMS = LineTerms(ROUTER_TO_MEMBER, RATE, MEMBER_SILENCE_S, MEMBER_UNREAD)


class Duties(Protocol):
    """What is to be done for a router, and when it comes and goes."""

    def obey(self, message: Any, asker: Line) -> None:
        """It orders this, over this link."""

    def attached(self, line: Line, now: float | None) -> None:
        """It has taken us into its fleet, and says what date it is in the world; None: ours is
        right, or that was said so long ago that it is not any more."""

    def detached(self, line: Line) -> None:
        """It is gone."""


class Uplink:
    """The `Listener` of one connection to a router; a new one for each connection. `role` is what
    we are to it: a game server, or a router below it."""

    line: Line

    def __init__(
        self,
        attachment: Attachment,
        seals: Seals,
        entropy: Callable[[int], bytes],
        duties: Duties,
        role: str,
    ) -> None:
        self._attachment, self._seals, self._duties = attachment, seals, duties
        self._role = role
        self._nonce = entropy(16).hex()
        self._challenge = ""
        self._attached = False
        self._asked_at = 0.0

    def opened(self, line: Line) -> None:
        """The router speaks first: its challenge."""
        self.line = line

    def heard(self, message: Any) -> None:
        """Proofs first, then orders."""
        match message:
            case Challenge():
                self._prove(message)
            case Attached():
                self._accept(message)
            case Goodbye():
                log.warn("the router closed: {code}: {text}", code=message.code, text=message.text)
                self.line.hang_up("bye", "")
            case _ if self._attached:
                self._duties.obey(message, self.line)
            case _:
                raise OutOfTurn(f"{type(message).__name__} before the link is attached")

    def _prove(self, message: Challenge) -> None:
        ours, self._challenge = self._attachment, message.nonce
        if not ours.asks(self.line):
            self.line.hang_up("bye", "we do not know yet how we are called")
            return
        told = told_as(ours.address, ours.inner, self.line.here)
        parts = (ours.member, self._role, *filter(None, told))
        self._asked_at = self.line.clock.seconds()
        self.line.say(
            Attach(
                name=ours.member,
                role=self._role,
                address=told[0],
                nonce=self._nonce,
                proof=self._seals.proof("member", self._challenge, self._nonce, *parts),
                zone=ours.zone,
                inner=told[1],
                life=ours.life or UNSET,
                game=ours.runs.game or UNSET,
                version=ours.runs.version if ours.runs.version != 1 else UNSET,
                reads=ours.runs.reads or UNSET,
                program=VERSION,
            )
        )

    def _accept(self, message: Attached) -> None:
        self._seals.proven(message.proof, "router", self._challenge, self._nonce, message.name)
        router = message.router or ""
        if not self._attachment.attached(self.line, message.name, router):
            log.error("a second router called {router}, or one without equals", router=router)
            self.line.hang_up("bye", "no equal of the routers that are there")
            return
        self._attached = True
        old = self.line.clock.seconds() - self._asked_at > NEAR_S  # it, or we, had no processor
        self._duties.attached(self.line, None if old else message.now)

    def closed(self, reason: str) -> None:
        """The connection is over. Everybody plays on."""
        if self._attached and self._attachment.detached(self.line):
            log.warn("lost the router: {reason}; everybody plays on", reason=reason)
            self._duties.detached(self.line)
