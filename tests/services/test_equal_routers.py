"""Several routers on one ledger: every server is attached to all of them, and any may move anybody.

The ledger is the arena's, whose requests take a while. What goes wrong at random is in the
schedules of `make arena ARENA='--faults equals'`.
"""

from __future__ import annotations

import pytest

from clientmigration.core.fleet.equals import primary
from clientmigration.core.player.migration import Outcome
from clientmigration.testing import Arena
from clientmigration.testing.fakes import Disk

TWO = ("router", "router-2")
THREE = (*TWO, "router-3")


def fleet(routers: tuple[str, ...] = TWO, players: int = 4, seed: int = 1) -> Arena:
    arena = Arena(seed=seed, disk=Disk(0.002), equals=routers)
    for name in routers:
        arena.start_router(name)
    for name in ("a", "b", "c"):
        arena.start_server(name)
    arena.run_until(lambda: all(len(each.members) == 3 for each in arena.routers.values()))
    arena.run(2.5)
    for _ in range(players):
        arena.start_player()
    arena.run_until(lambda: all(arena.home_of(each) for each in arena.players))
    arena.run(1.0)
    return arena


def elsewhere(arena: Arena, home: str) -> str:
    return next(name for name in ("a", "b", "c") if name != home)


def test_a_server_is_attached_to_every_router_under_one_name() -> None:
    arena = fleet(THREE)
    for router in arena.routers.values():
        assert sorted(router.members) == ["a", "b", "c"]
    for server in arena.servers.values():
        assert sorted(server.attachment.lines) == sorted(THREE)
        assert server.attachment.primary == primary(server.attachment.member, THREE)


def test_servers_that_bring_no_name_get_one_each_whichever_router_gives_it() -> None:
    arena = Arena(disk=Disk(0.02), equals=TWO)
    for name in TWO:
        arena.start_router(name)
    for key in "xyz":
        arena.start_server(key, named=False)
    arena.run(4.0)
    names = {each.attachment.member for each in arena.servers.values()}
    assert names == {"gs-1", "gs-2", "gs-3"}
    for router in arena.routers.values():
        assert set(router.members) == names


def test_two_servers_of_one_name_are_not_let_in_at_two_routers() -> None:
    arena = Arena(disk=Disk(0.002), equals=TWO)
    for name in TWO:
        arena.start_router(name)
    arena.network.cut("a", "router-2")
    arena.network.cut("router-2", "a")
    arena.start_server("a")
    arena.run(2.0)
    arena.start_server("b").attachment.member = "a"
    arena.run(6.0)
    assert list(arena.routers["router"].members) == ["a"]
    assert not arena.routers["router-2"].members
    assert not arena.servers["b"].attachment.lines


@pytest.mark.parametrize("name", TWO)
def test_any_router_moves_anybody_and_no_tick_is_missed(name: str) -> None:
    arena = fleet()
    arena.router = arena.routers[name]
    for player in arena.players:
        target = elsewhere(arena, arena.home_of(player))
        moved = arena.move(player, target)
        arena.run_until(lambda moved=moved: moved.called)  # type: ignore[misc]
        assert moved.result is Outcome.SETTLED
        assert arena.home_of(player) == target
    arena.run(3.0)
    assert [each.tally.missed for each in arena.players] == [0] * len(arena.players)
    assert not any(each.rejoins for each in arena.players)


def test_two_routers_that_want_the_same_player_move_it_once() -> None:
    arena = fleet(players=1)
    (player,) = arena.players
    home = arena.home_of(player)
    one, other = (name for name in ("a", "b", "c") if name != home)
    moves = []
    for name, target in zip(TWO, (one, other), strict=True):
        arena.router = arena.routers[name]
        moves.append(arena.move(player, target))
    arena.run_until(lambda: all(each.called for each in moves))
    assert sorted(str(each.result) for each in moves) == ["refused", "settled"]
    arena.run(3.0)
    assert arena.homes_of(player) == [one if moves[0].result is Outcome.SETTLED else other]
    assert player.tally.missed == 0


