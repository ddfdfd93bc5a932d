"""An attacker who reads every ticket on the wire and shows it to servers again (invariant I5).

It tries only what has to be refused: a ticket at another server, without its secret, or when its
time is over or a later reservation has replaced it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from clientmigration.net.door import Lines
from clientmigration.net.line import Line, LineTerms
from clientmigration.testing.arena import Arena
from clientmigration.testing.clock import HostClock
from clientmigration.testing.network import End
from clientmigration.wire.connection import SERVER_TO_PLAYER
from clientmigration.wire.messages import Join, View, Welcome

HOST = "thief"  # where the attacker comes from. Digests of transcripts have it in them: it stays
SKEW_S = 0.1  # clocks differ: who is only just too late may be taken

Fail = Callable[[str, str], None]


class TicketReplay:
    """Collects tickets on the wire and shows them again. `fail` is told when one is taken."""

    def __init__(self, arena: Arena, fail: Fail) -> None:
        self.arena, self.fail = arena, fail
        self.joins: list[tuple[str, str, str]] = []  # server, ticket, secret

    def tap(self, end: End, data: bytes) -> None:
        """Keep each ticket that a player shows to a server. A tap of the network."""
        if data[5:17] == b'{"t":"join",' and end.here != HOST:
            said = json.loads(data[5:])
            self.joins.append((end.there, said["ticket"], said["secret"]))

    def strike(self, dice: tuple[float, float, float]) -> str:
        """Show a ticket where it has to be refused; answers which and where, or "" for nothing."""
        if not self.joins:
            return ""
        server, ticket, secret = self.joins[int(dice[0] * len(self.joins))]
        claims = json.loads(base64.urlsafe_b64decode(ticket.split(".")[1] + "=="))
        others = [name for name in self.arena.servers if name != server]
        if dice[1] < 0.3 and others:
            server = others[int(dice[2] * len(others))]
        elif dice[1] < 0.5:
            secret = "0" * 32
        elif not self._stale(server, claims):
            return ""
        if f"{server}:1" not in self.arena.network.doors:
            return ""
        self._show(server, Join(ticket=ticket, secret=secret))
        return f"the ticket of {claims['sub']} for {claims['aud']}, at {server}"

    def _stale(self, server: str, claims: dict[str, Any]) -> bool:
        """A later reservation counts once it has arrived: until then the server can not know."""
        there = self.arena.servers.get(server)
        seat = there.seats.find(claims["sub"]) if there else None
        over = claims["exp"] + SKEW_S < self.arena.clock.seconds()
        shown = (claims["jti"], claims["epoch"])
        return over or (seat is not None and not seat.life.admits(*shown))

    def _show(self, server: str, join: Join) -> None:
        arena = self.arena
        clock = HostClock(arena.clock, arena.skew(HOST))
        attempt = _Attempt(server, join, self.fail)
        line = Line("player", LineTerms(SERVER_TO_PLAYER, (5000, 5000)), attempt, clock)
        dialling = arena.network.dial(HOST, clock)(f"{server}:1")
        dialling.connect(Lines(lambda: line)).addErrback(lambda _: None)


class _Attempt:
    """One ticket shown to one server: the listener of a line that never plays."""

    def __init__(self, server: str, join: Join, fail: Fail) -> None:
        self.server, self.join, self.fail = server, join, fail

    def opened(self, line: Line) -> None:
        """Show the ticket."""
        line.say(self.join)

    def heard(self, message: Any) -> None:
        """Whatever lets it in is a violation."""
        if isinstance(message, Welcome | View):
            self.fail("I5", f"a replayed ticket is taken at {self.server}")

    def closed(self, reason: str) -> None:
        """Nothing more is tried."""
