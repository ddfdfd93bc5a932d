"""What the router reports of itself every second: one value for each measure of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace

from clientmigration.core.measures.meter import Meter
from clientmigration.core.measures.metrics import Datapoint, Sink, datapoints
from clientmigration.router.situation import Situation


@dataclass(frozen=True)
class Gauges:
    """What is read for a report: what was counted since the last one, and what there is now.

    `process` answers CPU and memory, `moving` how many players are being moved; `carbon_dropped`
    and `events_dropped` how many were lost since they were asked last; `sources` what else there is
    of the catalogue. Of the fleet as a whole one router tells, the `first` of its equals: who adds
    up counts nobody twice. `draining`: the router above wants us empty.
    """

    meter: Meter
    process: Callable[[], Mapping[str, float]]
    situation: Situation
    members: Sized
    waiting: Sized
    moving: Callable[[], int]
    carbon_dropped: Callable[[], int]
    events_dropped: Callable[[], int]
    sources: Sequence[Callable[[], Mapping[str, float]]]
    first: Callable[[], bool] = lambda: True
    draining: Callable[[], bool] = lambda: False


class SelfReport:
    """The reports of the router of this name, whose fleet is called so too, or otherwise if it has
    equals (`names`). `look` is told what was counted, and how many players are being moved;
    `upward` the same datapoints of the fleet as carbon, for a router above, or what it would be
    told were no equal the first, and whether one is."""

    def __init__(
        self,
        names: tuple[str, str],
        gauges: Gauges,
        sink: Sink,
        look: Callable[[Mapping[str, float], int], None],
        now: Callable[[], float],
        upward: Callable[[Sequence[Datapoint], bool], None],
    ) -> None:
        (self._name, self._fleet_name), self._gauges, self._sink = names, gauges, sink
        self._look, self._now, self._upward = look, now, upward

    def send(self) -> None:
        """One second's datapoints, to carbon and upward. Starts a new interval."""
        at, first = int(self._now()), self._gauges.first()
        own = datapoints("router", self._name, self._measures(), at)
        fleet = datapoints("router", self._fleet_name, self._fleet(), at)
        self._sink.emit([*fleet, *own] if first else [*own])  # Prometheus goes by the last name
        self._upward(fleet, not first)

    def _measures(self) -> dict[str, float]:
        gauges = self._gauges
        counted = gauges.meter.take()
        counted["joins_per_s"] = counted.pop("joins")
        moving = gauges.moving()
        self._look(counted, moving)
        return {
            **counted,
            **gauges.process(),
            **{name: value for each in gauges.sources for name, value in each().items()},
            "waiting": len(gauges.waiting),
            "moving": moving,
            "carbon_dropped": gauges.carbon_dropped(),
            "events_dropped": gauges.events_dropped(),
        }

    def _fleet(self) -> dict[str, float]:
        situation = self._gauges.situation
        fleet, now = situation.fleet, situation.now()
        summary = fleet.summary(situation.policy, now)
        draining = summary.draining or self._gauges.draining()
        return {
            **replace(summary, draining=draining).measures(),
            "up": int(any(not each.closed(situation.policy, now) for each in fleet.members())),
            "members": len(self._gauges.members),
            "unreachable": sum(now < each.shut for each in fleet.members()),
        }
