"""Resident: one player of the roster, with what matters for whether it is moved. Values only."""

from collections.abc import Mapping

import msgspec

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.world import Position


class Resident(msgspec.Struct, frozen=True, gc=False):
    """One player of the roster. `member` is where it plays, or is being moved to; `ping_ms` by
    zone as far as known; `moved_at` in Unix seconds, None if never; `locked` while a move is under
    way; `busy` when its game or a workload asks to leave it where it is; `group` "" for none."""

    player: str
    member: str
    position: Position | None
    ping_ms: Mapping[str, float]
    moved_at: float | None = None
    locked: bool = False
    busy: bool = False
    group: str = ""

    def movable(self, policy: Policy, now: float) -> bool:
        """Neither locked nor moved within the cooldown."""
        rested = self.moved_at is None or now - self.moved_at >= policy.limits.cooldown_s
        return rested and not self.locked
