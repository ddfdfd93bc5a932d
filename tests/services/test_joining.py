"""How players come in: who they are, where they go, and what happens when there is no place."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent
from twisted.python.failure import Failure

from clientmigration.client.told import FeltMove
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.errors import BadInput, PlayerStopped
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.line import Line
from clientmigration.net.tickets import Seals
from clientmigration.router.players import Visit
from clientmigration.testing import Arena
from clientmigration.testing.arena import EPOCH
from clientmigration.wire.connection import INPUT_LIMIT, encode
from clientmigration.wire.messages import Greeting, Hello, Pings

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
    ada.on("view", lambda view: ticks.append(view.tick))
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
    again.on("view", lambda view: coins.append(meadow.own(view.body)[2]))
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
    assert ada.traveller.home is not None
    assert ada.traveller.home.line is not None
    ada.traveller.home.line.transport.abortConnection()
    arena.run(1.0)
    assert arena.home_of(ada) == home
    assert ada.state == "playing"
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
    assert ada.state == "ended"
    assert watching.result == "replaced: the player came back on another connection"
    assert watched
    assert Deferred.fromCoroutine(watch()).result == ada.ended  # who looks too late sees the end
    assert (later.name, later.state, later.rejoins) == (ada.name, "playing", 0)


@pytest.mark.parametrize("token", [Seals("other " * 8).identity("ab" * 8, EPOCH), "x" * 2000])
def test_a_token_of_another_cluster_makes_a_new_player(token: str) -> None:
    arena = arena_with("eu")
    ada = arena.start_player(token=token)
    states: list[str] = []
    ada.on("state", states.append)
    arena.run(3.0)
    assert arena.home_of(ada) == "eu"
    assert ada.token not in ("", token)
    assert arena.seals.identified(ada.token) == ada.name != "ab" * 8
    assert states.count("waiting") == (len(token) < 2000)
    ada.act(meadow.drop())
    arena.run(0.5)
    assert (ada.counts.acked, ada.counts.lost, ada.counts.rejoins) == (1, 0, 0)


def test_a_player_that_its_cluster_forgets_plays_on_as_somebody_new() -> None:
    arena = arena_with("eu")
    ada = arena.start_player()
    arena.run(1.0)
    for _ in range(5):
        ada.act(meadow.move(1.0, 0.0))
    arena.run(0.5)
    before, names = ada.name, list[str]()
    ada.on("identity", names.append)
    arena.kill("eu")
    arena.kill("router")
    arena.seals = Seals("another secret " * 8)
    arena.start_router()
    arena.start_server("us")
    arena.run(1.0)
    assert ada.act(meadow.drop()) == 6
    arena.run(15.0)
    assert arena.home_of(ada) == "us"
    assert [ada.name] == names[-1:] != [before]
    assert (ada.counts.sent, ada.counts.acked) == (1, 1)  # what nobody had applied, numbered anew
    assert (ada.counts.lost, ada.counts.doubled) == (0, 0)


def test_what_a_server_would_not_read_is_refused_where_it_is_made() -> None:
    arena = arena_with("eu")
    ada = arena.start_player()
    arena.run(1.0)
    for body in (bytes(INPUT_LIMIT + 1), "walk", None, bytearray(3)):
        with pytest.raises(BadInput, match="at most 256"):
            ada.act(body)  # type: ignore[arg-type]
    for us in (-1, 5001, 0.5):
        with pytest.raises(BadInput, match="0 to 5000"):
            ada.burn(us)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="at most 200 bytes"):
        ada.subscribe("é" * 101, print)
    failed: list[Failure] = []
    ada.fetch("x" * 201).addErrback(failed.append)
    assert failed[0].check(BadInput)
    with pytest.raises(BadInput, match="64 are allowed"):
        arena.start_player(group="x" * 65)
    with pytest.raises(BadInput, match="no event"):
        ada.on("waiting", print)  # type: ignore[arg-type]
    assert ada.burn(100) == 1
    arena.run(1.0)
    assert (ada.counts.acked, ada.rejoins, ada.state) == (1, 0, "playing")


def test_a_player_stops_at_what_is_no_router_and_says_why() -> None:
    class Stranger(Protocol):
        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    arena = Arena()
    arena.network.listen("router", "router:4100", Stranger)  # type: ignore[arg-type]
    ada = arena.start_player()
    losses: list[tuple[str, str]] = []
    ada.on("lost", lambda lost: losses.append((lost.code, ada.state)))
    arena.run(30.0)
    assert ada.ended.startswith("not_our_protocol: ")
    assert losses == [("not_our_protocol", "ended")]


def test_a_listener_that_fails_is_logged_and_the_player_goes_on(
    no_logged_errors: list[LogEvent],
) -> None:
    arena = arena_with("eu")
    ada = arena.start_player()
    ticks: list[int] = []
    ada.on("identity", lambda _name: 1 / 0)
    ada.on("view", lambda view: ticks.append(view.tick))
    arena.run(1.0)
    assert "ZeroDivisionError" in str(no_logged_errors.pop()["log_failure"])
    assert len(ticks) > 10


def test_every_view_reader_gets_every_view_and_the_newest_64_when_it_is_slow() -> None:
    arena = arena_with("eu")
    ada = arena.start_player()
    arena.run(1.0)
    woken: Deferred[None] = Deferred()
    seen: list[list[int]] = [[], []]

    async def read(ticks: list[int], slow: bool) -> None:
        async for view in ada.views():
            ticks.append(view.tick)
            if slow and len(ticks) == 1:
                await woken

    reading = [Deferred.fromCoroutine(read(ticks, n == 1)) for n, ticks in enumerate(seen)]
    arena.run(5.0)
    ada.stop()
    woken.callback(None)
    assert [each.called for each in reading] == [True, True]
    assert len(seen[0]) > 90
    assert seen[1] == [seen[0][0], *seen[0][-64:]]


def test_a_fetch_that_is_not_complete_when_the_player_stops_fails() -> None:
    arena = arena_with("eu")
    ada = arena.start_player()
    arena.run(1.0)
    failed: list[Failure] = []
    ada.fetch("").addErrback(failed.append)
    assert ada.start() is ada
    ada.stop()
    ada.stop()
    ada.fetch("").addErrback(failed.append)
    assert [bool(each.check(PlayerStopped)) for each in failed] == [True, True]


def test_who_is_moved_tells_what_it_cost() -> None:
    arena = arena_with("eu", "us")
    ada = arena.start_player()
    arena.run(2.0)
    home, moves = arena.home_of(ada), list[FeltMove]()
    other = "us" if home == "eu" else "eu"
    ada.on("move", moves.append)
    arena.move(ada, other)
    arena.run(2.0)
    (move,) = moves
    assert (move.source, move.target, move.missed) == (home, other, 0)
    assert ada.counts.last_move == move
    assert ada.counts.moves == ada.moves == 1


def test_who_comes_last_and_is_placed_at_once_waits_nowhere_any_more() -> None:
    arena = arena_with("eu")
    queue, now = arena.router.queue, arena.clock.seconds()
    earlier, later = (arena.router.player_line().listener for _ in range(2))
    assert isinstance(earlier, Visit)
    assert isinstance(later, Visit)
    earlier.line.makeConnection(StringTransport())
    far, near = (Newcomer("ada", None, {"eu": ping_ms}) for ping_ms in (500.0, 5.0))
    waits, placed = queue.place(earlier, far, now), queue.place(later, near, now)
    assert (waits.result, placed.result) == ("", "eu")
    queue.leave(later)
    assert "ada" not in queue


def test_when_all_is_full_players_wait_in_order_and_get_the_places_that_come_free() -> None:
    arena = arena_with("eu", capacity=2)
    first = [arena.start_player() for _ in range(2)]
    arena.run(3.0)
    waiting = [arena.start_player() for _ in range(2)]
    arena.run(3.0)
    assert [arena.home_of(player) for player in waiting] == ["", ""]
    assert [player.position for player in waiting] == [1, 2]
    first[0].stop()
    arena.run(4.0)
    assert [arena.home_of(player) for player in waiting] == ["eu", ""]
    assert waiting[1].position == 1
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
    assert all(player.state == "playing" for player in players)
    assert arena.router.meter.take()["closed_connections"] == 0


def test_without_a_router_a_player_keeps_trying_with_growing_waits() -> None:
    arena = Arena()
    ada = arena.start_player()
    arena.run(5.0)
    assert ada.state in ("waiting", "seeking")
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


def visitor_at(arena: Arena, *said: Pings) -> Line:
    """Somebody who has greeted the router and said this."""
    line = arena.router.player_line()
    line.makeConnection(StringTransport())
    line.dataReceived(encode(Greeting(role="player")) + encode(Hello(holder="0" * 64)))
    for each in said:
        line.dataReceived(encode(each))
    return line


def gone(line: Line) -> None:
    line.connectionLost(Failure(ConnectionDone()))


def test_a_visit_that_is_gone_is_placed_nowhere_and_leaves_no_record() -> None:
    arena = arena_with("eu")
    for said in ([], [Pings(pings={})]):
        visitor = visitor_at(arena, *said)
        gone(visitor)
        member = arena.router.fleet.member("eu")
        assert member is not None
        assert member.placed == ()
        arena.run(5.0)
        assert len(arena.servers["eu"].seats) == 0
        assert arena.ledger.records == {}
        assert not arena.router.moves.by_player


def test_who_hangs_up_while_it_waits_gives_its_place_back_at_once() -> None:
    arena = arena_with("eu", capacity=1)
    ada = arena.start_player()
    arena.run(2.0)
    visitor = visitor_at(arena, Pings(pings={}))
    arena.run(0.5)
    assert len(arena.router.queue) == 1
    gone(visitor)
    assert len(arena.router.queue) == 0
    bob = arena.start_player()
    arena.run(1.0)
    assert bob.position == 1
    ada.stop()
    arena.run(2.0)
    assert arena.home_of(bob) == "eu"


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
