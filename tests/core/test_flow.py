"""Flows in words: an exchange is two flows, and one thing to tell of."""

from clientmigration.core.decisions.rounds import Round
from clientmigration.core.fleet.flow import Flow, announced

HIGH = Flow.of("a", "b", 3, "high", "0.75 to 0.25, level 0.50")
THERE = Flow.of("c", "d", 5, "together", "80 of 200 pairs")
BACK = Flow.of("d", "c", 5, "together", "80 of 200 pairs")
NEXT = Flow.of("c", "a", 2, "together", "9 of 50 pairs")


def test_an_exchange_is_told_of_once() -> None:
    assert announced([HIGH, THERE, BACK, NEXT]) == (HIGH, THERE, NEXT)
    assert announced([BACK, THERE]) == (BACK,)
    assert announced([HIGH, Flow.of("b", "a", 1, "low", "")]) == (
        HIGH,
        Flow.of("b", "a", 1, "low", ""),
    ), "these are no exchange"


def test_a_decision_tells_of_balance_and_of_exchanges_each_with_its_reason() -> None:
    decided = Round(0.0, 1, 14, (), (THERE, BACK, HIGH, NEXT))
    assert decided.sentence() == (
        "move 3 players from a to b: high: 0.75 to 0.25, level 0.50; 5 players each way between"
        " c and d, 2 players each way between c and a: together: 80 of 200 pairs"
    )
    assert Round(0.0, 1, 14, (), (HIGH,)).sentence().endswith("level 0.50")
    assert Round(0.0, 1, 14).sentence() == "nobody is moved"
