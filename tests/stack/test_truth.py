"""The line of truth: what is made of a render answer, fresh, old or missing."""

import msgspec
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock

from clientmigration.core.measures.metrics import datapoints, parse
from clientmigration.net.graphite import ANSWERS_WITHIN_S, GraphiteAway, Series, fetch
from clientmigration.stack.truth import ASKED, FRESH_S, Truth, across, read

NOW = 1_000_000.0


def series(role: str, name: str, measure: str, *values: float | None, ends: float = NOW) -> Series:
    """Values of consecutive seconds, the last of them at `ends`."""
    path = datapoints(role, name, {measure: 0.0}, int(ends))[0].path
    first = int(ends) - len(values) + 1
    return Series(path, tuple((value, first + n) for n, value in enumerate(values)))


def test_a_running_stack_in_one_line() -> None:
    answer = [
        series("router", "router", "members", 3, 3),
        series("router", "router", "players", 299, 300),
        series("gameserver", "gs-2", "load", 0.5, 0.38),
        series("gameserver", "gs-1", "load", 0.5, 0.411),
        series("crowd", "crowd", "moves_total", 811, 812),
        series("crowd", "crowd", "missed_ticks_total", 0, 0),
        series("crowd", "crowd", "gap_ms_p50", 2, None, 3, 9),
        series("crowd", "crowd", "gap_ms_p99", 8, None, 12.5, 10),
    ]
    assert read(answer, NOW).line() == (
        "3 servers, 300 players | load gs-1 41% gs-2 38% | 812 moves, 0 missed ticks"
        " | extra gap p50 3.0 ms, p99 12.5 ms"
    )


def test_what_graphite_does_not_know_yet_is_a_dash_and_not_a_zero() -> None:
    assert read([], NOW) == Truth()
    assert Truth().line() == (
        "- servers, - players | load - | - moves, - missed ticks | extra gap p50 -, p99 -"
    )


def test_the_second_that_carbon_has_not_got_yet_does_not_hide_the_one_before() -> None:
    assert read([series("router", "router", "members", 4, None, None)], NOW).servers == 4


def test_a_server_that_left_is_not_shown() -> None:
    gone = series("gameserver", "gs-4", "load", 0.9, ends=NOW - FRESH_S - 1)
    here = series("gameserver", "gs-1", "load", 0.2)
    assert read([gone, here], NOW).loads == (("gs-1", 0.2),)


def test_routers_of_one_fleet_count_it_once() -> None:
    routers = [series("router", name, "players", 100) for name in ("r1", "r2")]
    assert read(routers, NOW).players == 100


def test_the_worst_gap_of_the_minute_is_kept_after_the_moves_have_ended() -> None:
    gaps = series("crowd", "crowd", "gap_ms_p99", 7, 21, *[None] * 50)
    assert read([gaps], NOW).gap_p99_ms == 21


def test_only_measures_of_the_catalogue_are_asked_for() -> None:
    for target in ASKED:
        parse(target.replace("*", "any"))
    with pytest.raises(KeyError):
        across("crowd", "no_such_measure")


def test_an_answer_of_graphite_decodes_with_its_tags() -> None:
    answer = b'[{"target": "a.b", "tags": {"name": "a.b"}, "datapoints": [[null, 1], [2.5, 2]]}]'
    (only,) = msgspec.json.decode(answer, type=tuple[Series, ...])
    assert only.known() == [2.5]


@pytest.mark.parametrize("within_s", [ANSWERS_WITHIN_S / 2, ANSWERS_WITHIN_S * 2])
def test_a_graphite_that_does_not_even_connect_is_away_whoever_gives_up_first(
    within_s: float,
) -> None:
    reactor, failed = MemoryReactorClock(), list[object]()
    asking = Deferred.fromCoroutine(fetch(reactor, "http://127.0.0.1:9/", within_s))
    asking.addErrback(lambda failure: failed.append(failure.check(GraphiteAway)))
    for _ in range(100):
        reactor.advance(0.2)
    assert failed == [GraphiteAway]
