"""What game servers report of the pairs of players who see each other, on one server or on two."""

from __future__ import annotations

from collections import Counter

from clientmigration.client.player import Player
from clientmigration.core.fleet.health import Health
from clientmigration.core.fleet.policy import Policy, RebalancePolicy
from clientmigration.core.fleet.split import Split
from clientmigration.games.meadow.wire import CELL_M
from clientmigration.testing import Arena

NAMES = ("a", "b", "c")
AT_REST = Policy(rebalance=RebalancePolicy(period_s=60.0))
"""Nobody is moved but by hand, for a minute."""


def fleet(players: int) -> tuple[Arena, list[Player]]:
    arena = Arena(policy=AT_REST)
    arena.start_router()
    for name in NAMES:
        arena.start_server(name)
    arena.run(2.0)
    standing = [arena.start_player() for _ in range(players)]
    arena.run_until(lambda: all(arena.home_of(each) for each in standing))
    arena.run(3.0)
    return arena, standing


def reported(arena: Arena, name: str) -> Split:
    """What the router was told by this server last."""
    member = arena.router.fleet.member(name)
    assert member is not None
    assert member.newest is not None
    return member.newest.split


def summary(arena: Arena) -> Health:
    """The whole fleet, by what its servers reported."""
    situation = arena.router.situation
    return situation.fleet.summary(situation.policy, situation.now())


def looked_up(arena: Arena, players: list[Player]) -> dict[str, Counter[str]]:
    """How many on which server those of each see, one player after the other."""
    at = {}
    for each in players:
        home = arena.home_of(each)
        x, y = arena.servers[home].game.position(each.name)
        at[each.name] = (home, x // CELL_M, y // CELL_M)
    seen = {name: Counter[str]() for name in NAMES}
    for one, (home, column, row) in at.items():
        for other, (there, right, down) in at.items():
            if one != other and max(abs(column - right), abs(row - down)) <= 1:
                seen[home][there] += 1
    return seen


def agree(arena: Arena, players: list[Player]) -> None:
    numbers = {name: arena.servers[name].neighbours.number for name in NAMES}
    assert len(set(numbers.values()) - {0}) == len(NAMES)
    for name, seen in looked_up(arena, players).items():
        elsewhere = {numbers[other]: seen[other] for other in NAMES if other != name}
        assert reported(arena, name) == Split.of(numbers[name], seen[name], elsewhere)


def test_every_server_reports_whom_its_players_see_and_where_those_play() -> None:
    arena, players = fleet(90)
    agree(arena, players)
    told = [reported(arena, name) for name in NAMES]
    assert all(each.apart > 0 for each in told)
    whole = summary(arena).split
    assert (whole.pairs, whole.apart) == (
        sum(each.pairs for each in told),
        sum(each.apart for each in told),
    )


def test_who_is_moved_is_reported_where_it_plays_now() -> None:
    arena, players = fleet(60)
    moved = players[:10]
    targets = [next(n for n in NAMES if n != arena.home_of(each)) for each in moved]
    for each, target in zip(moved, targets, strict=True):
        arena.move(each, target)
    arena.run(4.0)
    assert [arena.home_of(each) for each in moved] == targets
    agree(arena, players)


def test_a_server_that_is_gone_shares_nothing_any_more() -> None:
    arena, _ = fleet(60)
    before = reported(arena, "a")
    assert len(before.shared) == 2
    arena.kill("c")
    arena.run(8.0)
    after = reported(arena, "a")
    number = arena.servers["b"].neighbours.number
    assert {other for other, _ in after.shared} <= {number}


def test_all_of_it_reaches_graphite_as_measures_of_the_catalogue() -> None:
    arena, _ = fleet(30)
    newest = {point.path: point.value for point in arena.sink.seen}
    told = reported(arena, "a")
    assert newest["clientmigration.gameserver.a.pairs"] == told.pairs
    assert newest["clientmigration.gameserver.a.number"] == told.number > 0
    assert newest["clientmigration.gameserver.a.split_1_pairs"] == told.shared[0][1]
    whole = summary(arena).split
    assert newest["clientmigration.router.router.pairs_split"] == whole.apart
