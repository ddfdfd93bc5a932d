"""A player at the door: who it is, what it can reach, where it will play.

One coroutine per visit, read from top to bottom. Every wait has an end, and a player is turned away
only with a reason; when everything is full it waits in the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec
from twisted.internet.defer import CancelledError, Deferred, DeferredQueue, QueueOverflow
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import Outcome
from clientmigration.errors import OutOfTurn, PeersFault, TooFast, TooSlow
from clientmigration.net.line import Line, LineTerms
from clientmigration.router.homes import Homes, KnownElsewhere
from clientmigration.router.measuring import Measuring
from clientmigration.router.move import Arrive, MoveEnded
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

log = Logger()
T = TypeVar("T")

TERMS = LineTerms(PLAYER_TO_ROUTER, (5.0, 10.0))  # messages per second, and at once
HELLO_S = 5.0  # after its greeting a player says hello at once
PINGS_S = 2.0  # after this it is placed without pings
ASKED = 2  # times that a player is asked to ping, if all that it pinged first is far
NO_SEAT = ("draining", "full")  # a server says so only of players whom it does not have
TRIES = 4  # targets that may refuse one after the other before the player is sent off


class Admitting(Protocol):
    """Who knows who a player is."""

    async def of(self, hello: Hello) -> Identity:
        """The identity of who says that. Raises a `PeersFault` for who may not come."""


class Gatekeeper(Protocol):
    """Who knows who may not play, and whom to send away."""

    async def ready(self) -> None:
        """Wait until it knows."""

    def refusal(self, player: str) -> tuple[str, str] | None:
        """The code and the text of the goodbye to who may not play."""

    def came(self, player: str, visit: Visit) -> None:
        """This player is here, and can be sent away."""

    def went(self, visit: Visit, player: str) -> None:
        """It is not here any more."""


class PlaceQueue(Protocol):
    """Who finds a place for a newcomer, now or later."""

    def place(self, visit: Visit, newcomer: Newcomer, since: float) -> Deferred[str]:
        """The member to go to, or "" when the player went away."""

    def leave(self, visit: Visit) -> None:
        """The connection is gone."""


class ArrivalBook(Protocol):
    """Who keeps whether players arrive where they are sent."""

    def back(self, record: Record, source: str) -> None:
        """The player of this record is at the door, and comes from this address ("": one that is
        not counted)."""

    def avoided(self, player: str) -> Mapping[str, float]:
        """The members that it could not reach lately, and from when on it may try again."""

    def sent(self, player: str, member: str, epoch: int) -> None:
        """It has been told to go there, and is that member's at this epoch."""

    def pinged(self, asked: Collection[str], answered: Iterable[str]) -> None:
        """Of these members these have answered its pings."""


class Mover(Protocol):
    """Who brings a newcomer to a member."""

    async def place(
        self, record: Record, target: str, holder: str, group: str, arrive: Arrive
    ) -> MoveEnded:
        """How that ended."""

    def newcomer_left(self, player: str) -> None:
        """The player does not wait for that any more: before the claim it is called off."""


class RouterAbove(Protocol):
    """The router above this one."""

    def ours(self, record: Record, new: bool) -> bool:
        """Whether this player is for us to place."""

    async def seek(self, player: str, holder: str, group: str, new: bool) -> Redirect | str:
        """Where it is to go, or why that cannot be said."""

    def taken_in(self, record: Record) -> None:
        """A player is ours from now on of whom nobody above may know."""


@dataclass(frozen=True)
class VisitPorts:
    """What every visit needs: who a player is, whether it may play, where it belongs, what it can
    reach, whether it did, where there is room, who brings it there, and who counts it. `stays_away`
    is told of a member that somebody who was sent there will not come. Who cannot serve has equals
    that perhaps can. Who is not for us to place is looked for `above`."""

    identities: Admitting
    gatekeeper: Gatekeeper
    homes: Homes
    measuring: Measuring
    arrivals: ArrivalBook
    queue: PlaceQueue
    moves: Mover
    meter: Meter
    stays_away: Callable[[str], None]
    serves: Callable[[], bool] = lambda: True
    above: RouterAbove | None = None


