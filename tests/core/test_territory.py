"""Who should play together."""

import random
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from clientmigration.core.fleet.cells import CellSight, Ints
from clientmigration.core.fleet.territory import Crowds, divided
from clientmigration.core.fleet.world import Position


def crowds_of(
    players: Sequence[tuple[float, int]], members: int, stay: Sequence[int] = ()
) -> Crowds:
    """Players at (x, member), a vertex each; those who `stay` may be nowhere else."""
    sight, cells = CellSight.of([Position(x, 0) for x, _ in players], 50.0)
    home = np.array([member for _, member in players], np.int64)
    allowed = np.ones((len(players), members), bool)
    allowed[list(stay)] = np.eye(members, dtype=bool)[home[list(stay)]]
    return Crowds.of(np.ones(len(players), np.int64), home, allowed, cells, sight)


def divide(crowds: Crowds, worth: float = 2.0, room: int = 0, metis: bool = True) -> Ints:
    members = crowds.allowed.shape[1]
    sizes = np.bincount(crowds.home, crowds.heads, minlength=members).astype(np.int64)
    return divided(crowds, sizes, sizes + room, worth, metis=metis)


MIXED = [(float(town), n % 2) for town in (0, 1000) for n in range(20)]


def test_two_towns_on_two_members_become_one_each() -> None:
    crowds = crowds_of(MIXED, 2)
    homes = divide(crowds)
    assert crowds.apart(crowds.home) == 200
    assert crowds.apart(homes) == 0
    assert (homes != crowds.home).sum() == 20


def test_nobody_moves_when_nothing_is_won_or_not_enough() -> None:
    crowds = crowds_of([(float(1000 * (n % 2)), n % 2) for n in range(40)], 2)
    assert (divide(crowds) == crowds.home).all()
    dear = crowds_of(MIXED, 2)
    assert (divide(dear, worth=50.0) == dear.home).all()


def test_who_must_stay_stays_and_the_others_come_to_it() -> None:
    crowds = crowds_of(MIXED, 2, stay=[0, 2, 4])
    homes = divide(crowds)
    assert (homes[[0, 2, 4]] == 0).all()
    assert (homes[:20] == 0).all()


def test_without_metis_who_is_far_from_its_own_comes_to_them_where_there_is_room() -> None:
    lost = [(0.0, 0)] * 10 + [(0.0, 1)] * 2 + [(1000.0, 1)] * 10
    crowds = crowds_of(lost, 2)
    assert (divide(crowds, metis=False) == crowds.home).all()  # there is none
    homes = divide(crowds, room=2, metis=False)
    assert crowds.apart(homes) == 0
    assert np.flatnonzero(homes != crowds.home).tolist() == [10, 11]


def test_without_metis_nobody_moves_who_does_not_win_by_it() -> None:
    mixed = crowds_of(MIXED, 2)
    assert (divide(mixed, room=20, metis=False) == mixed.home).all()


def test_who_has_no_position_is_seen_by_nobody() -> None:
    sight, cells = CellSight.of([None, None, Position(0, 0)], 50.0)
    ones = np.ones(3, np.int64)
    crowds = Crowds.of(ones, np.array([0, 1, 0]), np.ones((3, 2), bool), cells, sight)
    assert len(crowds.pairs) == 0
    assert (divide(crowds) == crowds.home).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1000), st.integers(2, 5), st.integers(1, 80))
def test_no_member_has_more_than_it_had_and_pairs_are_won(
    seed: int, members: int, players: int
) -> None:
    chance = random.Random(seed)
    there = [(chance.uniform(0, 400), chance.randrange(members)) for _ in range(players)]
    crowds = crowds_of(there, members)
    homes = divide(crowds)
    before = np.bincount(crowds.home, minlength=members)
    assert (np.bincount(homes, minlength=members) <= before).all()
    moved = (homes != crowds.home).sum()
    assert crowds.apart(crowds.home) - crowds.apart(homes) >= 2.0 * moved
    assert (divide(crowds) == homes).all()
