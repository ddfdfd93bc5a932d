"""Splash, the second game: rooms outlive their servers, and nothing is lost on the way.

What is counted: each player's `strokes`, and each room's. Where nothing crashes they are the same,
but for strokes that are on their way by letter.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

import pytest

from clientmigration.client.habits import Around, Habits
from clientmigration.core.measures.metrics import measures
from clientmigration.core.player.mailbox import under_way
from clientmigration.core.player.records import is_record, name_of
from clientmigration.errors import MalformedFrame
from clientmigration.games.splash import Splash, wire
from clientmigration.games.splash.behaviour import Dabbler
from clientmigration.games.splash.rooms import Room, winner
from clientmigration.games.splash.wire import BoardView, RoomShown, SplashView, Stroke
from clientmigration.testing import Arena, Parts
from clientmigration.testing.record_checks import RecordChecker
from clientmigration.wire.messages import View


class Bots:
    """A crowd in the Arena, with Splash's own behaviour."""

    def __init__(self, arena: Arena, count: int) -> None:
        self.arena, self.painting = arena, True
        self.players = [arena.start_player(group=f"table {n % 5}") for n in range(count)]
        self.minds: list[Dabbler] = []
        for n, player in enumerate(self.players):
            mind = Dabbler(Random(n), Habits(count))
            self.minds.append(mind)
            player.on("view", partial(self._seen, mind))

    def _seen(self, mind: Dabbler, view: View) -> None:
        mind.see(view.body)

    def run(self, seconds: float) -> None:
        """Play on."""
        for _ in range(round(seconds * 10)):
            for player, mind in zip(self.players, self.minds, strict=True):
                body = mind.act(Around(0.0, player.member, (), ())) if self.painting else None
                if body is not None and player.state == "playing":
                    player.act(body)
            self.arena.run(0.1)


def game(arena: Arena, name: str) -> Splash:
    """What this server plays."""
    found = arena.servers[name].game
    assert isinstance(found, Splash)
    return found


def strokes(arena: Arena) -> tuple[int, int]:
    """Those that players have made, and those that rooms have, with letters under way. A room that
    nobody is in any more is in the ledger."""
    games = [game(arena, name) for name in arena.servers]
    made = sum(each.strokes for one in games for each in one.painters.values())
    seats = [each for server in arena.servers.values() for each in server.seats.everything()]
    letters = under_way([(each.player, each.mailbox.mail()) for each in seats])
    rooms = {f"room-{number}": room.strokes for one in games for number, room in one.held.items()}
    for key, record in arena.ledger.records.items():
        if is_record(key) and record.snapshot is not None:
            rooms.setdefault(name_of(key), record.snapshot.game["strokes"])
    return made, sum(rooms.values()) + len(letters)


def held(of: Any) -> dict[str, int]:
    """A room's strokes never go down."""
    return {f"room-{number}": room.strokes for number, room in of.held.items()}


def start(servers: str = "abc", players: int = 12, made: type[Splash] = Splash) -> Bots:
    """Some servers and a crowd."""
    arena = Arena(seed=4, parts=Parts(game=made))
    arena.start_router()
    for name in servers:
        arena.start_server(name)
    arena.run(2.0)
    return Bots(arena, players)


def shuffle(bots: Bots, times: int) -> None:
    """Players are moved about while they play."""
    arena = bots.arena
    for n in range(times):
        player = bots.players[n % len(bots.players)]
        names = sorted(arena.servers)
        target = names[(names.index(arena.home_of(player)) + 1) % len(names)]
        arena.move(player, target)
        bots.run(0.3)


def settle(bots: Bots) -> None:
    """Paint no more, and let what is on its way come."""
    bots.painting = False
    bots.run(4.0)


def test_not_a_stroke_is_lost_while_players_and_rooms_move() -> None:
    bots = start()
    checker = RecordChecker(bots.arena, held)
    bots.run(6.0)
    shuffle(bots, 24)
    settle(bots)
    made, kept = strokes(bots.arena)
    assert made == kept > 300
    assert not checker.broken
    assert sum(player.tally.missed for player in bots.players) == 0
    moves = sum(player.moves for player in bots.players)
    assert moves >= 24


def test_rooms_survive_the_kill_of_their_server() -> None:
    bots = start()
    checker = RecordChecker(bots.arena, held)
    bots.run(6.0)
    arena = bots.arena
    full = max(arena.servers, key=lambda name: len(game(arena, name).held))
    rooms = {record for name in arena.servers for record in held(game(arena, name))}
    assert game(arena, full).held
    checker.crash(full)
    arena.kill(full)
    bots.run(6.0)
    assert {record for name in arena.servers for record in held(game(arena, name))} == rooms
    assert not checker.broken
    assert all(player.state == "playing" for player in bots.players)


class Splash2(Splash):
    """A newer version: a room also knows its best."""

    version = 2

    def convert(self, state: dict[str, Any], version: int) -> dict[str, Any]:
        """From version 1 nothing has to change but what a room lacks."""
        assert version == 1
        return {**state, "strokes": state["strokes"]}


