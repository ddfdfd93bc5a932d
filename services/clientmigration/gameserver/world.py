"""Lets the game's world go on by one tick. A tick that fails is tried again at the next.

If that goes on, there is no world any more that is worth playing in: it gives up, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clientmigration.errors import GameFault
from clientmigration.gameserver.game import Game

PATIENCE = 20  # ticks in a row that may fail: a second at the usual rate


class GameWorld:
    """`give_up` is told the fault that was one too many. `failed` are the ticks in a row that have
    failed until now."""

    def __init__(self, game: Game, give_up: Callable[[GameFault], None]) -> None:
        self._game, self._give_up = game, give_up
        self.failed = 0
        self.given_up = False

    def advance(self, tick: int) -> bool:
        """One tick. Answers whether there is something to show: a world that stands still can be
        looked at, one that is not drawn can not."""
        fault: GameFault | None = None
        try:
            self._game.step(tick)
        except GameFault as raised:
            fault = raised
        try:
            self._game.draw(tick)
        except GameFault as raised:
            self._failed(raised)
            return False
        if fault is not None:
            self._failed(fault)
        else:
            self.failed = 0
        return True

    def views(self, players: Sequence[str]) -> Sequence[bytes | None]:
        """What each of these sees; None: the game could not make it."""
        return self._game.views(players)

    def _failed(self, fault: GameFault) -> None:
        self.failed += 1
        if self.failed >= PATIENCE and not self.given_up:
            self.given_up = True
            self._give_up(fault)


MakeWorld = Callable[[Game, Callable[[GameFault], None]], GameWorld]
