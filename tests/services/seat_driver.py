"""Drives one real game server by what it is told, and writes down everything that it says and does.

Router, players and neighbours are played by the driver. The game only takes notes. Used to hold
the server to what it did before its rooms were made: `seat_table.json` was recorded from the
server of that time, with the same driver.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.allowance import Allowance
from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.errors import PeersFault
from clientmigration.gameserver.game import Game
from clientmigration.gameserver.listing import entry
from clientmigration.net.line import Line
from clientmigration.net.tickets import Seals
from clientmigration.wire import messages as m
from clientmigration.wire.connection import VIEW_HEADER
from clientmigration.wire.neighbours import Begun, Meet, Waive

ADA, BOB = "00aa" * 4, "00bb" * 4
NOW = 1_700_000_000.0
QUIET = (m.Report, m.Greeting, m.Noted)


RECORDED_SILENCE_S = 5.0  # how long a member could say nothing when the table was recorded; the
# bound is no matter of the table


class Notes(Game):
    """A game that writes down what happens to its players."""

    def __init__(self, note: Callable[..., None]) -> None:
        self.note, self.owner = note, 0
        self.states: dict[str, dict[str, Any]] = {}

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:
        self.note("game.enter", player, state, ticks)
        assert player not in self.states
        self.states[player] = {"inputs": 0} if state is None else dict(state)

    def leave(self, player: str) -> None:
        self.note("game.leave", player)
        del self.states[player]

    def hold(self, player: str) -> None:
        self.note("game.hold", player)
        assert player in self.states

    def resume(self, player: str) -> None:
        self.note("game.resume", player)
        assert player in self.states

    def apply(self, player: str, body: bytes) -> None:
        self.note("game.apply", player, body)
        self.states[player]["inputs"] += 1

    def step(self, tick: int) -> None:
        pass

    def draw(self, tick: int) -> None:
        pass

    def view(self, player: str) -> bytes:
        return b"%d" % self.states[player]["inputs"]

    def state(self, player: str) -> dict[str, Any]:
        return dict(self.states[player])

    def position(self, player: str) -> tuple[float, float]:  # noqa: ARG002
        return (float(len(self.states)), 2.0)

    def measures(self) -> dict[str, float]:
        return {"centre_x_m": 0.0, "centre_y_m": 0.0, "spread_m": 0.0, "coins": 1.0}

    def lend(self, neighbour: str, tick: int, body: bytes) -> None:
        self.note("game.lend", neighbour, tick, body)

    def receive(self, player: str, sender: str, body: dict[str, Any]) -> None:
        self.note("game.receive", player, sender, body)

    def look(self, coming: Any) -> bytes:
        return repr(sorted(coming)).encode()


class Trusting(Seals):
    """Believes every proof, and every ticket that is spelled `player migration epoch holder`."""

    def proven(self, *_: Any) -> None:
        pass

    def redeemed(self, ticket: str, *_: Any) -> Any:
        player, migration, epoch, holder = ticket.split(" ")
        return _Ticket(player, migration, int(epoch), holder)


class _Ticket:
    def __init__(self, player: str, migration: str, epoch: int, holder: str) -> None:
        self.player, self.migration, self.epoch, self.holder = player, migration, epoch, holder


class _Probe:
    allowance = Allowance()

    def sample(self) -> dict[str, float]:
        return {"cpu_percent": 0.0, "rss_bytes": 0.0, "reactor_lag_ms": 0.0}


class _Sink:
    def emit(self, datapoints: Any) -> None:
        pass


class _Nowhere:
    def connect(self, _: Any) -> Any:
        raise AssertionError("nobody is dialled")


@dataclass(frozen=True)
class Given:
    """What the server is made from, and with what it is surrounded."""

    clock: Clock
    game: Callable[[int, Any], Notes]
    seals: Seals
    entropy: Callable[[int], bytes]
    sink: Any = field(default_factory=_Sink)
    probe: Any = field(default_factory=_Probe)
    dial: Any = lambda _: _Nowhere()
    policy: Policy = field(default_factory=Policy)


Make = Callable[[Given], Any]


class Driver:
    """One server, called `m`, and everybody who talks to it. `said` is what it said and did."""

    def __init__(self, make: Make, seats: Callable[[Any], Iterator[Any]]) -> None:
        self.said: list[str] = []
        self.clock = Clock()
        self.clock.rightNow = NOW
        self._seats = seats
        numbers = count()
        self.game: Notes
        entropy = lambda size: next(numbers).to_bytes(size, "big")  # noqa: E731
        self.server = make(Given(self.clock, self._game, Trusting("driver " * 8), entropy))
        self.server.startService()
        self.router: Line | None = None
        self.players: dict[str, Line] = {}
        self.neighbours: dict[str, Line] = {}
        self.attach()
        for name in ("a", "b"):
            self.meet(name)
        self.said.clear()

    def _game(self, _rate: int, _post: Any) -> Notes:
        self.game = Notes(self.note)
        return self.game

    def note(self, *what: object) -> None:
        self.said.append(_as_recorded(" ".join(map(str, what))))

    def _line(self, line: Line, name: str, role: str) -> Line:
        """A connection is made, and its peer greets."""
        line.makeConnection(StringTransport())
        over = line.hang_up

        def say(message: Any) -> None:
            if not line.over:
                self._last = message
                if not isinstance(message, QUIET):
                    self.note(f"to {name}:", message)

        def show(frame: bytes) -> bool:
            if line.over:
                return False
            if role == "player":
                _, _, tick, last, applied, digest = VIEW_HEADER.unpack_from(frame)
                tick -= int(NOW * 20)
                body = frame[VIEW_HEADER.size :]
                self.note(f"view for {name}:", tick, last, applied, digest, body)
            else:
                self.note(f"shown to {name}:", frame)
            return True

        def hang_up(code: str, text: str) -> None:
            if not line.over:
                self.note(f"hangs up on {name}:", code, text)
            over(code, text)

        line.say, line.show, line.hang_up = say, show, hang_up  # type: ignore[method-assign]
        self.hear(line, m.Greeting(role=role))
        return line

    def hear(self, line: Line, message: Any) -> None:
        """The peer of this line says something."""
        if line.over:
            return
        line.silence_s = max(line.silence_s, RECORDED_SILENCE_S)
        try:
            line._heard(message)
        except PeersFault as fault:
            line.fail(fault)

    def close(self, line: Line) -> None:
        """The peer is gone."""
        if not line.over:
            line.connectionLost(Failure(ConnectionDone()))

    # Everybody.

    def attach(self) -> None:
        if self.router is None:
            self.router = self._line(self.server.router_line(), "router", "router")
            self.hear(self.router, m.Challenge(nonce="n"))
            self.hear(self.router, m.Attached(name="m", proof=""))

    def detach(self) -> None:
        if self.router is not None:
            router, self.router = self.router, None
            self.close(router)

    def attach_anew(self) -> None:
        self.detach()
        self.attach()

    def fill(self) -> None:
        """Every place is taken by others."""
        self.order(m.Reserve("m9", BOB, 1, 5.0))
        for n in range(1, 5):
            self.order(m.Reserve(f"n{n}", f"{n:016x}", 1, 5.0))

    def inputs(self, who: str, *numbers: int) -> None:
        for n in numbers:
            self.says(who, m.Input(n, b"%d" % n))

    def order(self, message: Any) -> None:
        if self.router is not None:
            self.hear(self.router, message)

    def meet(self, name: str) -> None:
        self.neighbours[name] = self._line(self.server.player_line(), name, "gameserver")
        self.hear(self.neighbours[name], Meet(name=name, nonce="n", proof=""))

    def neighbour(self, name: str, message: Any) -> None:
        self.hear(self.neighbours[name], message)

    def join(self, who: str, player: str, migration: str, epoch: int, oldest: int = 0) -> None:
        self.leave(who)
        self.players[who] = self._line(self.server.player_line(), who, "player")
        ticket = f"{player} {migration} {epoch} {who}"
        self.hear(self.players[who], m.Join(ticket=ticket, secret="", oldest=oldest))

    def says(self, who: str, message: Any) -> None:
        if who in self.players:
            self.hear(self.players[who], message)

    def leave(self, who: str) -> None:
        if who in self.players:
            self.close(self.players.pop(who))

    def run(self, seconds: float) -> None:
        """Time passes, in steps that no tick is missed in."""
        until = self.clock.seconds() + seconds
        while self.clock.seconds() < until - 1e-9:
            self.clock.advance(min(0.05, until - self.clock.seconds()))

    def seats(self) -> list[str]:
        """Every seat, as the next roster will list it, and whether its player is connected."""
        return [
            f"{_as_recorded(str(entry(each)))} {each.line is not None}"
            for each in self._seats(self.server)
        ]


def snapshot(player: str, epoch: int, seq: int = 1, inputs: int = 0) -> Snapshot:
    """A player that has said so many inputs."""
    done = Progress(inputs, inputs, inputs)
    tick = int(NOW * 20) - 5
    return Snapshot(
        player=player, epoch=epoch, seq=seq, tick=tick, x=1.0, y=1.0, holder="key",
        progress=done, game={"inputs": inputs},
    )  # fmt: skip


def redirect(target: str) -> m.Redirect:
    """To this neighbour."""
    return m.Redirect(member=target, address=f"{target}:1", ticket="t")


Act = Callable[[Driver], object]


STEPS: dict[str, Act] = {
    "reserve": lambda d: d.order(m.Reserve("m1", ADA, 2, 5.0)),
    "prepare": lambda d: d.order(m.Prepare("m1", snapshot(ADA, 1, inputs=3))),
    "join": lambda d: d.join("a1", ADA, "m1", 2, oldest=2),
    "own": lambda d: d.order(m.Own("m1", ADA, 2, "key", snapshot(ADA, 1, inputs=3), "g")),
    "copy": lambda d: d.order(m.Copy("m2", ADA)),
    "direct": lambda d: d.order(m.Direct("m2", ADA, redirect("a"))),
    "freeze": lambda d: d.order(m.Freeze("m2", ADA)),
    "release": lambda d: d.order(m.Release(ADA, 3)),
    "reserve-again": lambda d: d.order(m.Reserve("m3", ADA, 3, 5.0)),
    "waived": lambda d: d.neighbour("a", m.Waived("m2", ADA)),
    "leave": lambda d: d.says("a1", m.Leave()),
    "break": lambda d: d.leave("a1"),
    "lose": lambda d: d.detach(),
    "back": lambda d: d.attach(),
    "drain": lambda d: d.order(m.Drain(True)),
    "fill": lambda d: d.fill(),
    "0.1": lambda d: d.run(0.1),
    "0.3": lambda d: d.run(0.3),
}
ARRIVING = "reserve prepare join"
PLAYING = f"{ARRIVING} own 0.3"
MOVING = f"{PLAYING} copy direct"
FROZEN = f"{MOVING} freeze 0.1"
ALONE = f"{FROZEN} lose waived"
SITUATIONS = {
    "nobody": "",
    "full": "fill",
    "draining": "drain",
    "reserved": "reserve",
    "prepared": "reserve prepare",
    "arrived": ARRIVING,
    "arrived and gone": f"{ARRIVING} break",
    "reserved again": f"{ARRIVING} reserve-again",
    "owned, nobody came": "reserve own 0.3",
    "playing": PLAYING,
    "playing, away": f"{PLAYING} break",
    "playing, reserved": f"{PLAYING} reserve-again",
    "copied": f"{PLAYING} copy",
    "redirected": MOVING,
    "redirected and gone": f"{MOVING} break",
    "frozen": FROZEN,
    "frozen and gone": f"{FROZEN} break",
    "frozen, no router": f"{FROZEN} lose",
    "frozen, reserved": f"{FROZEN} reserve-again",
    "waived": ALONE,
    "waived, router back": f"{ALONE} back",
    "waived and home": f"{ALONE} leave 0.3",
    "waived and home, router back": f"{ALONE} leave 0.3 back",
    "waived, frozen again": f"{ALONE} back freeze 0.3",
    "home": f"{PLAYING} leave 0.3",
    "home while copied": f"{PLAYING} copy leave 0.3",
    "released": f"{PLAYING} release 0.3",
}


def situations() -> dict[str, list[Act]]:
    """Ways in which a seat can be, and how it comes to be so. Ada's first program is `a1`."""
    return {name: [STEPS[step] for step in way.split()] for name, way in SITUATIONS.items()}


