"""Somebody who sees everything that is said, and shows what it saw to servers: I5.

It strikes only where it has to be refused: at another server, without the secret, or with a ticket
whose time is over or that a later reservation has replaced.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.net.door import Lines
from clientmigration.net.line import Line
from clientmigration.testing.arena import Arena
from clientmigration.testing.checks import Checker
from clientmigration.testing.network import End
from clientmigration.wire.connection import SERVER_TO_PLAYER
from clientmigration.wire.messages import Goodbye, Join, View, Welcome

SKEW_S = 0.1  # clocks differ: who is only just too late may be taken


class Thief:
    """Collects tickets on the wire and shows them again."""

    def __init__(self, arena: Arena, watch: Checker) -> None:
        self.arena, self.watch = arena, watch
        self.joins: list[tuple[str, str, str]] = []  # server, ticket, secret
        self.refused = 0

    def tap(self, end: End, data: bytes) -> None:
        """See `Network.taps`."""
        if data[5:17] == b'{"t":"join",' and end.here != "thief":
            said = json.loads(data[5:])
            self.joins.append((end.there, said["ticket"], said["secret"]))

    def strike(self, dice: tuple[float, float, float]) -> str:
        """Show something old or not one's own somewhere; answers what, or nothing."""
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
        _Strike(self, server, Join(ticket=ticket, secret=secret))
        return f"the ticket of {claims['sub']} for {claims['aud']}, at {server}"

    def _stale(self, server: str, claims: dict[str, Any]) -> bool:
        """A later reservation counts once it has arrived: until then the server can not know."""
        there = self.arena.servers.get(server)
        seat = there.seats.find(claims["sub"]) if there else None
        over = claims["exp"] + SKEW_S < self.arena.clock.seconds()
        shown = (claims["jti"], claims["epoch"])
        return over or (seat is not None and not seat.life.admits(*shown))


class _Strike:
    """One attempt: the `Listener` of its line."""

    def __init__(self, thief: Thief, server: str, join: Join) -> None:
        self.thief, self.server, self.join = thief, server, join
        clock = thief.arena._host("thief")
        self.line = Line("player", SERVER_TO_PLAYER, self, clock, TokenBucket(5000, 5000))
        dialling = thief.arena.network.dial("thief", clock)(f"{server}:1")
        dialling.connect(Lines(lambda: self.line)).addErrback(lambda _: None)

    def opened(self, line: Line) -> None:
        """See `Listener`."""
        line.say(self.join)

    def heard(self, message: Any) -> None:
        """See `Listener`."""
        if isinstance(message, Welcome | View):
            self.thief.watch.fail("I5", f"a thief is let in at {self.server}")
        elif isinstance(message, Goodbye):
            self.thief.refused += message.code == "ticket_refused"

    def closed(self, reason: str) -> None:
        """See `Listener`."""
