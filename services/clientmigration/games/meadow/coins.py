"""Coins that lie on the meadow, for each player its own: where, and which it has found lately.

Where they lie follows from the place alone, so a player who is moved sees the same ones; which it
has found goes with it. The page has the same rules (page/coins.js). Pure functions.
"""

from __future__ import annotations

from math import dist

PLOT_M = 25.0
"""Along each side of a plot; there is at most one coin in it."""

ACROSS = 40
"""Plots along each side of the meadow."""

REMEMBERED = 40
"""A coin that was found lies there again when so many others have been found."""

REACH_M = 8.0
"""From so far a coin is picked up: two steps, and what a player walks until its input is here."""


def coin(column: int, row: int) -> tuple[float, float] | None:
    """Where the coin of this plot lies, metres; None: there is none."""
    if not (0 <= column < ACROSS and 0 <= row < ACROSS):
        return None
    mixed = ((column + 1) * 73856093 ^ (row + 1) * 19349663) * 2654435761 & 0xFFFFFFFF
    if mixed >> 31:
        return None
    across, along = (0.1 + 0.8 * (mixed >> bits & 255) / 255 for bits in (8, 16))
    return (column + across) * PLOT_M, (row + along) * PLOT_M


def found(
    known: tuple[int, ...], column: int, row: int, at: tuple[float, float]
) -> tuple[int, ...] | None:
    """What a player has found once it picks up this coin from where it is; None: it cannot."""
    place, plot = coin(column, row), column + ACROSS * row
    if place is None or plot in known or dist(place, at) > REACH_M:
        return None
    return (*known, plot)[-REMEMBERED:]


def believed(said: object) -> tuple[int, ...]:
    """What a player's state says that it has found, if that can be."""
    if not isinstance(said, list | tuple):
        return ()
    return tuple(each for each in said if isinstance(each, int))[-REMEMBERED:]
