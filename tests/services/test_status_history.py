"""History from Graphite: asked seldom, by us alone, and never waited for."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogEvent

from clientmigration.core.measures.metrics import measures
from clientmigration.net.beats import Beats
from clientmigration.net.graphite import GraphiteAway, Series
from clientmigration.status import history
from clientmigration.status.history import KEPT_S, LINES, OLD_S, History


class Graphite:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.asked: list[Deferred[tuple[Series, ...]]] = []
        self.history = History(self.clock, Beats(self.clock), self._ask)

    async def _ask(self) -> tuple[Series, ...]:
        self.asked.append(Deferred())
        return await self.asked[-1]

    def known(self) -> Any:
        return msgspec.json.decode(self.history.answer().body)


def series(name: str, *values: float | None) -> Series:
    return Series(name, tuple((value, 5 * n) for n, value in enumerate(values)))


def test_the_first_visitor_does_not_wait_and_the_next_one_has_it() -> None:
    graphite = Graphite()
    assert graphite.known()["available"] is None
    graphite.asked[0].callback((series("gs-1.load", None, 0.25), series("router.players", 7.0)))
    known = graphite.known()
    assert known["available"] is True
    assert known["series"]["load"] == [{"name": "gs-1", "points": [None, 0.25]}]
    assert known["series"]["players"] == [{"name": "router", "points": [7.0]}]


def test_who_comes_long_after_the_last_visitor_is_not_shown_what_that_one_saw() -> None:
    graphite = Graphite()
    graphite.known()
    graphite.asked[0].callback((series("router.players", 7.0),))
    graphite.clock.advance(OLD_S - 0.1)
    assert graphite.known()["available"] is True
    graphite.asked[1].callback((series("router.players", 8.0),))
    graphite.clock.advance(OLD_S)
    assert graphite.known()["available"] is None
    graphite.asked[2].callback((series("router.players", 9.0),))
    assert graphite.known()["series"]["players"] == [{"name": "router", "points": [9.0]}]


def test_however_many_ask_graphite_is_asked_once_in_a_while_and_once_at_a_time() -> None:
    graphite = Graphite()
    for _ in range(1000):
        graphite.known()
    graphite.clock.advance(KEPT_S * 3)
    graphite.known()
    assert len(graphite.asked) == 1
    graphite.asked[0].callback(())
    graphite.known()
    assert len(graphite.asked) == 2
    graphite.asked[1].callback(())
    graphite.clock.advance(KEPT_S - 0.1)
    graphite.known()
    assert len(graphite.asked) == 2


def test_without_graphite_it_says_so_and_asks_again_later() -> None:
    graphite = Graphite()
    graphite.known()
    graphite.asked[0].errback(GraphiteAway("nobody there"))
    assert graphite.known() == {
        "version": 1,
        "available": False,
        "step_s": 5,
        "back_s": 600,
        "series": {},
    }
    graphite.clock.advance(KEPT_S)
    graphite.known()
    graphite.asked[1].callback((series("gs-1.load", 0.5),))
    assert graphite.known()["available"] is True


def test_a_question_that_breaks_is_logged_and_asked_again_later(
    no_logged_errors: list[LogEvent],
) -> None:
    graphite = Graphite()
    graphite.history.answer()
    graphite.asked[0].errback(ValueError("not what was asked for"))
    assert "not what was asked for" in str(no_logged_errors.pop()["log_failure"])
    graphite.clock.advance(KEPT_S)
    graphite.history.answer()
    graphite.asked[1].callback((series("router.players", 7.0),))
    assert graphite.known()["available"] is True


def test_a_chart_has_so_many_lines_and_no_more() -> None:
    many = [series(f"gs-{n}.load", 0.1) for n in range(100)]
    assert len(history.charts(many)["load"]) == LINES
    assert history.charts([series("gs-1.nothing", 1.0)]) == {}


def test_only_measures_of_the_catalogue_are_asked_for() -> None:
    for role, measure, _ in history.ASKED.values():
        assert measure in measures(role)
    assert len(history.TARGETS) == len(history.ASKED)
