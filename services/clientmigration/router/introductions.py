"""Tells the game servers of a fleet about each other, so that their players can see across.

Each has a small number by which views tell who is simulated where. It comes from the name, so that
it is the same after a restart of the router, unless two names want the same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.wire.messages import Neighbour, Neighbours

if TYPE_CHECKING:
    from clientmigration.router.members import MemberLine

OWNERS = 255  # numbers from 1; 0 is for who has none


def owners(names: Iterable[str]) -> dict[str, int]:
    """A number for each name; 0 for those after the 255th."""
    numbers: dict[str, int] = {}
    free = set(range(1, OWNERS + 1))
    for name in sorted(names):
        wanted = zlib.crc32(name.encode()) % OWNERS
        tried = (1 + (wanted + n) % OWNERS for n in range(OWNERS if free else 0))
        numbers[name] = next((n for n in tried if n in free), 0)
        free.discard(numbers[name])
    return numbers


def introduce(members: Mapping[str, MemberLine], fleet: Fleet) -> None:
    """Tell every game server who the others are now."""
    known = {name: member for name in members if (member := fleet.member(name))}
    servers = {name: each for name, each in known.items() if each.role == "gameserver"}
    numbers = owners(servers)
    listed = [Neighbour(name, each.address, numbers[name]) for name, each in servers.items()]
    for name in servers:
        others = [each for each in listed if each.name != name]
        members[name].line.say(Neighbours(owner=numbers[name], neighbours=others))
