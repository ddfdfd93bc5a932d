"""Players who are moved are shown once, at every moment of many moves."""

from collections import Counter

import pytest
from twisted.internet.defer import Deferred

from clientmigration.router.overview import overview
from clientmigration.testing import Arena


@pytest.mark.parametrize("seed", range(3))
def test_players_who_are_moved_are_shown_once(seed: int) -> None:
    arena = Arena(seed=seed)
    arena.start_router()
    names = ("eu", "us", "as")
    for name in names:
        arena.start_server(name)
    arena.run(2.0)
    players = [arena.start_player() for _ in range(15)]
    arena.run(4.0)
    shown, summed = Counter[int](), Counter[int]()
    for step in range(300):
        arena.run(0.023)
        home = arena.home_of(players[step % len(players)])
        if step % 3 == 0 and home:
            target = names[(names.index(home) + 1) % len(names)]
            Deferred.fromCoroutine(
                arena.router.moves.start(players[step % len(players)].name, home, target)
            )
        now = overview(arena.router.overview_ports)
        shown[now.players] += 1
        summed[sum(each.sample.players for each in now.members if each.sample)] += 1
    assert sum(each.moves for each in players) > 30
    assert shown == summed == {15: 300}
