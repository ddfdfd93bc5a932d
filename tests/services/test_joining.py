"""How players come in: who they are, where they go, and what happens when there is no place."""

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from clientmigration.core.fleet.placement import Newcomer
from clientmigration.net.line import Line
from clientmigration.router.players import Visit
from clientmigration.testing import Arena
from clientmigration.wire import meadow
from clientmigration.wire.connection import encode
from clientmigration.wire.messages import Greeting

CLOSED = ".closed_connections"


def arena_with(*servers: str, capacity: int = 200, seed: int = 1) -> Arena:
    arena = Arena(seed=seed)
    arena.start_router()
    for name in servers:
        arena.start_server(name, capacity)
    arena.run(2.0)
    return arena


def test_a_newcomer_is_placed_and_sees_consecutive_ticks() -> None:
    arena = arena_with("eu", "us")
    ticks: list[int] = []
    ada = arena.start_player()
    ada.on_view = lambda view: ticks.append(view.tick)
    arena.run(2.0)
    assert arena.home_of(ada) in ("eu", "us")
    assert len(ticks) > 30
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))


def test_the_connection_that_was_pinged_is_the_one_that_is_played_on() -> None:
    arena = arena_with("eu")
    host, make = arena.network.doors["eu:1"]
    made: list[Line] = []

    def counted() -> Line:
        made.append(make())
        return made[-1]

    arena.network.doors["eu:1"] = (host, counted)
    ada = arena.start_player()
    arena.run(1.0)
    assert arena.home_of(ada) == "eu"
    assert len(made) == 1


def test_pings_decide_between_equal_servers() -> None:
    arena = Arena()
    arena.network.delay = lambda a, b: 0.08 if "eu" in (a, b) else 0.002
    arena.start_router()
    arena.start_server("eu")
    arena.start_server("us")
    arena.run(2.0)
    ada = arena.start_player()
    arena.run(2.0)
    assert arena.home_of(ada) == "us"


def test_a_burst_of_joins_does_not_land_on_one_server() -> None:
    arena = arena_with("a", "b", "c", "d")
    players = [arena.start_player() for _ in range(80)]
    arena.run(2.0)
    homes = [arena.home_of(player) for player in players]
    assert all(15 <= homes.count(name) <= 25 for name in "abcd")


def test_whoever_comes_back_with_its_token_is_the_same_player_with_the_same_things() -> None:
    arena = arena_with("eu", "us")
    ada = arena.start_player()
    arena.run(1.0)
    ada.act(meadow.drop())
    ada.act(meadow.move(3.0, 0.0))
    arena.run(1.0)
    ada.stop()
    arena.run(1.0)
    assert arena.home_of(ada) == ""
    again = arena.start_player(token=ada.token)
    coins: list[int] = []
    again.on_view = lambda view: coins.append(meadow.own(view.body)[2])
    arena.run(1.0)
    assert again.name == ada.name
    assert arena.home_of(again) != ""
    assert coins[-1] == 9
    again.act(meadow.drop())
    arena.run(0.5)
    assert coins[-1] == 8
    assert (again.tally.lost, again.tally.doubled) == (0, 0)


def test_a_player_whose_connection_breaks_is_back_where_it_was_at_once() -> None:
    arena = arena_with("eu", "us")
    ada = arena.start_player()
    arena.run(1.0)
    home = arena.home_of(ada)
    assert ada.home is not None
    assert ada.home.line is not None
    ada.home.line.transport.abortConnection()
    arena.run(1.0)
    assert arena.home_of(ada) == home
    assert ada.journey.state() == "playing"
    assert ada.rejoins == 1


