"""A game that fails where a test says so: it raises there, or gives what it may not give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from clientmigration.gameserver.game import PostLetter
from clientmigration.gameserver.meadow import Meadow

METHODS = (
    "numbered", "enter", "leave", "hold", "resume", "apply", "step", "draw", "view", "state",
    "position", "measures", "busy", "seen", "look", "sight", "lend", "receive",
)  # fmt: skip
EVERY = 10**9


class Broken(Exception):
    """What a frail game raises."""


@dataclass
class Flaw:
    """`left` times more a call fails: of this player if one is named, with this `value` instead of
    an exception if there is one, at this server (`server` counts games as they are made)."""

    left: int = EVERY
    player: str = ""
    value: Any = Broken
    server: int | None = None
    done: int = 0

    def strikes(self, server: int, arguments: tuple[Any, ...]) -> bool:
        """Whether this call fails; it counts then."""
        concerned = not self.player or self.player in arguments[:1]
        if self.left <= 0 or not concerned or self.server not in (None, server):
            return False
        self.left, self.done = self.left - 1, self.done + 1
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
