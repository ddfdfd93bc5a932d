"""What players say, from when it is heard until a tick has applied it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clientmigration.errors import TooFast
from clientmigration.gameserver.seat import Seat
from clientmigration.net.taking import Said


class Inputs:
    """`heard` is what was said since the last tick, in order; `acting` are the seats in whose
    inboxes inputs wait, for one that is missing or until the player goes on.

    Nearly all that is heard is applied at the next tick, so it is not kept in an inbox until then:
    to look at that of each player twice costs several cache misses more. `heard` is bounded by what
    a line lets through between two ticks. `find` answers the seat of a player, and `applied` is
    told for whom inputs were applied.
    """

    def __init__(
        self, find: Callable[[str], Seat | None], applied: Callable[[Sequence[Seat]], None]
    ) -> None:
        self.heard: list[Said] = []
        self.acting: dict[Seat, None] = {}
        self._find, self._applied = find, applied

    def apply(self, now: float) -> list[float]:
        """Apply all that is due, each player's in order; answers how long each has waited until
        `now`, milliseconds."""
        waits, applied = list[float](), list[Seat]()
        heard = self.heard.copy()
        self.heard.clear()  # lines know this list
        for seat, seq, body, arrived in heard:
            if seat.entered and not seat.held and seat.inbox.pass_on(seq, body):
                waits.append((now - arrived) * 1000)
                seat.apply(body, arrived)
                applied.append(seat)
            else:
                self._keep(seat, seq, body, arrived)
        for seat in self._ready():
            self._apply_waiting(seat, now, waits)
            applied.append(seat)
        self._applied(applied)
        return waits

    def _keep(self, seat: Seat, seq: int, body: bytes, arrived: float) -> None:
        self.acting[seat] = None
        if not seat.inbox.offer(seq, body, arrived) and seat.line is not None:
            seat.line.fail(TooFast("too many inputs wait for one that is missing"))

    def _ready(self) -> list[Seat]:
        """Those at play for whom inputs wait. All others for whom some do are kept for later."""
        some, ready = list(self.acting), []
        self.acting.clear()
        for seat in some:
            if seat.entered and not seat.held:
                ready.append(seat)
            elif seat.inbox.waiting and self._find(seat.player) is seat:
                self.acting[seat] = None
        return ready

    def _apply_waiting(self, seat: Seat, now: float, waits: list[float]) -> None:
        inbox = seat.inbox
        while inbox.waiting and (found := inbox.take()) is not None:
            waits.append((now - found[1]) * 1000)
            if not seat.apply(*found):
                break
        if inbox.waiting:
            self.acting[seat] = None

    def forget(self, seat: Seat) -> None:
        """What it has said since the last tick is not to be applied."""
        self.heard[:] = [said for said in self.heard if said[0] is not seat]
