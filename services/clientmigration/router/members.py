"""A member's link, as the router hears it: proof first, then reports, rosters and answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.core.measures.metrics import Datapoint, NotADatapoint, checked, clean
from clientmigration.core.player.ledger import Record
from clientmigration.errors import MalformedFrame, NotAuthentic, OutOfTurn
from clientmigration.net.line import MEMBER_SILENCE_S, Line
from clientmigration.router.introductions import introduce
from clientmigration.router.operators import ROLES, OperatorLine
from clientmigration.wire.connection import MEMBER_TO_ROUTER
from clientmigration.wire.messages import (
    Arrived,
    Attach,
    Attached,
    Cancel,
    Challenge,
    Checkpoint,
    Copied,
    Declined,
    Entry,
    Felt,
    Frozen,
    Goodbye,
    Left,
    Noted,
    Prepared,
    Release,
    Report,
    Reserved,
    Roster,
    Settled,
    Stored,
    Waived,
)

if TYPE_CHECKING:
    from clientmigration.router.service import Router

log = Logger()

MEMBER_PACE = (20_000.0, 100_000.0)  # 3,000 players' worth of answers, and still a limit


class MemberLine:
    """The `Listener` of one member's link. `roster` is who it said that it has."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.nonce = router.entropy(16).hex()
        self.name = self.role = ""
        self.roster: dict[str, Entry] = {}
        self.measures: dict[str, float] = {}  # of its latest report
        self._listing: dict[str, Entry] = {}
        self._unjudged: set[str] | None = None  # whom of the first roster nobody has judged yet
        self.line = Line(
            "router",
            MEMBER_TO_ROUTER,
            self,
            router.clock,
            TokenBucket(*MEMBER_PACE),
            router.blame,
            MEMBER_SILENCE_S,
        )

    def opened(self, line: Line) -> None:
        """Have it prove itself. Operators come in by the same door."""
        if line.peer_role in ROLES:
            OperatorLine(self.router, line).opened(line)
            return
        line.say(Challenge(nonce=self.nonce))

    def heard(self, message: Any) -> None:
        """See `Listener`."""
        if isinstance(message, Attach):
            self._attach(message)
        elif isinstance(message, Goodbye):
            self.line.hang_up("bye", "")
        elif not self.name:
            raise OutOfTurn(f"{type(message).__name__} before the link is attached")
        else:
            _ANSWER[type(message)](self, message)

    def _attach(self, message: Attach) -> None:
        if self.name:
            raise OutOfTurn("attached already")
        parts = (self.nonce, message.nonce, message.name, message.role, message.address)
        self.router.seals.proven(message.proof, "member", *parts)
        if message.name and clean(message.name) != message.name:
            raise NotAuthentic(f"a member may not be called {message.name!r}")
        self.name, self.role = self.router.admit_member(self, message), message.role
        proof = self.router.seals.proof("router", self.nonce, message.nonce, self.name)
        self.line.say(Attached(name=self.name, proof=proof))
        introduce(self.router.members, self.router.fleet)

    def report(self, message: Report) -> None:
        """Its datapoints, the same that carbon gets."""
        try:
            points = [Datapoint(*point) for point in message.datapoints]
            measurements = [checked(point) for point in points]
            if any(each.name != self.name for each in measurements):
                raise MalformedFrame(f"{self.name} reports for somebody else")
            self.router.fleet.observe(measurements, self.router.now())
        except NotADatapoint as error:
            raise MalformedFrame(str(error)) from error
        self.measures = {each.measure: each.value for each in measurements}
        self.router.observed(points)
        self.line.say(Noted())

    def list_players(self, message: Roster) -> None:
        """Part of the roster. Those of the first complete one of a link are judged by the ledger,
        and later those who are stuck in a migration that nobody carries out."""
        self._listing |= {entry.player: entry for entry in message.entries}
        if not message.last:
            return
        self.roster, self._listing = self._listing, {}
        self._learn()
        if self._unjudged is None:
            self._unjudged = set(self.roster)
        self._unjudged &= set(self.roster)
        for entry in self.roster.values():
            if entry.player in self._unjudged or self._stuck(entry):
                self.router.settle(self, entry)

    def _learn(self) -> None:
        """How far its players are from here, and who of which group is here."""
        router, zone = self.router, self.router.fleet.zone(self.name)
        router.company.listed(self.name, {each.player: each.group for each in self.roster.values()})
        for each in self.roster.values():
            if each.ping_ms is not None:
                router.pings.note(each.player, {zone: each.ping_ms}, router.now())

    def _stuck(self, entry: Entry) -> bool:
        waits = entry.migration if entry.state in ("arriving", "frozen") else entry.waived
        return bool(waits) and waits not in self.router.moves.by_id

    def judge(self, entry: Entry, record: Record) -> None:
        """Tell a member that came back how things stand with one of its players."""
        if self._unjudged is not None:
            self._unjudged.discard(entry.player)
        mine = record.owner == self.name and record.epoch == entry.epoch
        cancel = Cancel(migration=entry.migration, player=entry.player, reason="router restarted")
        if entry.waived == record.migration != "":
            self.router.give_back(self, entry, record)
            return
        if entry.waived:
            self.line.say(msgspec.structs.replace(cancel, migration=entry.waived))
        if entry.state == "arriving":
            self.line.say(cancel)
        elif record.epoch == 0:
            log.warn("the ledger lost {player} of {name}", player=entry.player, name=self.name)
        elif record.owner == self.name and record.epoch > entry.epoch:
            self.line.say(Release(player=entry.player, epoch=entry.epoch))  # not what it owns since
        elif not mine:
            self.line.say(Release(player=entry.player, epoch=max(record.epoch, entry.epoch)))
        elif entry.migration:
            self.line.say(cancel)

    def store(self, message: Checkpoint) -> None:
        """Into the ledger; whom it does not own any more, it has to forget."""
        storing = self.router.checkpoint(self.name, message.snapshots)

        def stored(done: list[bool]) -> None:
            fenced = [s for s, kept in zip(message.snapshots, done, strict=True) if not kept]
            self.line.say(Stored(n=message.n, refused=[each.player for each in fenced]))
            for snapshot in fenced:
                self.router.fenced(self, snapshot)

        def failed(failure: Failure) -> None:  # it sends newer ones in a second
            why = failure.getErrorMessage()
            log.warn("{name}'s players are not stored: {why}", name=self.name, why=why)

        storing.addCallbacks(stored, failed)

    def free(self, message: Left) -> None:
        """A player went home."""
        self.router.free(self, message.snapshot)

    def felt(self, message: Felt) -> None:
        """What a move cost a player."""
        meter = self.router.meter
        meter.sample("blackout_ms", message.gap_ms)
        meter.sample("blackout_ticks", message.missed)
        meter.sample("stall_ms", message.stall_ms)
        self.router.operators.felt(self.name, message)

    def closed(self, reason: str) -> None:
        """See `Listener`."""
        if self.name:
            self.router.lose_member(self, reason)


