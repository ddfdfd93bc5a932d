"""Companions: with whom a newcomer would play at each member, of its group and of those around it.

It is told rosters, and where newcomers are sent. Where they go is decided in
core/fleet/placement.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clientmigration.core.fleet.groups import Groups
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.vicinity import Vicinity
from clientmigration.core.fleet.world import Position
from clientmigration.router.attached import AttachedMembers, Gone, MemberLink


class Companions:
    """Who of which group is at which member, and who stands where."""

    def __init__(
        self,
        members: AttachedMembers,
        groups: Groups,
        vicinity: Vicinity,
        now: Callable[[], float],
    ) -> None:
        self._members, self._groups, self._vicinity = members, groups, vicinity
        self._now = now

    def listed(self, link: MemberLink) -> None:
        """The link has a new roster. Who does not play there yet stands nowhere."""
        roster = link.roster.values()
        self._groups.listed(link.name, {each.player: each.group for each in roster})
        places = {each.player: (each.x, each.y) for each in roster if each.state == "playing"}
        self._vicinity.listed(link.name, places)

    def left(self, gone: Gone) -> None:
        """A member is gone."""
        self._groups.lost(gone.member.name)
        self._vicinity.lost(gone.member.name)

    def of(
        self, player: str, group: str, position: Position | None
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """With whom this player, of this group ("": of none), would be at each member if it stood
        there: how many of its group, and how many around it."""
        now = self._now()
        mates = self._groups.mates(player, group, now, self._members)
        return mates, self._vicinity.near(position, now)

    def sent(self, newcomer: Newcomer, group: str, member: str) -> None:
        """The newcomer was sent to a member: it counts there until a roster shows it."""
        now = self._now()
        self._groups.sent(newcomer.player, group, member, now)
        self._vicinity.sent(newcomer.player, newcomer.position, member, now)
