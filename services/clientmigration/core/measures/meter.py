"""Meter: what a daemon counts between two reports. It is told what happened and keeps no time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from clientmigration.core.measures.metrics import spread_as

ROOM = 20_000  # samples of one kind kept per interval: 3,000 players at a few per second


class Meter:
    """Counts, gauges and samples of one interval. `take` answers them as measures and starts anew.

    What is named at the start is 0 in an interval in which nothing happened. `totals` counts on
    for as long as the daemon runs.
    """

    def __init__(self, counted: Iterable[str] = (), gauged: Iterable[str] = ()) -> None:
        self._counted = (*counted, *gauged)
        self.totals: dict[str, float] = defaultdict(float)
        self._counts: dict[str, float] = {}
        self._samples: dict[str, list[float]] = {}
        self._reset()

    def _reset(self) -> None:
        self._counts = dict.fromkeys(self._counted, 0)
        self._samples = defaultdict(list)

    def count(self, name: str, by: float = 1) -> None:
        """`name` happened."""
        self._counts[name] = self._counts.get(name, 0) + by
        self.totals[name] += by

    def gauge(self, name: str, value: float) -> None:
        """`name` is `value`; the greatest of the interval is kept."""
        self._counts[name] = max(self._counts.get(name, 0), value)

    def sample(self, name: str, value: float) -> None:
        """One measurement of `name`; `take` answers name_p50, name_p95, name_p99, name_max."""
        samples = self._samples[name]
        if len(samples) < ROOM:
            samples.append(value)

    def sample_all(self, name: str, values: Sequence[float]) -> None:
        """Many measurements of `name`."""
        if values:
            samples = self._samples[name]
            samples.extend(values[: ROOM - len(samples)])

    def take(self) -> dict[str, float]:
        """Measures of the interval: every count, and the spread of every sampled name."""
        values: dict[str, float] = dict(self._counts)
        for name, samples in self._samples.items():
            values |= spread_as(name, samples)
        self._reset()
        return values
