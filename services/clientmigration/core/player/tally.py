"""What one player counts for itself: the views that it was shown and the inputs that were applied.

No server can count this: it does not see what a player felt. The tally is told what was sent and
what arrived, and when; it answers the views to show, in order and each tick once, whichever
connection brought them. Pure; all times are seconds of one steady clock of whoever calls.

Inputs are remembered by their number and never by their age. What was acknowledged may have to be
sent again: a server that stops dead takes with it all that was not stored, and for how long it
stood still before another took its players up, nobody here can know. A memory of five seconds lost
inputs of players whose server stood still for longer than that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

from clientmigration.core.player.snapshot import chained

HOLD_S = 0.25  # how long a view waits for an earlier tick that comes by a slower connection
ROOM = 500  # inputs kept, acknowledged or not: 50 s at 10 Hz; and gaps that nobody has taken yet


class Sent(NamedTuple):
    """An input that was sent, and the digest of all up to it (None: of what, we do not know)."""

    seq: int
    body: bytes
    at: float
    digest: int | None


class Cost(NamedTuple):
    """What one move cost: ticks never shown, the longest extra wait for a view, the longest wait
    for an input to be acknowledged, in milliseconds; and in how many views that was seen."""

    missed: int
    gap_ms: float
    stall_ms: float
    views: int


@dataclass
class Spell:
    """A stretch of play that is watched on its own."""

    missed: int = 0
    gap_s: float = 0.0
    stall_s: float = 0.0
    views: int = 0

    def cost(self) -> Cost:
        """As numbers to report."""
        return Cost(self.missed, self.gap_s * 1000, self.stall_s * 1000, self.views)


V = TypeVar("V")


@dataclass
class Tally(Generic[V]):
    """The counts of one player, from its first view to its last. `period_s` is a tick's length."""

    period_s: float = 0.05
    views: int = 0
    missed: int = 0
    lost: int = 0
    skipped: int = 0  # inputs that servers said they passed over: we could not send them again
    doubled: int = 0
    last_tick: int = 0
    shown_at: float = 0.0
    acked: int = 0
    seq: int = 0
    digest: int = 0
    longest_gap_s: float = 0.0
    spell: Spell | None = None
    gaps: list[float] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    sent: deque[Sent] = field(default_factory=deque)
    _met: bool = False  # whether a server has told us where we stand
    _broken_at: float | None = None
    _base: tuple[int, int] | None = (0, 0)
    _held: dict[int, tuple[V, float]] = field(default_factory=dict)

    # Inputs.

    def send(self, body: bytes, now: float) -> Sent:
        """The next input."""
        self.seq += 1
        self.digest = chained(self.digest, self.seq, body)
        self.sent.append(Sent(self.seq, body, now, self.digest))
        if len(self.sent) > ROOM:
            self.sent.popleft()
        return self.sent[-1]

    def after(self, seq: int) -> list[Sent]:
        """What a server that has applied everything up to `seq` has to get (again)."""
        return [each for each in self.sent if each.seq > seq]

    def oldest(self) -> int:
        """The oldest input that can be sent again; 0 when none was ever sent."""
        if not self._met:
            return 0
        return self.sent[0].seq if self.sent else self.seq and self.seq + 1

    def continue_from(self, ack: int, skipped: int = 0) -> None:
        """A server welcomes us and has applied everything up to `ack`, but for `skipped` inputs
        that it passed over just now. When that is more than we sent, we are a new program for an
        old player: what it has not seen is numbered anew."""
        self.skipped += skipped
        if self._met and ack <= self.seq:
            return
        unseen = self.after(self.acked)
        self.sent.clear()
        self._met, self.seq = True, ack
        if ack:
            self._base = None
        else:
            self.digest = 0
        for each in unseen:
            self.send(each.body, each.at)

    def taken_up(self, ack: int) -> None:
        """A server has taken us up, and has applied everything up to `ack`: if a view has said more
        before, that is undone, and counts as acknowledged no more."""
        self.acked = min(self.acked, ack)

    def forget(self) -> None:
        """The cluster does not know us any more, and will take us as somebody new: inputs that no
        view has acknowledged are numbered anew when a server welcomes us."""
        self.sent = deque(self.after(self.acked))
        self._met, self.acked, self._base = False, 0, (0, 0)

    def _begin_at(self, last: int, applied: int, digest: int) -> tuple[int, int]:
        """The first view of a player that is older than this program: count from here."""
        self._base, self.digest = (last, applied), digest
        for n, each in enumerate(self.sent):
            if each.seq > last:
                self.digest = chained(self.digest, each.seq, each.body)
            self.sent[n] = each._replace(digest=self.digest if each.seq > last else None)
        return self._base

    def acknowledge(self, last: int, applied: int, digest: int, now: float) -> None:
        """What a view says about our inputs: check that each was applied once, and in order."""
        base_last, base_applied = self._base or self._begin_at(last, applied, digest)
        if self.spell is not None and last > self.acked:
            waits = [now - each.at for each in self._between(self.acked, last)]
            self.spell.stall_s = max(self.spell.stall_s, *waits, 0.0)
        self.acked = max(self.acked, last)
        expected = base_applied + last - base_last
        self.lost = max(self.lost, expected - applied)
        self.doubled = max(self.doubled, applied - expected)
        known = self._sent(last)
        if known is not None and known.digest not in (None, digest):
            self.lost = max(self.lost, 1)

    def _between(self, known: int, last: int) -> Iterator[Sent]:
        """Those after `known` up to `last` that are still kept."""
        first = self.sent[0].seq if self.sent else last + 1
        return islice(self.sent, max(0, known + 1 - first), max(0, last + 1 - first))

    def _sent(self, seq: int) -> Sent | None:
        """That input, if it is still kept: they stand in order, without holes."""
        at = seq - self.sent[0].seq if self.sent else -1
        return self.sent[at] if 0 <= at < len(self.sent) else None

    # Views.

    def show(self, tick: int, view: V, now: float, crossing: bool) -> list[V]:
        """The views to show now that this one came. While `crossing`, a view that is ahead waits a
        moment for those before it, which another connection may still bring."""
        if self.last_tick and tick <= self.last_tick:
            return []
        if crossing and self.last_tick and tick > self.last_tick + 1:
            self._held.setdefault(tick, (view, now))
            return self._release(now)
        return [*self._before(tick, now), *self._show(tick, view, now), *self._release(now)]

    def switched(self, tick: int) -> None:
        """Another server shows its first view, of this tick: what waits from that tick on is the
        former one's, which knows less of us by then."""
        self._held = {each: held for each, held in self._held.items() if each < tick}

    def _before(self, tick: int, now: float) -> list[V]:
        """Held views of earlier ticks: they have waited long enough."""
        early = sorted(each for each in self._held if each < tick)
        return [view for each in early for view in self._show(each, self._take(each), now)]

    def _release(self, now: float) -> list[V]:
        """Held views whose turn it is, or whose wait is over."""
        shown: list[V] = []
        while self._held:
            first = min(self._held)
            if first > self.last_tick + 1 and now - self._held[first][1] < HOLD_S:
                break
            shown += self._show(first, self._take(first), now)
        return shown

    def _take(self, tick: int) -> V:
        return self._held.pop(tick)[0]

    def _show(self, tick: int, view: V, now: float) -> list[V]:
        if self.last_tick and tick <= self.last_tick:
            return []
        if self.last_tick:
            self._count(tick - self.last_tick - 1, max(0.0, now - self.shown_at - self.period_s))
        if self._broken_at is not None:
            self.recoveries.append(now - self._broken_at)
            self._broken_at = None
        self.last_tick, self.shown_at = tick, now
        self.views += 1
        return [view]

    def _count(self, missed: int, gap_s: float) -> None:
        self.missed += missed
        if gap_s > self.longest_gap_s:
            self.longest_gap_s = gap_s
        if self.spell is None:
            self.gaps.append(gap_s)
            del self.gaps[:-ROOM]
        else:
            self.spell.views += 1
            self.spell.missed += missed
            self.spell.gap_s = max(self.spell.gap_s, gap_s)

    def interrupted(self) -> None:
        """The way to the server is broken: what follows is a recovery, not a gap in play."""
        if self.last_tick:
            self._broken_at = self.shown_at
        self.last_tick, self.spell, self._held = 0, None, {}

    def take_gaps(self) -> list[float]:
        """The waits beyond one tick between views, seconds, since this was asked last, but for
        those in moves."""
        gaps, self.gaps = self.gaps, []
        return gaps

    def take_recoveries(self) -> list[float]:
        """How long each way back took since this was asked last, seconds from the last view before
        it to the first one after it."""
        recoveries, self.recoveries = self.recoveries, []
        return recoveries

    # Moves.

    def begin(self) -> None:
        """A move begins: watch it."""
        self.spell = self.spell or Spell()

    def end(self) -> Cost | None:
        """It is over: what it cost, or None when there was none."""
        spell, self.spell = self.spell, None
        return spell.cost() if spell is not None else None