@pytest.mark.parametrize("name", TWO)
def test_a_router_killed_at_any_moment_of_a_move_costs_no_tick(name: str) -> None:
    for after_ms in range(0, 160, 8):
        arena = fleet(players=1, seed=after_ms + 1)
        (player,) = arena.players
        home = arena.home_of(player)
        arena.router = arena.routers[name]
        arena.move(player, elsewhere(arena, home))
        arena.run(after_ms / 1000)
        arena.kill(name)
        frozen = held_for(arena, 3.0)
        assert frozen < 1.1
        arena.run(4.0)
        assert len(arena.homes_of(player)) == 1, after_ms
        assert (player.tally.missed, player.rejoins) == (0, 0), after_ms
        record = arena.ledger.records[player.name]
        assert record.owner == arena.home_of(player)


def held_for(arena: Arena, seconds: float) -> float:
    """For how long somebody stood still at most."""
    longest, since, until = 0.0, 0.0, arena.clock.seconds() + seconds
    while arena.clock.seconds() < until:
        now = arena.clock.seconds()
        since = (since or now) if any(seat.held for seat in arena.seats()) else 0.0
        longest = max(longest, now - since if since else 0.0)
        arena.run(0.01)
    return longest


@pytest.mark.parametrize("gone", TWO)
def test_with_one_router_gone_the_other_lets_newcomers_in_and_moves_at_once(gone: str) -> None:
    arena = fleet()
    arena.kill(gone)
    arena.router = next(iter(arena.routers.values()))
    newcomers = [arena.start_player() for _ in range(6)]
    arena.run_until(lambda: all(arena.home_of(each) for each in newcomers), within=1.0)
    arena.run(0.2)
    moved = arena.move(newcomers[0], elsewhere(arena, arena.home_of(newcomers[0])))
    arena.run_until(lambda: moved.called, within=1.0)
    assert moved.result is Outcome.SETTLED


def test_a_router_that_stands_still_keeps_nobody_out_and_nobody_frozen() -> None:
    for after_ms in range(0, 160, 16):
        arena = fleet(players=1, seed=after_ms + 1)
        (player,) = arena.players
        arena.router = arena.routers["router"]
        arena.move(player, elsewhere(arena, arena.home_of(player)))
        arena.run(after_ms / 1000)
        arena.freeze("router", 10.0)
        newcomers = [arena.start_player() for _ in range(4)]
        longest = held_for(arena, 3.0)
        assert longest < 1.1
        assert all(arena.home_of(each) for each in newcomers)
        arena.run(12.0)
        assert player.tally.missed == 0
        assert len(arena.homes_of(player)) == 1


def test_who_cannot_reach_one_router_asks_the_other() -> None:
    arena = fleet()
    for way in (("player 4", "router"), ("router", "player 4")):
        arena.network.cut(*way)
    newcomer = arena.start_player()
    arena.run(1.0)
    assert arena.home_of(newcomer) in ("a", "b", "c")
    assert newcomer.state == "playing"


def test_a_router_without_servers_sends_players_on() -> None:
    arena = fleet()
    for name in arena.servers:
        for way in ((name, "router"), ("router", name)):
            arena.network.cut(*way)
    arena.run(8.0)
    assert not arena.routers["router"].members
    newcomers = [arena.start_player() for _ in range(4)]
    arena.run_until(lambda: all(arena.home_of(each) for each in newcomers), within=1.5)
    assert [each.tally.missed for each in arena.players] == [0] * 8


def cut_off(arena: Arena, *hosts: str) -> None:
    for here, there in (hosts, hosts[::-1]):
        arena.network.cut(here, there)