def test_of_two_programs_with_one_token_the_later_one_plays_and_the_other_stops() -> None:
    arena = arena_with("eu", "us")
    ada = arena.start_player()
    arena.run(1.0)
    watched: list[int] = []

    async def watch() -> str:
        watched.extend([view.tick async for view in ada.views()])
        return ada.ended

    watching = Deferred.fromCoroutine(watch())
    later = arena.start_player(token=ada.token)
    arena.run(10.0)
    assert ada.journey.state() == "ended"
    assert watching.result == "replaced: the player came back on another connection"
    assert watched
    assert Deferred.fromCoroutine(watch()).result == ada.ended  # who looks too late sees the end
    assert (later.name, later.journey.state(), later.rejoins) == (ada.name, "playing", 0)


def test_who_comes_last_and_is_placed_at_once_waits_nowhere_any_more() -> None:
    arena = arena_with("eu")
    line_up, now = arena.router.line_up, arena.clock.seconds()
    earlier, later = Visit(arena.router), Visit(arena.router)
    earlier.line.makeConnection(StringTransport())
    far, near = (Newcomer("ada", None, {"eu": ping_ms}) for ping_ms in (500.0, 5.0))
    waits, placed = line_up.place(earlier, far, now), line_up.place(later, near, now)
    assert (waits.result, placed.result) == ("", "eu")
    line_up.leave(later)
    assert "ada" not in line_up.waiting


def test_when_all_is_full_players_wait_in_order_and_get_the_places_that_come_free() -> None:
    arena = arena_with("eu", capacity=2)
    first = [arena.start_player() for _ in range(2)]
    arena.run(3.0)
    waiting = [arena.start_player() for _ in range(2)]
    arena.run(3.0)
    assert [arena.home_of(player) for player in waiting] == ["", ""]
    assert [player.waiting for player in waiting] == [1, 2]
    first[0].stop()
    arena.run(4.0)
    assert [arena.home_of(player) for player in waiting] == ["eu", ""]
    assert waiting[1].waiting == 1
    arena.start_server("us", 2)
    arena.run(5.0)
    assert arena.home_of(waiting[1]) != ""


def test_a_crowd_that_is_far_from_everywhere_waits_and_gets_in() -> None:
    arena = Arena()
    servers = ("router", "eu", "us")
    arena.network.delay = lambda a, b: 0.001 if a in servers and b in servers else 0.075
    arena.start_router()
    arena.start_server("eu")
    arena.start_server("us")
    arena.run(3.0)
    players = []
    for _ in range(40):
        players.append(arena.start_player())
        arena.run(0.02)
    arena.run(6.0)
    assert all(player.journey.state() == "playing" for player in players)
    assert arena.router.meter.take()["closed_connections"] == 0


def test_without_a_router_a_player_keeps_trying_with_growing_waits() -> None:
    arena = Arena()
    ada = arena.start_player()
    arena.run(5.0)
    assert ada.journey.state() in ("waiting", "seeking")
    arena.start_router()
    arena.start_server("eu")
    arena.run(12.0)
    assert arena.home_of(ada) == "eu"


def test_unnamed_servers_get_small_names_that_are_used_again() -> None:
    arena = arena_with()
    for key in ("x", "y"):
        arena.start_server(key, named=False)
    arena.run(1.0)
    assert sorted(arena.router.members) == ["gs-1", "gs-2"]
    gone = next(key for key in "xy" if arena.servers[key].attachment.member == "gs-1")
    arena.kill(gone)
    arena.run(1.0)
    arena.start_server("z", named=False)
    arena.run(1.0)
    assert sorted(arena.router.members) == ["gs-1", "gs-2"]


def test_who_leaves_before_its_hello_is_nobodys_fault() -> None:
    arena = arena_with("eu")
    line = arena.router.player_line()
    line.makeConnection(StringTransport())
    line.dataReceived(encode(Greeting(role="player")))
    line.connectionLost(Failure(ConnectionDone()))
    arena.run(10.0)
    counted = [value for path, value, _ in arena.sink.seen if path.endswith(CLOSED)]
    assert len(counted) > 10
    assert sum(counted) == 0
