"""One migration under way: the hands (`Carrier`) of its machine in core/player/migration.py.

It says what the machine decides and hands it what comes back. What is said to a member that is not
attached is lost, and the machine hears about the loss; only the ledger decides who owns a player.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec
from msgspec import UNSET, UnsetType
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import Outcome, migration
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.errors import OutOfTurn
from clientmigration.net.beats import Beats
from clientmigration.net.complaints import SparingLogger
from clientmigration.net.deadline import Deadline
from clientmigration.net.ledger import TimedLedger
from clientmigration.net.tickets import TICKET_TTL_S, Ticket
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.wire.messages import (
    Arrived,
    Cancel,
    Copied,
    Copy,
    Declined,
    Direct,
    Freeze,
    Frozen,
    Own,
    Prepare,
    Prepared,
    Redirect,
    Release,
    Reserve,
    Reserved,
    Retain,
    Settled,
    Waived,
)
from clientmigration.wire.shared import About, Seated

log = SparingLogger(__name__)

STEP_S = 3.0  # a member answers within milliseconds; three seconds mean that something is broken
ARRIVAL_S = 6.0  # a player needs a round trip or two to connect to the target
UNKNOWN_S = 0.5  # how long to wait before asking a ledger again that did not answer

MoveAnswer = Declined | Copied | Frozen | Reserved | Prepared | Arrived | Settled | Waived
"""What source and target of a migration say about it."""
Arrive = Callable[[Redirect, int], None]
"""Tells a newcomer where to go, whose it is at this epoch."""
Tell = Callable[["MoveTerms"], "About | UnsetType"]
"""What a target is told of a player, if it has to place it itself: if it is a router."""


class MoveTerms(msgspec.Struct, frozen=True):
    """What is known of a migration when it begins, and does not change.

    `record` is what the ledger said then; `source` is "" for a newcomer, who is told the way by
    `arrive`; `link` is the target's, `giver` the source's; `orphaned` whether the newcomer's owner
    was away. `holder` is the hash of the player's secret, `group` whom it wants to stay with, `why`
    the reason in words.
    """

    id: str
    record: Record
    source: str
    target: str
    holder: str
    group: str
    started: float  # Unix seconds
    link: MemberLink | None
    orphaned: bool = False
    arrive: Arrive | None = None
    why: str = ""
    giver: MemberLink | None = None

    @property
    def player(self) -> str:
        """Who moves."""
        return self.record.player

    @property
    def epoch(self) -> int:
        """The player's at the target: what the ticket says."""
        return self.record.epoch + (self.record.owner != self.target)


class MoveEnded(msgspec.Struct, frozen=True):
    """How a migration ended, and when (Unix seconds); `reason` is "" when it went well."""

    terms: MoveTerms
    outcome: Outcome
    reason: str
    at: float  # Unix seconds
    took_s: float = 0.0

    @property
    def took_ms(self) -> float:
        """From the router's first word to its last."""
        return self.took_s * 1000


class Redirects(Protocol):
    """Who seals tickets and knows addresses."""

    def to(self, ticket: Ticket, address: str = "") -> Redirect:
        """The way to the ticket's member, which is at this address, if that is not of our fleet."""


@dataclass(frozen=True)
class MoveTools:
    """What every migration is carried out with; `now` answers the date, Unix seconds."""

    clock: IReactorTime
    members: AttachedMembers
    ledger: TimedLedger
    redirects: Redirects
    beats: Beats
    now: Callable[[], float]
    about: Tell = lambda _terms: UNSET