def events() -> dict[str, Act]:
    """What may come then."""
    listed: dict[str, Act] = {
        "join": lambda d: d.join("a2", ADA, "m1", 2, oldest=2),
        "join anew": lambda d: d.join("a2", ADA, "m1", 2),
        "join with the later ticket": lambda d: d.join("a2", ADA, "m3", 3, oldest=2),
        "break": lambda d: d.leave("a1"),
        "leave": lambda d: d.says("a1", m.Leave()),
        "inputs": lambda d: d.inputs("a1", 4, 5, 5, 7),
        "an input of nobody": lambda d: d.says("a1", m.Input(9, b"")),
        "felt": lambda d: d.says("a1", m.Felt(1, 2.0, 3.0)),
        "0.2 s": lambda d: d.run(0.2),
        "6 s": lambda d: d.run(6.0),
        "11 s": lambda d: d.run(11.0),
        "router lost": lambda d: d.detach(),
        "router back": lambda d: d.attach_anew(),
        "stored": lambda d: d.order(m.Stored(1)),
        "drain": lambda d: d.order(m.Drain(True)),
    }
    for migration, epoch in (("m1", 2), ("m2", 3), ("m3", 3)):
        listed |= _about(migration, epoch)
    for epoch in (1, 2, 3, 4):
        listed |= _at(epoch)
    return listed


