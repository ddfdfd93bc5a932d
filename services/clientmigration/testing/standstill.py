"""The checker of servers that do not tick: the router sends nobody there once it can know it.

It reads what the router says on the network, and changes nothing. Who plays at such a server
already may come back to it, and moves that somebody orders are made.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from clientmigration.testing.arena import Arena
from clientmigration.testing.network import End
from clientmigration.wire.connection import CONTROL

STANDS_S = 1.0  # without a tick for so long: health is 0 from then on
HEARD_S = 2.5  # that is reported, believed, and what was decided before is done
ORDERED_S = 15.0  # an order is carried out by then
READ_S = 1.0  # a record that was read so long ago may still be acted on: its claim will fail


class Standstill:
    """`linked` answers whether a server and the router can talk; `fail` is told what is wrong."""

    def __init__(
        self, arena: Arena, linked: Callable[[str], bool], fail: Callable[[str, str], None]
    ) -> None:
        self._arena, self._linked, self._fail = arena, linked, fail
        self._since: dict[str, float] = {}
        self._ordered: dict[tuple[str, str], float] = {}
        self._owned: dict[tuple[str, str], float] = {}

    def ordered(self, player: str, member: str) -> None:
        """Somebody wants this player to be there."""
        self._ordered[player, member] = self._arena.clock.seconds()

    def look(self) -> None:
        """Look at every server now; often enough, it is asked for seconds."""
        now = self._arena.clock.seconds()
        for name in [each for each in self._since if each not in self._arena.servers]:
            del self._since[name]
        for name, server in self._arena.servers.items():
            if server.ticks.since_tick_s() > STANDS_S and self._linked(name):
                self._since.setdefault(name, now)
            else:
                self._since.pop(name, None)
        if self._since:
            for player, record in self._arena.ledger.records.items():
                self._owned[player, record.owner] = now

    def tap(self, end: End, data: bytes) -> None:
        """What the router says to somebody. A tap of the network."""
        router = end.here in self._arena.equals
        if not self._since or not router or len(data) < 5 or data[4] != CONTROL:
            return
        said = msgspec.json.decode(data[5:])
        if said["t"] == "redirect":
            self._sent(self._player_at(end.there), said["member"])
        elif said["t"] == "reserve":
            self._sent(said["player"], end.there)

    def _sent(self, player: str, member: str) -> None:
        arena = self._arena
        now = arena.clock.seconds()
        known_s = arena.policy.health.fresh_s + HEARD_S
        stands_s = now - self._since.get(member, now)
        meant = now - self._ordered.get((player, member), -ORDERED_S) < ORDERED_S
        was_there = now - self._owned.get((player, member), -READ_S) < READ_S
        if stands_s > known_s and not meant and not was_there:
            self._fail("health", f"{player} is sent to {member}, which does not tick")

    def _player_at(self, host: str) -> str:
        return next((p.name for p in self._arena.players if self._arena.host_of(p) == host), "")
