"""Games and beats that fail where a test says so: they raise there, or give what they may not give.

Nothing here says when: a test sets flaws, or a schedule's step does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.interfaces import IReactorTime

from clientmigration.games.meadow.game import Meadow
from clientmigration.gameserver.game import PostLetter
from clientmigration.net.beats import Beats, MakeBeats

METHODS = (
    "numbered", "enter", "leave", "hold", "resume", "apply", "step", "draw", "view", "state",
    "position", "measures", "busy", "seen", "look", "sight", "lend", "receive",
)  # fmt: skip
EVERY = 10**9


class Broken(Exception):
    """What a frail game or beat raises."""


@dataclass
class Flaw:
    """`left` times more a call fails: of this player if one is named, with this `value` instead of
    an exception if there is one, at this server (`server` counts games as they are made). `tell` is
    called each time."""

    left: int = EVERY
    player: str = ""
    value: Any = Broken
    server: int | None = None
    done: int = 0
    tell: Callable[[], None] = lambda: None

    def strikes(self, server: int, arguments: tuple[Any, ...]) -> bool:
        """Whether this call fails; it counts then."""
        concerned = not self.player or self.player in arguments[:1]
        if self.left <= 0 or not concerned or self.server not in (None, server):
            return False
        self.left, self.done = self.left - 1, self.done + 1
        self.tell()
        return True


@dataclass
class Frailty:
    """The flaws of all games of an arena, by method. `make` makes the games; `games` are those."""

    flaws: dict[str, Flaw] = field(default_factory=dict)
    base: Callable[[int, PostLetter], Any] = Meadow
    games: list[Any] = field(default_factory=list)

    def make(self, rate: int, post: PostLetter) -> Any:
        """A game of the arena's next server."""
        game = self.base(rate, post)
        for method in METHODS:
            setattr(game, method, self._frail(len(self.games), method, getattr(game, method)))
        self.games.append(game)
        return game

    def _frail(self, server: int, method: str, sound: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            flaw = self.flaws.get(method)
            if flaw is None or not flaw.strikes(server, arguments):
                return sound(*arguments)
            if flaw.value is Broken:
                raise Broken(method)
            return flaw.value

        return call


@dataclass
class Rhythm:
    """The beats of one daemon: how many seconds lie between two of each, when each came last, and
    how often each is to fail from now on."""

    clock: IReactorTime
    every_s: dict[str, float] = field(default_factory=dict)
    came_at: dict[str, float] = field(default_factory=dict)
    failing: Counter[str] = field(default_factory=Counter)

    def overdue(self) -> list[str]:
        """Those that do not come any more."""
        now = self.clock.seconds()
        return [
            name
            for name, seconds in self.every_s.items()
            if now - self.came_at.get(name, now) > 3 * seconds
        ]


@dataclass
class FrailBeats:
    """`make` makes the beats of every daemon of an arena; `rhythms` are those, by their clock."""

    base: MakeBeats = Beats
    rhythms: dict[Any, Rhythm] = field(default_factory=dict)

    def make(self, clock: IReactorTime) -> Beats:
        """The beats of the daemon with this clock."""
        beats, rhythm = self.base(clock), Rhythm(clock)
        self.rhythms[clock] = rhythm
        every, attempt = beats.every, beats.attempt

        def named(seconds: float, name: str, act: Callable[[], object]) -> None:
            rhythm.every_s[name] = seconds
            every(seconds, name, act)

        def frail(name: str, act: Callable[[], object]) -> object:
            rhythm.came_at[name] = clock.seconds()
            if rhythm.failing[name] > 0:
                rhythm.failing[name] -= 1
                return attempt(name, _break)
            return attempt(name, act)

        setattr(beats, "every", named)  # noqa: B010
        setattr(beats, "attempt", frail)  # noqa: B010
        return beats


def _break() -> None:
    raise Broken("a beat")
