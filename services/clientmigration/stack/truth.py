"""The line of truth: one line that says how a running stack is doing, read from Graphite alone.

The daemons themselves are not asked, so every panel can show what the line says.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from clientmigration.core.measures.metrics import PREFIX, measures, parse
from clientmigration.net.graphite import Series, render
from clientmigration.net.reactor import Reactor

WINDOW_S = 60
"""How far back one line looks."""

FRESH_S = 6
"""A value older than this no longer tells how things are."""


def across(role: str, measure: str) -> str:
    """The target that finds one measure of the catalogue in all daemons of a role."""
    if measure not in measures(role):
        raise KeyError(f"{role} has no measure {measure}")
    return f"{PREFIX}.{role}.*.{measure}"


ASKED = (
    across("router", "members"),
    across("router", "players"),
    across("gameserver", "load"),
    across("crowd", "moves_total"),
    across("crowd", "missed_ticks_total"),
    across("crowd", "gap_ms_p50"),
    across("crowd", "gap_ms_p99"),
)


@dataclass(frozen=True)
class Truth:
    """One moment. None, or an empty tuple, is what Graphite does not know (yet).

    `loads` are (server, 0..1) of the servers that report; `moves` and `missed_ticks` are what the
    players themselves counted since their start. Gaps (ms) are of the last minute: the median of
    its seconds' medians, and its worst second's 99th percentile, so it is never less than the true
    one.
    """

    servers: int | None = None
    players: int | None = None
    loads: tuple[tuple[str, float], ...] = ()
    moves: int | None = None
    missed_ticks: int | None = None
    gap_p50_ms: float | None = None
    gap_p99_ms: float | None = None

    def line(self) -> str:
        """The line for a terminal."""
        loads = " ".join(f"{name} {load:.0%}" for name, load in self.loads)
        return (
            f"{_count(self.servers)} servers, {_count(self.players)} players"
            f" | load {loads or '-'}"
            f" | {_count(self.moves)} moves, {_count(self.missed_ticks)} missed ticks"
            f" | extra gap p50 {_ms(self.gap_p50_ms)}, p99 {_ms(self.gap_p99_ms)}"
        )


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number}"


def _ms(number: float | None) -> str:
    return "-" if number is None else f"{number:.1f} ms"


def read(series: Sequence[Series], now: float) -> Truth:
    """The truth in a render answer to `ASKED`, at Unix time `now` (s)."""
    by_measure: dict[str, list[Series]] = {}
    for each in series:
        role, _, measure = parse(each.target)
        by_measure.setdefault(f"{role} {measure}", []).append(each)

    def total(name: str) -> int | None:
        fresh = [each.latest(now - FRESH_S) for each in by_measure.get(name, ())]
        known = [value for value in fresh if value is not None]
        return round(sum(known)) if known else None

    def seen(name: str) -> int | None:
        """Of the fleet one router tells; for a moment two, when the one before it has just gone."""
        fresh = [each.latest(now - FRESH_S) for each in by_measure.get(name, ())]
        known = [value for value in fresh if value is not None]
        return round(max(known)) if known else None

    def all_known(name: str) -> list[float]:
        return [value for each in by_measure.get(name, ()) for value in each.known()]

    medians, worsts = all_known("crowd gap_ms_p50"), all_known("crowd gap_ms_p99")
    return Truth(
        servers=seen("router members"),
        players=seen("router players"),
        loads=_loads(by_measure.get("gameserver load", ()), now),
        moves=total("crowd moves_total"),
        missed_ticks=total("crowd missed_ticks_total"),
        gap_p50_ms=median(medians) if medians else None,
        gap_p99_ms=max(worsts, default=None),
    )


def _loads(series: Iterable[Series], now: float) -> tuple[tuple[str, float], ...]:
    latest = {parse(each.target)[1]: each.latest(now - FRESH_S) for each in series}
    return tuple(sorted((name, load) for name, load in latest.items() if load is not None))


async def tell(reactor: Reactor, base: str) -> str:
    """The line of truth now, from graphite-web at `base`. Raises GraphiteAway."""
    series = await render(reactor, base, ASKED, WINDOW_S)
    now = time.time()
    return f"{datetime.fromtimestamp(now):%H:%M:%S}  {read(series, now).line()}"
