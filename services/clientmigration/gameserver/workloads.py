"""Pretend load that a player asks for and that moves with it.

A burn really spends the CPU time it was asked for, each tick, in the server's own thread: that is
what a heavy game does. Files and feeds are in `streams.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from clientmigration.gameserver.streams import Outlet, StreamSender
from clientmigration.wire import work
from clientmigration.wire.messages import Denied

_CHUNK = b"\0" * 4096


class Burns:
    """Who burns how much: microseconds of CPU per tick, by player. It is a test load: unless it is
    `allowed` here nothing is burnt, and `refused` hears of who asks."""

    def __init__(
        self,
        cpu: Callable[[], float],
        allowed: bool = True,
        refused: Callable[[], None] = lambda: None,
    ) -> None:
        self.cpu, self._allowed, self._refused = cpu, allowed, refused
        self.asked: dict[str, int] = {}

    def ask(self, player: str, us_per_tick: int) -> None:
        """From now on this much; 0 stops it."""
        if not self._allowed:
            if us_per_tick:
                self._refused()
            return
        self.asked[player] = us_per_tick
        if not us_per_tick:
            del self.asked[player]

    def stop(self, player: str) -> None:
        """The player is not here any more."""
        self.asked.pop(player, None)

    def place(self, player: str) -> list[dict[str, Any]]:
        """Where this player's workloads stand, for its snapshot."""
        asked = self.asked.get(player)
        return [{"kind": "burn", "us_per_tick": asked}] if asked else []

    def take_up(self, player: str, workloads: list[dict[str, Any]]) -> None:
        """Go on with what a snapshot says."""
        for each in workloads:
            if each["kind"] == "burn":
                self.ask(player, each["us_per_tick"])

    def measures(self) -> dict[str, float]:
        """Of the catalogue."""
        return {"workload_burns": len(self.asked)}

    def work(self, players: int) -> None:
        """One tick's worth for everyone here; `players` bounds it should the clock stand still."""
        total = sum(self.asked.values()) / 1e6
        if not total:
            return
        until, rounds = self.cpu() + total, players * 2000
        while rounds and self.cpu() < until:
            hashlib.sha256(_CHUNK)
            rounds -= 1


class Workloads:
    """All that one player has asked for here."""

    __slots__ = ("burns", "player", "streams")

    def __init__(self, player: str, burns: Burns, streams: StreamSender) -> None:
        self.player, self.burns, self.streams = player, burns, streams

    def apply(self, body: bytes, arrived: float, line: Outlet | None) -> None:
        """An input of the server's own. Raises MalformedFrame when it makes no sense."""
        match work.decode(body):
            case work.Burn(us_per_tick):
                self.burns.ask(self.player, us_per_tick)
            case work.Got(places):
                for stream, place in places:
                    self.streams.got(stream, place, arrived)
            case work.Stop(stream):
                self.streams.stop(stream)
            case ask:
                reason = self.streams.ask(ask)
                if reason and line is not None:
                    line.say(Denied(id=ask.id, reason=reason))

    def place(self) -> list[dict[str, Any]]:
        """Where they stand, for the snapshot."""
        streams = self.streams
        if not (self.burns.asked or streams.transfers or streams.feeds):
            return []
        return self.burns.place(self.player) + self.streams.place()

    def take_up(self, workloads: list[dict[str, Any]]) -> None:
        """Go on with what a snapshot says."""
        self.burns.take_up(self.player, workloads)
        self.streams.take_up(workloads)

    def stop(self) -> None:
        """The player is not here any more."""
        self.burns.stop(self.player)
        self.streams.take_up([])
