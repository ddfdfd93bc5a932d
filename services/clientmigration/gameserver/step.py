"""One tick of this server, from the inputs that are due to the views and what is stored of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clientmigration.gameserver.seats import Seats


class LetterBox(Protocol):
    """What players send each other."""

    def deliver(self) -> None:
        """Once per tick."""


class Others(Protocol):
    """The neighbours, who see our players."""

    def show(self, tick: int) -> None:
        """Once per tick."""


class Store(Protocol):
    """What outlives this process."""

    def store(self, tick: int, now: float) -> None:
        """Those whose turn it is."""


class Onward(Protocol):
    """The game's world."""

    def advance(self, tick: int) -> bool:
        """One tick; whether there is something to show."""

    def views(self, players: Sequence[str]) -> Sequence[bytes | None]:
        """What each of these sees."""


class Work(Protocol):
    """Pretend load."""

    def work(self, players: int) -> None:
        """One tick's worth of it, for so many players."""


class TickStep:
    """What is done at each tick, in this order. Who came last is shown the tick first: it has
    waited for it longest."""

    def __init__(
        self,
        seats: Seats,
        world: Onward,
        letters: LetterBox,
        others: Others,
        store: Store,
        work: Work,
    ) -> None:
        self._seats, self._world, self._letters = seats, world, letters
        self._others, self._store, self._work = others, store, work

    def __call__(self, tick: int, now: float) -> None:
        """This tick begins `now`."""
        self._apply(now)
        self._letters.deliver()
        if self._world.advance(tick):
            self._others.show(tick)
            self._show(tick)
        for seat in [each for each in self._seats.astir if each.entered]:
            seat.serve(tick, now)
        self._store.store(tick, now)
        self._work.work(len(self._seats.playing()))
        self._seats.rest()

    def _apply(self, now: float) -> None:
        waits = self._seats.inputs.apply(now)
        self._seats.meter.count("inputs", len(waits))
        self._seats.meter.sample_all("apply_ms", waits)

    def _show(self, tick: int) -> None:
        """All views are made before the first is sent: a call into the kernel leaves the CPU's
        caches cold. Who does not look, or can not be shown anything, is settled all the same."""
        onlookers = self._seats.onlookers()
        shown = onlookers.show(self._world.views(onlookers.players), tick)
        self._seats.meter.count("views", shown.sent)
        self._seats.meter.count("dropped_views", shown.left_out)
        self._seats.meter.count("sent_bytes", shown.carried)
        for seat in [each for each in self._seats.astir if each.entered and each.settling]:
            seat.settle()
