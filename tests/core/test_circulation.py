"""Which moves can be made so that nobody gets fuller by them."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from clientmigration.core.fleet.circulation import Party, circulated

AB, BA, BC, CA = ("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")
WIDE = dict.fromkeys((AB, BA, BC, CA), 99)


def parties(*ways: tuple[str, str], heads: int = 1) -> list[Party]:
    return [
        Party(rank, tuple(range(rank * heads, (rank + 1) * heads)), way)
        for rank, way in enumerate(ways)
    ]


def ways(made: Sequence[Party]) -> list[tuple[str, str]]:
    return [party.way for party in made]


def test_as_many_go_back_as_come() -> None:
    made = list(circulated(parties(AB, AB, AB, BA), WIDE, {}, 99))
    assert ways(made) == [AB, BA]


def test_three_members_pass_players_round() -> None:
    assert ways(list(circulated(parties(AB, BC, CA, BC), WIDE, {}, 99))) == [AB, BC, CA]


def test_who_may_take_more_gets_more() -> None:
    made = list(circulated(parties(AB, AB, AB, BA), WIDE, {"b": 1}, 99))
    assert Counter(ways(made)) == {AB: 2, BA: 1}


def test_who_has_to_give_gets_nobody_for_it() -> None:
    assert list(circulated(parties(BA, BA), WIDE, {"a": -5}, 99)) == []


def test_a_party_is_not_torn_and_not_weighed_up_by_half_of_one() -> None:
    pair, single = Party(0, (1, 2), AB), Party(1, (3,), BA)
    assert list(circulated([pair, single], WIDE, {}, 99)) == []
    two = [pair, single, Party(2, (4,), BA)]
    assert sorted(circulated(two, WIDE, {}, 99)) == two


def test_a_way_that_is_not_there_is_not_taken() -> None:
    assert list(circulated(parties(AB, BA), {AB: 9}, {}, 99)) == []


@given(
    st.lists(
        st.tuples(st.permutations("abcd").map(lambda p: (p[0], p[1])), st.integers(1, 3)),
        max_size=30,
    ),
    st.integers(0, 9),
    st.dictionaries(st.sampled_from("abcd"), st.integers(-3, 3)),
    st.integers(0, 20),
)
def test_no_bound_is_exceeded_and_nobody_gets_more_than_it_takes(
    wanted: list[tuple[tuple[str, str], int]], bound: int, takes: dict[str, int], most: int
) -> None:
    all_ = [
        Party(n, tuple(range(9 * n, 9 * n + heads)), way) for n, (way, heads) in enumerate(wanted)
    ]
    bounds = dict.fromkeys((way for way, _ in wanted), bound)
    made = list(circulated(all_, bounds, takes, most))
    went, net = Counter[tuple[str, str]](), Counter[str]()
    for party in made:
        heads = len(party.rows)
        went[party.way] += heads
        net[party.way[0]] -= heads
        net[party.way[1]] += heads
    assert went.total() <= most
    assert all(n <= bound for n in went.values())
    assert all(n <= max(0, takes.get(name, 0)) for name, n in net.items())
    assert len(set(made)) == len(made)
    assert made == list(circulated(all_, bounds, takes, most))
