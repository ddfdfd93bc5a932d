"""Headcount: whoever is moved is counted once, whichever server has reported last."""

from itertools import permutations

import pytest

from clientmigration.core.fleet.headcount import Headcount

STEPS = ("held", "source", "target", "goes on", "source", "target")


@pytest.mark.parametrize(
    "order", sorted({p for p in permutations(STEPS) if p.index("held") < p.index("goes on")})
)
def test_the_sum_is_right_after_each_report_in_every_order(order: tuple[str, ...]) -> None:
    count = Headcount()
    reported = {"source": 5, "target": 3}
    true = dict(reported)
    for step in order:
        if step == "held":
            count.held("ada", "source")
            true["source"] -= 1
        elif step == "goes on":
            count.goes_on("ada", "target")
            true["target"] += 1
        else:
            reported[step] = true[step]
            count.reported(step)
        assert sum(count.of(name, reported[name]) for name in reported) == 8, step
    assert {name: count.of(name, reported[name]) for name in reported} == {"source": 4, "target": 4}


def test_who_was_held_and_is_not_moved_is_where_it_was() -> None:
    count = Headcount()
    count.held("ada", "source")
    count.reported("source")
    assert count.of("source", 4) == 5
    count.goes_on("ada", "source")
    assert count.of("source", 4) == 5
    count.reported("source")
    assert count.of("source", 5) == 5


def test_who_goes_home_while_it_is_held_is_counted_nowhere() -> None:
    count = Headcount()
    count.held("ada", "source")
    count.reported("source")
    count.let_go("ada")
    assert (count.of("source", 4), count.of("target", 3)) == (4, 3)


def test_whose_move_nobody_was_held_for_changes_nothing() -> None:
    count = Headcount()
    count.goes_on("ada", "target")
    assert count.of("target", 3) == 3
