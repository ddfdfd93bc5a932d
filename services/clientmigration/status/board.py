"""The notice board: the latest that is known of the fleet, and whether that is still true.

Values in, values out; `now` is an argument. Players are shown under numbers that change every ten
minutes, never under their names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from hashlib import blake2b
from typing import Literal

from clientmigration.status.feed import PublicWorld, Status

FRESH_S = 2.5
"""A status younger than this says how things are; a router tells one each second."""

DOWN_S = 3.5
"""With nothing for so long the router counts as down."""

RENAME_S = 600.0
"""For how long a player keeps one number on the board."""

State = Literal["up", "stale", "down"]


class Pseudonyms:
    """Numbers (24 bits) instead of players' names. A number tells one player from another until the
    next renaming, and nothing else: who reads the stream cannot find out who it is."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._since = -math.inf
        self._key = b""

    def renew(self, now: float) -> None:
        """Rename everybody when it is time."""
        if not 0 <= now - self._since < RENAME_S:
            self._since, self._key = now, self._entropy(32)

    def number(self, player: str) -> int:
        """This player's number for now."""
        digest = blake2b(player.encode(), key=self._key, digest_size=3).digest()
        return int.from_bytes(digest, "little")


class Board:
    """The latest status and the latest world, and when the status was heard."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self.status: Status | None = None
        self.world: PublicWorld | None = None
        self.pseudonyms = Pseudonyms(entropy)
        self._heard = -math.inf

    def post_status(self, status: Status, now: float) -> None:
        """The latest second of the fleet."""
        self.status, self._heard = status, now

    def post_world(self, world: PublicWorld, now: float) -> None:
        """Where everybody stands now."""
        self.world = world
        self.pseudonyms.renew(now)

    def state(self, now: float) -> State:
        """How much of it can be believed."""
        age = now - self._heard
        if age <= FRESH_S:
            return "up"
        return "stale" if age <= DOWN_S else "down"