def test_a_server_that_one_router_cannot_see_keeps_its_players_wherever_they_come_to_the_door() -> (
    None
):
    arena = Arena(disk=Disk(0.002), equals=TWO)
    for name in TWO:
        arena.start_router(name)
    cut_off(arena, "b", "router-2")
    for name in ("a", "b"):
        arena.start_server(name)
    arena.run(6.0)
    assert [sorted(arena.routers[name].members) for name in TWO] == [["a", "b"], ["a"]]
    sent_on: list[str] = []
    arena.network.taps.append(
        lambda end, data: sent_on.append(end.there) if b'"code":"elsewhere"' in data else None
    )
    players = [arena.start_player() for _ in range(16)]
    arena.run(2.0)
    theirs = [each for each in players if arena.home_of(each) == "b"]
    before = {each.name: arena.ledger.records[each.name].claim[:2] for each in theirs}
    for each in theirs:
        arena.kill(arena.host_of(each))
    back = [arena.start_player(each.token) for each in theirs]
    arena.run(1.5)
    assert len(back) > 3
    assert sent_on
    assert [each.state for each in back] == ["playing"] * len(back)
    after = {each.name: arena.ledger.records[each.name].claim[:2] for each in back}
    assert after == before


def test_who_cannot_come_to_the_router_that_sees_its_server_is_taken_over_after_all() -> None:
    arena = Arena(disk=Disk(0.002), equals=TWO)
    for name in TWO:
        arena.start_router(name)
    cut_off(arena, "b", "router-2")
    for name in ("a", "b"):
        arena.start_server(name)
    arena.run(6.0)
    players = [arena.start_player() for _ in range(8)]
    arena.run(2.0)
    hers = next(each for each in players if arena.home_of(each) == "b")
    arena.kill(arena.host_of(hers))
    cut_off(arena, f"player {len(players)}", "router")
    back = arena.start_player(hers.token)
    arena.run(4.0)
    assert (back.name, arena.home_of(back), arena.homes_of(back)) == (hers.name, "a", ["a"])


def test_a_killed_server_is_not_thought_to_be_elsewhere() -> None:
    arena = fleet(players=6)
    victim = arena.home_of(arena.players[0])
    hit = [each for each in arena.players if arena.home_of(each) == victim]
    arena.kill(victim)
    arena.run(1.4)
    assert [each.state for each in hit] == ["playing"] * len(hit)


def test_one_router_plans_and_when_it_is_gone_the_next_does() -> None:
    arena = fleet(THREE)
    assert [name for name in THREE if arena.routers[name].equals.first()] == ["router"]
    arena.kill("router")
    arena.run(1.5)
    assert [name for name in THREE[1:] if arena.routers[name].equals.first()] == ["router-2"]


def test_who_was_moved_by_one_router_rests_for_all() -> None:
    arena = fleet(players=1)
    (player,) = arena.players
    arena.router = arena.routers["router"]
    arena.move(player, elsewhere(arena, arena.home_of(player)))
    arena.run(4.0)
    mine, theirs = (arena.routers[name].cooldowns.moved_at[player.name] for name in TWO)
    assert mine == pytest.approx(theirs, abs=0.2)


def test_players_of_a_killed_server_play_on_elsewhere_whichever_router_they_come_to() -> None:
    arena = fleet(players=8)
    victim = arena.home_of(arena.players[0])
    hit = [each for each in arena.players if arena.home_of(each) == victim]
    arena.kill(victim)
    arena.run(2.5)
    assert len(hit) > 1
    assert [each.state for each in hit] == ["playing"] * len(hit)
    assert victim not in {arena.home_of(each) for each in arena.players}
    assert {each.rejoins for each in hit} == {1}


def test_a_server_with_one_router_says_what_it_always_said() -> None:
    arena = Arena()
    said: list[bytes] = []
    arena.network.taps.append(lambda end, data: said.append(data) if end.here == "a" else None)
    arena.start_router()
    arena.start_server("a")
    arena.start_player()
    arena.run(4.0)
    words = b"".join(said)
    assert b'"t":"roster"' in words
    for new in (b"life", b"routers", b"shared", b"primary"):
        assert b'"' + new + b'"' not in words