def test_an_upgrade_from_version_1_to_2_under_load_loses_nothing() -> None:
    bots = start("ab")
    checker = RecordChecker(bots.arena, held)
    bots.run(5.0)
    arena = bots.arena
    for name in ("c", "d"):
        arena.start_server(name, game=Splash2)
    bots.run(3.0)
    before = strokes(arena)[0]
    for name in ("a", "b"):
        arena.drain(name)
        bots.run(9.0)
        assert name not in arena.servers
    settle(bots)
    made, kept = strokes(arena)
    assert made == kept > before
    assert not checker.broken
    assert sorted(arena.servers) == ["c", "d"]
    assert sum(player.rejoins for player in bots.players) == 0


@pytest.mark.soak
def test_two_hundred_bots_moves_kills_and_an_upgrade() -> None:
    bots = start("abcd", 200)
    checker = RecordChecker(bots.arena, held)
    arena = bots.arena
    bots.run(6.0)
    shuffle(bots, 60)
    settle(bots)
    made, kept = strokes(arena)
    print(f"moved about: {made} strokes made, {kept} kept, {checker.opened} rooms opened")
    assert made == kept
    bots.painting = True
    for name in ("a", "b"):
        checker.crash(name)
        arena.kill(name)
        bots.run(5.0)
        arena.start_server(name)
        bots.run(4.0)
        playing = sum(bool(arena.home_of(player)) for player in bots.players)
        print(f"{name} killed: {playing} of 200 play, {len(checker.broken)} faults found")
    for name in ("e", "f", "g"):
        arena.start_server(name, game=Splash2)
    bots.run(3.0)
    settle(bots)
    lost = next(a - b for a, b in [strokes(arena)])
    bots.painting = True
    for name in ("a", "b", "c", "d"):
        arena.drain(name)
        bots.run(9.0)
    settle(bots)
    made, kept = strokes(arena)
    print(f"upgraded: {made} strokes made, {kept} kept (difference by the kills {lost})")
    assert made - kept == lost
    assert not checker.broken
    assert sorted(arena.servers) == ["e", "f", "g"]
    assert all(player.state == "playing" for player in bots.players)


# Its rules and its bytes.


def test_the_team_with_most_cells_wins_and_nobody_when_two_have_as_many() -> None:
    assert winner(bytes([0, 1, 1, 2])) == 1
    assert winner(bytes([1, 1, 2, 2])) == 0
    assert winner(bytes(4)) == 0


def test_a_match_ends_is_counted_and_begins_anew() -> None:
    room = Room(20, 5.0)
    room.paint(Stroke(3, 2), 4)
    for _ in range(100):
        room.step()
    room.show()
    assert (room.match, room.winner, room.wins) == (2, 4, [0, 0, 0, 1])
    assert not any(room.board.cells)
    again = Room(20, 5.0)
    again.restore(room.state(), 7)
    assert again.state() == {**room.state(), "left": 93}


def test_bytes_come_back_as_they_were() -> None:
    board = BoardView(299, 7, 3, (1, 2, 3, 4), bytes(range(4)) * 96)
    seen = SplashView(11, 2, 1, 175, 9, 3, 70_000, board)
    assert wire.look(wire.view(seen)) == seen
    rooms = {3: RoomShown(4, board), 9: RoomShown(1, None)}
    assert wire.read_sight(wire.pack_sight(175, rooms)) == (175, rooms)
    assert wire.decode(wire.paint(23, 15)) == Stroke(23, 15)


@pytest.mark.parametrize(
    "body", [b"", b"\x01", b"\x01\x18\x00", b"\x01\x00\x10", b"\x02", b"\x09\0"]
)
def test_what_is_no_input_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedFrame):
        wire.decode(body)


@pytest.mark.parametrize("cut", [0, 3, 6, 20])
def test_what_is_no_sight_is_refused(cut: int) -> None:
    whole = wire.pack_sight(1, {3: RoomShown(4, wire.BLANK)})
    with pytest.raises(MalformedFrame):
        wire.read_sight(whole[:cut])


def test_who_paints_too_fast_paints_no_faster() -> None:
    splash = Splash(20, lambda *_: True)
    splash.begin({"rooms": "1"})
    splash.enter("0123456789abcdef", None, 0)
    splash.open("room-0", None, 0)
    for _ in range(50):
        splash.apply("0123456789abcdef", wire.paint(0, 0))
    assert splash.held[0].strokes == 12


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"rooms": "0"}, {"rooms": "x"}, {"match_s": "1"}, {"size": "3"}):
        with pytest.raises(ValueError, match=r"rooms|invalid|convert"):
            Splash(20, lambda *_: True).begin(wrong)


def test_it_tells_every_measure_that_a_game_has() -> None:
    assert set(Splash(20, lambda *_: True).measures()) <= set(measures("gameserver"))


def test_friends_begin_in_one_room_as_one_team() -> None:
    bots = start("a", 10)
    bots.painting = False  # nor does anybody go to another room
    bots.run(1.5)
    painters = game(bots.arena, "a").painters
    for n in range(5):
        table = [painters[player.name] for player in bots.players[n::5]]
        assert len({(each.room, each.team) for each in table}) == 1
