"""Log lines that come thousands of times: one a second of each, and how many were left out."""

from typing import Any

from twisted.logger import formatEvent

from clientmigration.net.complaints import TEXTS, Sparing, SparingLogger


def test_the_same_is_said_once_a_second_with_how_many_were_not() -> None:
    sparing = Sparing()
    assert [sparing.may("a", "x", 0.1 * n) for n in range(10)] == [0] + [None] * 9
    assert sparing.may("b", "x", 0.5) == 0
    assert sparing.may("a", "x", 1.0) == 9
    assert sparing.may("a", "x", 2.5) == 0
    assert sparing.may("a", "x", 0.0) == 0  # a clock that was set back


def test_different_texts_of_one_kind_are_said_up_to_a_number() -> None:
    sparing = Sparing()
    said = [sparing.may("a", str(n), 0.0) for n in range(20)]
    assert said == [0] * TEXTS + [None] * (20 - TEXTS)
    assert sparing.may("a", "x", 1.0) == 20 - TEXTS


def test_warnings_of_a_logger_are_said_sparingly_and_nothing_else_is() -> None:
    heard: list[dict[str, Any]] = []
    log = SparingLogger(namespace="test", observer=heard.append)
    for _ in range(500):
        log.warn("no ledger: {why}", why="it is away")
        log.info("no ledger: {why}", why="it is away")
    warned = [formatEvent(each) for each in heard if each["log_level"].name == "warn"]
    assert 0 < len(warned) < 10
    assert warned[0] == "no ledger: it is away"
    assert all("more that were not shown" in each for each in warned[1:])
    assert len(heard) - len(warned) == 500
