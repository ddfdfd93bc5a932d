"""What members report of themselves every second: the fleet is built from it alone.

A report is the member's own datapoints, letter for letter those that carbon gets. One for somebody
else is its fault, and so is one that the catalogue does not know. It counts even when the member's
clock runs ahead: then it is of the second in which it came, and the member is told the date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from clientmigration.core.fleet.fleet import AHEAD_S
from clientmigration.core.measures.metrics import Datapoint, Measurement, NotADatapoint, checked
from clientmigration.errors import MalformedFrame
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Noted, Report

Observer = Callable[[Sequence[Datapoint]], object]


class Dates(Protocol):
    """The date in the world, which all members are to agree on."""

    def meet(self, member: float) -> None:
        """A member that has players says that it is this date."""

    def date_for(self, member: float) -> float | None:
        """What a member is to be told whose date is that one; None while it need not be told."""


class Reports:
    """Takes reports in and acknowledges them."""

    def __init__(self, members: AttachedMembers, situation: Situation, dates: Dates) -> None:
        self._members, self._situation, self._dates = members, situation, dates
        self._observers: list[Observer] = []

    def subscribe(self, observer: Observer) -> None:
        """Have every report's datapoints told, once the fleet knows them."""
        self._observers.append(observer)

    def take(self, link: MemberLink, message: Report) -> None:
        """One report. Raises `MalformedFrame` for what a member may not say."""
        situation = self._situation
        try:
            points = [Datapoint(*point) for point in message.datapoints]
            measurements = [checked(point) for point in points]
            if any(each.name != link.name for each in measurements):
                raise MalformedFrame(f"{link.name} reports for somebody else")
            date = max((each.timestamp for each in measurements), default=0)
            if any(each.measure == "players" and each.value for each in measurements):
                self._dates.meet(date)
            self._members.reported(link, bool(message.deputy))
            if not message.deputy:  # of a deputy carbon does not hear: nothing is decided by that
                situation.fleet.observe(_in_time(measurements, situation.now()), situation.now())
        except NotADatapoint as error:
            raise MalformedFrame(str(error)) from error
        values = {each.measure: each.value for each in measurements}
        self._members.measured(link, values, message.routers or ())
        for observer in self._observers:
            observer(points)
        link.say(Noted(now=self._dates.date_for(date)))


def _in_time(measurements: list[Measurement], now: float) -> list[Measurement]:
    """The same; what a clock that runs ahead has dated later than can be is of this second."""
    return [
        each._replace(timestamp=int(now)) if each.timestamp > now + AHEAD_S else each
        for each in measurements
    ]