def _answer(member: MemberLine, message: Any) -> None:
    move = member.router.moves.by_id.get(message.migration)
    if move is None:
        return  # a late answer to something that has ended
    from_source = isinstance(message, Copied | Frozen)
    if member.name not in (
        (move.source, move.target)
        if isinstance(message, Declined)
        else (move.source if from_source else move.target,)
    ):
        raise OutOfTurn("an answer to a migration in which it has another part, or none")
    machine = move.machine
    if isinstance(message, Declined):
        machine.declined(message.reason)
    elif isinstance(message, Copied):
        machine.copied(message.snapshot)
    elif isinstance(message, Frozen):
        machine.frozen(message.snapshot)
    elif isinstance(message, Reserved):
        move.plays = message.plays
        machine.reserved()
    elif isinstance(message, Waived):
        machine.target_lost()
    else:
        {
            Prepared: machine.prepared,
            Arrived: machine.arrived,
            Settled: machine.settled,
        }[type(message)]()


_ANSWER: dict[type, Any] = {
    Report: MemberLine.report,
    Roster: MemberLine.list_players,
    Checkpoint: MemberLine.store,
    Left: MemberLine.free,
    Felt: MemberLine.felt,
    Declined: _answer,
    Copied: _answer,
    Frozen: _answer,
    Reserved: _answer,
    Prepared: _answer,
    Arrived: _answer,
    Settled: _answer,
    Waived: _answer,
}
