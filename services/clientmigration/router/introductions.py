"""Tells the game servers of a fleet about each other, so that their players can see across.

Whoever comes or goes: everybody is told the whole list again, with the numbers by which views tell
who is simulated where.
"""

from __future__ import annotations

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.numbers import numbered
from clientmigration.router.attached import AttachedMembers, Gone
from clientmigration.wire.messages import Neighbour, Neighbours


class Introductions:
    """Speaks to all attached game servers."""

    def __init__(self, members: AttachedMembers, fleet: Fleet) -> None:
        self._members, self._fleet = members, fleet

    def joined(self, member: Member) -> None:  # noqa: ARG002
        """A member has come, and has been told its name."""
        self._introduce()

    def left(self, gone: Gone) -> None:  # noqa: ARG002
        """A member has gone."""
        self._introduce()

    def _introduce(self) -> None:
        known = {name: each for name in self._members if (each := self._fleet.member(name))}
        servers = {name: each for name, each in known.items() if each.role == "gameserver"}
        numbers = numbered(servers)
        listed = [
            Neighbour(name, each.inner or each.address, numbers[name])
            for name, each in servers.items()
        ]
        for name in servers:
            others = [each for each in listed if each.name != name]
            self._members.tell(name, Neighbours(owner=numbers[name], neighbours=others))
