"""The checker of hearsay: what a router has only read makes no server let go, go on, or begin.

It reads what routers say on the network, compares it with the ledger and the seat as they are then,
and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from clientmigration.gameserver.seat import Seat
from clientmigration.testing.arena import Arena
from clientmigration.testing.network import End

WORDS = (b'{"t":"release"', b'{"t":"cancel"', b'{"t":"own"')


class Hearsay:
    """`fail` is told what is wrong."""

    def __init__(self, arena: Arena, fail: Callable[[str, str], None]) -> None:
        self._arena, self._fail = arena, fail

    def tap(self, end: End, data: bytes) -> None:
        """What a router says to a server. A tap of the network."""
        if end.here not in self._arena.equals or not data[5:].startswith(WORDS):
            return
        said = msgspec.json.decode(data[5:])
        server = self._arena.servers.get(end.there)
        seat = server.seats.find(said["player"]) if server is not None else None
        if said["t"] == "release":
            self._release(end.there, said)
        elif seat is not None and said["t"] == "cancel":
            self._cancel(seat, end.there, said["migration"])
        elif seat is not None and seat.held:
            self._own(seat, end.there, said)

    def _release(self, member: str, said: dict[str, Any]) -> None:
        """I16: nobody lets go of what the ledger says is its own."""
        record = self._arena.ledger.records.get(said["player"])
        if record is not None and record.owner == member and record.epoch <= said["epoch"]:
            text = f"{member} is told to let go of {record.player}, as of epoch {said['epoch']}"
            self._fail("I16", f"{text}, and the ledger says {record.claim}")

    def _cancel(self, seat: Seat, member: str, migration: str) -> None:
        """I14: who is frozen or waived goes on when its own router ends the move, or after a claim.
        As long as its owner is as it was, a claim of the move may land."""
        record = self._arena.ledger.records.get(seat.player)
        undone = (seat.migration if seat.held else "", seat.life.now.waived)
        still = record is not None and record.claim[:2] == (member, seat.epoch)
        if still and migration in undone and not self._known(migration):
            text = f"{seat.player} is called back at {member}, and nobody has claimed it"
            self._fail("I14", text)

    def _known(self, migration: str) -> bool:
        return any(each.moves.known(migration) for each in self._arena.routers.values())

    def _own(self, seat: Seat, member: str, said: dict[str, Any]) -> None:
        """I13: a seat admits one migration."""
        if seat.migration != said["migration"] and said["epoch"] <= seat.epoch:
            text = f"{seat.player} is frozen at {member} for {seat.migration}"
            self._fail("I13", f"{text}, and owned by {said['migration']}")
