"""The numbers of game servers in views."""

from clientmigration.core.fleet.numbers import NUMBERS, numbered


def test_a_number_comes_from_the_name_and_not_from_who_else_is_there() -> None:
    alone = numbered(["gs-1"])
    assert alone == {"gs-1": numbered(["gs-1", "gs-2", "gs-3"])["gs-1"]}
    assert numbered(["b", "a"]) == numbered(["a", "b"])


def test_each_has_a_number_of_its_own_as_long_as_there_are_any() -> None:
    numbers = numbered(f"gs-{n}" for n in range(NUMBERS + 3))
    assert sorted(numbers.values()) == [0, 0, 0, *range(1, NUMBERS + 1)]


def test_of_nobody_there_are_no_numbers() -> None:
    assert numbered([]) == {}
