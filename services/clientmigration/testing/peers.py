"""The checker of equal routers: one migration a seat (I13), and nobody waits for a router that is
gone as long as another is there (I15).

It looks at servers and players, reads what is said between servers and routers, and changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from clientmigration.client.entrance import QUIET_S
from clientmigration.gameserver.seat import Seat
from clientmigration.testing.arena import Arena
from clientmigration.testing.network import End
from clientmigration.wire.connection import CONTROL

FROZEN_S = 1.1  # nobody stands still for longer
JOIN_S = 1.0  # somebody new plays by then, but for ways and the ledger
ORDERS = ("reserve", "copy", "prepare", "direct", "freeze", "own")
ANSWERS = ("reserved", "copied", "prepared", "arrived", "frozen", "settled", "declined")


class Peers:
    """`slack_s` is what ways and ledger add to a join, `fail` is told what is wrong; `strict`
    answers whether nothing is wrong now but with one of several routers."""

    def __init__(
        self,
        arena: Arena,
        strict: Callable[[], bool],
        slack_s: float,
        fail: Callable[[str, str], None],
    ) -> None:
        self._arena, self._strict, self._slack_s, self._fail = arena, strict, slack_s, fail
        self._ordered: dict[str, set[str]] = {}
        self._live: dict[tuple[str, str], tuple[Seat, str, object]] = {}
        self._seeking: dict[str, float] = {}
        self._gone_at = 0.0

    # I13: the seat is the lock.

    def tap(self, end: End, data: bytes) -> None:
        """What routers order and servers answer. A tap of the network."""
        if len(self._arena.equals) < 2 or len(data) < 5 or data[4] != CONTROL:
            return
        router, member = end.here in self._arena.equals, end.here in self._arena.servers
        if router and end.there in self._arena.servers:
            said = msgspec.json.decode(data[5:])
            if said["t"] in ORDERS:
                self._ordered.setdefault(said["migration"], set()).add(end.here)
        elif member and end.there in self._arena.equals:
            said = msgspec.json.decode(data[5:])
            by = self._ordered.get(said.get("migration", ""), set())
            if said["t"] in ANSWERS and end.there not in by:
                text = f"{end.here} says {said['t']} of {said['migration']} to {end.there}"
                self._fail("I13", f"{text}, which has not asked for it")

    def look(self) -> None:
        """After every event: whose a seat is does not change while its router moves the player."""
        if len(self._arena.equals) < 2:
            return
        for name, server in self._arena.servers.items():
            for player, seat in server.seats.by_name.items():
                self._look_at(name, player, seat)

    def _look_at(self, name: str, player: str, seat: Seat) -> None:
        before, seat_, live = self._live.get((name, player)), seat, seat.migration
        if before is not None and before[0] is seat_ and before[1] == live:
            return
        if before is not None and before[0] is seat_ and before[1] and live:
            _, old, line = before
            if not getattr(line, "over", True) and self._moving(old):
                self._fail("I13", f"{player} at {name} is moved by {old}, and then by {live}")
        line = seat.asker(live) if live else None
        self._live[name, player] = seat, live, line

    def _moving(self, migration: str) -> bool:
        return any(each.moves.known(migration) for each in self._arena.routers.values())

    # I15: a router that is gone is not missed.

    def gone(self) -> None:
        """A router goes: who is talking to it waits for its next word."""
        self._gone_at = self._arena.clock.seconds()

    def watch(self) -> None:
        """Now and then: who stands still, and who wants to play and does not."""
        if not self._strict():
            self._seeking.clear()
            return
        now = self._arena.clock.seconds()
        for name, server in self._arena.servers.items():
            for player, seat in server.seats.by_name.items():
                if seat.held and now - seat.held_at > FROZEN_S:
                    self._fail("I15", f"{player} has stood still at {name} for {FROZEN_S:g} s")
        for each in self._arena.players:
            host = self._arena.host_of(each)
            if each.state in ("seeking", "waiting", "joining") and host in self._arena.hosts:
                since = self._seeking.setdefault(host, now)
                quiet_s = QUIET_S if since <= self._gone_at else 0.0
                if now - since > JOIN_S + self._slack_s + quiet_s:
                    self._fail("I15", f"{host} has sought a place for {now - since:.1f} s")
            else:
                self._seeking.pop(host, None)
