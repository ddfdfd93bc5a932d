"""Adds up what a crowd felt in its whole life, exact to a millisecond, and writes it as JSON.

It is for long runs, not for Graphite: percentiles of percentiles say nothing, so every value is
counted, by whole milliseconds.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clientmigration.client.player import Player
from clientmigration.client.told import FeltMove

EACH = 100_000
"""Moves of which the summary says when each was: half an hour's, at 50 a second."""


@dataclass
class Durations:
    """Durations in whole milliseconds, and how many there were of each."""

    counts: Counter[int] = field(default_factory=Counter)

    def add(self, ms: float) -> None:
        """One more."""
        self.counts[round(ms)] += 1

    def spread(self) -> dict[str, int]:
        """Nearest-rank p50, p99 and max, and the number; zeros when there were none."""
        total = self.counts.total()
        ranks = {"p50": 0.5, "p99": 0.99, "max": 1.0}
        return {name: self._at(rank * total) for name, rank in ranks.items()} | {"n": total}

    def _at(self, rank: float) -> int:
        seen = 0
        for ms in sorted(self.counts):
            seen += self.counts[ms]
            if seen >= rank:
                return ms
        return 0


@dataclass
class Summary:
    """Everything that is added up; `write` says it as JSON."""

    moves: int = 0
    moves_missed: int = 0
    gap_ms: Durations = field(default_factory=Durations)
    stall_ms: Durations = field(default_factory=Durations)
    idle_gap_ms: Durations = field(default_factory=Durations)
    unmoved_gap_ms: Durations = field(default_factory=Durations)
    recovery_ms: Durations = field(default_factory=Durations)
    each: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=EACH))

    def moved(self, move: FeltMove, now: float) -> None:
        """A move has been felt."""
        self.moves += 1
        self.moves_missed += move.missed
        self.gap_ms.add(move.gap_ms)
        self.stall_ms.add(move.stall_ms)
        self.each.append((round(now, 1), round(move.gap_ms)))

    def as_json(self, players: Sequence[Player]) -> dict[str, object]:
        """With the totals of the players themselves."""
        tallies = [player.tally for player in players]
        spreads = {
            name: getattr(self, name).spread()
            for name in ("gap_ms", "unmoved_gap_ms", "stall_ms", "idle_gap_ms", "recovery_ms")
        }
        return {
            "playing": sum(bool(player.member) for player in players),
            "moves": self.moves,
            "missed_ticks_in_moves": self.moves_missed,
            "missed_ticks": sum(tally.missed for tally in tallies),
            "views": sum(tally.views for tally in tallies),
            "inputs": sum(tally.seq for tally in tallies),
            "inputs_lost": sum(tally.lost for tally in tallies),
            "inputs_doubled": sum(tally.doubled for tally in tallies),
            "rejoins": sum(player.rejoins for player in players),
            "files_finished": sum(player.streams.finished for player in players),
            "files_bad": sum(player.streams.bad for player in players),
            "feed_entries": sum(player.streams.entries for player in players),
            "feed_gaps": sum(player.streams.gaps for player in players),
            "feed_duplicates": sum(player.streams.duplicates for player in players),
            **spreads,
            "each_gap_ms": list(self.each),
        }

    def write(self, path: Path, players: Sequence[Player]) -> None:
        """To a file, when the crowd ends."""
        path.write_text(json.dumps(self.as_json(players), indent=1) + "\n")
