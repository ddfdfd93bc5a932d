"""The values that a player hands to its program: what was lost, what a move cost, what it counted.

All are frozen. Times are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Counts", "FeltMove", "Lost", "TopicEntry"]


@dataclass(frozen=True, slots=True)
class Lost:
    """Why a server, or the router, is gone. `code` is one of docs/protocol.md, section 12, or ""
    when the connection just ended; `text` is for people."""

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}" if self.code else self.text


@dataclass(frozen=True, slots=True)
class FeltMove:
    """What a move from `source` to `target` cost: ticks that were never shown, the longest wait
    between two views beyond one tick, the longest wait from sending an input to the view that
    acknowledged it; and how many views were shown meanwhile."""

    source: str
    target: str
    missed: int
    gap_ms: float
    stall_ms: float
    views: int


@dataclass(frozen=True, slots=True)
class TopicEntry:
    """An entry of a topic. `missed` is how many entries between the last one and this one never
    came."""

    seq: int
    body: bytes
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What a player has counted for itself so far.

    `missed` counts ticks that were never shown, `lost` inputs that were never applied, `doubled`
    inputs that were applied twice, `skipped` inputs that a server passed over because this program
    could not send them again. `sent` is the number of the newest input, `acked` that of the
    newest one that a view has acknowledged, `tick` the newest that was shown. `rejoins` is how
    often it came back by way of the router, `rtt_ms` the latest round trip to its server.
    """

    views: int
    missed: int
    lost: int
    doubled: int
    skipped: int
    sent: int
    acked: int
    tick: int
    moves: int
    rejoins: int
    longest_gap_ms: float
    rtt_ms: float | None
    last_move: FeltMove | None
