"""Handing on: which members give or take players when the router above wants some to go or come.

A pure function of what is believed of the members. The router above knows this fleet as one member
(`Fleet.summary`); who of it gives, and who takes, is decided here, so that the fleet itself becomes
more even by it and has nothing to correct afterwards.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from clientmigration.core.fleet.estimate import LoadEstimate
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import HALVINGS, NOTHING, room


def giving(known: Sequence[LoadEstimate], players: int) -> Mapping[str, int]:
    """How many of so many players each member gives: those of the highest pressure, down to one
    level. Fewer than asked for when there are no more; nobody is named who gives none."""
    pressure, cost, most = _arrays(known, [each.players for each in known])
    shares = _poured(pressure, cost, most, players)
    return {each.name: n for each, n in zip(known, shares, strict=True) if n}


def taking(known: Sequence[LoadEstimate], players: int, policy: Policy) -> Mapping[str, int]:
    """How many of so many players each member takes: those of the lowest pressure, up to one level.
    Fewer than asked for when there is no more room."""
    rooms = [0 if each.closed else room(each, policy) for each in known]
    pressure, cost, most = _arrays(known, rooms)
    shares = _poured(-pressure, cost, most, players)
    return {each.name: n for each, n in zip(known, shares, strict=True) if n}


Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def _arrays(known: Sequence[LoadEstimate], most: Sequence[int]) -> tuple[Floats, Floats, Floats]:
    return (
        np.array([each.pressure for each in known], np.float64),
        np.maximum(np.array([each.cost for each in known], np.float64), NOTHING),
        np.array(most, np.float64),
    )


def _poured(height: Floats, cost: Floats, most: Floats, players: int) -> list[int]:
    """So many players off the highest, until those that gave are as high as each other; each player
    is as high as its `cost`, and nobody gives more than its `most`."""
    wanted = min(players, int(most.sum()))
    if wanted <= 0:
        return [0] * len(height)
    low, high = float((height - cost * most).min()), float(height.max())
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        given = np.clip((height - middle) / cost, 0, most).sum()
        low, high = (low, middle) if given < wanted else (middle, high)
    exact = np.clip((height - low) / cost, 0, most)
    whole = np.floor(exact)
    more = np.argsort(-(exact - whole), kind="stable")
    more = more[whole[more] < most[more]][: max(0, wanted - int(whole.sum()))]
    whole[more] += 1
    return [int(n) for n in whole]
