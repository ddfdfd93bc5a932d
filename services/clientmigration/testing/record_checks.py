"""Checks of a game's records, after every single event: one owner each, and hardly ever back.

Of two servers that can be told what the ledger says, never do both have a record. A record that is
opened goes on from its last state, but after a crash: then from one that is at most `LOST_S` (and a
checkpoint's way) older, where link and ledger were well before.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from clientmigration.testing.arena import Arena
from clientmigration.testing.checks import LOST_S, SLACK_S, STEADY_S

TOLD_S = 2.5  # a server that can be told has let go by then: its next roster is answered

Held = Callable[[Any], Mapping[str, int]]
"""What a game holds now: its records by name, each with a number that never goes down."""


class RecordChecker:
    """Watches an arena from now on. `broken` says what it found; `opened` how often it saw one
    opened."""

    def __init__(self, arena: Arena, held: Held) -> None:
        self._arena, self._of = arena, held
        self.broken: list[str] = []
        self.opened = 0
        self._well: dict[str, float] = {}  # since when each server can talk with its router
        self._had: dict[str, str] = {}  # who opened each last
        self._have: dict[str, set[str]] = {}  # who has any of them now, rightly or not
        self._past: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._crashed: dict[str, float] = {}
        self._floor: dict[str, int] = {}
        arena.watchers.append(self._look)

    @property
    def _now(self) -> float:
        return self._arena.clock.rightNow

    def crash(self, name: str) -> None:
        """This server is about to be killed, frozen or cut off: what must be left?"""
        now, well = self._now, self._now - self._well.get(name, math.inf) > STEADY_S
        for record, owner in self._had.items():
            if owner == name:
                oldest = now - LOST_S - SLACK_S if well else -math.inf
                older = [value for at, value in self._past[record] if at <= oldest]
                floor = older[-1] if older else 0
                self._floor[record] = min(floor, self._floor.get(record, floor))

    def _look(self) -> None:
        arena, now = self._arena, self._now
        holders: dict[str, list[str]] = defaultdict(list)
        for name, server in list(arena.servers.items()):
            if not self._hears(name):
                self._well.pop(name, None)
                self.crash(name)
            else:
                self._well.setdefault(name, now)
            if not arena.hosts[name].frozen:
                for record, value in self._of(server.game).items():
                    holders[record].append(name)
                    self._seen(record, name, value)
        self._have = {record: set(names) for record, names in holders.items()}
        for record, names in holders.items():
            told = [each for each in names if now - self._well.get(each, now) > TOLD_S]
            if len(told) > 1:
                self.broken.append(f"{', '.join(told)} have {record} at {now:.3f}")

    def _hears(self, name: str) -> bool:
        arena = self._arena
        routers = [each for each in arena.routers if not arena.network.is_cut(name, each)]
        return bool(routers) and arena.servers[name].attachment.line is not None

    def _seen(self, record: str, name: str, value: int) -> None:
        past = self._past[record]
        if name not in self._have.get(record, ()):
            self.opened += 1
            self._had[record] = name
            newest = past[-1][1] if past else 0
            floor = self._floor.pop(record, newest)
            if value < floor:
                self.broken.append(f"{record} goes back from {newest} to {value} at {name}")
            past[:] = [each for each in past if each[1] < value]
        if self._had[record] == name and (not past or past[-1][1] != value):
            past.append((self._now, value))
            del past[:-400]
