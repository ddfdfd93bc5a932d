"""A player at the door: who it is, what it can reach, where it will play.

One coroutine per visit, read from top to bottom. Every wait has an end, and a player is turned away
only with a reason; when everything is full it waits in line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import Deferred, DeferredQueue, QueueOverflow
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.migration import Outcome
from clientmigration.core.pace import Pace
from clientmigration.core.placement import Newcomer, candidates, place
from clientmigration.core.world import Position
from clientmigration.errors import OutOfTurn, PeersFault, TooFast, TooSlow
from clientmigration.net.line import Line
from clientmigration.wire.connection import PLAYER_TO_ROUTER
from clientmigration.wire.messages import (
    Candidate,
    Candidates,
    Goodbye,
    Hello,
    Here,
    Identity,
    Pings,
    Redirect,
    Waiting,
)

if TYPE_CHECKING:
    from clientmigration.core.ledger import Record
    from clientmigration.router.service import Router

log = Logger()
T = TypeVar("T")

HELLO_S = 5.0  # after its greeting a player says hello at once
PINGS_S = 2.0  # after this it is placed without pings
GRACE_S = 0.7  # an owner that is away for this long after its player came back is given up
RETURN_S = 4.5  # every member has tried to come back by then after a restart of the router
TELL_S = 5.0  # whoever waits is told where it stands at least this often
NO_SEAT = ("draining", "full")  # a server says so only of players whom it does not have
TRIES = 4  # targets that may refuse one after the other before the player is sent off


class Visit:
    """The `Listener` of one player's line to the router."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.said: DeferredQueue[Any] = DeferredQueue(size=4, backlog=1)
        self.gone = False
        self.pings: dict[str, float] | None = None  # ms by member, once measured
        self.without_seat: set[str] = set()  # who would not take the player, and does not have it
        self.line = Line(
            "router", PLAYER_TO_ROUTER, self, router.clock, Pace(5.0, 10.0), router.blame
        )

    def opened(self, line: Line) -> None:  # noqa: ARG002
        """The visit begins."""
        Deferred.fromCoroutine(self._visit()).addErrback(self._failed)

    def heard(self, message: Any) -> None:
        """See `Listener`."""
        if isinstance(message, Goodbye):
            self.line.hang_up("bye", "")
            return
        if isinstance(message, Here):
            return  # that it came is all it says
        try:
            self.said.put(message)
        except QueueOverflow:
            raise TooFast("talks on without waiting for an answer") from None

    def closed(self, reason: str) -> None:  # noqa: ARG002
        """See `Listener`."""
        self.gone = True
        self.router.line_up.leave(self)

    def _failed(self, failure: Failure) -> None:
        if isinstance(failure.value, PeersFault):
            self.line.fail(failure.value)
        else:
            log.failure("a visit broke", failure)
            self.line.hang_up("broken", "the router could not serve this")

    async def _hear(self, kind: type[T], within: float) -> T:
        """The next message, which must be of this kind."""
        waiting = self.said.get()
        waiting.addTimeout(within, self.router.clock)
        try:
            message = await waiting
        except DeferredTimeout:
            raise TooSlow(f"no {kind.__name__.lower()} within {within:g} s") from None
        if not isinstance(message, kind):
            raise OutOfTurn(f"{type(message).__name__.lower()}, {kind.__name__.lower()} is due")
        return message

    async def _visit(self) -> None:
        hello = await self._hear(Hello, HELLO_S)
        router = self.router
        player = router.seals.identified(hello.token) if hello.token else router.entropy(8).hex()
        token = hello.token or router.seals.identity(player, router.now())
        self.line.say(Identity(player=player, token=token))
        router.meter.count("joins")
        waited_from = router.now()
        for _ in range(TRIES):
            record = await self._settled_record(player)
            back = record.owner in router.members and record.owner not in self.without_seat
            target = record.owner if back else ""
            if not target:
                pings = await self._measured(record)
                target = await self.router.line_up.place(
                    self, _newcomer(record, pings, router.now() - waited_from)
                )
            if self.gone or not target:
                return
            outcome = await self._go(record, target, hello.holder)
            if outcome is Outcome.SETTLED:
                router.meter.count("placements_settled")
                return
        router.meter.count("placements_refused")
        self.line.hang_up("refused", "no server would take you; try again")

    async def _settled_record(self, player: str) -> Record:
        """The ledger's record with nothing under way. An owner that is away gets a moment to come
        back; then the player is taken over from it."""
        router = self.router
        await router.moves.idle(player)
        record: Record = await router.timed(router.ledger.read(player))
        if not record.owner or record.owner in router.members:
            return record
        until = router.now() + self._grace(record.owner)
        await self._measured(record)  # it will be needed, and this time has to pass anyway
        if await router.attached_within(record.owner, until - router.now()):
            return record
        log.info("{player} is taken over from {owner}", player=player, owner=record.owner)
        again: Record = await router.timed(router.ledger.read(player))
        return again

    def _grace(self, owner: str) -> float:
        """Who has not been here since our own start may only not have come back yet."""
        router = self.router
        since = 0.0 if owner in router.met else router.started + RETURN_S - router.now()
        return max(GRACE_S, since)

    async def _measured(self, record: Record) -> dict[str, float]:
        """The player's pings, asked for once."""
        if self.pings is None:
            self.pings = await self._measure(record)
        return self.pings

    async def _measure(self, record: Record) -> dict[str, float]:
        """Have the player ping the best few; what it can not measure in time is left out."""
        router = self.router
        names = candidates(_newcomer(record, {}, 0.0), router.fleet, router.policy, router.now())
        members = [member for name in names if (member := router.fleet.member(name))]
        if not members:
            return {}
        listed = [Candidate(member=each.name, address=each.address) for each in members]
        self.line.say(Candidates(candidates=listed))
        try:
            answer = await self._hear(Pings, PINGS_S)
        except TooSlow:
            return {}
        return {name: ms for name, ms in answer.pings.items() if name in names and 0 <= ms < 1e5}

    async def _go(self, record: Record, target: str, holder: str) -> Outcome:
        router = self.router
        move = router.moves.make(router, record, target, holder, self._arrive)
        if record.player in router.moves.by_player:  # another visit of the same player was quicker
            return Outcome.REFUSED
        outcome = await router.moves.carry(move)
        if move.reason in NO_SEAT:
            self.without_seat.add(target)
        return outcome

    def _arrive(self, redirect: Redirect) -> None:
        self.line.say(redirect)


