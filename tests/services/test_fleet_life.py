"""Servers and routers that come, go, fail and fill, while players play."""

import msgspec
from twisted.internet.defer import Deferred

from clientmigration.client.player import Player
from clientmigration.core.measures.metrics import Datapoint
from clientmigration.games.meadow import wire as meadow
from clientmigration.testing import Arena


def arena_with(*servers: str, players: int = 0, cost: float = 0.004) -> Arena:
    arena = Arena(seed=5, cost=cost)
    arena.start_router()
    for name in servers:
        arena.start_server(name)
    arena.run(2.0)
    for _ in range(players):
        arena.start_player()
        arena.run(0.02)
    arena.run(2.0)
    return arena


def count(arena: Arena, name: str) -> int:
    return sum(arena.home_of(player) == name for player in arena.players)


def assert_undisturbed(players: list[Player]) -> None:
    assert [(p.tally.missed, p.rejoins) for p in players] == [(0, 0)] * len(players)


def test_a_new_server_takes_its_share_within_fifteen_seconds_and_nobody_notices() -> None:
    arena = arena_with("a", "b", "c", players=60, cost=0.01)
    arena.run(8.0)
    arena.start_server("d")
    arena.run(15.0)
    assert 10 <= count(arena, "d") <= 16
    assert_undisturbed(arena.players)


def test_a_steady_world_moves_nobody() -> None:
    arena = arena_with("a", "b", "c", players=24, cost=0.02)
    arena.run(20.0)
    before = sum(player.moves for player in arena.players)
    arena.run(40.0)
    assert sum(player.moves for player in arena.players) == before


def test_while_the_router_is_away_everybody_plays_on_and_then_it_knows_everything_again() -> None:
    arena = arena_with("a", "b", players=10)
    arena.kill("router")
    arena.run(5.0)
    assert_undisturbed(arena.players)
    assert count(arena, "a") + count(arena, "b") == 10
    arena.start_router()
    arena.run(8.0)
    assert sorted(arena.router.members) == ["a", "b"]
    listed = sum(len(member.roster) for member in arena.router.members.values())
    assert listed == 10
    mover = arena.players[0]
    target = "b" if arena.home_of(mover) == "a" else "a"
    arena.move(mover, target)
    arena.run(1.0)
    assert arena.home_of(mover) == target
    assert_undisturbed(arena.players)


def test_who_was_not_seen_for_as_long_as_the_policy_says_is_forgotten() -> None:
    arena = arena_with("a", players=2)
    plays, long_ago = arena.players[0].name, 90 * 86_400 + 1
    records, now = arena.ledger.records, arena.router.now()
    old = msgspec.structs.replace(records[plays], stored_at=now - long_ago)
    records |= {plays: old, "left": msgspec.structs.replace(old, player="left", owner="gone")}
    arena.router.forget()
    assert sorted(records) == sorted(player.name for player in arena.players)


def test_a_ledger_that_was_lost_is_made_anew_from_the_servers() -> None:
    arena = arena_with("a", "b", players=6)
    for player in arena.players:
        player.act(meadow.drop())
    arena.run(1.0)
    owners = {p.name: arena.home_of(p) for p in arena.players}
    arena.kill("router")
    arena.ledger.records.clear()
    arena.start_router()
    arena.run(8.0)
    assert {p.name: arena.home_of(p) for p in arena.players} == owners
    assert {name: record.owner for name, record in arena.ledger.records.items()} == owners
    assert_undisturbed(arena.players)
    assert arena.coins() == 60
    arena.move(arena.players[0], "b" if arena.home_of(arena.players[0]) == "a" else "a")
    arena.run(1.0)
    assert arena.home_of(arena.players[0]) != owners[arena.players[0].name]


def test_players_of_a_killed_server_are_back_within_two_seconds_as_they_were() -> None:
    arena = arena_with("a", "b", players=20)
    for player in arena.players:
        player.act(meadow.move(2.0, 1.0))
    arena.run(3.0)
    for player in arena.players:
        player.act(meadow.drop())
    arena.run(1.1)
    names = [player.name for player in arena.players]
    arena.kill("a")
    arena.run(2.0)
    assert [arena.home_of(player) for player in arena.players] == ["b"] * 20
    assert [player.name for player in arena.players] == names
    arena.run(1.0)
    for player in arena.players:
        assert (player.tally.lost, player.tally.doubled) == (0, 0)
        assert player.tally.acked == player.tally.seq
        assert player.state == "playing"


def far_away(**zones: str) -> tuple[Arena, list[Player]]:
    """Players 150 ms away from servers of these zones; answers those who play on server a."""
    arena = Arena(seed=5, delay_s=0.075)
    arena.start_router()
    for name, zone in zones.items():
        arena.start_server(name, zone=zone)
    arena.run(2.0)
    players = [arena.start_player() for _ in range(6)]
    arena.run(6.0)
    struck = [player for player in players if arena.home_of(player) == "a"]
    assert struck
    return arena, struck


def test_players_far_away_do_not_wait_for_a_better_ping_after_a_crash() -> None:
    arena, struck = far_away(a="", b="")
    arena.kill("a")
    arena.run(4.0)
    assert all(took < 1.5 for player in struck for took in player.tally.recoveries)
    assert {arena.home_of(player) for player in struck} == {"b"}


def test_players_far_away_go_back_at_once_to_a_server_that_is_back_at_once() -> None:
    """They neither ping what they know nor wait for the end of a ping."""
    arena, struck = far_away(a="near", b="far")
    arena.kill("a")
    arena.run(0.2)
    arena.start_server("a", zone="near")
    arena.run(4.0)
    assert all(took < 1.4 for player in struck for took in player.tally.recoveries)
    assert {arena.home_of(player) for player in struck} == {"a"}


def test_who_came_last_to_a_server_is_shown_the_world_first() -> None:
    """A move must not put a player from the front of one tick's work to the end of another's."""
    arena = arena_with("a", "b", players=8)
    last = arena.players[0]
    target = "b" if arena.home_of(last) == "a" else "a"
    arena.move(last, target)
    arena.run(1.0)
    shown: list[Player] = []

    def tell(player: Player) -> None:
        player.on("view", lambda _view: shown.append(player))

    for player in arena.players:
        tell(player)
    arena.run(0.5)
    here = [player for player in shown if arena.home_of(player) == target]
    assert len(set(here)) > 1
    assert here[0] is last


def test_a_server_that_stops_is_empty_first_and_nobody_notices() -> None:
    arena = arena_with("a", "b", players=20)
    stopped: list[object] = []
    stopping = arena.servers["a"].stopService()
    assert isinstance(stopping, Deferred)
    stopping.addCallback(stopped.append)
    arena.run(20.0)
    assert stopped
    assert count(arena, "b") == 20
    assert_undisturbed(arena.players)


def test_what_the_router_decides_from_is_what_carbon_gets_to_the_letter() -> None:
    arena = Arena(seed=2)
    router = arena.start_router()
    observed: list[Datapoint] = []
    router.reports.subscribe(observed.extend)
    for name in ("a", "b"):
        arena.start_server(name)
    arena.run(2.0)
    for _ in range(5):
        arena.start_player()
    arena.run(10.0)
    whole = range(observed[0].timestamp + 1, observed[-1].timestamp)  # seconds seen from both ends
    carbon = [repr(each) for each in arena.sink.seen if ".gameserver." in each.path]
    decided = [repr(each) for each in observed if each.timestamp in whole]
    assert len(decided) > 500
    assert sorted(decided) == sorted(
        text for text in carbon if int(text.rpartition("=")[2][:-1]) in whole
    )
