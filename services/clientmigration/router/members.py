"""A member's link, as the router hears it: proof first, then each message goes to one room.

It decides nothing and keeps nothing but the link.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.fleet.release import GameRelease
from clientmigration.core.measures.metrics import clean
from clientmigration.errors import NotAuthentic, OutOfTurn, PeersFault
from clientmigration.net.line import MEMBER_SILENCE_S, MEMBER_UNREAD, Line, LineTerms
from clientmigration.net.tickets import Seals
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.move import MoveAnswer
from clientmigration.wire.base import Wants
from clientmigration.wire.connection import MEMBER_TO_ROUTER
from clientmigration.wire.messages import (
    LEAVING,
    Arrived,
    Attach,
    Attached,
    Challenge,
    Checkpoint,
    Copied,
    Declined,
    Felt,
    Frozen,
    Goodbye,
    Left,
    Prepared,
    Report,
    Reserved,
    Roster,
    Settled,
    Waived,
)
from clientmigration.wire.zones import Branch, Inquired, Offer, Seek, Surveyed

Claim = Callable[[str, str], Coroutine[Any, Any, str]]

RATE = (20_000.0, 100_000.0)  # 3,000 players' worth of answers, and still a limit
TERMS = LineTerms(MEMBER_TO_ROUTER, RATE, MEMBER_SILENCE_S, MEMBER_UNREAD)


log = Logger()


@dataclass(frozen=True)
class MemberPorts:
    """Where what a member says goes: one call for each message, one for its end. `date` is what a
    member is told that has just come."""

    date: Callable[[], float | None]
    joined: Callable[[MemberLink, Attach], None]
    left: Callable[[MemberLink, str, bool], None]
    report: Callable[[MemberLink, Report], None]
    roster: Callable[[MemberLink, Roster], None]
    checkpoint: Callable[[MemberLink, Checkpoint], None]
    gone_home: Callable[[MemberLink, Left], None]
    felt: Callable[[MemberLink, Felt], None]
    wanted: Callable[[MemberLink, Wants], None]
    answer: Callable[[str, MoveAnswer], None]
    claim: Claim | None = None  # of a name, where several routers give them
    router: str | UnsetType = UNSET  # what this router is called among its equals
    below: BelowPorts | None = None  # for members that are routers


@dataclass(frozen=True)
class BelowPorts:
    """The same for what only a router says that is attached to this one."""

    reported: Callable[[MemberLink, Report], None]
    offer: Callable[[MemberLink, Offer], None]
    seek: Callable[[MemberLink, Seek], None]
    branch: Callable[[MemberLink, Branch], None]
    inquired: Callable[[MemberLink, Inquired], None]
    answered: Callable[[MemberLink, Surveyed], None]


FromBelow = Offer | Seek | Branch | Inquired | Surveyed


class MemberLine:
    """The `Listener` of one member's line."""

    def __init__(
        self, line: Line, nonce: str, seals: Seals, members: AttachedMembers, ports: MemberPorts
    ) -> None:
        self._line, self._nonce, self._seals = line, nonce, seals
        self._members, self._ports = members, ports
        self._link: MemberLink | None = None  # from the proof on
        self._asked = False  # whether a name is being claimed for it
        self._leaving = False  # it said that it goes for good

    def opened(self, line: Line) -> None:
        """Have it prove itself."""
        line.say(Challenge(nonce=self._nonce))

    def heard(self, message: Any) -> None:
        """The proof; after it everything else."""
        match message:
            case Attach():
                self._attach(message)
            case Goodbye():
                self._leaving = message.code == LEAVING
                self._line.hang_up("bye", "")
            case _ if self._link is None:
                raise OutOfTurn(f"{type(message).__name__} before the link is attached")
            case Offer() | Seek() | Branch() | Inquired() | Surveyed():
                self._below(self._link, message)
            case _:
                self._pass_on(self._link, message)

    def _below(self, link: MemberLink, message: FromBelow) -> None:
        below = self._ports.below
        if below is None or link.role != "router":
            raise OutOfTurn(f"{type(message).__name__} of one that is no router")
        match message:
            case Offer():
                below.offer(link, message)
            case Seek():
                below.seek(link, message)
            case Branch():
                below.branch(link, message)
            case Inquired():
                below.inquired(link, message)
            case Surveyed():
                below.answered(link, message)

    def _attach(self, message: Attach) -> None:
        if self._link is not None or self._asked:
            raise OutOfTurn("attached already")
        parts = (self._nonce, message.nonce, message.name, message.role, message.address)
        inner = (message.inner,) if message.inner else ()
        self._seals.proven(message.proof, "member", *parts, *inner)
        if message.name and clean(message.name) != message.name:
            raise NotAuthentic(f"a member may not be called {message.name!r}")
        claim = self._ports.claim
        if claim is None:
            self._admit(message, message.name, message.life or "")
        else:
            self._asked = True
            life = message.life or message.nonce
            claiming = Deferred.fromCoroutine(claim(message.name, life))
            claiming.addCallback(lambda name: self._admit(message, name, life))
            claiming.addErrback(self._refuse)

    def _admit(self, message: Attach, name: str, life: str) -> None:
        if self._line.over:
            return
        ports = self._ports
        runs = GameRelease(message.game or "", message.version or 1, message.reads or 0)
        link = self._link = self._members.admit(
            name, message.role, self._line, life, runs, message.program
        )
        self._line.guest.proven()
        proof = self._seals.proof("router", self._nonce, message.nonce, link.name)
        told = Attached(name=link.name, proof=proof, now=ports.date(), router=ports.router)
        self._line.say(told)
        self._ports.joined(link, message)

    def _refuse(self, failure: Failure) -> None:
        """The name is another's, or nobody knows whose it is."""
        if isinstance(failure.value, PeersFault):
            self._line.fail(failure.value)
        else:
            log.warn("nobody can attach: {why}", why=failure.getErrorMessage())
            self._line.hang_up("no_ledger", "the ledger does not answer; try again")

    def _pass_on(self, link: MemberLink, message: Any) -> None:
        ports = self._ports
        match message:
            case Report():
                ports.report(link, message)
                if ports.below is not None:
                    ports.below.reported(link, message)
            case Checkpoint():
                ports.checkpoint(link, message)
            case Roster():
                ports.roster(link, message)
            case Felt():
                ports.felt(link, message)
            case Wants():
                ports.wanted(link, message)
            case Left():
                ports.gone_home(link, message)
            case Reserved() | Copied() | Prepared() | Arrived() | Frozen() | Settled():
                ports.answer(link.name, message)
            case Declined() | Waived():
                ports.answer(link.name, message)

    def closed(self, reason: str) -> None:
        """The link is gone, if there was one."""
        if self._link is not None:
            why = "it stops" if self._leaving else reason
            self._ports.left(self._link, why, self._leaving)
