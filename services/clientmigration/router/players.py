"""A player at the door: who it is, what it can reach, where it will play.

One coroutine per visit, read from top to bottom. Every wait has an end, and a player is turned away
only with a reason; when everything is full it waits in line.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredQueue, QueueOverflow
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.fleet.placement import Newcomer, candidates
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.core.player.migration import Outcome
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
)

if TYPE_CHECKING:
    from clientmigration.core.player.ledger import Record
    from clientmigration.router.service import Router

log = Logger()
T = TypeVar("T")

HELLO_S = 5.0  # after its greeting a player says hello at once
PINGS_S = 2.0  # after this it is placed without pings
ASKED = 2  # times that a player is asked to ping, if all that it pinged first is far
NO_SEAT = ("draining", "full")  # a server says so only of players whom it does not have
TRIES = 4  # targets that may refuse one after the other before the player is sent off


class Visit:
    """The `Listener` of one player's line to the router."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.said: DeferredQueue[Any] = DeferredQueue(size=4, backlog=1)
        self.gone = False
        self.number = next(router.visits)  # who came later has a higher one
        self.group = ""
        self.measured = False  # whether it has told its pings
        self.without_seat: set[str] = set()  # who would not take the player, and does not have it
        self.line = Line(
            "router", PLAYER_TO_ROUTER, self, router.clock, TokenBucket(5.0, 10.0), router.blame
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
            if not self.gone:  # who has left keeps nobody waiting
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
        self.group = hello.group
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
                await self._measure(record)
                target = await router.line_up.place(self, self._newcomer(record), waited_from)
            if self.gone or not target:
                return
            outcome = await self._go(record, target, hello.holder)
            if outcome is Outcome.SETTLED:
                router.meter.count("placements_settled")
                if record.owner and record.owner != target:
                    router.meter.count("recovered")
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
        measuring = Deferred.fromCoroutine(self._measure(record))  # this time has to pass anyway
        measuring.addErrback(lambda failure: failure.trap(CancelledError))
        back = await router.attached_by(record.owner, router.absences.given_up_at(record.owner))
        if back:
            measuring.cancel()
        await measuring
        if back:
            return record
        log.info("{player} is taken over from {owner}", player=player, owner=record.owner)
        again: Record = await router.timed(router.ledger.read(player))
        return again

    async def _measure(self, record: Record) -> None:
        """Have the player ping the best few, once; what it can not measure in time is left out. If
        they are all far away it pings a few others, unless it has no time to lose."""
        near_ms = (*self.router.policy.placement.ping_caps_ms, math.inf)[0]
        asked: set[str] = set()
        for _ in range(0 if self.measured else 1 if record.owner else ASKED):
            pings = await self._ask(record, asked)
            if not pings or min(pings.values()) <= near_ms:
                break
        self.measured = True

    async def _ask(self, record: Record, asked: set[str]) -> dict[str, float]:
        """Have it ping who was not asked for yet: ms by member. They are remembered by zone, and
        who has no time to lose does not measure a zone again."""
        router, newcomer = self.router, self._newcomer(record)
        names = candidates(newcomer, router.fleet, router.policy, router.now())
        members = [m for name in names if name not in asked and (m := router.fleet.member(name))]
        if newcomer.stranded:
            members = [m for m in members if m.zone not in newcomer.pings]
        if not members:
            return {}
        asked.update(member.name for member in members)
        listed = [Candidate(member=each.name, address=each.address) for each in members]
        self.line.say(Candidates(candidates=listed))
        try:
            answer = await self._hear(Pings, PINGS_S)
        except TooSlow:
            return {}
        pings = {name: ms for name, ms in answer.pings.items() if name in asked and 0 <= ms < 1e5}
        zones = {m.zone: pings[m.name] for m in members if m.name in pings}
        router.pings.note(record.player, zones, router.now())
        return pings

    def _newcomer(self, record: Record) -> Newcomer:
        """The player as far as it is known now."""
        router, last = self.router, record.snapshot
        position, stranded = Position(last.x, last.y) if last else None, bool(record.owner)
        pings = router.pings.known(record.player, router.now())
        return Newcomer(record.player, position, pings, stranded=stranded)

    async def _go(self, record: Record, target: str, holder: str) -> Outcome:
        router = self.router
        move = router.moves.make(router, record, target, holder, self._arrive, self.group)
        if record.player in router.moves.by_player:  # another visit of the same player was quicker
            return Outcome.REFUSED
        outcome = await router.moves.carry(move)
        if move.reason in NO_SEAT:
            self.without_seat.add(target)
        return outcome

    def _arrive(self, redirect: Redirect) -> None:
        self.line.say(redirect)
