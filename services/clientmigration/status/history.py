"""The charts' last ten minutes, from Graphite: a few fixed questions, whose answers are kept.

However many visitors ask, graphite-web is asked at most once in `KEPT_S` seconds, and never twice
at a time. Browsers never talk to it, and cannot choose what is asked. Without it there is no
history, and nothing else is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from clientmigration.core.measures.metrics import PREFIX, measures
from clientmigration.net.beats import Beats
from clientmigration.net.graphite import GraphiteAway, Series
from clientmigration.status.answers import OPEN, PublicAnswer
from clientmigration.status.documents import VERSION, encode

log = Logger()

BACK_S = 600
STEP_S = 5
KEPT_S = 5.0
OLD_S = 30.0  # nobody has looked for so long that the picture is of another time
LINES = 24
"""Lines in one chart, at most: of more servers the ones that come first."""

# name: (role, measure, how seconds become a step)
ASKED = {
    "players": ("router", "players", "avg"),
    "load": ("gameserver", "load", "avg"),
    "tick_ms": ("gameserver", "tick_ms_p99", "max"),
    "moves": ("router", "moves_settled", "avg"),
    "gap_ms": ("crowd", "gap_ms_p99", "max"),
}


def target(role: str, measure: str, fold: str) -> str:
    """What graphite-web is asked: a point per step, called NAME.MEASURE."""
    if measure not in measures(role):
        raise KeyError(f"{role} has no measure {measure}")
    path = f"{PREFIX}.{role}.*.{measure}"
    return f"aliasByNode(removeEmptySeries(summarize({path},'{STEP_S}s','{fold}')),2,3)"


TARGETS = tuple(target(*each) for each in ASKED.values())
_CHARTS = {measure: name for name, (_, measure, _) in ASKED.items()}


def charts(series: Iterable[Series]) -> dict[str, list[dict[str, Any]]]:
    """The answer by chart, each line with its name and points, oldest first."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for each in sorted(series, key=lambda each: each.target):
        name, _, measure = each.target.partition(".")
        chart = _CHARTS.get(measure)
        if chart and len(found[chart]) < LINES:
            points = [None if value is None else round(value, 3) for value, _ in each.datapoints]
            found[chart].append({"name": name, "points": points})
    return dict(found)


def answer(available: bool | None, series: Iterable[Series]) -> PublicAnswer:
    """The history document of docs/status.md."""
    document = {
        "version": VERSION,
        "available": available,  # null: Graphite is being asked
        "step_s": STEP_S,
        "back_s": BACK_S,
        "series": charts(series),
    }
    cache = "no-store" if available is None else "public, max-age=5"
    return PublicAnswer(encode(document), "application/json", cache, dict(OPEN))


class History:
    """Asks with `ask` now and then, and answers with what it learned last, as `made` tells it.
    Graphite is asked at most once in `kept_s` seconds."""

    def __init__(
        self,
        clock: IReactorTime,
        beats: Beats,
        ask: Callable[[], Coroutine[Any, Any, tuple[Series, ...]]],
        made: Callable[[bool | None, tuple[Series, ...]], PublicAnswer] = answer,
        kept_s: float = KEPT_S,
    ) -> None:
        self._clock, self._beats, self._ask = clock, beats, ask
        self._made, self._kept_s, self._old_s = made, kept_s, max(OLD_S, 2 * kept_s)
        self._asked_at: float | None = None
        self._asking = False
        self._away = False
        self._answer = made(None, ())

    def answer(self) -> PublicAnswer:
        """What is known now. If that is getting old, Graphite is asked for something newer."""
        now = self._clock.seconds()
        if not self._asking and (self._asked_at is None or now - self._asked_at >= self._kept_s):
            if self._asked_at is not None and now - self._asked_at >= self._old_s:
                self._answer = self._made(None, ())
            self._asking, self._asked_at = True, now
            self._beats.spawn("asking for history", self._learn())
        return self._answer

    async def _learn(self) -> None:
        try:
            series = await self._ask()
        except GraphiteAway as problem:
            self._answer = self._made(False, ())
            if not self._away:
                log.warn("no history: {problem}", problem=str(problem))
            self._away = True
        else:
            self._answer, self._away = self._made(True, series), False
        finally:
            self._asking = False
