"""The checker of unreachable pairs: nobody is unplaced for long while somebody can take it.

It looks at players, servers and the cuts between them, and changes nothing.
"""

from __future__ import annotations

from clientmigration.client.player import Player
from clientmigration.testing.arena import Arena

WITHIN_S = 15.0  # a player that a server could take plays again within this


class Unplaced:
    """Since when each player of an arena could play and does not. `broken` says what was found."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._since: dict[str, float] = {}
        self.broken: list[str] = []

    def look(self) -> None:
        """Look at everybody now; often enough, it is asked for seconds."""
        now = self._arena.clock.seconds()
        for player in self._arena.players:
            host = self._arena.host_of(player)
            if host not in self._arena.hosts or self._placed(player) or not self._takers(host):
                self._since.pop(host, None)
            elif now - self._since.setdefault(host, now) > WITHIN_S:
                text = f"{player.name} at {host} is {player.state}"
                self.broken.append(f"{text}, and {self._takers(host)} could take it")

    def _placed(self, player: Player) -> bool:
        """Whether it plays, by its own word, and is shown something."""
        shown_at = player.tally.shown_at
        return player.state == "playing" and self._arena.clock.seconds() - shown_at < 1.0

    def _takers(self, host: str) -> list[str]:
        """The servers that it can reach and that have a seat left."""
        network = self._arena.network
        return [
            name
            for name, server in self._arena.servers.items()
            if not network.is_cut(host, name)
            and not network.is_cut(name, host)
            and not server.draining
            and len(server.seats) < server.seats.capacity
        ]
