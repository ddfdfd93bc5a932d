"""The queue at the door: newcomers get the best place there is, or wait until there is one.

Who is next is decided in core/fleet/queue.py, where to in core/fleet/placement.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec
from twisted.internet.defer import Deferred, succeed

from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.queue import JoinQueue
from clientmigration.core.measures.meter import Meter
from clientmigration.wire.messages import Waiting

TELL_S = 5.0  # whoever waits is told where it stands at least this often


class Caller(Protocol):
    """A player's visit: who came later has a higher number; `group` is whom it wants to be with."""

    @property
    def number(self) -> int: ...
    @property
    def group(self) -> str: ...

    def say(self, message: msgspec.Struct) -> None:
        """Say something to the player."""

    def replaced(self) -> None:
        """The player waits on another connection."""

    def sent_on(self) -> None:
        """Nobody can take the player in here; an equal of ours perhaps can."""


@dataclass(frozen=True, eq=False)
class Queued:
    """Somebody who waits: its visit, what is known of it, and who wants to know where it goes."""

    visit: Caller
    newcomer: Newcomer
    answer: Deferred[str] = field(default_factory=Deferred)


class Queue:
    """`find` answers the member that a newcomer of a group goes to after so many seconds, or "";
    `serves` whether it is worth to wait here. A place in the queue is kept for `kept_s` for who
    lost its connection."""

    def __init__(
        self,
        find: Callable[[Newcomer, str, float], str],
        serves: Callable[[], bool],
        kept_s: float,
        meter: Meter,
        now: Callable[[], float],
    ) -> None:
        self._find, self._serves, self._meter, self._now = find, serves, meter, now
        self._order = JoinQueue(kept_s)
        self._waiting: dict[str, Queued] = {}
        self._places: dict[Caller, str] = {}  # the player that waits on each of these visits
        self._told_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, player: object) -> bool:
        return player in self._waiting

    def place(self, visit: Caller, newcomer: Newcomer, since: float) -> Deferred[str]:
        """The member to go to, as soon as there is one; "" when the player went away, or when some
        members have refused it and no other takes it now. It came at `since`, unless it has a place
        in the queue already."""
        player, now = newcomer.player, self._now()
        if not len(self._order) and (target := self._find(newcomer, visit.group, now - since)):
            return succeed(target)  # there is no queue
        queued = Queued(visit, newcomer)
        if not self._forestall(player, queued):
            return queued.answer
        waiter = self._order.enter(player, since)
        first = next(self._order.here())[1] is waiter
        target = self._find(newcomer, visit.group, now - waiter.since) if first else ""
        if target or newcomer.refused_by:  # whom a game does not take would hold up the line
            self._order.leave(player)
            queued.answer.callback(target)
        else:
            self._meter.count("placements_waiting")
            self._waiting[player] = queued
            self._places[visit] = player
            self._tell(player)
        return queued.answer

    def _forestall(self, player: str, queued: Queued) -> bool:
        """The same player may wait on another connection: it waits on the one that came last, and
        that is not always the one that gets here last. Answers whether that is this one."""
        other = self._waiting.get(player)
        if other is None:
            return True
        earlier, later = sorted((other, queued), key=lambda each: each.visit.number)
        if earlier is other:
            self._taken_out(player)
        earlier.visit.replaced()
        earlier.answer.callback("")
        return later is queued

    def leave(self, visit: Caller) -> None:
        """A connection on which somebody may have waited is gone. The place is kept for a while."""
        player = self._places.get(visit)
        if player is not None:
            self._order.away(player, self._now())
            self._taken_out(player).answer.callback("")

    def _taken_out(self, player: str) -> Queued:
        """Who waited does not wait on that connection any more."""
        queued = self._waiting.pop(player)
        del self._places[queued.visit]
        return queued

    def advance(self) -> None:
        """Place as many as there is room for, in order, and tell the others where they stand."""
        now, moved = self._now(), False
        if not self._serves():
            for visit in list(self._places):
                visit.sent_on()
            return
        self._order.forget(now)
        for _, waiter in self._order.here():
            queued = self._waiting[waiter.player]
            target = self._find(queued.newcomer, queued.visit.group, now - waiter.since)
            if not target:
                break
            self._order.serve(waiter.player, now)
            self._taken_out(waiter.player)
            queued.answer.callback(target)
            moved = True
        if moved or now - self._told_at >= TELL_S:
            self._told_at = now
            self._tell()

    def _tell(self, player: str = "") -> None:
        """Everyone's position, or one's; now and then also unchanged: it keeps both sides from
        giving up."""
        now = self._now()
        for position, waiter in self._order.here():
            if player in ("", waiter.player):
                estimate_s = self._order.estimate_s(position, now)
                message = Waiting(
                    position=position,
                    estimate_s=None if estimate_s is None else round(estimate_s, 1),
                )
                self._waiting[waiter.player].visit.say(message)
