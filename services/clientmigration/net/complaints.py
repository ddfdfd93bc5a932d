"""Log lines of which there may be thousands a second: one a second of the same fault is enough.

Lines of the same kind are counted while they are not shown, and the next that is shown says how
many. `Complaints` are about bad peers, one for each clock, which is one for each daemon. A
`SparingLogger` is for a room of a daemon in which one fault concerns many players at once.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary, proxy

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger, LogLevel, formatEvent

log = Logger()

PAUSE_S = 1.0  # between two lines of one kind and one text
TEXTS = 8  # of one kind in that time: peers can have a part in the text


@dataclass
class _Lately:
    since: float
    texts: set[str]
    unsaid: int = 0


class Sparing:
    """What was said lately, by kind. Kinds are few: they never hold what a peer made up."""

    def __init__(self) -> None:
        self._lately: dict[Hashable, _Lately] = {}

    def may(self, kind: Hashable, text: str, now: float) -> int | None:
        """Whether this is to be said now: how many of its kind were not shown before it; None: it
        is counted with those."""
        lately = self._lately.get(kind)
        if lately is None or not lately.since <= now < lately.since + PAUSE_S:
            self._lately[kind] = _Lately(now, {text})
            return lately.unsaid if lately else 0
        if text not in lately.texts and len(lately.texts) < TEXTS:
            lately.texts.add(text)
            return 0
        lately.unsaid += 1
        return None


class Complaints:
    """About bad peers, whose connections are closed."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock, self._sparing = clock, Sparing()

    def say(self, kind: Hashable, peer: str, code: str, text: str) -> None:
        """A connection to this peer is closed for its fault."""
        more = self._sparing.may(kind, text, self._clock.seconds())
        if more is not None:
            self._show(peer, code, text, more)

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


class SparingLogger(Logger):
    """A Logger that says warnings of one format at most once a second each, and `TEXTS` different
    ones. Its namespace is the module whose it is."""

    def __init__(self, namespace: str, source: object = None, observer: Any = None) -> None:
        super().__init__(namespace, source, observer)
        self._sparing = Sparing()

    def emit(self, level: Any, format: str | None = None, **kwargs: object) -> None:
        """Say it, or count it."""
        if level is LogLevel.warn and format is not None:
            text = formatEvent({**kwargs, "log_format": format})
            more = self._sparing.may(format, text, monotonic())
            if more is None:
                return
            if more:
                format += " (and {more} more that were not shown)"
                kwargs["more"] = more
        super().emit(level, format, **kwargs)
