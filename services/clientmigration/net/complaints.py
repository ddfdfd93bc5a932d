"""Log lines about bad peers, of which there may be thousands a second: one a second is enough.

Lines of the same kind are counted while they are not shown, and the next that is shown says how
many. There is one `Complaints` for each clock, which is one for each daemon.
"""

from __future__ import annotations

from collections.abc import Hashable
from weakref import WeakKeyDictionary

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

log = Logger()

PAUSE_S = 1.0  # between two lines of one kind


class Complaints:
    """What was said lately, by kind. Kinds are few: they never hold what a peer made up."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._said: dict[Hashable, float] = {}
        self._unsaid: dict[Hashable, int] = {}

    def say(self, kind: Hashable, peer: str, code: str, text: str) -> None:
        """A connection to this peer is closed for its fault."""
        now = self._clock.seconds()
        before = self._said.get(kind)
        if before is not None and before <= now < before + PAUSE_S:
            self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
            return
        self._said[kind] = now
        more = self._unsaid.pop(kind, 0)
        if more:
            text = f"{text} (and {more} more for {code} that were not shown)"
        log.warn("closing {peer}: {code}: {text}", peer=peer, code=code, text=text)


_OF: WeakKeyDictionary[IReactorTime, Complaints] = WeakKeyDictionary()


def complaints(clock: IReactorTime) -> Complaints:
    """Those of the daemon that lives by this clock."""
    found = _OF.get(clock)
    if found is None:
        found = _OF[clock] = Complaints(clock)
    return found
