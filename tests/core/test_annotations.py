"""What panels mark: changes of the fleet, and how runs of moves ended."""

from clientmigration.core.decisions.annotations import (
    MARKED_EVERY_S,
    TOLD,
    Annotation,
    Mark,
    Run,
    Unmarked,
    changes,
    departure,
    reachability,
)
from clientmigration.core.fleet.health import Grade, Health
from clientmigration.core.fleet.world import Position


def health(grade: Grade = Grade.FIT, draining: bool = False, load: float = 0.5) -> Health:
    return Health(load, 0.9, grade, 40, 200, draining, Position(0.0, 0.0), 0.0, 1_700_000_000)


def test_an_overload_is_told_when_it_begins_and_not_while_it_lasts() -> None:
    strained, over = health(Grade.STRAINED), health(Grade.OVERLOADED, load=0.91)
    told = (Annotation("overload", "gs-1 is overloaded: load 0.91, 40 players"),)
    assert changes({"gs-1": strained}, {"gs-1": over}) == told
    assert changes({"gs-1": over}, {"gs-1": over}) == ()
    assert changes({"gs-1": over}, {"gs-1": strained}) == ()


def test_a_drain_is_told_once_also_of_a_server_that_was_not_seen_before() -> None:
    draining = health(draining=True)
    told = (Annotation("drain", "gs-2 sends its 40 players away"),)
    assert changes({}, {"gs-2": draining}) == told
    assert changes({"gs-2": health()}, {"gs-2": draining}) == told
    assert changes({"gs-2": draining}, {"gs-2": draining}) == ()


def test_it_is_told_once_that_players_cannot_reach_a_server_and_that_they_can_again() -> None:
    none, eu = frozenset[str](), frozenset({"eu"})
    told = "players cannot reach eu: nobody is sent there"
    assert reachability(none, eu) == (Annotation("unreachable", told),)
    assert reachability(eu, eu) == ()
    assert [each.what for each in reachability(eu, none)] == ["reachable"]


def test_who_drained_has_left_and_who_did_not_has_crashed() -> None:
    assert departure("gs-1", health(draining=True), "bye").what == "leave"
    assert departure("gs-1", health(), "lost").what == "crash"
    assert departure("gs-1", health(), "it stops", leaving=True).what == "leave"
    assert departure("gs-1", None, "lost") == Annotation("crash", "gs-1 is gone: lost")


def test_a_run_of_moves_is_told_when_it_is_over_with_every_outcome() -> None:
    run, told = Run().after({"moves_settled": 20.0, "moves_lost": 1.0}, 5, 100.0)
    assert told is None
    run, told = run.after({"moves_settled": 4.0, "moves_refused": 2.0}, 1, 101.0)
    assert told is None
    run, told = run.after({}, 1, 102.0)
    assert told is None
    run, told = run.after({}, 0, 103.0)
    assert told == Annotation("moves", "27 moves in 3 s: 24 settled, 2 refused, 1 lost")
    assert run.after({}, 0, 104.0) == (Run(), None)


def marks_of(rounds: list[tuple[float, str]]) -> list[Mark]:
    """The marks of rounds with what each decided."""
    unmarked, marks = Unmarked(), []
    for now, sentence in rounds:
        unmarked, mark = unmarked.after(now, sentence)
        marks += [mark] if mark else []
    return marks


def test_a_decision_is_marked_at_once_and_those_soon_after_it_by_one_mark_in_words() -> None:
    decided = [(1000.0 + 2 * n, f"move {n}") for n in range(5)]
    quiet = [(1010.0 + 2 * n, "") for n in range(20)]
    first, second = marks_of([*decided, *quiet])
    assert first == Mark(1000.0, "move 0", "")
    assert second == Mark(1002.0, "move 1", "move 2\nmove 3\nmove 4")


def test_quiet_rounds_are_not_marked() -> None:
    assert marks_of([(1000.0 + n, "") for n in range(100)]) == []


def test_marks_are_few_and_short_however_much_is_decided() -> None:
    marks = marks_of([(1000.0 + n / 10, f"move {n}") for n in range(3000)])
    assert len(marks) <= 300 / MARKED_EVERY_S + 1
    for mark in marks[1:]:
        *told, more = mark.others.splitlines()
        assert len(told) == TOLD - 1
        assert more.startswith("and ")
        assert more.endswith(" more decisions")


def test_a_clock_that_is_set_back_does_not_keep_decisions_from_being_marked() -> None:
    marks = marks_of([(1000.0, "move 1"), (10.0, "move 2")])
    assert [mark.first for mark in marks] == ["move 1", "move 2"]
