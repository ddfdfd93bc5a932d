"""Topics: streams of numbered entries that any server can make, and what a reader checks.

An entry is a function of its topic and its number alone, and is there as soon as the world's tick
is `number * period`. So every server tells the same, and none has to remember anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import shake_128


@dataclass(frozen=True)
class Topic:
    """One entry every `period` ticks; `make` answers the payload of an entry."""

    period: int
    make: Callable[[int], bytes]

    def first(self, tick: int) -> int:
        """The first entry that is made at `tick` or later."""
        return -(-tick // self.period)

    def ready(self, tick: int) -> int:
        """The first entry that is not there yet at `tick`."""
        return tick // self.period + 1


def _clock(seq: int) -> bytes:
    return (seq * CLOCK_TICKS).to_bytes(8, "little")


def _scores(seq: int) -> bytes:
    return shake_128(b"scores" + seq.to_bytes(8, "little")).digest(SCORES_BYTES)


CLOCK_TICKS, SCORES_TICKS, SCORES_BYTES = 20, 5, 120
TOPICS = {"clock": Topic(CLOCK_TICKS, _clock), "scores": Topic(SCORES_TICKS, _scores)}


@dataclass
class FeedReader:
    """One topic as it comes in: `next` is the entry that is due, None before the first."""

    next: int | None = None
    entries: int = 0
    gaps: int = 0
    duplicates: int = 0

    def take(self, seq: int) -> bool:
        """Whether entry `seq` is a new one. Entries that were left out are counted."""
        if self.next is not None and seq < self.next:
            self.duplicates += 1
            return False
        self.gaps += seq - self.next if self.next is not None else 0
        self.entries += 1
        self.next = seq + 1
        return True
