"""Descriptors: whether a daemon may open as many as it needs, and who gets the last ones.

A daemon whose descriptors are used up can not write its ledger, reach carbon or attach again. So
the doors that strangers know stay shut while few are left; what is left is for the daemon's own.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from clientmigration.net.complaints import PAUSE_S

log = Logger()

OWN = 64  # of the daemon itself: logs, the ledger, carbon, Graphite, members or neighbours
MOST = 2**20  # more is of no use to one process
LAST = 32  # that no stranger gets
LAST_SHARE = 4  # of few descriptors, one in so many are the last ones


def allowed() -> int:
    """How many descriptors this process may have; as many as its host lets it, from now on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError):  # more than this kernel grants
            return soft
    return max(soft, most)


def provide(connections: int) -> int:
    """See to it that this process may have so many connections; a line in the log if it may not.
    Answers how many descriptors it may have."""
    limit = allowed()
    if limit < connections + OWN:
        log.warn(
            "{limit} descriptors are allowed, {needed} are needed for {connections} connections",
            limit=limit, needed=connections + OWN, connections=connections,
        )  # fmt: skip
    return limit


class Descriptors:
    """Tells the doors for strangers when few descriptors are left of `limit`. `turned_away` hears
    of each stranger who is sent away for it."""

    def __init__(self, limit: int, turned_away: Callable[[], None], clock: IReactorTime) -> None:
        self._full = limit - min(LAST, limit // LAST_SHARE)
        self._turned_away, self._clock = turned_away, clock
        self._said = -PAUSE_S

    def left(self) -> bool:
        """Whether there is one for a stranger."""
        if self._next() < self._full:
            return True
        self._turned_away()
        now = self._clock.seconds()
        if not self._said <= now < self._said + PAUSE_S:
            self._said = now
            log.warn("turning strangers away: the last descriptors are not for them")
        return False

    def _next(self) -> int:
        """The number of the next descriptor: always the lowest that is free."""
        try:
            number = os.open(os.devnull, os.O_RDONLY)
        except OSError:
            return self._full
        os.close(number)
        return number


def always() -> bool:
    """There is no such limit."""
    return True
