"""Log lines that come thousands of times: one a second of each, and how many were left out."""

from typing import Any

from twisted.logger import formatEvent, globalLogPublisher

from clientmigration.net.complaints import TEXTS, Sparing, SparingLogger
from clientmigration.testing import Arena


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


def test_of_a_crowd_at_the_door_a_few_are_named_and_the_others_counted() -> None:
    heard: list[str] = []
    arena = Arena(seed=1)
    arena.start_router()
    arena.start_server("eu", 100)
    arena.run(2.0)

    def note(event: dict[str, Any]) -> None:
        heard.append(formatEvent(event))

    globalLogPublisher.addObserver(note)  # type: ignore[arg-type]
    try:
        players = [arena.start_player() for _ in range(30)]
        arena.run(2.0)
        arena.start_player()
        arena.run(1.0)
    finally:
        globalLogPublisher.removeObserver(note)  # type: ignore[arg-type]
    assert {arena.home_of(each) for each in players} == {"eu"}
    placed = [each for each in heard if " goes to eu: " in each]
    assert len(placed) == TEXTS + 1
    assert placed[-1].endswith(f" (and {30 - TEXTS} more that were not shown)")
