"""Players who cannot reach a server that the router believes in: they are placed elsewhere."""

from __future__ import annotations

from random import Random

import pytest
from twisted.internet.defer import Deferred

from clientmigration.client.player import Player
from clientmigration.core.fleet.policy import Policy, ReachPolicy
from clientmigration.router.overview import found, overview
from clientmigration.testing import Arena
from clientmigration.testing.unplaced import WITHIN_S, Unplaced
from clientmigration.wire.operators import Ended, Find, Found


def arena_with(*servers: str, capacity: int = 200, seed: int = 1) -> Arena:
    arena = Arena(seed=seed)
    arena.start_router()
    for name in servers:
        arena.start_server(name, capacity)
    arena.run(2.0)
    return arena


def part(arena: Arena, player: Player, server: str) -> None:
    """From now on this player and this server cannot reach each other; routers can reach both."""
    host = arena.host_of(player)
    arena.network.cut(host, server)
    arena.network.cut(server, host)


def meet(arena: Arena, player: Player, server: str) -> None:
    """They can again."""
    host = arena.host_of(player)
    arena.network.heal(host, server)
    arena.network.heal(server, host)


def close_door(arena: Arena, server: str) -> None:
    """The proxy before a server dies: whoever connects is refused."""
    del arena.network.doors[f"{server}:1"]
    for player in arena.players:
        arena.network.reset(arena.host_of(player), server)


def open_door(arena: Arena, server: str) -> None:
    arena.network.listen(server, f"{server}:1", arena.servers[server].player_line)


def closed(arena: Arena) -> dict[str, str]:
    """What operators are told of each server."""
    return {each.name: each.closed for each in overview(arena.router.overview_ports).members}


def state(arena: Arena, player: Player) -> str:
    """What operators are told who look for this player."""
    answers: list[Found | Ended] = []
    asking = Deferred.fromCoroutine(found(arena.router.overview_ports, str, Find(1, player.name)))
    asking.addCallback(answers.append)
    arena.run(0.1)
    (answer,) = answers
    assert isinstance(answer, Found)
    return answer.state


def played(arena: Arena, *servers: str, players: int = 4) -> list[Player]:
    """Players who all play on the first server; the others are started after them."""
    some = [arena.start_player() for _ in range(players)]
    arena.run(2.0)
    for name in servers:
        arena.start_server(name)
    arena.run(2.0)
    return some


@pytest.mark.parametrize("seconds", [-7200.0, 7200.0])
def test_whoever_sets_the_routers_clock_who_cannot_reach_its_server_is_placed_elsewhere(
    seconds: float,
) -> None:
    arena = arena_with("eu")
    ada = played(arena, "us", players=1)[0]
    arena.jump("router", seconds)
    arena.run(15.0)  # a date that is far off is taken in one step
    part(arena, ada, ada.member)
    arena.run(WITHIN_S)
    assert (ada.state, arena.homes_of(ada)) == ("playing", ["us"])


def test_who_cannot_reach_its_server_any_more_plays_elsewhere_within_15_s_moved_once() -> None:
    arena = arena_with("eu")
    ada = played(arena, "us", players=1)[0]
    part(arena, ada, "eu")
    arena.run(6.0)
    assert state(arena, ada) == "away"
    arena.run(WITHIN_S - 6.0)
    assert ada.state == state(arena, ada) == "playing"
    assert arena.homes_of(ada) == ["us"]
    assert arena.ledger.records[ada.name].epoch == 2
    assert len(arena.servers["eu"].seats) == 0
    assert arena.router.meter.totals["recovered"] == 0  # no server was lost
    assert closed(arena) == {"eu": "", "us": ""}  # one player is not many


def test_who_is_refused_from_its_first_join_on_plays_elsewhere_within_15_s() -> None:
    arena = arena_with("eu")
    close_door(arena, "eu")
    ada = arena.start_player()
    arena.run(1.0)
    arena.start_server("us")
    arena.run(WITHIN_S)
    assert arena.home_of(ada) == "us"
    assert ada.state == "playing"


def test_who_is_cut_off_from_its_server_for_a_moment_keeps_its_place() -> None:
    arena = arena_with("eu")
    ada = played(arena, "us", players=1)[0]
    part(arena, ada, "eu")
    arena.run(5.0)
    meet(arena, ada, "eu")
    arena.run(5.0)
    assert arena.home_of(ada) == "eu"
    assert ada.state == "playing"
    assert arena.ledger.records[ada.name].epoch == 1


