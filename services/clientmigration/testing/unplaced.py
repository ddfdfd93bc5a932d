"""The checker of unreachable pairs: nobody is unplaced for long while somebody can take it.

It looks at players, servers and the cuts between them, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from clientmigration.client.player import Player
from clientmigration.testing.arena import Arena

WITHIN_S = 15.0  # a player plays again within this, for each server that it cannot reach


class Unplaced:
    """Since when each player of an arena could play and does not, since another server took it in
    at the earliest: what befalls that one is another fault. `broken` says what was found.

    `takes` answers whether a server can take the player of a host in, as far as its ways, its seats
    and its state do not tell.
    """

    def __init__(self, arena: Arena, takes: Callable[[str, str], bool] | None = None) -> None:
        self._arena = arena
        self._takes = takes or (lambda _host, _server: True)
        self._since: dict[str, tuple[float, set[str], set[str]]] = {}
        self._at: dict[str, str] = {}  # the server that took each host's player in last
        self.broken: list[str] = []

    def look(self) -> None:
        """Look at everybody now; often enough, it is asked for seconds."""
        now = self._arena.clock.seconds()
        for player in self._arena.players:
            host = self._arena.host_of(player)
            gone = host not in self._arena.hosts or player.state in ("idle", "ended")
            takers = set() if gone or self._placed(player) else self._takers(host)
            since, all_along, shut = self._since.get(host, (now, takers, set()))
            if not takers & all_along or self._moved_in(host, player.name):
                since, all_along, shut = now, takers, set()
            shut = shut | {each for each in self._arena.servers if not self._reaches(host, each)}
            self._since[host] = since, takers & all_along, shut
            if takers and now - since > WITHIN_S * max(1, len(shut)):
                text = f"{player.name} at {host} is {player.state}"
                self.broken.append(f"{text}, and {sorted(takers & all_along)} could take it")

    def _moved_in(self, host: str, name: str) -> bool:
        """Whether another server than before has it now, and its connection."""
        for each, server in self._arena.servers.items():
            seat = server.seats.find(name)
            if seat is not None and seat.entered and seat.line is not None:
                before, self._at[host] = self._at.get(host), each
                return before != each
        return False

    def _placed(self, player: Player) -> bool:
        """Whether it plays, by its own word, and is shown something."""
        shown_at = player.tally.shown_at
        return player.state == "playing" and self._arena.clock.seconds() - shown_at < 1.0

    def _takers(self, host: str) -> set[str]:
        """The servers that it can reach and that have a seat left."""
        return {
            name
            for name, server in self._arena.servers.items()
            if self._reaches(host, name)
            and not server.draining
            and len(server.seats) < server.seats.capacity
            and self._takes(host, name)
        }

    def _reaches(self, host: str, server: str) -> bool:
        """Whether a player of this host gets to this server."""
        network = self._arena.network
        cut = network.is_cut(host, server) or network.is_cut(server, host)
        return not cut and f"{server}:1" in network.doors
