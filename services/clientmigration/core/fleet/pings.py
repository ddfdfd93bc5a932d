"""Pings: how far each player is from each zone, as far as it was measured lately.

A value with bounded memory. It knows nothing of servers: what a server's zone is, is the caller's.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

PLAYERS = 50_000
"""Players that are remembered: those heard of last."""
ZONES = 16
"""Zones that are remembered of each: those measured last."""


class KnownPings:
    """The latest pings of the players heard of last. Times are seconds of any one clock."""

    def __init__(self, remember_s: float, players: int = PLAYERS) -> None:
        self._remember_s, self._players = remember_s, players
        self._known: OrderedDict[str, dict[str, tuple[float, float]]] = OrderedDict()

    def note(self, player: str, pings: Mapping[str, float], now: float) -> None:
        """A player measured these pings, in ms by zone."""
        zones = self._known.setdefault(player, {})
        self._known.move_to_end(player)
        for zone, ms in pings.items():
            zones.pop(zone, None)
            zones[zone] = (ms, now)
        while len(zones) > ZONES:
            del zones[next(iter(zones))]
        while len(self._known) > self._players:
            self._known.popitem(last=False)

    def forget(self, player: str, zones: Iterable[str]) -> None:
        """A player measured these zones, and nobody answered."""
        known = self._known.get(player, {})
        for zone in zones:
            known.pop(zone, None)

    def known(self, player: str, now: float) -> dict[str, float]:
        """A player's pings in ms by zone, without those that are too old."""
        zones = self._known.get(player, {})
        return {zone: ms for zone, (ms, at) in zones.items() if now - at <= self._remember_s}
