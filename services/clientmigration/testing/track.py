"""What the checkers know of one player: what it sent, what it may have been, what it was shown."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from clientmigration.client.player import Player
from clientmigration.core.player.snapshot import Progress, chained
from clientmigration.testing.workload import Workload


@dataclass
class Track:
    """What is known of one player, whichever program plays it."""

    player: Player
    host: str
    known_as: str = ""
    wanted: bool = True  # whether it wants to play now
    met: bool = False  # whether it was ever in a game
    legal: dict[int, set[tuple[int, int]]] = field(default_factory=lambda: {0: {(0, 0)}})
    states: list[tuple[float, int, int]] = field(default_factory=list)  # time, last, coins
    floor: float | None = None  # a state as old as this may be taken up next; None: the newest only
    programs: int = 1  # that have played it so far
    bodies: dict[int, tuple[bytes, float]] = field(default_factory=dict)
    # what the present program sent, and when first
    tick: int = 0
    last: int = 0
    rejoins: int = 0
    body: bytes = b""  # of its newest view
    workload: Workload | None = None
    killed_at: float | None = None
    shown_at: float | None = None  # when its present program was shown its newest view
    hurt_until: float = -math.inf  # its game fails for it alone

    @property
    def name(self) -> str:
        """The player's name in the cluster, "" until the router has given one."""
        if not self.known_as:
            self.known_as = self.player.name
        return self.known_as

    def leave(self) -> None:
        """It does not want to play any more, or can not."""
        self.wanted = False

    def sent(self, seq: int, body: bytes, now: float) -> None:
        """The player said this input; every way of having applied the ones before goes on here."""
        if (
            self.bodies and seq > next(reversed(self.bodies)) + 1
        ):  # it was played before: it goes on
            self.bodies.clear()
        self.bodies.setdefault(seq, (body, now))
        before = self.legal.get(seq - 1, ())
        self.legal.setdefault(seq, set()).update(
            (applied + 1, chained(digest, seq, body)) for applied, digest in before
        )

    def can_skip(self, done: Progress) -> bool:
        """Whether inputs that were passed over on the way to `done` are of programs that are gone:
        then what the present one sent goes on from there."""
        state = (done.applied, done.digest)
        if self.programs == 1 or (self.bodies and done.last >= min(self.bodies)):
            return False
        if not any(state in states for last, states in self.legal.items() if last < done.last):
            return False
        self.legal.setdefault(done.last, set()).add(state)
        for seq, (body, at) in list(self.bodies.items()):
            self.sent(seq, body, at)
        return True
