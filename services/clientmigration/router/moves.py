"""The migrations under way: each a machine of core/player/migration.py and its Carrier.

At most one migration per player at a time. What is said to a member that is not attached is lost,
and the machine hears about the loss; only the ledger decides who owns a player.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from clientmigration.core.player.fact import Fact
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import Outcome, migration
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.net import ledger as ledgers
from clientmigration.net.tickets import TICKET_TTL_S, Ticket
from clientmigration.wire.messages import (
    Cancel,
    Copy,
    Direct,
    Freeze,
    Own,
    Prepare,
    Redirect,
    Release,
    Reserve,
)

if TYPE_CHECKING:
    from clientmigration.router.service import Router

log = Logger()

STEP_S = 3.0  # a member answers within milliseconds; three seconds mean that something is broken
ARRIVAL_S = 6.0  # a player needs a round trip or two to connect to the target
UNKNOWN_S = 0.5  # how long to wait before asking a ledger again that did not answer


class MoveCarrier:
    """One migration: the `Carrier` of its machine. `source` is "" for a newcomer.

    `arrive` is told the redirect of a newcomer, `group` is what it said (None: what it said last).
    """

    def __init__(
        self,
        router: Router,
        record: Record,
        target: str,
        holder: str = "",
        arrive: Callable[[Redirect], None] | None = None,
        group: str | None = None,
    ) -> None:
        self.router = router
        self.record = record
        self.player = record.player
        self.source = "" if arrive else record.owner
        self.target = target
        self.holder = holder or (record.snapshot.holder if record.snapshot else "")
        kept = record.snapshot.group if record.snapshot else ""
        self.group = kept if group is None else group
        self.arrive = arrive
        self.orphaned = not self.source and record.owner not in router.members
        self.plays = False  # whether the target has the player already: it only comes back
        self.epoch = self.record.epoch + (self.record.owner != target)  # what the ticket says
        self.id = router.entropy(8).hex()
        self.started = router.now()
        self.reason = ""  # why it ended, if it did not go well
        self.finished: Deferred[Outcome] = Deferred()
        self.machine = migration(self)
        self._link = router.members.get(target)
        self._wait: IDelayedCall | None = None

    # The carrier. See core/player/migration.py.

    def reserve(self) -> None:
        """Ask the target for a place."""
        self._expect(STEP_S)
        self._to_target(
            Reserve(migration=self.id, player=self.player, epoch=self.epoch, ttl_s=TICKET_TTL_S)
        )

    def copy(self) -> None:
        """Ask the source for a snapshot."""
        self._expect(STEP_S)
        self._to_source(Copy(migration=self.id, player=self.player))

    def prepare(self, snapshot: Snapshot) -> None:
        """Checkpoint, then speak: the target hears of it when the ledger has it."""
        self._expect(STEP_S)
        self.holder = snapshot.holder
        storing = self.router.checkpoint(self.source, [snapshot])

        def stored(done: list[bool]) -> None:
            if done == [True]:
                self._to_target(Prepare(migration=self.id, snapshot=snapshot))
            else:
                self.machine.declined("the ledger has another owner")

        storing.addCallbacks(stored, lambda _: self.machine.declined("the ledger is away"))

    def direct(self) -> None:
        """The player is told by the server it plays on."""
        self._expect(ARRIVAL_S)
        self._to_source(Direct(migration=self.id, player=self.player, redirect=self._redirect()))

    def freeze(self) -> None:
        """From here to the claim nobody applies the player's inputs."""
        self._expect(STEP_S)
        self._to_source(Freeze(migration=self.id, player=self.player))

    def claim(self, final: Snapshot | None) -> None:
        """Compare-and-set; an answer that does not come is unknown, never no."""
        self._expect(None)
        if self.record.owner == self.target and self.plays:
            self.machine.claimed(self.record.epoch)
        elif self._owner_is_back():
            self.machine.contested("its server is back")
        else:
            Deferred.fromCoroutine(self._claim(final)).addErrback(self._broken)

    def _owner_is_back(self) -> bool:
        """Whether the player was to be taken over from a server that was away, and is not now."""
        return self.orphaned and self.record.owner in self.router.members

    async def _claim(self, final: Snapshot | None) -> None:
        router, expected = self.router, self.record
        while True:
            try:
                await router.timed(
                    ledgers.take(router.ledger, expected, self.target, self.id, final, router.now())
                )
                record = await router.timed(router.ledger.read(self.player))
                break
            except Exception as error:
                log.warn("the ledger does not answer: {error}", error=str(error))
                await deferLater(router.clock, UNKNOWN_S, lambda: None)
        if (record.owner, record.migration) == (self.target, self.id):
            self.record = record
            if not self.source and expected.owner != self.target:  # it may have come back just now
                router.tell(expected.owner, Release(player=self.player, epoch=record.epoch))
            self.machine.claimed(record.epoch)
        else:
            self.machine.contested(f"the ledger says {record.owner or 'nobody'}")

    def own(self, epoch: int) -> None:
        """The player is the target's."""
        self._expect(STEP_S)
        message = Own(
            migration=self.id,
            player=self.player,
            epoch=epoch,
            holder=self.holder,
            snapshot=self.record.snapshot,
            group=self.group,
        )
        if self._to_target(message) and self.arrive is not None:
            self.arrive(self._redirect())

    def release(self) -> None:
        """The source may forget the player."""
        self._to_source(Release(player=self.player, epoch=self.record.epoch))

    def cancel(self, reason: str) -> None:
        """It ended before anything changed."""
        message = Cancel(migration=self.id, player=self.player, reason=reason)
        for member in (self.source, self.target):
            self.router.tell(member, message)

    def ended(self, outcome: Outcome, reason: str) -> None:
        """The one end."""
        self._expect(None)
        self.reason = reason
        self.router.moves.over(self, outcome, reason)
        self.finished.callback(outcome)

    # How it is done.

    def _redirect(self) -> Redirect:
        router, member = self.router, self.router.fleet.member(self.target)
        ticket = Ticket(self.id, self.player, self.target, self.epoch, self.holder)
        return Redirect(
            member=self.target,
            address=member.address if member else "",
            ticket=router.seals.ticket(ticket, router.now()),
        )

    def _to_source(self, message: msgspec.Struct) -> None:
        if self.source and not self.router.tell(self.source, message):
            self.machine.source_lost()

    def _to_target(self, message: msgspec.Struct) -> bool:
        """Only over the link on which it began: who came back on another may have started anew, and
        does not know what it promised (gameserver/waivers.py)."""
        told = self.router.members.get(self.target) is self._link is not None
        if told:
            self.router.tell(self.target, message)
        else:
            self.machine.target_lost()
        return told

    def _expect(self, within: float | None) -> None:
        if self._wait is not None and self._wait.active():
            self._wait.cancel()
        self._wait = (
            within and self.router.clock.callLater(within, self.machine.timed_out)
        ) or None

    def _broken(self, failure: Failure) -> None:
        log.failure("moving {player} broke", failure, player=self.player)


