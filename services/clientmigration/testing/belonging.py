"""I20, as it is watched in a tree: whoever plays below an attached router is known to be its own.

A router that was alone may have let in anybody. Once it is attached it says so, and the router
above, which places who comes to it, has to know: otherwise somebody would be taken over who plays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from clientmigration.client.player import Player
from clientmigration.core.player.ledger import Record
from clientmigration.testing.arena import Arena

LOOK_S = 0.5  # of the Arena's time, between two looks
KNOWN_S = 6.0  # a link and a home that are so old are known above, also after an appeal or two


class Housed(Protocol):
    """One player's program, and where it was last seen to play."""

    player: Player
    home: str


@dataclass
class _Since:
    """What has been so since then."""

    what: object
    at: float


class Belonging:
    """Looks again and again. `above` names the router above each."""

    def __init__(self, arena: Arena, above: Mapping[str, str]) -> None:
        self._arena, self._above = arena, above
        self._links: dict[str, _Since] = {}
        self._homes: dict[str, _Since] = {}

    def look(self, known: Iterable[Housed], way_up: Mapping[str, list[str]]) -> str:
        """Who is not known where it should be; "" if everybody is. `way_up`: the routers above each
        server, from the nearest to the root."""
        now = self._arena.clock.seconds()
        old = {
            router
            for router, above in self._above.items()
            if above and self._age(self._links, router, self._link(router, above), now) > KNOWN_S
        }
        for each in known:
            place = self._place(each)
            if self._age(self._homes, each.player.name, place, now) <= KNOWN_S or place is None:
                continue
            for router in takewhile(old.__contains__, way_up[each.home]):
                if wrong := self._wrong(each, router):
                    return wrong
        return ""

    def _age(self, known: dict[str, _Since], key: str, what: object, now: float) -> float:
        """For how long it has been so; what is not at all has no age."""
        if key not in known or known[key].what != what:
            known[key] = _Since(what, now)
        return now - known[key].at if what is not None else 0.0

    def _link(self, router: str, above: str) -> object:
        """The link between the two, as long as both do all that they should."""
        arena = self._arena
        both = arena.routers.get(router), arena.routers.get(above)
        if None in both or any(arena.hosts[each].frozen for each in (router, above)):
            return None
        if {(router, above), (above, router)} & {*arena.network.cuts}:
            return None
        link = both[1].members.get(router) if both[1] is not None else None
        return id(link.line) if link is not None and not link.line.over else None

    def _place(self, each: Housed) -> object:
        """Where it plays, if nothing is done to it."""
        server = self._arena.servers.get(each.home)
        seat = server.seats.find(each.player.name) if server is not None else None
        if seat is None or not seat.entered or seat.held or seat.migration:
            return None
        return (each.home, seat.epoch)

    def _wrong(self, each: Housed, router: str) -> str:
        above, name = self._above[router], each.player.name
        record = self._arena.ledger_of(above).records.get(name) or Record(name)
        if record.owner == router:
            return ""
        return f"{name} plays at {each.home}, below {router}, and {above} has {record.claim}"
