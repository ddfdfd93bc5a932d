"""Who could be moved: everybody who plays at some members, as their rosters list them.

Only what is known is put together here; whom to move is decided in core.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from clientmigration.core.fleet.pings import KnownPings
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.fleet.world import Position
from clientmigration.router.attached import AttachedMembers, connected


class Residents:
    """`bound_for` says to which member a player is being moved, `moved_at` when each was last (Unix
    s); `left_alone` answers who is not to be moved now, for it does not follow its redirects."""

    def __init__(
        self,
        members: AttachedMembers,
        pings: KnownPings,
        bound_for: Callable[[str], str | None],
        moved_at: Mapping[str, float],
        left_alone: Callable[[str, float], bool],
        now: Callable[[], float],
    ) -> None:
        self._members, self._pings, self._now = members, pings, now
        self._bound_for, self._moved_at, self._left_alone = bound_for, moved_at, left_alone

    def of(self, involved: Container[str]) -> list[Resident]:
        """Everybody who plays at these members, and can be told to go. Who is being moved counts
        where it will be, as it does in what is believed of the members. Whom a game has brought
        there is as one who is busy."""
        known, moved_at, now = self._pings.known, self._moved_at, self._now()
        bound_for, left_alone = self._bound_for, self._left_alone
        return [
            Resident(
                player=entry.player,
                member=(bound := bound_for(entry.player)) or name,
                position=Position(entry.x, entry.y),
                ping_ms=known(entry.player, now),
                moved_at=moved_at.get(entry.player),
                locked=bound is not None or left_alone(entry.player, now),
                busy=entry.busy or entry.player in link.brought,
                group=entry.group,
            )
            for name, link in self._members.items()
            if name in involved and link.role != "router"
            for entry in link.roster.values()
            if entry.state == "playing" and connected(entry)
        ]
