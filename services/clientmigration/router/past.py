"""The latest moves that ended, for operators, with what their players say that they cost.

A bounded memory of what happened; nothing is decided from it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.migration import Outcome
from clientmigration.router.attached import MemberLink
from clientmigration.router.move import MoveEnded
from clientmigration.wire.messages import Felt
from clientmigration.wire.operators import Moved

KEPT = 1000  # moves that are remembered


class Past:
    """Moves, oldest first; what they cost is sampled by the meter too. Of `told` moves since the
    start the players said what they cost: `missed` ticks in all. What is felt of a move that was
    none of ours is told to `others`."""

    def __init__(self, meter: Meter, others: Callable[[Felt], None]) -> None:
        self._meter, self._others = meter, others
        self._moves: deque[Moved] = deque(maxlen=KEPT)
        self.told = self.missed = 0

    def ended(self, ended: MoveEnded) -> None:
        """A move is over."""
        terms = ended.terms
        self._moves.append(
            Moved(
                at=ended.at,
                player=terms.player,
                source=terms.source,
                target=terms.target,
                outcome=str(ended.outcome),
                reason=ended.reason,
                took_ms=ended.took_ms,
            )
        )

    def felt(self, target: MemberLink, felt: Felt) -> None:
        """What the player's latest move, which was to `target`, cost it. A router below tells what
        was none of its own; if it is none of ours either, it counts above."""
        at = self._settled(felt.player, target.name)
        if at is None:
            self._others(felt)
            if target.role == "router":
                return
        self.told, self.missed = self.told + 1, self.missed + felt.missed
        self._meter.sample("blackout_ms", felt.gap_ms)
        self._meter.sample("blackout_ticks", felt.missed)
        self._meter.sample("stall_ms", felt.stall_ms)
        if at is not None:
            self._moves[at] = msgspec.structs.replace(
                self._moves[at], gap_ms=felt.gap_ms, missed=felt.missed, stall_ms=felt.stall_ms
            )

    def _settled(self, player: str, target: str) -> int | None:
        """Which is the player's latest move, if it was to this member."""
        for n in range(len(self._moves) - 1, -1, -1):
            move = self._moves[n]
            if move.player == player:
                ours = move.target == target and move.outcome == Outcome.SETTLED
                return n if ours else None
        return None

    def newest(self, most: int, player: str = "") -> list[Moved]:
        """The latest, newest first: of all, or of one player."""
        of_it = (move for move in reversed(self._moves) if player in ("", move.player))
        return [move for move, _ in zip(of_it, range(most), strict=False)]
