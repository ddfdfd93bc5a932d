"""Newcomer: a player without a server, with all that is known of it when it is placed."""

import math
from collections.abc import Mapping

import msgspec

from clientmigration.core.fleet.world import Position


class Newcomer(msgspec.Struct, frozen=True):
    """A player without a server. `position` is where it will stand, as far as that is known;
    `pings`: ms by zone, as far as known; `mates`: players of its group by member; `near`: players
    around its position by member. `stranded` is who has lost its server, or was not taken in where
    it was sent: it does not wait for a better ping than it can have now; `refused_by` are members
    that did not take it in lately. `avoids` are members that it could not reach lately, and from
    when on (Unix seconds) it may try each again if it can go nowhere else.

    ValueError for a ping or a waiting time that is negative or not finite.
    """

    player: str
    position: Position | None
    pings: Mapping[str, float]
    waited_s: float = 0.0
    mates: Mapping[str, int] = {}
    stranded: bool = False
    refused_by: frozenset[str] = frozenset()
    avoids: Mapping[str, float] = {}
    near: Mapping[str, int] = {}

    def __post_init__(self) -> None:
        if not all(0 <= value < math.inf for value in (self.waited_s, *self.pings.values())):
            raise ValueError("pings and waiting times must be 0 or more, and finite")
