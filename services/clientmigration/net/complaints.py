"""Log lines about bad peers, of which there may be thousands a second: one a second is enough.

Lines of the same kind are counted while they are not shown, and the next that is shown says how
many. There is one `Complaints` for each clock, which is one for each daemon.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from weakref import WeakKeyDictionary, proxy

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

log = Logger()

PAUSE_S = 1.0  # between two lines of one kind and one text
TEXTS = 8  # of one kind in that time: peers can have a part in the text


@dataclass
class _Lately:
    since: float
    texts: set[str]
    unsaid: int = 0


class Complaints:
    """What was said lately, by kind. Kinds are few: they never hold what a peer made up."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._lately: dict[Hashable, _Lately] = {}

    def say(self, kind: Hashable, peer: str, code: str, text: str) -> None:
        """A connection to this peer is closed for its fault."""
        now, lately = self._clock.seconds(), self._lately.get(kind)
        if lately is None or not lately.since <= now < lately.since + PAUSE_S:
            more = lately.unsaid if lately else 0
            self._lately[kind] = _Lately(now, {text})
            self._show(peer, code, text, more)
        elif text not in lately.texts and len(lately.texts) < TEXTS:
            lately.texts.add(text)
            self._show(peer, code, text, 0)
        else:
            lately.unsaid += 1

    def _show(self, peer: str, code: str, text: str, more: int) -> None:
        if more:
            text = f"{text} (and {more} more for {code} that were not shown)"
        log.warn("closing {peer}: {code}: {text}", peer=peer, code=code, text=text)


_OF: WeakKeyDictionary[IReactorTime, Complaints] = WeakKeyDictionary()


def complaints(clock: IReactorTime) -> Complaints:
    """Those of the daemon that lives by this clock."""
    found = _OF.get(clock)
    if found is None:
        found = _OF[clock] = Complaints(proxy(clock))  # what is found by a clock must not keep it
    return found