class Moves:
    """Every migration under way, by id and by player, and those that wait for one to end."""

    make: type[MoveCarrier] = MoveCarrier

    def __init__(self, router: Router) -> None:
        self.router = router
        self.by_id: dict[str, MoveCarrier] = {}
        self.by_player: dict[str, MoveCarrier] = {}
        self.moved_at: dict[str, float] = {}
        self._waiters: dict[str, list[Deferred[None]]] = defaultdict(list)

    def carry(self, move: MoveCarrier) -> Deferred[Outcome]:
        """Start it. The Deferred never fails."""
        self.by_id[move.id] = self.by_player[move.player] = move
        if move.source:
            move.machine.move()
        else:
            move.machine.admit()
        return move.finished

    async def start(
        self, player: str, source: str, target: str, why: str = "it was ordered"
    ) -> Outcome | None:
        """Move a player, unless it is on the move already, somebody else's, or its server is away:
        then it comes back by itself, and a move would only be in its way (None)."""
        if player in self.by_player or source not in self.router.members:
            return None
        record = await self.router.timed(self.router.ledger.read(player))
        if player in self.by_player or record.owner != source:
            return None
        move = self.make(self.router, record, target)
        now = self.router.now()
        self.router.memory.keep(Fact(now, "begun", player, source, target, why, move.id))
        return await self.carry(move)

    def idle(self, player: str) -> Deferred[None]:
        """Fires when no migration of this player is under way."""
        waiter: Deferred[None] = Deferred()
        if player in self.by_player:
            self._waiters[player].append(waiter)
        else:
            waiter.callback(None)
        return waiter

    def over(self, move: MoveCarrier, outcome: Outcome, reason: str) -> None:
        """One ended: count it, and let those go on that waited for it."""
        del self.by_id[move.id], self.by_player[move.player]
        now = self.router.now()
        if move.source:
            text = f"{outcome}{': ' if reason else ''}{reason}"
            self.router.memory.keep(
                Fact(now, "ended", move.player, move.source, move.target, text, move.id)
            )
            self.router.meter.count(f"moves_{outcome}")
            self.router.operators.ended(move, outcome, reason)
            if outcome is Outcome.SETTLED:
                self.moved_at[move.player] = now
                self.router.meter.sample("move_ms", (now - move.started) * 1000)
            else:
                log.info(
                    "moving {player} from {source} to {target} ended: {outcome}: {reason}",
                    player=move.player, source=move.source, target=move.target,
                    outcome=outcome, reason=reason,
                )  # fmt: skip
        for waiter in self._waiters.pop(move.player, []):
            waiter.callback(None)

    def lost(self, member: str) -> None:
        """The link to a member is gone: every migration that it is part of hears so."""
        for move in list(self.by_id.values()):
            if move.source == member:
                move.machine.source_lost()
            if move.target == member:
                move.machine.target_lost()

    def forget_old(self, before: float) -> None:
        """Drop the memory of moves that no cooldown needs any more."""
        self.moved_at = {player: at for player, at in self.moved_at.items() if at >= before}
