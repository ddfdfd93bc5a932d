"""Uptime: in which seconds of the last ninety days a player could have joined, by Graphite.

A router counts such seconds (`up`). Where it said nothing, carbon's own measures are the witness:
when carbon was there to listen, the fleet was down; when it was not, nothing is known, and what is
not known counts neither way. Pure functions of an answer of graphite-web.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from clientmigration.core.measures.metrics import PREFIX, measures
from clientmigration.net.graphite import Series
from clientmigration.status.answers import OPEN, PublicAnswer
from clientmigration.status.documents import VERSION, encode

DAY_S = 86_400
DAYS = 90
BACK_S = DAYS * DAY_S
KEPT_S = 300.0  # Graphite is asked at most once in so many seconds
ANSWERS_WITHIN_S = 20.0  # it reads ninety days
SLACK = 0.02  # of a span: seconds that a busy router may have skipped are none in which it was away
WORTH_S = 60.0  # what was shorter is no incident
INCIDENTS = 10  # the latest

assert "up" in measures("router")
TARGETS = (
    f"alias(maxSeries({PREFIX}.router.*.up),'up')",
    "alias(maxSeries(carbon.agents.*.metricsReceived),'carbon')",
)


class Span(NamedTuple):
    """From `at` (Unix seconds) for `seconds`: how many of them the fleet was down, or None."""

    at: int
    seconds: int
    down: float | None


def spans(series: Iterable[Series], now: float) -> list[Span]:
    """What is known of each step of the answer, oldest first. The latest step is still under way,
    and before the first word of a router there was no fleet."""
    named = {each.target: each for each in series}
    up, carbon = named.get("up"), named.get("carbon")
    step = up.step_s() if up else 0
    if up is None or not step:
        return []
    heard = (
        {when // step for value, when in carbon.datapoints if value is not None} if carbon else ()
    )
    over = [each for each in up.datapoints if each[1] + step <= now]
    first = next((n for n, (value, _) in enumerate(over) if value is not None), len(over))
    return [
        Span(when, step, _down(value, step, when // step in heard)) for value, when in over[first:]
    ]


def _down(value: float | None, step: int, heard: bool) -> float | None:
    if value is None:
        return float(step) if heard else None
    lost = max(0.0, step - value)
    return lost if lost > SLACK * step else 0.0


def days(known: Sequence[Span], now: float) -> list[dict[str, Any]]:
    """Each of the last ninety days (UTC), oldest first: the share of its known seconds in which the
    fleet was up, or null."""
    today = int(now) // DAY_S
    seconds = dict.fromkeys(range(today - DAYS + 1, today + 1), 0.0)
    down = dict.fromkeys(seconds, 0.0)
    for each in known:
        day = each.at // DAY_S
        if each.down is not None and day in seconds:
            seconds[day] += each.seconds
            down[day] += each.down
    return [{"at": day * DAY_S, "up": _share(down[day], all_)} for day, all_ in seconds.items()]


def _share(down: float, seconds: float) -> float | None:
    return round(1 - down / seconds, 6) if seconds else None


def incidents(known: Sequence[Span]) -> list[dict[str, Any]]:
    """The latest times in which nobody could join for long, newest first. A time that nothing is
    known of ends one."""
    found: list[list[float]] = []
    open_ = False
    for each in known:
        if not each.down:
            open_ = False
        elif open_:
            found[-1][1] += each.down
        else:
            found.append([each.at, each.down])
            open_ = True
    worth = [(at, seconds) for at, seconds in found if seconds >= WORTH_S]
    return [{"at": at, "seconds": round(seconds)} for at, seconds in worth[: -INCIDENTS - 1 : -1]]


def document(available: bool | None, series: Iterable[Series], now: float) -> dict[str, Any]:
    """The uptime document of docs/status.md."""
    known = spans(series, now)
    seconds = sum(each.seconds for each in known if each.down is not None)
    listed = days(known, now)
    return {
        "version": VERSION,
        "available": available,  # null: Graphite is being asked
        "up": _share(sum(each.down or 0.0 for each in known), seconds),
        "known_days": sum(each["up"] is not None for each in listed),
        "days": listed,
        "incidents": incidents(known),
    }


def answer(available: bool | None, series: Iterable[Series], now: float) -> PublicAnswer:
    """The same, to be sent."""
    cache = "no-store" if available is None else "public, max-age=60"
    return PublicAnswer(
        encode(document(available, series, now)), "application/json", cache, dict(OPEN)
    )
