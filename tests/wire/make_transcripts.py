"""Transcripts for docs/protocol.md: what was really said on every link of a small arena.

Nothing is made up here: an arena with fixed seed is run, the bytes that its network carries are
decoded, and every message is written down with its time, its sender and its hearer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from clientmigration.client.player import Player
from clientmigration.games.meadow import wire as meadow
from clientmigration.games.meadow.game import Meadow
from clientmigration.gameserver.files import Files
from clientmigration.testing import SECRET, Arena, Network
from clientmigration.wire import connection as wire
from clientmigration.wire.connection import Connection, Dialect
from clientmigration.wire.messages import Chunk, Input, Item, Report, View
from clientmigration.wire.neighbours import Look, Sight
from clientmigration.wire.operators import Find, Order

DELAY_S = 0.01
SHOWN = 2  # views or inputs in a row of one sender that are written down; the rest is counted
SPOKEN = {
    ("player", "router"): wire.PLAYER_TO_ROUTER,
    ("router", "player"): wire.ROUTER_TO_PLAYER,
    ("player", "gs"): wire.PLAYER_TO_SERVER,
    ("gs", "player"): wire.SERVER_TO_PLAYER,
    ("gs", "router"): wire.MEMBER_TO_ROUTER,
    ("router", "gs"): wire.ROUTER_TO_MEMBER,
    ("gs", "gs"): wire.SERVER_TO_SERVER,
    ("desk", "router"): wire.OPERATOR_TO_ROUTER,
    ("router", "desk"): wire.ROUTER_TO_OPERATOR,
}


@dataclass(frozen=True)
class Said:
    """One message: seconds of the arena's clock, who said it to whom, and its text."""

    at: float
    by: str
    to: str
    text: str
    packed: str = ""  # "view" or "input" when it is one

    def line(self, began: float) -> str:
        """As it stands in a transcript."""
        return f"{(self.at - began) * 1000:7.1f}  {self.by:>6} > {self.to:<6}  {self.text}"


class Tapped(Network):
    """A network that writes down what it carries."""

    def __init__(self, arena: Arena) -> None:
        super().__init__(arena.clock, arena.delay)
        self.said: list[Said] = []
        self.heard: dict[Any, Connection] = {}

    def carry(self, end: Any, data: bytes) -> None:
        """See `Network`."""
        by, to = called(end.here), called(end.there)
        if not data:
            self.said.append(Said(self.clock.seconds(), by, to, "(closes)"))
        else:
            listening = self.heard.setdefault(end, Connection(dialect(end.here, end.there)))
            for message in listening.receive(data):
                text, packed = written(message, data)
                self.said.append(Said(self.clock.seconds(), by, to, text, packed))
        super().carry(end, data)


def called(host: str) -> str:
    """Ada is the first player, and mostly the only one."""
    return {"player 0": "ada", "player 1": "bob"}.get(host, host)


def dialect(by: str, to: str) -> Dialect:
    """What is spoken from one host to the other."""
    return SPOKEN[by.rstrip("-0123456789 "), to.rstrip("-0123456789 ")]


def written(message: Any, frame: bytes) -> tuple[str, str]:
    """A message as text, and whether it is a packed one. Long lists are cut, visibly."""
    if isinstance(message, Input):
        return f"input seq={message.seq} body={message.body.hex()}", "input"
    if isinstance(message, Chunk):
        return f"chunk id={message.id} offset={message.offset} body={cut(message.body)}", ""
    if isinstance(message, Item):
        return f"item id={message.id} seq={message.seq} body={cut(message.body)}", ""
    if isinstance(message, View):
        numbers = f"tick={message.tick} last={message.last} applied={message.applied}"
        return f"view {numbers} digest={message.digest} body={message.body.hex()}", "view"
    if isinstance(message, Look):
        return f"look body={message.body.hex()}", "look"
    if isinstance(message, Sight):
        return f"sight tick={message.tick} body={message.body.hex()}", "sight"
    text = frame[5:].decode()
    if isinstance(message, Report):
        text = ",".join(text.split(",")[:7]) + ", … ]}"
    return text, ""


def cut(body: bytes) -> str:
    """The begin and the length of a body."""
    return body.hex() if len(body) <= 16 else f"{body[:8].hex()}… ({len(body)} bytes)"


class Scene:
    """An arena with a router and two game servers, of which everything is written down."""

    def __init__(self, files: Files | None = None) -> None:
        self.arena = Arena(seed=2, delay_s=DELAY_S, files=files or Files())
        self.arena.network = self.tapped = Tapped(self.arena)
        self.arena.start_router()
        self.arena.start_server("gs-1")
        self.arena.run(3.0)
        self.attached = self._take()
        self.arena.start_server("gs-2")
        self.arena.run(2.512)
        self.met = self._take()

    def _take(self) -> list[Said]:
        said, self.tapped.said = self.tapped.said, []
        return said

    def play(self, ada: Player, seconds: float) -> list[Said]:
        """Ada walks, ten inputs a second; answers what was said meanwhile."""
        for n in range(round(seconds * 10)):
            if ada.member:
                ada.act(meadow.move(1.0, n / 8))
            self.arena.run(0.1)
        return self._take()


def attaching() -> list[str]:
    """A game server attaches and lists its (no) players."""
    said = [each for each in Scene().attached if not each.packed]
    lines = list(transcript(said))
    return lines[: next(n for n, line in enumerate(lines) if '"noted"' in line) + 1]