def _newcomer(record: Record, pings: dict[str, float], waited_s: float) -> Newcomer:
    last = record.snapshot
    position, stranded = Position(last.x, last.y) if last else None, bool(record.owner)
    return Newcomer(record.player, position, pings, waited_s, stranded=stranded)


class LineUp:
    """First come, first served: players for whom there is no place yet."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.waiting: list[tuple[Visit, Newcomer, float, Deferred[str]]] = []
        self.told_at = 0.0

    def place(self, visit: Visit, newcomer: Newcomer) -> Deferred[str]:
        """The member to go to, as soon as there is one; "" when the player went away."""
        answer: Deferred[str] = Deferred()
        target = "" if self.waiting else self._find(newcomer)
        if target:
            answer.callback(target)
        else:
            self.router.meter.count("placements_waiting")
            self.waiting.append((visit, newcomer, self.router.now(), answer))
            visit.line.say(Waiting(position=len(self.waiting)))
        return answer

    def _find(self, newcomer: Newcomer) -> str:
        router, now = self.router, self.router.now()
        placement = place(newcomer, router.fleet, router.policy, now)
        if placement.member is None:
            return ""
        router.fleet.placed(placement.member, now)
        best = placement.reasons[0]
        log.info(
            "{player} goes to {member}: ping {ping:.2f}, load {load:.2f}, position {position:.2f}",
            player=newcomer.player, member=best.member,
            ping=best.ping, load=best.load, position=best.position,
        )  # fmt: skip
        return placement.member

    def leave(self, visit: Visit) -> None:
        """A player that waited hung up."""
        for entry in [each for each in self.waiting if each[0] is visit]:
            self.waiting.remove(entry)
            entry[3].callback("")

    def advance(self) -> None:
        """Place as many as there is room for, in order, and tell the others where they stand."""
        moved = False
        while self.waiting:
            _, newcomer, since, answer = self.waiting[0]
            waited_s = newcomer.waited_s + self.router.now() - since
            target = self._find(replace(newcomer, waited_s=waited_s))
            if not target:
                break
            self.waiting.pop(0)
            answer.callback(target)
            moved = True
        if moved or self.router.now() - self.told_at >= TELL_S:
            self.tell()

    def tell(self) -> None:
        """Everyone's position, now and then also unchanged: it keeps both sides from giving up."""
        self.told_at = self.router.now()
        for position, (visit, *_) in enumerate(self.waiting, 1):
            visit.line.say(Waiting(position=position))
