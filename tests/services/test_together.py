"""Bursts, groups, zones and the line at the door, through the real router."""

from collections import Counter
from dataclasses import dataclass, field

from clientmigration.client.player import Player
from clientmigration.core.fleet.policy import Policy
from clientmigration.games.meadow.game import Meadow
from clientmigration.gameserver.game import PostLetter
from clientmigration.testing import Arena
from clientmigration.testing.arena import Parts


def arena_with(*servers: str, capacity: int = 200) -> Arena:
    arena = Arena()
    arena.start_router()
    for name in servers:
        arena.start_server(name, capacity)
    arena.run(2.0)
    return arena


def homes(arena: Arena, players: list[Player]) -> Counter[str]:
    return Counter(arena.home_of(player) for player in players)


def test_a_burst_of_500_joins_spreads() -> None:
    arena = arena_with("a", "b", "c", "d", "e", capacity=500)
    players = [arena.start_player() for _ in range(500)]
    arena.run(0.4)
    found = homes(arena, players)
    assert found.total() == 500
    assert set(found) == set("abcde")
    assert max(found.values()) <= 1.15 * min(found.values())


def test_a_group_that_comes_in_at_once_plays_together() -> None:
    arena = arena_with("a", "b", "c")
    strangers = [arena.start_player() for _ in range(12)]
    groups = [[arena.start_player(group=name) for _ in range(5)] for name in ("red", "ice", "sun")]
    arena.run(2.0)
    assert len(homes(arena, strangers)) == 3
    assert [len(homes(arena, group)) for group in groups] == [1, 1, 1]


def test_whoever_comes_later_finds_its_group() -> None:
    arena = arena_with("a", "b", "c")
    first = arena.start_player(group="red")
    for _ in range(9):
        arena.start_player()
    arena.run(6.0)
    later = arena.start_player(group="red")
    arena.run(1.0)
    assert arena.home_of(later) == arena.home_of(first) != ""


def test_a_group_is_known_after_moves_and_to_a_new_router() -> None:
    arena = arena_with("a", "b")
    ada = arena.start_player(group="red")
    arena.run(1.0)
    there = "b" if arena.home_of(ada) == "a" else "a"
    arena.move(ada, there)
    arena.run(1.0)
    arena.kill("router")
    arena.run(1.0)
    arena.start_router()
    arena.run(4.0)
    assert arena.router.groups.mates("", "red", arena.router.now(), ["a", "b"]) == {there: 1}


@dataclass
class Duels:
    """Meadows in which some may not be moved."""

    duelling: set[str] = field(default_factory=set)

    def game(self, rate: int, post: PostLetter) -> Meadow:
        meadow = Meadow(rate, post)
        meadow.busy = lambda player: player in self.duelling  # type: ignore[method-assign]
        return meadow


def test_whom_its_game_wants_left_alone_stays_until_its_server_stops() -> None:
    duels = Duels()
    arena = Arena(parts=Parts(game=duels.game))
    arena.start_router()
    arena.start_server("a")
    arena.run(2.0)
    players = [arena.start_player() for _ in range(30)]
    arena.run(1.0)
    duels.duelling = {player.name for player in players[:6]}
    arena.run(3.0)
    arena.start_server("b")
    arena.run(20.0)
    assert homes(arena, players)["b"] > 8
    assert homes(arena, players[:6]) == {"a": 6}
    arena.drain("a")
    arena.run(8.0)
    assert homes(arena, players) == {"b": 30}
    assert sum(player.tally.missed for player in players) == 0


def test_who_is_being_moved_counts_where_it_will_be_from_the_order_on() -> None:
    arena = Arena(delay_s=0.02)
    arena.start_router()
    arena.start_server("eu")
    ada = arena.start_player()
    arena.run_until(lambda: ada.state == "playing")
    arena.start_server("us")
    arena.run(3.0)
    (before,) = arena.router.residents.of(["eu"])
    assert (before.member, before.locked) == ("eu", False)
    arena.move(ada, "us")
    (while_moving,) = arena.router.residents.of(["eu"])
    assert (while_moving.member, while_moving.locked) == ("us", True)
    arena.run(5.0)
    assert arena.router.residents.of(["eu"]) == []
    (after,) = arena.router.residents.of(["us"])
    assert (after.member, after.locked) == ("us", False)


def test_of_each_zone_one_server_is_pinged_and_the_ping_counts_for_all_of_it() -> None:
    arena = Arena()
    arena.network.delay = lambda a, b: 0.04 if "us" in (a + b) else 0.002
    arena.start_router()
    for name in ("us-1", "us-2", "us-3", "eu-1", "eu-2"):
        arena.start_server(name, zone=name[:2])
    arena.run(2.0)
    players = [arena.start_player() for _ in range(20)]
    arena.run(4.0)
    assert set(homes(arena, players)) == {"eu-1", "eu-2"}
    known = arena.router.pings.known(players[0].name, arena.router.now())
    assert known.keys() == {"us", "eu"}
    (here, *_) = arena.router.residents.of(["eu-1"])
    assert here.ping_ms.keys() == {"us", "eu"}


def test_if_all_it_pinged_is_far_a_player_is_asked_once_more() -> None:
    policy = Policy.parse({"limits": {"candidates": 1}})
    arena = Arena(policy=policy)
    arena.network.delay = lambda a, b: 0.09 if "far" in (a, b) else 0.002
    arena.start_router()
    arena.start_server("far")
    arena.start_server("near")
    arena.run(2.0)
    players = []
    for _ in range(8):
        players.append(arena.start_player())
        arena.run(1.0)
    assert set(homes(arena, players)) == {"near"}


def test_a_waiting_player_that_comes_back_keeps_its_place_and_holds_up_nobody() -> None:
    arena = arena_with("eu", capacity=1)
    playing = arena.start_player()
    arena.run(3.0)
    ada, bob = arena.start_player(), arena.start_player()
    arena.run(2.0)
    assert (ada.position, bob.position) == (1, 2)
    ada.stop()
    arena.run(2.0)
    again = arena.start_player(token=ada.token)
    arena.run(1.0)
    assert (again.position, bob.position) == (1, 2)
    again.stop()
    arena.run(1.0)
    playing.stop()
    arena.run(3.0)
    assert arena.home_of(bob) == "eu"
    last = arena.start_player(token=ada.token)
    arena.run(2.0)
    assert last.position == 1


def test_who_waits_is_told_how_long_it_will_take() -> None:
    arena = arena_with("eu", capacity=4)
    playing = [arena.start_player() for _ in range(4)]
    arena.run(3.0)
    waiting = [arena.start_player() for _ in range(6)]
    arena.run(1.0)
    assert (waiting[5].position, str(waiting[5].estimate_s)) == (6, "None")
    for player in playing[:3]:
        player.stop()
        arena.run(4.0)
    assert waiting[5].position == 3
    assert 6 < (waiting[5].estimate_s or 0) < 30


def test_nobody_is_ever_sent_away_from_a_full_fleet() -> None:
    arena = arena_with("eu", capacity=2)
    players = [arena.start_player() for _ in range(30)]
    arena.run(40.0)
    assert homes(arena, players)["eu"] == 2
    assert sorted(player.position for player in players) == [0, 0, *range(1, 29)]
    assert arena.router.meter.take()["closed_connections"] == 0