def test_who_plays_is_not_taken_over_because_another_program_of_it_cannot_reach_its_server() -> (
    None
):
    arena = arena_with("eu")
    ada = played(arena, "us", players=1)[0]
    eve = arena.start_player(ada.token)
    part(arena, eve, "eu")
    arena.run(20.0)
    assert arena.home_of(ada) == "eu"
    assert ada.state == "playing"
    assert arena.ledger.records[ada.name].epoch == 1
    assert arena.router.meter.totals["failed_arrivals"] == 0


def test_a_server_that_many_cannot_reach_gets_no_newcomers_says_so_and_comes_back() -> None:
    arena = arena_with("eu")
    players = played(arena, "us")
    close_door(arena, "eu")
    arena.run(WITHIN_S)
    assert [arena.home_of(each) for each in players] == ["us"] * 4
    assert closed(arena) == {"eu": "unreachable", "us": ""}
    assert told(arena) == ["players cannot reach eu: nobody is sent there"]
    assert measured(arena, "unreachable") == 1
    assert arena.router.meter.totals["failed_arrivals"] == 4
    newcomers = [arena.start_player() for _ in range(4)]
    arena.run(3.0)
    assert [arena.home_of(each) for each in newcomers] == ["us"] * 4
    open_door(arena, "eu")
    arena.run(10.0)
    late = [arena.start_player() for _ in range(4)]
    arena.run(3.0)
    assert "eu" in [arena.home_of(each) for each in late]
    assert closed(arena) == {"eu": "", "us": ""}
    assert told(arena)[1:] == ["nobody avoids eu any more"]
    assert measured(arena, "unreachable") == 0


def told(arena: Arena) -> list[str]:
    """What dashboards mark of what players reach."""
    return [text for what, text in arena.events.posted if what in ("unreachable", "reachable")]


def measured(arena: Arena, measure: str) -> float:
    path = f"clientmigration.router.router.{measure}"
    return [each.value for each in arena.sink.seen if each.path == path][-1]


def test_the_only_server_is_tried_now_and_then_and_everybody_is_back_when_it_answers() -> None:
    arena = arena_with("eu")
    players = played(arena, players=4)
    close_door(arena, "eu")
    arena.run(40.0)
    assert closed(arena) == {"eu": "unreachable"}
    open_door(arena, "eu")
    arena.run(WITHIN_S)
    assert [each.state for each in players] == ["playing"] * 4
    arena.run(3.0)
    assert closed(arena) == {"eu": ""}


def test_a_drain_of_players_who_cannot_reach_their_server_ends() -> None:
    arena = arena_with("eu")
    players = played(arena, "us")
    for player in players:
        part(arena, player, "eu")
    arena.run(1.0)
    ended: list[float] = []
    arena.drain("eu").addCallback(lambda _: ended.append(arena.clock.seconds()))
    began = arena.clock.seconds()
    arena.run(19.0)
    assert [arena.home_of(each) for each in players] == ["us"] * 4
    assert ended
    assert ended[0] - began < 15


def performed(seed: int, policy: Policy) -> list[str]:
    """What the checker finds while pairs of players and servers are parted and meet again."""
    random = Random(f"pairs {seed}")
    arena = Arena(seed=seed, delay_s=random.choice((0.001, 0.02, 0.08)), policy=policy)
    arena.start_router()
    servers = ["a", "b", "c"]
    for name in servers:
        arena.start_server(name, capacity=random.choice((4, 200)))
    arena.run(2.0)
    watch = Unplaced(arena)
    players = [arena.start_player() for _ in range(6)]
    arena.run(3.0)
    parted: list[tuple[Player, str]] = []
    for _ in range(8):
        player, server = random.choice(players), random.choice(servers)
        if random.random() < 0.7:
            part(arena, player, server)
            parted.append((player, server))
        elif parted:
            meet(arena, *parted.pop(random.randrange(len(parted))))
        for _ in range(random.randint(2, 10)):
            arena.run(0.5)
            watch.look()
    for _ in range(60):
        arena.run(0.5)
        watch.look()
    return watch.broken


@pytest.mark.parametrize("seed", range(1, 5))
def test_in_whatever_pairs_nobody_is_unplaced_for_long_while_somebody_can_take_it(
    seed: int,
) -> None:
    assert performed(seed, Policy()) == []


def test_a_router_that_goes_on_to_send_players_where_they_do_not_arrive_is_caught() -> None:
    assert performed(1, Policy(reach=ReachPolicy(arrive_s=60)))
