"""Flows in words: an exchange is two flows, and one thing to tell of."""

from clientmigration.core.decisions.rounds import Round
from clientmigration.core.fleet.flow import Flow, ways

HIGH = Flow.of("a", "b", 3, "high", "0.75 to 0.25, level 0.50")
THERE = Flow.of("c", "d", 5, "together", "80 of 200 pairs")
BACK = Flow.of("d", "c", 4, "together", "80 of 200 pairs")
NEXT = Flow.of("c", "a", 2, "together", "9 of 50 pairs")


def told(*flows: Flow) -> list[str]:
    return [way for _, way in ways(flows)]


def test_an_exchange_is_told_of_once() -> None:
    assert told(HIGH, THERE, BACK, NEXT) == [
        "3 players from a to b",
        "at most 5 players from c to d and 4 back",
        "at most 2 players from c to a",
    ]
    assert told(BACK, THERE) == ["at most 4 players from d to c and 5 back"]
    low = Flow.of("b", "a", 1, "low", "")
    assert told(HIGH, low) == ["3 players from a to b", "1 players from b to a"], "no exchange"


def test_a_decision_tells_of_balance_and_of_exchanges_each_with_its_reason() -> None:
    decided = Round(0.0, 1, 14, (), (THERE, BACK, HIGH, NEXT))
    assert decided.sentence() == (
        "move 3 players from a to b: high: 0.75 to 0.25, level 0.50; at most 5 players from c to d"
        " and 4 back, at most 2 players from c to a: together: 80 of 200 pairs"
    )
    assert Round(0.0, 1, 14, (), (HIGH,)).sentence().endswith("level 0.50")
    assert Round(0.0, 1, 14).sentence() == "nobody is moved"
