"""Checkpoints: what a crash may cost. Each player's snapshot goes to the ledger once a second.

A second's work is spread over its ticks, so that no tick is long and no message is large.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from clientmigration.core.player.snapshot import Snapshot
from clientmigration.wire.messages import Checkpoint

Fence = tuple[str, int, int]  # player, epoch, number of the snapshot within it


@dataclass
class Checkpoints:
    """Whose turn it is, and what the router has not confirmed yet."""

    rate: int
    n: int = 0
    under_way: dict[int, tuple[float, list[Fence]]] = field(default_factory=dict)
    stored_at: float = 0.0

    def due(self, player: str, tick: int) -> bool:
        """Whether this tick is the player's: once in `rate` ticks."""
        return int(player[:4], 16) % self.rate == tick % self.rate

    def batch(self, snapshots: Iterable[Snapshot], now: float) -> Checkpoint | None:
        """The message that stores these, or None when there are none."""
        listed = list(snapshots)
        if not listed:
            return None
        self.n += 1
        fences = [(each.player, *each.fence) for each in listed]
        self.under_way[self.n] = (now, fences)
        return Checkpoint(n=self.n, snapshots=listed)

    def stored(self, n: int) -> list[Fence]:
        """The router has stored message `n`; what it said of those before it does not matter any
        more. Answers what was in it."""
        self.stored_at, fences = self.under_way.get(n, (self.stored_at, []))
        self.under_way = {each: sent for each, sent in self.under_way.items() if each > n}
        return fences

    def age(self, now: float) -> float:
        """Seconds since the newest snapshots that are known to be stored were taken."""
        return now - self.stored_at if self.stored_at else 0.0
