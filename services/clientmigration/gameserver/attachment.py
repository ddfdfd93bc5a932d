"""Whether this server is in a fleet, under which name, and its line to the router if there is one.

What is told while no router is there is lost: what must not be lost is in the roster anyway.
"""

from __future__ import annotations

from typing import Any

from clientmigration.net.addresses import place_of
from clientmigration.net.line import Line
from clientmigration.wire.messages import LEAVING


class Attachment:
    """`member` is this server's name in the fleet, "" until the router gives one; `address`
    (host:port, perhaps with a scheme) is what players are told, `inner` what other servers are told
    if that is another; `zone` where the server stands; `line` goes to the router, None while there
    is none."""

    def __init__(self, name: str, address: str, zone: str, inner: str = "") -> None:
        self.member, self.address, self.zone, self.inner = name, address, zone, inner
        self.line: Line | None = None

    def found_at(self, address: str) -> None:
        """We listen at `address`; players are told so unless they were told something else. If that
        is of another scheme, they come through something that other servers need not go through."""
        self.address = self.address or address
        if place_of(self.address).scheme != place_of(address).scheme:
            self.inner = self.inner or address

    def advertise(self, address: str) -> None:
        """Players reach us at `address` (host:port), wherever we listen."""
        self.address = address

    def attached(self, line: Line, name: str) -> None:
        """We are in the fleet."""
        self.line, self.member = line, name

    def detached(self, line: Line) -> bool:
        """This line is gone. Answers whether it was the one that counted."""
        if self.line is not line:
            return False
        self.line = None
        return True

    def tell(self, message: Any) -> None:
        """Say it to the router, if it is there."""
        if self.line is not None:
            self.line.say(message)

    def leave(self) -> None:
        """We go on purpose, and say so: otherwise we would count as lost."""
        line, self.line = self.line, None
        if line is not None:
            line.hang_up(LEAVING, "it stops")
