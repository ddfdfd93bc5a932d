"""What members report of themselves every second: the fleet is built from it alone.

A report is the member's own datapoints, letter for letter those that carbon gets. One for somebody
else is its fault, and so is one that the catalogue does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clientmigration.core.measures.metrics import Datapoint, NotADatapoint, checked
from clientmigration.errors import MalformedFrame
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Noted, Report

Observer = Callable[[Sequence[Datapoint]], object]


class Reports:
    """Takes reports in and acknowledges them."""

    def __init__(self, members: AttachedMembers, situation: Situation) -> None:
        self._members, self._situation = members, situation
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
            situation.fleet.observe(measurements, situation.now())
        except NotADatapoint as error:
            raise MalformedFrame(str(error)) from error
        self._members.measured(link, {each.measure: each.value for each in measurements})
        for observer in self._observers:
            observer(points)
        link.say(Noted())
