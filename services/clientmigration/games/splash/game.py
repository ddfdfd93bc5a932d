"""Splash: four teams paint one board in each room, and after half a minute the fullest team wins.

A room is a record: it belongs to no player, survives its server, and comes to where most of its
players are. Those who are elsewhere see it all the same (`look`, `sight`, `lend`), paint by letter,
and are brought there when the router sees fit (`gather`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from clientmigration.games.splash import wire
from clientmigration.games.splash.rooms import MATCH_S, Room
from clientmigration.games.splash.wire import (
    BLANK,
    TEAMS,
    BoardView,
    Change,
    RoomShown,
    SplashView,
    Stroke,
)
from clientmigration.gameserver.game import Game, PostLetter

ROOMS = 12  # how many there are, if `rooms=` does not say
STALE_TICKS = 10  # what a neighbour showed longer ago is not shown any more
FASTEST_PER_S = 12.0  # strokes of one player
ACROSS = 4  # rooms beside each other, from above
APART_M = 250.0
PREFIX = "room-"


@dataclass
class Painter:
    """One player here. `match` is the one of its room whose end it waits for; `wet` how many
    strokes it may make at once."""

    room: int
    team: int
    crowns: int = 0
    strokes: int = 0
    match: int = 0
    wet: float = FASTEST_PER_S
    held: bool = False


class Splash(Game):
    """A `Game`. `held` are the rooms that this server has, by number."""

    name = "splash"
    version = 1
    crowd = "clientmigration.games.splash.behaviour:Dabbler"
    page = "page"
    area = (1000.0, 50.0)

    def __init__(self, rate: int, post: PostLetter) -> None:
        self.rate, self.post = rate, post
        self.count, self.match_s, self.owner = ROOMS, MATCH_S, 0
        self.painters: dict[str, Painter] = {}
        self.held: dict[int, Room] = {}
        self.lent: dict[str, tuple[int, int, dict[int, RoomShown]]] = {}  # tick, number, rooms
        self.tick = 0

    # Its life.

    def begin(self, settings: dict[str, str]) -> None:
        """`rooms` are 1 to 255, `match_s` 5 to 600 s."""
        said = {"rooms": str(ROOMS), "match_s": str(MATCH_S), **settings}
        self.count, self.match_s = int(said.pop("rooms")), float(said.pop("match_s"))
        if said or not 1 <= self.count <= wire.ROOMS or not 5 <= self.match_s <= 600:
            raise ValueError("only rooms=1..255 and match_s=5..600 can be set")

    def numbered(self, owner: int) -> None:
        """For views."""
        self.owner = owner

    # Players.

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:  # noqa: ARG002
        """Who is new has a room and a team by its name."""
        drawn = crc32(player.encode())
        state = state or {"room": drawn % self.count, "team": 1 + (drawn >> 16) % TEAMS}
        self.painters[player] = Painter(**state)

    def grouped(self, player: str, group: str) -> None:
        """Friends begin in one room, as one team."""
        painter = self.painters[player]
        if not painter.strokes and not painter.match:
            drawn = crc32(group.encode())
            painter.room, painter.team = drawn % self.count, 1 + (drawn >> 16) % TEAMS

    def leave(self, player: str) -> None:
        """It is gone."""
        del self.painters[player]

    def hold(self, player: str) -> None:
        """Nothing is given to it any more."""
        self.painters[player].held = True

    def resume(self, player: str) -> None:
        """It goes on."""
        self.painters[player].held = False

    def state(self, player: str) -> dict[str, Any]:
        """All that is its own."""
        each = self.painters[player]
        return {
            "room": each.room,
            "team": each.team,
            "crowns": each.crowns,
            "strokes": each.strokes,
            "match": each.match,
        }

    def position(self, player: str) -> tuple[float, float]:
        """Around the middle of its room, as seen from above."""
        room, drawn = self.painters[player].room, crc32(player.encode())
        x = (room % ACROSS + 0.5) * APART_M + (drawn % 160 - 80)
        y = (room // ACROSS % ACROSS + 0.5) * APART_M + ((drawn >> 8) % 160 - 80)
        return x, y

    def busy(self, player: str) -> bool:
        """The last seconds of a match are exciting enough."""
        room = self.held.get(self.painters[player].room)
        return room is not None and room.hurries

    def apply(self, player: str, body: bytes) -> None:
        """It paints, or goes to another room. Who paints too fast has dry brushes: nothing happens,
        on every server alike."""
        painter = self.painters[player]
        match wire.decode(body):
            case Change(room=room):
                painter.room, painter.match = room % self.count, 0
            case Stroke() as stroke if painter.wet >= 1 and self._paints(player, painter, stroke):
                painter.wet -= 1
                painter.strokes += 1

    def _paints(self, player: str, painter: Painter, stroke: Stroke) -> bool:
        room = self.held.get(painter.room)
        if room is not None:
            room.paint(stroke, painter.team)
            return True
        if self._shown(painter.room) is None:  # nobody has it: there is no board to paint
            return False
        body = {"at": [stroke.column, stroke.row], "team": painter.team}
        return self.post(player, f"record-{PREFIX}{painter.room}", body)

    def receive(self, player: str, sender: str, body: dict[str, Any]) -> None:  # noqa: ARG002
        """A stroke of somebody elsewhere."""
        number = _number(player.removeprefix("record-"))
        if number in self.held:
            self.held[number].paint(Stroke(*body["at"]), body["team"])

    # The world.

    def step(self, tick: int) -> None:
        """Matches go on, brushes get wet, and who has won is crowned."""
        self.tick = tick
        for room in self.held.values():
            room.step()
        for painter in self.painters.values():
            painter.wet = min(FASTEST_PER_S, painter.wet + FASTEST_PER_S / self.rate)

    def draw(self, tick: int) -> None:
        """Make each board once."""
        for room in self.held.values():
            room.show()
        self.lent = {who: each for who, each in self.lent.items() if tick - each[0] <= STALE_TICKS}
        self._here = Counter(painter.room for painter in self.painters.values())
        for painter in self.painters.values():
            board = self._shown(painter.room)
            if board is not None and not painter.held:
                self._crown(painter, board)

    def _crown(self, painter: Painter, board: BoardView) -> None:
        """Whoever was there when the match ended, and in the team that won it."""
        if painter.match and board.match == painter.match + 1 and board.winner == painter.team:
            painter.crowns += 1
        painter.match = max(painter.match, board.match)

    def view(self, player: str) -> bytes:
        """Its room."""
        painter = self.painters[player]
        board = self._shown(painter.room)
        where = 1 if painter.room in self.held else 2 if board else 0
        others = sum(
            rooms[painter.room].players
            for _, _, rooms in self.lent.values()
            if painter.room in rooms
        )
        players = min(255, self._here[painter.room] + others)
        return wire.view(
            SplashView(
                painter.room,
                painter.team,
                where,
                self.owner,
                players,
                painter.crowns % 65_536,
                painter.strokes,
                board or BLANK,
            )
        )

    def _shown(self, room: int) -> BoardView | None:
        if room in self.held:
            return self.held[room].board
        newest = max(
            (each for each in self.lent.values() if room in each[2] and each[2][room].board),
            key=lambda each: each[0],
            default=None,
        )
        return newest[2][room].board if newest else None

    def measures(self) -> dict[str, float]:
        """Where the players are, as seen from above."""
        places = [self.position(player) for player in self.painters]
        if not places:
            return {"centre_x_m": 0.0, "centre_y_m": 0.0, "spread_m": 0.0}
        x, y = (sum(part) / len(places) for part in zip(*places, strict=True))
        apart = sum((a - x) ** 2 + (b - y) ** 2 for a, b in places) / len(places)
        return {"centre_x_m": x, "centre_y_m": y, "spread_m": apart**0.5}

    # Rooms, which are records.

    def records(self) -> Mapping[str, int]:
        """Those in which somebody is."""
        rooms = Counter(painter.room for painter in self.painters.values())
        return {f"{PREFIX}{room}": players for room, players in rooms.items()}

    def open(self, name: str, state: dict[str, Any] | None, ticks: int) -> None:
        """A room is here from now on."""
        room = Room(self.rate, self.match_s)
        if state is not None:
            room.restore(state, ticks)
        room.show()
        self.held[_number(name)] = room

    def stored(self, name: str) -> dict[str, Any]:
        """All of it."""
        return self.held[_number(name)].state()

    def close(self, name: str) -> None:
        """It is another's, or nobody's."""
        self.held.pop(_number(name), None)

    def gather(self) -> Mapping[str, str]:
        """Who is not where its room is."""
        return {
            player: f"record-{PREFIX}{painter.room}"
            for player, painter in self.painters.items()
            if painter.room not in self.held and self._shown(painter.room) is not None
        }

    # Other servers.

    def look(self, coming: Sequence[tuple[float, float]]) -> bytes:  # noqa: ARG002
        """The rooms in which players of ours are."""
        return wire.pack_look({painter.room for painter in self.painters.values()})

    def sight(self, look: bytes) -> bytes:
        """Of those rooms: who of ours is in them, and the boards that we have."""
        here = Counter(painter.room for painter in self.painters.values() if not painter.held)
        rooms = {
            room: RoomShown(here[room], self.held[room].board if room in self.held else None)
            for room in look
            if room in self.held or here[room]
        }
        return wire.pack_sight(self.owner, rooms)

    def lend(self, neighbour: str, tick: int, body: bytes) -> None:
        """What a neighbour shows."""
        self.lent[neighbour] = (tick, *wire.read_sight(body))

    def seen(self) -> tuple[int, dict[int, int]]:
        """Everybody sees who is in its room."""
        here = Counter(painter.room for painter in self.painters.values())
        elsewhere: Counter[int] = Counter()
        for _, number, rooms in self.lent.values():
            elsewhere[number] += sum(here[room] * shown.players for room, shown in rooms.items())
        return sum(n * (n - 1) for n in here.values()), dict(+elsewhere)


def _number(name: str) -> int:
    return int(name.removeprefix(PREFIX))
