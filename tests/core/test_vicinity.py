"""Who stands around a place, and at which member."""

import random

import pytest

from clientmigration.core.fleet.groups import RECENT_S
from clientmigration.core.fleet.vicinity import Vicinity
from clientmigration.core.fleet.world import Position

HERE = Position(75.0, 75.0)  # in the middle of a cell


@pytest.fixture
def world() -> Vicinity:
    return Vicinity(50.0)


def test_those_in_the_same_and_in_touching_cells_are_around(world: Vicinity) -> None:
    world.listed("a", {"ada": (75.0, 75.0), "bob": (0.0, 149.9), "cyd": (150.1, 75.0)})
    world.listed("b", {"dan": (149.9, 149.9), "eve": (-0.1, 75.0)})
    assert world.near(HERE, 0.0) == {"a": 2, "b": 1}
    assert world.near(Position(-900.0, 0.0), 0.0) == {}
    assert world.near(None, 0.0) == {}


def test_a_new_roster_takes_the_place_of_the_one_before(world: Vicinity) -> None:
    world.listed("a", {"ada": (75.0, 75.0), "bob": (75.0, 75.0)})
    world.listed("a", {"ada": (75.0, 75.0), "bob": (900.0, 75.0)})
    assert world.near(HERE, 0.0) == {"a": 1}
    world.listed("a", {})
    assert world.near(HERE, 0.0) == {}


def test_who_is_on_its_way_counts_until_a_roster_shows_it(world: Vicinity) -> None:
    world.sent("ada", HERE, "a", 0.0)
    world.sent("bob", HERE, "a", 1.0)
    assert world.near(HERE, 1.0) == {"a": 2}
    world.listed("a", {"ada": (75.0, 75.0)})
    assert world.near(HERE, 1.0) == {"a": 2}
    assert world.near(HERE, 1.1 + RECENT_S) == {"a": 1}


def test_who_is_sent_elsewhere_is_on_its_way_there_alone(world: Vicinity) -> None:
    world.sent("ada", HERE, "a", 0.0)
    world.sent("ada", HERE, "b", 0.0)
    assert world.near(HERE, 0.0) == {"b": 1}
    world.sent("ada", None, "c", 0.0)
    assert world.near(HERE, 0.0) == {}


def test_who_is_lost_is_around_no_more(world: Vicinity) -> None:
    world.listed("a", {"ada": (75.0, 75.0)})
    world.lost("a")
    world.lost("never seen")
    assert world.near(HERE, 0.0) == {}


def test_after_anything_it_is_as_if_everybody_had_been_counted_one_by_one(
    world: Vicinity,
) -> None:
    chance, rosters, cells = random.Random(1), dict[str, dict[str, tuple[float, float]]](), 4
    for step in range(300):
        member = chance.choice("abc")
        if chance.random() < 0.2:
            rosters.pop(member, None)
            world.lost(member)
        else:
            places = {
                f"{member}{n}": (chance.uniform(0, 50 * cells), chance.uniform(0, 50 * cells))
                for n in range(chance.randrange(30))
            }
            rosters[member] = places
            world.listed(member, places)
        x, y = chance.uniform(0, 50 * cells), chance.uniform(0, 50 * cells)
        around = {
            name: sum(abs(a // 50 - x // 50) <= 1 >= abs(b // 50 - y // 50) for a, b in of.values())
            for name, of in rosters.items()
        }
        found = world.near(Position(x, y), float(step))
        assert found == {name: n for name, n in around.items() if n}
    for member in "abc":
        world.lost(member)
    assert world._cells == {}
