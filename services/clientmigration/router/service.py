"""The router: the well-known door, the fleet, and the moves. Servers own the truth.

Everything it knows can be built again from its members and the ledger. While it is away everybody
plays on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, TypeVar

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from clientmigration.core.decisions.audit import AuditTrail
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.grace import ReconnectGrace
from clientmigration.core.fleet.groups import Groups
from clientmigration.core.fleet.pings import KnownPings
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.meter import Meter
from clientmigration.core.measures.metrics import Datapoint, Sink, datapoints
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.errors import NotAuthentic, PeersFault
from clientmigration.net import ledger as ledgers
from clientmigration.net.events import Events
from clientmigration.net.ledger import Ledger
from clientmigration.net.line import Line
from clientmigration.net.probe import Probe
from clientmigration.net.tickets import Seals
from clientmigration.router.annotations import Annotations
from clientmigration.router.decision_log import DecisionLog
from clientmigration.router.decisions import Decisions
from clientmigration.router.introductions import introduce
from clientmigration.router.members import MemberLine
from clientmigration.router.moves import Moves
from clientmigration.router.operators import Operators
from clientmigration.router.players import Visit
from clientmigration.router.queue import Queue
from clientmigration.router.warm_start import Ask, WarmStart
from clientmigration.wire.messages import Attach, Entry, Release, Retain

log = Logger()
T = TypeVar("T")

COUNTED = (
    "joins",
    "placements_settled",
    "placements_waiting",
    "placements_refused",
    "placed_by_ping",
    "placed_by_load",
    "placed_by_position",
    "placed_by_group",
    "placed_by_lot",
    "flows",
    "planned_moves",
    "moves_settled",
    "moves_refused",
    "moves_timed_out",
    "moves_player_left",
    "moves_lost",
    "members_lost",
    "recovered",
    "refused_tickets",
    "closed_connections",
)


class Router(Service):
    """See the module. `member` is its own name in Graphite; `observed` is told every datapoint that
    the fleet is built from; `past` is asked for the last seconds before its start."""

    def __init__(
        self,
        clock: IReactorTime,
        member: str,
        policy: Policy,
        ledger: Ledger,
        seals: Seals,
        sink: Sink,
        events: Events,
        probe: Probe,
        entropy: Callable[[int], bytes],
        dropped: Callable[[], int] = lambda: 0,
        observed: Callable[[Sequence[Datapoint]], None] = lambda _points: None,
        past: Ask | None = None,
    ) -> None:
        self.clock, self.member, self.policy, self.ledger = clock, member, policy, ledger
        self.seals, self.sink, self.events, self.probe = seals, sink, events, probe
        self.entropy, self.dropped, self.observed = entropy, dropped, observed
        self.started = 0.0
        self.absences = ReconnectGrace(0.0)
        self.fleet = Fleet()
        self.members: dict[str, MemberLine] = {}
        self.moves = Moves(self)
        self.line_up = Queue(self)
        self.visits = count(1)
        self.pings = KnownPings(policy.placement.remember_s)
        self.company = Groups()
        self.decisions = Decisions(self)
        self.journal = DecisionLog(self)
        self.recall = WarmStart(self, past)
        self.operators = Operators(self)
        self.chronicle = Annotations(self)
        self.memory = AuditTrail()
        self.meter = Meter(COUNTED, ("decision_ms",))
        self._loops = (
            (LoopingCall(self.report), 1.0),
            (LoopingCall(self.operators.tick), 1.0),
            (LoopingCall(self.decisions.decide), policy.rebalance.period_s),
            (LoopingCall(self.line_up.advance), 0.5),
        )

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.clock.seconds()

    # Lines.

    def player_line(self) -> Line:
        """A line for a player that has just connected."""
        return Visit(self).line

    def member_line(self) -> Line:
        """A line for a member that has just connected."""
        return MemberLine(self).line

    def blame(self, fault: PeersFault) -> None:
        """A connection is closed for its peer's fault."""
        self.meter.count("closed_connections")
        if fault.code == "ticket_refused":
            self.meter.count("refused_tickets")

    # Members.

    def admit_member(self, member: MemberLine, attach: Attach) -> str:
        """Take a member in; answers its name."""
        if attach.name in self.members:
            raise NotAuthentic(f"there is a member called {attach.name} already")
        name = attach.name or self._free_name()
        self.members[name] = member
        self.absences.back(name)
        self.fleet.attach(name, attach.role, attach.address, attach.zone)
        self.journal.joined(attach.role, name, self.now())
        self.recall.joined(attach.role, name)
        log.info("{name} at {address} joins the fleet", name=name, address=attach.address)
        self.chronicle.joined(name, attach.address)
        return name

    def _free_name(self) -> str:
        """gs-1, gs-2, ...: small and used again, so that Graphite does not fill with names."""
        taken = set(self.members)
        return next(name for n in range(1, len(taken) + 2) if (name := f"gs-{n}") not in taken)

    def lose_member(self, member: MemberLine, reason: str) -> None:
        """The link is gone: it takes part in nothing until it comes back."""
        if self.members.get(member.name) is not member:
            return
        del self.members[member.name]
        self.absences.left(member.name, self.now())
        self.journal.left(member.role, member.name)
        left = self.fleet.member(member.name)
        self.fleet.detach(member.name)
        self.company.lost(member.name)
        log.warn("{name} is gone: {reason}", name=member.name, reason=reason)
        self.chronicle.gone(member.name, left.newest if left else None, reason)
        self.moves.lost(member.name)
        introduce(self.members, self.fleet)

    def tell(self, name: str, message: msgspec.Struct) -> bool:
        """Say it to a member; False when it is not attached."""
        member = self.members.get(name)
        if member is not None:
            member.line.say(message)
        return member is not None

    async def attached_by(self, name: str, until: float) -> bool:
        """Whether a member is attached, or will be by then."""
        while name not in self.members and self.now() < until:
            await deferLater(self.clock, 0.1, lambda: None)
        return name in self.members

    # The ledger.

    def timed(self, answer: Deferred[T]) -> Deferred[T]:
        """The same Deferred, its time measured."""
        started = self.now()

        def done(result: Any) -> Any:
            self.meter.sample("ledger_ms", (self.now() - started) * 1000)
            return result

        return answer.addBoth(done)

    def checkpoint(self, owner: str, snapshots: Sequence[Snapshot]) -> Deferred[list[bool]]:
        """Store what a member reports; answers for which players it is the owner."""
        return self.timed(ledgers.checkpoint(self.ledger, owner, snapshots, self.now()))

    def settle(self, member: MemberLine, entry: Entry) -> None:
        """A member came back with this player: the ledger says how things stand. Without an answer
        the next roster asks again."""
        if entry.player not in self.moves.by_player:
            self._judge(member, entry)

    def _judge(self, member: MemberLine, entry: Entry) -> None:
        self.timed(self.ledger.read(entry.player)).addCallbacks(
            lambda record: member.judge(entry, record),
            lambda failure: log.warn("no ledger: {why}", why=failure.getErrorMessage()),
        )

    def give_back(self, member: MemberLine, entry: Entry, record: Record) -> None:
        """A claim was made, and its target has waived it, so that the source went on: the player is
        the source's again. If it came back meanwhile and somebody else was quicker, the source
        hears so at once. Without an answer the next roster asks again."""
        epoch = record.epoch + (record.owner != member.name)

        def given(done: list[bool]) -> None:
            if done == [True]:
                member.line.say(
                    Retain(migration=record.migration, player=record.player, epoch=epoch)
                )
            else:
                self._judge(member, entry)

        if record.owner == member.name:  # given, and not heard
            given([True])
        else:
            name, now = member.name, self.now()
            giving = ledgers.take(self.ledger, record, name, record.migration, None, now)
            self.timed(giving).addCallbacks(given, lambda _: None)

    def fenced(self, member: MemberLine, snapshot: Snapshot) -> None:
        """A member checkpoints a player that is not its own: tell it so, if the ledger insists."""

        def judge(record: Record) -> None:
            if (record.owner, record.epoch) != (member.name, snapshot.epoch):
                member.line.say(Release(player=snapshot.player, epoch=record.epoch))

        if snapshot.player not in self.moves.by_player:
            self.timed(self.ledger.read(snapshot.player)).addCallbacks(judge, lambda _: None)

    def free(self, member: MemberLine, snapshot: Snapshot) -> None:
        """A player went home: keep its last state, owned by nobody, and let its server forget."""
        move = self.moves.by_player.get(snapshot.player)
        if move is not None and move.source == member.name:
            move.machine.player_left()
        freeing = self.timed(ledgers.free(self.ledger, member.name, snapshot, self.now()))

        def freed(_: list[bool]) -> None:
            member.roster.pop(snapshot.player, None)
            member.line.say(Release(player=snapshot.player, epoch=snapshot.epoch))

        freeing.addCallbacks(freed, lambda _: None)  # not freed: it says so again in a moment

    # What it says of itself.

    def report(self) -> None:
        """One second's datapoints, to carbon."""
        self.moves.forget_old(self.now() - self.policy.limits.cooldown_s)
        self.sink.emit(datapoints("router", self.member, self.measures(), int(self.now())))

    def measures(self) -> dict[str, float]:
        """Every measure of the catalogue that has a value now. Starts a new interval."""
        counted = self.meter.take()
        counted["joins_per_s"] = counted.pop("joins")
        moving = sum(bool(move.source) for move in self.moves.by_id.values())
        self.chronicle.look(counted, moving)
        return {
            **counted,
            **self.probe.sample(),
            **self.fleet.summary().measures(),
            "members": len(self.members),
            "waiting": len(self.line_up.waiting),
            "moving": moving,
            "carbon_dropped": self.dropped(),
            "events_dropped": self.events.take_dropped(),
        }

    # Life.

    def startService(self) -> None:
        """Begin to decide."""
        super().startService()
        self.started = self.now()
        self.absences = ReconnectGrace(self.started)
        self.recall.begin()
        for loop, every in self._loops:
            loop.clock = self.clock
            loop.start(every, now=False)

    def stopService(self) -> None:
        """Decide nothing more. Everybody plays on."""
        super().stopService()
        self.decisions.stop()
        self.journal.flush()
        for loop, _ in self._loops:
            loop.stop()
