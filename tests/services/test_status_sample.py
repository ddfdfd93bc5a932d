"""The sample fleet says of itself what a fleet would say."""

from __future__ import annotations

from clientmigration.status.sample import CELL, pairs, sightings


def test_pairs_of_the_sample_are_those_that_see_each_other() -> None:
    players = sightings(80, 4, 12.0)
    cells = [(each.x // CELL, each.y // CELL) for each in players]
    expected = dict.fromkeys(((a, b) for a in range(1, 5) for b in range(1, 5)), 0)
    for one, (x, y) in zip(players, cells, strict=True):
        for other, (column, row) in zip(players, cells, strict=True):
            near = abs(x - column) <= 1 and abs(y - row) <= 1
            expected[one.server, other.server] += near and one is not other
    assert pairs(players) == expected
    assert sum(n for (one, other), n in expected.items() if one != other)
