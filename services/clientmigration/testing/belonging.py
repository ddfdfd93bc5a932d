"""I20, as it is watched in a tree: whoever plays below an attached router is known to be its own.

A router that was alone may have let in anybody. Once it is attached it says so, and the router
above, which places who comes to it, has to know: otherwise somebody would be taken over who plays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from clientmigration.core.player.ledger import Record
from clientmigration.testing.tree_scene import Known, TreeScene

LOOK_S = 0.5  # of the Arena's time, between two looks
KNOWN_S = 6.0  # a link and a home that are so old are known above, also after an appeal or two


@dataclass
class _Since:
    """What has been so since then."""

    what: object
    at: float


class Belonging:
    """Looks again and again."""

    def __init__(self, scene: TreeScene) -> None:
        self._scene, self._arena = scene, scene.arena
        self._links: dict[tuple[str, str], _Since] = {}
        self._homes: dict[str, _Since] = {}

    def look(self, known: Iterable[Known], way_up: Mapping[str, list[str]]) -> str:
        """Who is not known where it should be; "" if everybody is. A zone knows what those below it
        have had the time to tell. `way_up`: the zones above each server, from the nearest to the
        root."""
        now = self._arena.clock.seconds()
        old = {zone for zone, above in self._scene.above.items() if above and self._old(zone, now)}
        for each in known:
            place = self._place(each)
            if self._age(self._homes, each.player.name, place, now) <= KNOWN_S or place is None:
                continue
            for zone in takewhile(old.__contains__, way_up[each.home]):
                if wrong := self._wrong(each, zone):
                    return wrong
        return ""

    def _old(self, zone: str, now: float) -> bool:
        """Whether each router of the zone has long been attached to one above it."""
        ages = []
        for router in self._scene.routers[zone]:
            links = ((router, above) for above in self._scene.parents(router))
            ages.append(max(self._age(self._links, pair, self._link(*pair), now) for pair in links))
        return min(ages) > KNOWN_S

    def _age(self, known: dict[Any, _Since], key: Any, what: object, now: float) -> float:
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
        below, upper = both
        if below is None or upper is None:
            return None
        lines = below.stem.attachment.lines if below.stem.attachment is not None else {}
        line = lines.get(above) or lines.get("")
        known = any(not each.line.over for each in upper.members.links(self._scene.zones[router]))
        return id(line) if known and line is not None and not line.over else None

    def _place(self, each: Known) -> object:
        """Where it plays, if nothing is done to it."""
        server = self._arena.servers.get(each.home)
        seat = server.seats.find(each.player.name) if server is not None else None
        if seat is None or not seat.entered or seat.held or seat.migration:
            return None
        return (each.home, seat.epoch)

    def _wrong(self, each: Known, zone: str) -> str:
        above, name = self._scene.above[zone], each.player.name
        kept = self._arena.ledger_of(self._scene.routers[above][0]).records
        record = kept.get(name) or Record(name)
        if record.owner == zone:
            return ""
        return f"{name} plays at {each.home}, below {zone}, and {above} has {record.claim}"