def joining() -> list[str]:
    """A newcomer joins."""
    scene = Scene()
    scene.arena.start_player()
    return told_once(transcript(without_noise(scene.play(scene.arena.players[0], 0.6))))


def moving() -> list[str]:
    """The same player is moved to the other server while it plays."""
    scene, ada = _playing()
    scene.arena.move(ada, other(ada.member))
    return told_once(transcript(without_noise(scene.play(ada, 0.9))))


def returning() -> list[str]:
    """The connection of a player breaks, and it comes back to where it was."""
    scene, ada = _playing()
    assert ada.traveller.home is not None
    assert ada.traveller.home.line is not None
    ada.traveller.home.line.transport.loseConnection()
    return told_once(transcript(without_noise(scene.play(ada, 0.4))))


def leaving() -> list[str]:
    """A player goes home."""
    scene, ada = _playing()
    ada.stop()
    return told_once(transcript(without_noise(scene.play(ada, 0.2))))


def neighbouring() -> list[str]:
    """Two servers meet; later Ada gives Bob, who plays on the other, a coin."""
    scene, ada = _playing()
    met = [each for each in scene.met if between_servers(each) or "neighbours" in each.text]
    bob = scene.arena.start_player()
    scene.play(ada, 1.3)
    while ada.member == bob.member:
        scene.arena.move(bob, other(ada.member))
        scene.play(ada, 1.0)
    for player in (ada, bob):
        game = scene.arena.servers[player.member].game
        assert isinstance(game, Meadow)
        game.at[game.rows[player.name]] = (505.0, 510.0)
    scene.play(ada, 1.0)
    ada.act(meadow.give(bob.name))
    given = scene.play(ada, 0.4)
    told = ("checkpoint", "stored", "post", "kept")
    letters = [each for each in given if any(f'"t":"{word}"' in each.text for word in told)]
    sights = [each for each in given if between_servers(each) and each.packed]
    both = sorted([*letters, *sights], key=lambda each: each.at)
    return [*transcript(met), "", *transcript(both)]


def operating() -> list[str]:
    """An operator looks, has Ada moved and a server emptied, and lets it fill again."""
    scene, ada = _playing()
    desk = scene.arena.start_desk("operator")
    scene.arena.run(0.2)
    desk.ask(Find(0, ada.name[:6]))
    scene.arena.run(0.1)
    desk.ask(Order(0, "move", other(ada.member), ada.name))
    scene.arena.run(0.7)
    desk.ask(Order(0, "drain", ada.member))
    scene.arena.run(0.1)
    desk.ask(Order(0, "undrain", ada.member))
    scene.arena.run(0.1)
    desk.leave()
    scene.arena.run(0.1)
    said = [
        each for each in scene._take() if "desk" in (each.by, each.to) or '"drain"' in each.text
    ]
    return list(transcript(said))


def fetching() -> list[str]:
    """A player downloads a file and follows a topic."""
    scene, ada = _playing(Files({"map": bytes(range(256)) * 8}))
    ada.fetch("map")
    ada.subscribe("scores", lambda _item: None)
    return told_once(transcript(without_noise(scene.play(ada, 0.4))))


def _playing(files: Files | None = None) -> tuple[Scene, Player]:
    scene = Scene(files)
    ada = scene.arena.start_player()
    scene.play(ada, 1.3)
    return scene, ada


def other(member: str) -> str:
    """The other server."""
    return {"gs-1": "gs-2", "gs-2": "gs-1"}[member]


def without_noise(said: list[Said]) -> list[Said]:
    """Without what is said all the time, whoever joins or moves."""
    noise = ('"t":"report"', '"t":"roster"', '"t":"checkpoint"', '"t":"stored"', '"t":"noted"')
    quiet = [each for each in said if not any(word in each.text for word in noise)]
    return [each for each in quiet if not between_servers(each)]


def between_servers(said: Said) -> bool:
    """Whether it is said on a neighbour link."""
    return said.by[:3] == said.to[:3] == "gs-"


def told_once(lines: Iterable[str]) -> list[str]:
    """The same lines, a long token in full only where it comes first."""
    told: set[str] = set()

    def short(found: re.Match[str]) -> str:
        known = found[0] in told
        told.add(found[0])
        return f"{found[0][:6]}…{found[0][-6:]}" if known else found[0]

    return [re.sub(r"eyJ[\w.-]{60,}", short, line) for line in lines]


def transcript(said: list[Said]) -> Iterator[str]:
    """The lines, times in milliseconds since the first."""
    began = said[0].at
    for packed, run in groupby(said, key=lambda each: bool(each.packed)):
        if not packed:
            yield from (each.line(began) for each in run)
            continue
        listed = list(run)
        streams = {(each.by, each.to, each.packed): 0 for each in listed}
        for each in listed:
            streams[each.by, each.to, each.packed] += 1
            if streams[each.by, each.to, each.packed] <= SHOWN:
                yield each.line(began)
        for (by, to, kind), count in streams.items():
            if count > SHOWN:
                yield f"{'…':>7}  {by:>6} > {to:<6}  {count - SHOWN} more {kind}s"


SCENES = {
    "attaching": attaching,
    "joining": joining,
    "moving": moving,
    "returning": returning,
    "leaving": leaving,
    "fetching": fetching,
    "neighbouring": neighbouring,
    "operating": operating,
}

if __name__ == "__main__":
    print(f"secret: {SECRET!r}")
    for name, scene in SCENES.items():
        print(f"\n== {name}", *scene(), sep="\n")
