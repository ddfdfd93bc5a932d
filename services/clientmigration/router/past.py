"""The latest moves that ended, for operators, with what their players say that they cost.

A bounded memory of what happened; nothing is decided from it.
"""

from __future__ import annotations

from collections import deque

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
    start the players said what they cost: `missed` ticks in all."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
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
        """What the player's latest move, which was to `target`, cost it."""
        self.told, self.missed = self.told + 1, self.missed + felt.missed
        self._meter.sample("blackout_ms", felt.gap_ms)
        self._meter.sample("blackout_ticks", felt.missed)
        self._meter.sample("stall_ms", felt.stall_ms)
        for n in range(len(self._moves) - 1, -1, -1):
            move = self._moves[n]
            if move.player == felt.player:
                if move.target == target.name and move.outcome == Outcome.SETTLED:
                    self._moves[n] = msgspec.structs.replace(
                        move, gap_ms=felt.gap_ms, missed=felt.missed, stall_ms=felt.stall_ms
                    )
                return

    def newest(self, most: int, player: str = "") -> list[Moved]:
        """The latest, newest first: of all, or of one player."""
        of_it = (move for move in reversed(self._moves) if player in ("", move.player))
        return [move for move, _ in zip(of_it, range(most), strict=False)]