class Visit:
    """The `Listener` of one player's line to the router. Who came later has a higher `number`."""

    def __init__(
        self,
        clock: IReactorTime,
        number: int,
        ports: VisitPorts,
        blame: Callable[[PeersFault], None],
    ) -> None:
        self.number, self._clock, self._ports = number, clock, ports
        self.group, self._player = "", ""
        self._said: DeferredQueue[Any] = DeferredQueue(size=4, backlog=1)
        self._gone = False
        self._waits: Deferred[Any] | None = None  # for what the player says next
        self._placing = ""  # the player, while it is brought to a member
        self._measured = False  # whether it has told its pings
        self._without_seat: set[str] = set()  # who would not take the player, and does not have it
        self.line = Line("router", TERMS, self, clock, blame)

    # The line.

    def opened(self, line: Line) -> None:  # noqa: ARG002
        """The visit begins."""
        Deferred.fromCoroutine(self._visit()).addErrback(self._failed)

    def heard(self, message: Any) -> None:
        """Keep it for the coroutine, which asks for one after the other. What that says to it at
        once is sent together."""
        match message:
            case Goodbye():
                self.line.hang_up("bye", "")
            case Here():
                pass  # that it came is all it says
            case _:
                self.line.gather()
                try:
                    self._keep(message)
                finally:
                    self.line.let_go()

    def _keep(self, message: Any) -> None:
        try:
            self._said.put(message)
        except QueueOverflow:
            raise TooFast("talks on without waiting for an answer") from None

    def closed(self, reason: str) -> None:  # noqa: ARG002
        """The player has gone, whatever it waited for: it keeps nothing that others could have."""
        self._gone = True
        self._ports.queue.leave(self)
        self._ports.gatekeeper.went(self, self._player)
        if self._waits is not None:
            self._waits.cancel()
        if self._placing:
            self._ports.moves.newcomer_left(self._placing)

    def say(self, message: msgspec.Struct) -> None:
        """Say something to the player."""
        self.line.say(message)

    def replaced(self) -> None:
        """The player waits on another connection."""
        self.line.hang_up("replaced", "the player came back on another connection")

    def sent_on(self) -> None:
        """Nobody can take the player in here; an equal of ours perhaps can."""
        self.line.hang_up("elsewhere", "no game server is attached here; ask another router")

    def dismissed(self, code: str, text: str) -> None:
        """The player has to go."""
        self.line.hang_up(code, text)

    def _failed(self, failure: Failure) -> None:
        if failure.check(CancelledError) and self._gone:
            return
        if isinstance(failure.value, PeersFault):
            if not self._gone:  # who has left keeps nobody waiting
                self.line.fail(failure.value)
        else:
            log.failure("a visit broke", failure)
            self.line.hang_up("broken", "the router could not serve this")

    async def _hear(self, kind: type[T], within: float) -> T:
        """The next message, which must be of this kind. Who has gone ends this (`CancelledError`),
        though it may have said more before."""
        if self._gone:
            raise CancelledError
        waiting = self._waits = self._said.get()
        if not waiting.called:
            waiting.addTimeout(within, self._clock)
        try:
            message = await waiting
        except DeferredTimeout:
            raise TooSlow(f"no {kind.__name__.lower()} within {within:g} s") from None
        finally:
            self._waits = None
        if not isinstance(message, kind):
            raise OutOfTurn(f"{type(message).__name__.lower()}, {kind.__name__.lower()} is due")
        return message

    # The visit.

    async def _visit(self) -> None:
        hello = await self._hear(Hello, HELLO_S)
        self.line.guest.join()
        self.line.guest.known()
        meter = self._ports.meter
        if not self._ports.serves():
            self.sent_on()
            return
        self.group = hello.group
        identity = await self._identified(hello)
        if identity is None:
            return
        self.line.say(identity)
        meter.count("joins")
        waited_from = self._clock.seconds()
        for tried in range(TRIES):
            try:
                record = await self._record(identity.player, hello, tried)
            except KnownElsewhere as why:
                self.line.hang_up("elsewhere", str(why))
                return
            above = self._ports.above
            if above is not None and not above.ours(record, not hello.token):
                await self._ask_above(above, record, hello)
                return
            target = "" if self._gone else await self._target(record, waited_from)
            if self._gone:
                return
            if not target:
                self.line.hang_up("game_fault", "no game server could take you in; try again later")
                return
            if await self._go(record, target, hello.holder):
                meter.count("placements_settled")
                if record.owner not in ("", target) and not self._ports.homes.here(record):
                    meter.count("recovered")
                return
        meter.count("placements_refused")
        self.line.hang_up("refused", "no server would take you; try again")

    async def _record(self, player: str, hello: Hello, tried: int) -> Record:
        """The ledger's record of it. Who has just been given its name has none: if the ledger has
        one all the same, the claim is refused, and then it is read."""
        if not (tried or hello.token or hello.login):
            return Record(player)
        record = await self._ports.homes.record_of(player, self._measure, new=not hello.token)
        if not tried:
            self._ports.arrivals.back(record, self.line.guest.source)
        return record

    async def _identified(self, hello: Hello) -> Identity | None:
        """Who it is, if it may play and is still here."""
        identity = await self._ports.identities.of(hello)
        await self._ports.gatekeeper.ready()
        if self._gone or self._refused(identity.player):
            return None
        self._player = identity.player
        self._ports.gatekeeper.came(identity.player, self)
        return identity

    def _refused(self, player: str) -> bool:
        """Whether it may not play: then it is told."""
        refusal = self._ports.gatekeeper.refusal(player)
        if refusal is not None:
            self._ports.meter.count("banned_joins")
            self.dismissed(*refusal)
        return refusal is not None

    async def _ask_above(self, above: RouterAbove, record: Record, hello: Hello) -> None:
        """The player is somewhere else, perhaps; or it is to be known there. It may be sent to a
        server of ours, so it measures those meanwhile."""
        await self._measure(record)
        found = "" if self._gone else await self._sought(above, record, hello)
        if self._gone:
            return
        if isinstance(found, Redirect):
            self.line.say(found)
            self._ports.meter.count("placements_settled")
        else:
            self._ports.meter.count("placements_refused")
            self.line.hang_up("elsewhere", found)

    async def _sought(self, above: RouterAbove, record: Record, hello: Hello) -> Redirect | str:
        return await above.seek(record.player, hello.holder, self.group, not hello.token)

    async def _target(self, record: Record, waited_from: float) -> str:
        """The server that has the player, or the one that it is given now or after a while."""
        home = self._ports.homes.here(record)
        if home and (self._ports.homes.below(record) or self._takes(home, record)):
            return home
        await self._measure(record)
        if self._gone:
            return ""
        newcomer = self._ports.measuring.newcomer(record, self.group)
        return await self._ports.queue.place(self, newcomer, waited_from)

    def _takes(self, home: str, record: Record) -> bool:
        """Whether it can go on at its server, as far as anybody knows."""
        newcomer = self._ports.measuring.newcomer(record, self.group)
        return home not in {*self._without_seat, *newcomer.refused_by, *newcomer.avoids}

    async def _measure(self, record: Record) -> None:
        """Have the player ping the best few, once; what it can not measure in time is left out. If
        they are all far away it pings a few others, unless it has no time to lose."""
        asked: set[str] = set()
        for _ in range(0 if self._measured else 1 if record.owner else ASKED):
            pings = await self._ask(record, asked)
            if not pings or min(pings.values()) <= self._ports.measuring.near_ms:
                break
        self._measured = True

    async def _ask(self, record: Record, asked: set[str]) -> dict[str, float]:
        """Have it ping who was not asked for yet; the answer is ms by member."""
        members = self._ports.measuring.candidates(record, self.group, asked)
        if not members:
            return {}
        asked.update(member.name for member in members)
        listed = [Candidate(member=each.name, address=each.address) for each in members]
        self.line.say(Candidates(candidates=listed))
        try:
            answer = await self._hear(Pings, PINGS_S)
        except TooSlow:
            return {}
        pings = self._ports.measuring.note(record.player, asked, members, answer.pings)
        self._ports.arrivals.pinged([each.name for each in members], pings)
        return pings

    async def _go(self, record: Record, target: str, holder: str) -> bool:
        """Whether it plays there."""
        arrive, self._placing = partial(self._arrive, record.player), record.player
        ended = await self._ports.moves.place(record, target, holder, self.group, arrive)
        self._placing = ""
        if ended.outcome is Outcome.PLAYER_LEFT:
            self._ports.stays_away(target)
        if ended.reason in NO_SEAT:
            self._without_seat.add(target)
        settled = ended.outcome is Outcome.SETTLED
        if settled and record.epoch == 0 and self._ports.above is not None:
            self._ports.above.taken_in(Record(record.player, target, 1))
        return settled

    def _arrive(self, player: str, redirect: Redirect, epoch: int) -> None:
        if self._refused(player):
            return
        self._ports.arrivals.sent(player, redirect.member, epoch)
        self.line.say(redirect)
