"""How many bytes all lines of one daemon hold together, and who has to go when that is too much.

A line alone is bounded by its terms; this bounds their sum. Held is what came and is not complete,
and what waits until a peer reads it. There is one `Burden` for each clock, which is one for each
daemon. Nearly all lines hold nothing nearly always, so only those are looked at that may.
"""

from __future__ import annotations

from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet

from twisted.internet.interfaces import IReactorTime

from clientmigration.errors import PeersFault, TooSlow

MOST = 2**28  # bytes of all lines: 256 MiB


class Carried(Protocol):
    """A line, as far as its weight goes. `tells`: it says so when it may hold something again."""

    @property
    def tells(self) -> bool:
        """Whether it does."""

    @property
    def held(self) -> int:
        """Bytes that it holds now."""

    def fail(self, fault: PeersFault) -> None:
        """End it because of its peer."""

    def cut_off(self) -> None:
        """Close it at once, with all that waits for its peer."""


class Burden:
    """The lines that may hold something: each from its first byte on, until it is looked at and
    holds nothing, and from when it tells that it may hold something again."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lines: WeakSet[Carried] = WeakSet()  # a daemon that is gone keeps none

    def take_up(self, line: Carried) -> None:
        """A line is open, or may hold something again."""
        self._lines.add(line)

    def lay_down(self, line: Carried) -> None:
        """A line is over, with all that it held."""
        self._lines.discard(line)

    def measures(self) -> dict[str, float]:
        """Of the catalogue: what is held now. Whoever holds most goes while that is too much."""
        held = {line: line.held for line in self._lines}
        for line in [line for line, size in held.items() if not size and line.tells]:
            self._lines.discard(line)
        total = sum(held.values())
        for line in sorted(held, key=held.__getitem__, reverse=True):
            if total <= self._most:
                break
            total -= held[line]
            line.fail(TooSlow("holds more than there is room for"))
            line.cut_off()
        return {"held_bytes": float(total)}


_OF: WeakKeyDictionary[IReactorTime, Burden] = WeakKeyDictionary()


def burden(clock: IReactorTime) -> Burden:
    """That of the daemon that lives by this clock."""
    found = _OF.get(clock)
    if found is None:
        found = _OF[clock] = Burden()
    return found
