"""Reluctance: players who do not follow their redirects are asked less and less.

Each time that a player is told where to go and does not come there, it is left alone twice as long.
One that comes is like any other again. A value with bounded memory that is told the time.
"""

from collections import OrderedDict
from dataclasses import dataclass

FIRST_S = 15.0
"""Seconds for which a player is left alone after the first time."""
LONGEST_S = 960.0
"""Seconds for which it is left alone at most; so long after that it is forgotten."""
PLAYERS = 20_000
"""Players that are remembered: those who stayed away last."""


@dataclass(slots=True)
class _Stayed:
    times: int
    until: float


class Reluctance:
    """Who stayed where it was, how often, and until when it is left alone. Times are seconds of any
    one clock."""

    def __init__(self, players: int = PLAYERS) -> None:
        self._players = players
        self._stayed: OrderedDict[str, _Stayed] = OrderedDict()

    def stayed(self, player: str, now: float) -> None:
        """A player was told where to go, and did not come there in time."""
        before = self._stayed.pop(player, None)
        times = before.times + 1 if before and now - before.until <= LONGEST_S else 1
        until = now + min(LONGEST_S, FIRST_S * 2.0 ** min(times - 1, 30))
        self._stayed[player] = _Stayed(times, until)
        while len(self._stayed) > self._players:
            self._stayed.popitem(last=False)

    def came(self, player: str) -> None:
        """A player followed its redirect."""
        self._stayed.pop(player, None)

    def left_alone(self, player: str, now: float) -> bool:
        """Whether it is too early to ask this player again."""
        stayed = self._stayed.get(player)
        return stayed is not None and now < stayed.until
