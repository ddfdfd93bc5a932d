"""The line at the door: newcomers get the best place there is, or wait until there is one.

Who is next is decided in core/fleet/queue.py, where to in core/fleet/placement.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from clientmigration.core.decisions.audit import placed
from clientmigration.core.fleet.placement import Newcomer, decided, place
from clientmigration.core.fleet.queue import JoinQueue
from clientmigration.wire.messages import Waiting

if TYPE_CHECKING:
    from clientmigration.router.players import Visit
    from clientmigration.router.service import Router

log = Logger()

TELL_S = 5.0  # whoever waits is told where it stands at least this often


@dataclass
class Guest:
    """Somebody who waits: its visit, what is known of it, and who wants to know where it goes."""

    visit: Visit
    newcomer: Newcomer
    answer: Deferred[str] = field(default_factory=Deferred)


class Queue:
    """See the module."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.line = JoinQueue(router.policy.limits.place_kept_s)
        self.waiting: dict[str, Guest] = {}
        self.told_at = 0.0

    def place(self, visit: Visit, newcomer: Newcomer, since: float) -> Deferred[str]:
        """The member to go to, as soon as there is one; "" when the player went away. It came at
        `since`, unless it has a place in line already."""
        guest, player, now = Guest(visit, newcomer), newcomer.player, self.router.now()
        if not self._forestall(player, guest):
            return guest.answer
        waiter = self.line.enter(player, since)
        first = next(self.line.here())[1] is waiter
        target = self._find(guest, now - waiter.since) if first else ""
        if target:
            self.line.leave(player)
            guest.answer.callback(target)
        else:
            self.router.meter.count("placements_waiting")
            self.waiting[player] = guest
            self.tell(player)
        return guest.answer

    def _forestall(self, player: str, guest: Guest) -> bool:
        """The same player may wait on another connection: it waits on the one that came last, and
        that is not always the one that gets here last. Answers whether that is this one."""
        other = self.waiting.get(player)
        if other is None:
            return True
        earlier, later = sorted((other, guest), key=lambda each: each.visit.number)
        if earlier is other:
            del self.waiting[player]
        earlier.visit.line.hang_up("replaced", "the player came back on another connection")
        earlier.answer.callback("")
        return later is guest

    def _find(self, guest: Guest, waited_s: float) -> str:
        router, now, player = self.router, self.router.now(), guest.newcomer.player
        mates = router.company.mates(player, guest.visit.group, now, router.members)
        newcomer = replace(guest.newcomer, waited_s=max(0.0, waited_s), mates=mates)
        placement = place(newcomer, router.fleet, router.policy, now)
        if placement.member is None:
            return ""
        router.fleet.placed(placement.member, now)
        router.meter.count(f"placed_by_{decided(placement, router.policy)}")
        router.memory.keep(placed(newcomer, placement, now))
        router.company.sent(player, guest.visit.group, placement.member, now)
        best = placement.reasons[0]
        log.info(
            "{player} goes to {member}: ping {ping:.2f}, load {load:.2f}, position {position:.2f}, "
            "group {group:.2f}",
            player=player, member=best.member,
            ping=best.ping, load=best.load, position=best.position, group=best.group,
        )  # fmt: skip
        return placement.member

    def leave(self, visit: Visit) -> None:
        """A connection on which somebody may have waited is gone. The place is kept for a while."""
        for player in [p for p, guest in self.waiting.items() if guest.visit is visit]:
            self.line.away(player, self.router.now())
            self.waiting.pop(player).answer.callback("")

    def advance(self) -> None:
        """Place as many as there is room for, in order, and tell the others where they stand."""
        now, moved = self.router.now(), False
        self.line.forget(now)
        for _, waiter in self.line.here():
            guest = self.waiting[waiter.player]
            target = self._find(guest, now - waiter.since)
            if not target:
                break
            self.line.serve(waiter.player, now)
            del self.waiting[waiter.player]
            guest.answer.callback(target)
            moved = True
        if moved or now - self.told_at >= TELL_S:
            self.told_at = now
            self.tell()

    def tell(self, player: str = "") -> None:
        """Everyone's position, or one's; now and then also unchanged: it keeps both sides from
        giving up."""
        now = self.router.now()
        for position, waiter in self.line.here():
            if player in ("", waiter.player):
                estimate_s = self.line.estimate_s(position, now)
                message = Waiting(
                    position=position,
                    estimate_s=None if estimate_s is None else round(estimate_s, 1),
                )
                self.waiting[waiter.player].visit.line.say(message)