def _at(epoch: int) -> dict[str, Act]:
    there = snapshot(ADA, epoch - 1, 9, 5)
    return {
        f"release {epoch}": lambda d: d.order(m.Release(ADA, epoch)),
        f"own m4 {epoch}": lambda d: d.order(m.Own("m4", ADA, epoch, "other", there, "h")),
        f"begun {epoch}": lambda d: d.neighbour("a", Begun(ADA, epoch)),
    }


def _about(mv: str, epoch: int) -> dict[str, Act]:
    return {
        f"reserve {mv}": lambda d: d.order(m.Reserve(mv, ADA, epoch, 5.0)),
        f"prepare {mv}": lambda d: d.order(m.Prepare(mv, snapshot(ADA, epoch - 1, 8, 4))),
        f"own {mv}": lambda d: d.order(
            m.Own(mv, ADA, epoch, "key", snapshot(ADA, epoch - 1, 8, 4), "g")
        ),
        f"own {mv}, brand new": lambda d: d.order(m.Own(mv, ADA, epoch, "key", None)),
        f"copy {mv}": lambda d: d.order(m.Copy(mv, ADA)),
        f"direct {mv}": lambda d: d.order(m.Direct(mv, ADA, redirect("b"))),
        f"freeze {mv}": lambda d: d.order(m.Freeze(mv, ADA)),
        f"cancel {mv}": lambda d: d.order(m.Cancel(mv, ADA, "a test")),
        f"retain {mv}": lambda d: d.order(m.Retain(mv, ADA, epoch + 1)),
        f"waive {mv}": lambda d: d.neighbour("a", Waive(mv, ADA, epoch - 1)),
        f"waived {mv}": lambda d: d.neighbour("a", m.Waived(mv, ADA)),
        f"waived {mv} by another": lambda d: d.neighbour("b", m.Waived(mv, ADA)),
    }


def _as_recorded(said: str) -> str:
    """Without what entries, welcomes and rosters have got since: when the player was heard last,
    that no input was passed over, which game it is, and what is left out with one router."""
    return re.sub(
        r", heard_s=[^)]*|, skipped=0(?=\))|, \w+=UNSET|, (title|game|program)='[^']*'"
        r"|, version=1(?=\))",
        "",
        said,
    )
