"""What a game server that comes back is told about each of its players, by what the ledger says.

A pure decision: a member's name, its roster's entry and the ledger's record in, instructions out.
Who asks the ledger and tells the member is the router's recovery.

Two decisions of many routers will be made here, and are not made yet (design/routers.md). F1: a
player that is frozen, or whose move was waived, is called back because the ledger still names its
source; with a second router the answer must be to claim it for the source (`GiveBack`) instead of
`CallOff`. F2: a record with a lower epoch than the server's own is an old answer, and must not make
it let go (`LetGo`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from clientmigration.core.player.ledger import Record


class Reported(Protocol):
    """What a server says of one of its players: its own epoch, the state of the player's session,
    the migration that the player is part of, and the one that its target has waived ("" none)."""

    @property
    def epoch(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def migration(self) -> str: ...
    @property
    def waived(self) -> str: ...


@dataclass(frozen=True)
class CallOff:
    """This migration has ended without it: the server goes on as before."""

    migration: str


@dataclass(frozen=True)
class LetGo:
    """As of this epoch the player is not the server's, which forgets it."""

    epoch: int


@dataclass(frozen=True)
class KeepOn:
    """The waived claim of this migration has been undone: the player is the server's again, at this
    epoch."""

    migration: str
    epoch: int


@dataclass(frozen=True)
class GiveBack:
    """The claim of this migration was waived by its target: undo it in the ledger, which makes it
    this epoch, and then have the server keep the player."""

    migration: str
    epoch: int


@dataclass(frozen=True)
class Unheard:
    """The ledger has never heard of the player: it was lost, and the next checkpoint mends it."""


Instruction = CallOff | LetGo | KeepOn | GiveBack | Unheard


def reconciled(member: str, entry: Reported, record: Record) -> tuple[Instruction, ...]:
    """What to do, in this order, about a player that `member` has."""
    if entry.waived == record.migration != "":
        if record.owner == member:  # given back already, and the server has not heard so
            return (KeepOn(record.migration, record.epoch),)
        return (GiveBack(record.migration, record.epoch + 1),)
    first = (CallOff(entry.waived),) if entry.waived else ()
    return (*first, *_settled(member, entry, record))


def _settled(member: str, entry: Reported, record: Record) -> tuple[Instruction, ...]:
    if entry.state == "arriving":
        return (CallOff(entry.migration),)
    if record.epoch == 0:
        return (Unheard(),)
    if record.owner == member and record.epoch > entry.epoch:
        return (LetGo(entry.epoch),)  # not what it owns since
    if (record.owner, record.epoch) != (member, entry.epoch):
        return (LetGo(max(record.epoch, entry.epoch)),)
    return (CallOff(entry.migration),) if entry.migration else ()


def fenced_off(member: str, epoch: int, record: Record) -> tuple[LetGo, ...]:
    """What to tell a member whose checkpoint of a player, at this epoch, the ledger has refused."""
    return () if (record.owner, record.epoch) == (member, epoch) else (LetGo(record.epoch),)


def waits_for(entry: Reported) -> str:
    """The migration without whose end the player is stuck, or "": half of it is done, or it was
    waived and the ledger may not know."""
    return entry.migration if entry.state in ("arriving", "frozen") else entry.waived