class MoveCarrier:
    """The `Carrier` of one migration. `over` is told its end, and then `finished` fires with it."""

    def __init__(
        self, terms: MoveTerms, tools: MoveTools, over: Callable[[MoveEnded], None]
    ) -> None:
        self.terms, self.tools, self._over = terms, tools, over
        self.record = terms.record  # what the ledger is known to say
        self.holder = terms.holder
        self._began = tools.clock.seconds()
        self.plays = False  # whether the target has the player already: it only comes back
        self.at: Seated | UnsetType = UNSET  # where exactly, below a target that is a router
        self.finished: Deferred[MoveEnded] = Deferred()
        self.machine = migration(self)
        self._wait = Deadline(tools.clock, lambda: self.machine.timed_out())

    # What the members say.

    def hear(self, member: str, answer: MoveAnswer) -> None:
        """One answer, from the member whose part it is to give it. Raises `OutOfTurn` for any
        other's."""
        if member not in self._answers(answer):
            raise OutOfTurn("an answer to a migration in which it has another part, or none")
        match answer:
            case Reserved(plays=plays, at=at):
                self.plays, self.at = plays, at
                self.machine.reserved()
            case Copied(snapshot=snapshot):
                self.machine.copied(snapshot)
            case Prepared():
                self.machine.prepared()
            case Arrived():
                self.machine.arrived()
            case Frozen(snapshot=snapshot):
                self.machine.frozen(snapshot)
            case Settled():
                self.machine.settled()
            case Declined(reason=reason):
                self.machine.declined(reason)
            case Waived():
                self.machine.target_lost()

    def _answers(self, answer: MoveAnswer) -> tuple[str, ...]:
        match answer:
            case Declined():
                return (self.terms.source, self.terms.target)
            case Copied() | Frozen():
                return (self.terms.source,)
            case _:
                return (self.terms.target,)

    # What the machine wants done.

    def reserve(self) -> None:
        """Ask the target for a place."""
        self._wait.within(STEP_S)
        terms = self.terms
        about = self.tools.about(terms)
        self._to_target(
            Reserve(
                migration=terms.id,
                player=terms.player,
                epoch=terms.epoch,
                ttl_s=TICKET_TTL_S,
                about=about,
            )
        )

    def copy(self) -> None:
        """Ask the source for a snapshot."""
        self._wait.within(STEP_S)
        self._to_source(Copy(migration=self.terms.id, player=self.terms.player))

    def prepare(self, snapshot: Snapshot) -> None:
        """Checkpoint, then speak: the target hears of it when the ledger has it."""
        self._wait.within(STEP_S)
        self.holder = snapshot.holder
        self.tools.beats.spawn("preparing a target", self._prepare(snapshot))

    async def _prepare(self, snapshot: Snapshot) -> None:
        try:
            done = await self.tools.ledger.checkpoint(self.terms.source, [snapshot])
        except Exception:
            self.machine.declined("the ledger is away")
            return
        if done == [True]:
            self._to_target(Prepare(migration=self.terms.id, snapshot=snapshot))
        else:
            self.machine.declined("the ledger has another owner")

    def direct(self) -> None:
        """The player is told by the server it plays on."""
        self._wait.within(ARRIVAL_S)
        terms = self.terms
        self._to_source(Direct(migration=terms.id, player=terms.player, redirect=self._redirect()))

    def freeze(self) -> None:
        """From here to the claim nobody applies the player's inputs."""
        self._wait.within(STEP_S)
        self._to_source(Freeze(migration=self.terms.id, player=self.terms.player))

    def claim(self, final: Snapshot | None) -> None:
        """Compare-and-set; an answer that does not come is unknown, never no."""
        self._wait.whenever()
        if self.record.owner == self.terms.target and self.plays:
            self.machine.claimed(self.record.epoch)
        elif self._owner_is_back():
            self.machine.contested("its server is back")
        else:
            self.tools.beats.spawn("claiming a player", self._claim(final))

    def _owner_is_back(self) -> bool:
        """Whether the player was to be taken over from a server that was away, and is not now."""
        return self.terms.orphaned and self.record.owner in self.tools.members

    async def _claim(self, final: Snapshot | None) -> None:
        terms, expected = self.terms, self.record
        record = self.record = await self._taken(expected, final)
        if (record.owner, record.migration) == (terms.target, terms.id):
            if not terms.source and expected.owner != terms.target:  # it may just have come back
                release = Release(player=terms.player, epoch=record.epoch)
                self.tools.members.tell(expected.owner, release)
            self.machine.claimed(record.epoch)
        else:
            self.machine.contested(f"the ledger says {record.owner or 'nobody'}")

    async def _taken(self, expected: Record, final: Snapshot | None) -> Record:
        """The record after the claim, whoever it names; asked for as often as it takes."""
        ledger, terms = self.tools.ledger, self.terms
        while True:
            try:
                return (await ledger.take(expected, terms.target, terms.id, final)).record
            except Exception as error:
                log.warn("the ledger does not answer: {error}", error=str(error))
                await deferLater(self.tools.clock, UNKNOWN_S, lambda: None)

    def own(self, epoch: int) -> None:
        """The player is the target's."""
        self._wait.within(STEP_S)
        if self._to_target(self._own(epoch)) and self.terms.arrive is not None:
            self.terms.arrive(self._redirect(), epoch)

    def _own(self, epoch: int | None = None) -> Own:
        return Own(
            migration=self.terms.id,
            player=self.terms.player,
            epoch=self.record.epoch if epoch is None else epoch,
            holder=self.holder,
            snapshot=self.record.snapshot,
            group=self.terms.group,
        )

    def release(self) -> None:
        """The source may forget the player."""
        self._to_source(Release(player=self.terms.player, epoch=self.record.epoch))

    def release_of_lost(self) -> None:
        """The same, of a target that was lost. The source of one that is a router is told when a
        roster has it again, and that router is there (recovery.py); an equal of that begins with
        the player."""
        link = self.terms.link
        if link is None or link.role != "router":
            self.release()
        else:
            self.tools.members.tell_all(self.terms.target, self._own())

    def cancel(self, reason: str) -> None:
        """It ended before anything changed; or another router has claimed the player for its
        source, at a new epoch, as if this one were dead, or given it to somebody else."""
        terms, record = self.terms, self.record
        message = Cancel(migration=terms.id, player=terms.player, reason=reason)
        told: msgspec.Struct = message
        if (record.owner, record.migration) == (terms.source, terms.id):
            told = Retain(migration=terms.id, player=terms.player, epoch=record.epoch)
        elif record.owner != terms.source and record.epoch > terms.record.epoch:
            told = Release(player=terms.player, epoch=record.epoch)
        self._tell(terms.giver, terms.source, told)
        self._tell(terms.link, terms.target, message)

    def ended(self, outcome: Outcome, reason: str) -> None:
        """The one end."""
        self._wait.stop()
        took_s = self.tools.clock.seconds() - self._began
        ended = MoveEnded(self.terms, outcome, reason, self.tools.now(), took_s)
        self._over(ended)
        self.finished.callback(ended)

    # How it is done.

    def _redirect(self) -> Redirect:
        terms, at = self.terms, self.at
        if at is UNSET:
            at = Seated(terms.target, "", terms.epoch)
        ticket = Ticket(terms.id, terms.player, at.member, at.epoch, self.holder)
        return self.tools.redirects.to(ticket, at.address)

    def _to_source(self, message: msgspec.Struct) -> None:
        terms = self.terms
        if terms.source and not self._tell(terms.giver, terms.source, message):
            self.machine.source_lost()

    def _tell(self, link: MemberLink | None, name: str, message: msgspec.Struct) -> bool:
        """Say it to the equal that has a part in this, or to another one if that is gone. False if
        the member is not attached."""
        if link is None or not self.tools.members.still(link):
            return self.tools.members.tell(name, message)
        link.say(message)
        return True

    def _to_target(self, message: msgspec.Struct) -> bool:
        """Only over the link on which it began: who came back on another may have started anew, and
        does not know what it promised (gameserver/waivers.py)."""
        link = self.terms.link
        if link is None or not self.tools.members.still(link):
            self.machine.target_lost()
            return False
        link.say(message)
        return True
