"""What this server says of itself once a second: the same datapoints to carbon and to the router.

Every measure of the catalogue that has a value is said, and none that the catalogue does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import UNSET

from clientmigration.core.measures.meter import Meter
from clientmigration.core.measures.metrics import Sink, datapoints, measures
from clientmigration.gameserver.condition import Condition
from clientmigration.gameserver.game import Game
from clientmigration.gameserver.traffic import Traffic
from clientmigration.net.attachment import Attachment
from clientmigration.wire.messages import Report

COUNTED = (
    "game_faults",
    "views",
    "dropped_views",
    "inputs",
    "skipped_inputs",
    "skipped_ticks",
    "refused_tickets",
    "closed_connections",
    "turned_away",
    "sent_bytes",
    "received_bytes",
    "file_bytes",
    "neighbour_sent_bytes",
    "neighbour_received_bytes",
    "mail_posted",
    "mail_delivered",
    "moved_in",
    "moved_out",
    "burns_refused",
)
RATES = (
    "views",
    "inputs",
    "sent_bytes",
    "received_bytes",
    "file_bytes",
    "neighbour_sent_bytes",
    "neighbour_received_bytes",
)
CATALOGUE = frozenset(measures("gameserver"))


Source = Callable[[], Mapping[str, float]]  # what one room has: measures of the catalogue


class Samples(Protocol):
    """What the process costs."""

    def sample(self) -> dict[str, float]:
        """Of the catalogue, since the last time."""


class Measures:
    """Every measure that there is now. `sources` are the rooms that have some of their own."""

    def __init__(
        self,
        meter: Meter,
        traffic: Traffic,
        probe: Samples,
        game: Game,
        condition: Condition,
        sources: Sequence[Source],
    ) -> None:
        self._meter, self._traffic, self._probe = meter, traffic, probe
        self._game, self._condition, self._sources = game, condition, sources

    def take(self) -> dict[str, float]:
        """By name. Starts a new interval."""
        self._traffic.count()
        counted = self._meter.take()
        for name in RATES:
            counted[f"{name}_per_s"] = counted.pop(name)
        sample, game = self._probe.sample(), self._game.measures()
        health = self._condition.health(counted, sample, game)
        known = {**counted, **sample, **health.measures(), **health.split.measures()}
        known |= {name: game[name] for name in game if name in CATALOGUE and name not in known}
        for source in self._sources:
            known |= source()
        return known


class Reporter:
    """Says them. Before it has a name, a server has no datapoints."""

    def __init__(
        self, measures: Measures, attachment: Attachment, sink: Sink, date: Callable[[], float]
    ) -> None:
        self._measures, self._attachment, self._sink, self._date = measures, attachment, sink, date

    def report(self) -> None:
        """One second's datapoints. The router hears them first: it decides from them."""
        if self._attachment.member:
            points = datapoints(
                "gameserver", self._attachment.member, self._measures.take(), int(self._date())
            )
            routers = self._attachment.routers or UNSET
            self._attachment.tell_all(Report(datapoints=list(points), routers=routers))
            self._sink.emit(points)
