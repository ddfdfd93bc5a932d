"""Until when the certificates that a daemon shows are good: a word in its log, and a measure."""

from __future__ import annotations

from collections.abc import Callable
from math import floor
from time import time
from weakref import WeakKeyDictionary

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from clientmigration.net.certificate import Certificate, left_days
from clientmigration.net.renewed import Renewed

log = Logger()

SOON_DAYS = 7  # certbot and Caddy renew 30 days before


class Expiry:
    """Says once a day that a certificate should have been renewed by now. `wall`: the date."""

    def __init__(self, ours: Renewed[Certificate], wall: Callable[[], float] = time) -> None:
        self._ours, self._wall, self._said = ours, wall, SOON_DAYS

    def look(self) -> None:
        """How long is it good?"""
        left = floor(left_days(self._ours.value.until, self._wall()))
        if left < self._said:
            log.warn(
                "{what} {how}: it is {value}",
                what=self._ours.what,
                how="expires" if left >= 0 else "has expired",
                value=str(self._ours.value),
            )
        self._said = min(left, SOON_DAYS)


class Certificates:
    """All that a daemon shows to others. `wall`: the date."""

    def __init__(self, wall: Callable[[], float] = time) -> None:
        self.expiring: list[Renewed[Certificate]] = []
        self._wall = wall

    def show(self, ours: Renewed[Certificate]) -> bool:
        """One more; whether it is."""
        if new := ours not in self.expiring:
            self.expiring.append(ours)
        return new

    def measures(self) -> dict[str, float]:
        """For how many days the first of them to expire is still good; nothing without any."""
        now = self._wall()
        left = [left_days(each.value.until, now) for each in self.expiring]
        return {"certificate_days": round(min(left), 3)} if left else {}


_OF: WeakKeyDictionary[IReactorTime, Certificates] = WeakKeyDictionary()


def certificates(clock: IReactorTime) -> Certificates:
    """Those of the daemon that lives by this clock."""
    found = _OF.get(clock)
    if found is None:
        found = _OF[clock] = Certificates()
    return found
