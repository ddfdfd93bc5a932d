"""Who sees whom on which server, as measures and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.health import Grade, Health
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.split import SHARED, Split
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.metrics import measurements, measures

TOLD = Split(number=7, pairs=100, apart=40, shared=((3, 25), (250, 15)))


def health(split: Split) -> Health:
    return Health(0.5, 0.9, Grade.FIT, 40, 200, False, Position(1, 2), 3.0, 1_000, split)


def test_a_split_is_read_back_from_the_measures_that_it_is_told_by() -> None:
    told = health(TOLD)
    said = told.measures() | told.split.measures()
    assert Health.from_measures(said, 1_000) == told
    assert said["pairs_split"] == 40
    assert (said["split_2_number"], said["split_2_pairs"]) == (250, 15)
    assert said[f"split_{SHARED}_number"] == 0


def test_every_measure_of_it_is_in_the_catalogue_and_always_there() -> None:
    told = TOLD.measures()
    assert told.keys() == Split().measures().keys() <= measures("gameserver").keys()
    assert len(told) == 2 * SHARED + 1
    for role in ("gameserver", "router"):
        assert {"pairs", "pairs_split"} <= measures(role).keys()


def test_a_member_that_says_nothing_of_pairs_has_none() -> None:
    assert Split.from_measures({"load": 0.5}) == Split()


@pytest.mark.parametrize(
    "wrong",
    [
        {"pairs": 1, "apart": 2},
        {"pairs": 9, "apart": 2, "shared": ((1, 3),)},
        {"pairs": 9, "apart": 2, "shared": ((0, 1),)},
        {"number": -1},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="pairs"):
        Split(**wrong)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9), st.floats(0, 9)), min_size=1))
def test_means_of_several_seconds_still_add_up(seconds: list[tuple[float, float, float]]) -> None:
    one, other, same = (sum(each) / len(seconds) for each in zip(*seconds, strict=True))
    said = {"pairs": one + other + same, "pairs_split": one + other}
    said |= {"split_1_number": 1, "split_1_pairs": one, "split_2_number": 2, "split_2_pairs": other}
    assert Split.from_measures(said).pairs <= said["pairs"]


def test_a_fleet_has_the_pairs_of_all_its_members() -> None:
    fleet = Fleet()
    for name in ("a", "b"):
        fleet.attach(name, "gameserver", "")
        said = health(TOLD).measures() | TOLD.measures()
        fleet.observe(measurements("gameserver", name, said, 1_000), 1_000)
    assert fleet.summary(Policy(), 1_000).split == Split(pairs=200, apart=80)


def test_only_the_servers_with_most_pairs_are_named_and_all_are_counted() -> None:
    split = Split.of(7, 50, {1: 5, 2: 9, 3: 5, 4: 1, 5: 6, 0: 30, 7: 40, 6: 0})
    assert split == Split(7, 146, 96, ((2, 9), (5, 6), (1, 5), (3, 5)))
    assert Split.of(0, 0, {}) == Split()


@given(
    st.integers(0, 255),
    st.integers(0, 999),
    st.dictionaries(st.integers(0, 255), st.integers(0, 99)),
)
def test_what_a_game_counts_is_always_a_split(
    number: int, here: int, elsewhere: dict[int, int]
) -> None:
    split = Split.of(number, here, elsewhere)
    assert (split.pairs - split.apart, split.apart) == (here, sum(elsewhere.values()))
    assert all(elsewhere[other] == pairs and other != number for other, pairs in split.shared)
