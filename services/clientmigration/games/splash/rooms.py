"""One room of Splash: a board, a match that ends, and who has won how often. Rules only.

A room knows no players and no servers. What it is goes into its record, and comes back from it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from clientmigration.games.splash.wire import BLANK, CELLS, TEAMS, WIDE, BoardView, Stroke

MATCH_S = 30.0
HURRY_S = 3.0  # nobody is to be moved in the last seconds of a match


class Room:
    """`left` are the ticks until the match ends, `strokes` all that were ever made here."""

    def __init__(self, rate: int, match_s: float) -> None:
        self._rate, self.length = rate, max(1, round(match_s * rate))
        self.cells = bytearray(CELLS)
        self.left, self.match, self.winner, self.strokes = self.length, 1, 0, 0
        self.wins = [0] * TEAMS
        self._shown: BoardView = BLANK

    def paint(self, stroke: Stroke, team: int) -> None:
        """A team paints a cell."""
        self.cells[stroke.row * WIDE + stroke.column] = team
        self.strokes += 1

    def step(self) -> None:
        """One tick. A match that ends is counted, and the next begins."""
        self.left -= 1
        if self.left <= 0:
            self.winner = winner(self.cells)
            if self.winner:
                self.wins[self.winner - 1] += 1
            self.match, self.left = self.match + 1, self.length
            self.cells = bytearray(CELLS)

    @property
    def hurries(self) -> bool:
        """Whether the match is about to end."""
        return self.left < HURRY_S * self._rate

    def show(self) -> None:
        """Make what is shown of this tick."""
        tenths = min(65_535, self.left * 10 // self._rate)
        wins = tuple(each % 65_536 for each in self.wins)
        self._shown = BoardView(tenths, self.match % 65_536, self.winner, wins, bytes(self.cells))

    @property
    def board(self) -> BoardView:
        """As it was shown last."""
        return self._shown

    def state(self) -> dict[str, Any]:
        """All of it, as JSON."""
        return {
            "cells": self.cells.hex(),
            "left": self.left,
            "match": self.match,
            "winner": self.winner,
            "wins": list(self.wins),
            "strokes": self.strokes,
        }

    def restore(self, state: dict[str, Any], ticks: int) -> None:
        """As it was so many ticks ago."""
        self.cells = bytearray.fromhex(state["cells"])
        self.left = max(1, state["left"] - ticks)
        self.match, self.winner = state["match"], state["winner"]
        self.wins, self.strokes = list(state["wins"]), state["strokes"]


def winner(cells: bytes | bytearray) -> int:
    """The team that has most cells, 0 if two have as many, or nobody any."""
    counts = Counter(each for each in cells if each).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return 0
    return counts[0][0]
