"""What a game server that comes back is told about each of its players, by what the ledger says.

A pure decision: a member's name, its roster's entry, the ledger's record and what the record's
owner says of the player in, instructions out. Who asks the ledger and tells the members is the
router's recovery.

Two laws, for a ledger on several machines. A record that was read is never enough to give a player
back: the claim of a router that is dead may still be under way, and land later. Who is found frozen
or waived is *claimed* for its source, and then no other claim on what was before can land. And a
record with a lower epoch than the server's own is an old answer, or one of a ledger that was put
back: it makes no server let go, but has the ledger told, by compare-and-set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from clientmigration.core.player.ledger import Record


class Reported(Protocol):
    """What a server says of one of its players: its own epoch, the state of the player's session,
    the migration that the player is part of, the one that its target has waived ("" none), and how
    long ago the player was heard there (None: never)."""

    @property
    def epoch(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def migration(self) -> str: ...
    @property
    def waived(self) -> str: ...
    @property
    def heard_s(self) -> float | None: ...


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
    """Whatever became of this migration, the player is the server's again, at this epoch."""

    migration: str
    epoch: int


@dataclass(frozen=True)
class GiveBack:
    """Claim the player for the server in the ledger, which makes it this epoch: then this migration
    is over, and the server keeps the player. If the claim loses, judge by who has won."""

    migration: str
    epoch: int


@dataclass(frozen=True)
class Begin:
    """The claim of this migration was made, and its target `member` has the player's connection and
    waits: it owns the player. To be said only if the ledger is sure."""

    member: str


@dataclass(frozen=True)
class Mend:
    """The ledger says less than the server knows: have it know this epoch, unless it has only
    answered with something old. Then judge again."""

    epoch: int


@dataclass(frozen=True)
class LookAgain:
    """Whether the server knows yet what the ledger says, its next roster tells."""


class Tended(Protocol):
    """What a server that has several routers says beside: which `router` has ordered the player's
    migration, over a link that is there ("": none), and for how many seconds the player has stood
    still, or its migration has had no router."""

    @property
    def router(self) -> str: ...
    @property
    def since_s(self) -> float: ...


ADOPT_S = 0.5
"""Who has stood still for so long is adopted, whoever moves it: its router may be frozen itself."""
ORPHAN_S = 1.0
"""A migration that has lost its router is called off at its target after so long: by then its
source has been heard, which is frozen perhaps."""

Instruction = CallOff | LetGo | KeepOn | GiveBack | Begin | Mend | LookAgain


def reconciled(
    member: str, entry: Reported, record: Record, owner: Reported | None = None
) -> tuple[Instruction, ...]:
    """What to do, in this order, about a player that `member` has. `owner` is what the record's
    owner says of the player, if it is here."""
    if entry.state == "arriving":
        return _awaited(member, entry, record, owner)
    if record.epoch < entry.epoch:
        return (Mend(entry.epoch),)
    if record.migration in undone(entry):
        return _claimed(member, entry, record, owner)
    if (record.owner, record.epoch) != (member, entry.epoch):
        mine = record.owner == member  # but not what it owns since
        return (*_unwaived(entry), LetGo(entry.epoch if mine else record.epoch))
    if undone(entry):
        return (GiveBack(undone(entry)[0], record.epoch + 1),)
    return (CallOff(entry.migration),) if entry.migration else ()


def _awaited(
    member: str, entry: Reported, record: Record, owner: Reported | None
) -> tuple[Instruction, ...]:
    """About a player that may come to `member`. First its source is settled: until then the claim
    may still be made."""
    here = entry.heard_s is not None
    if here and (record.owner, record.migration) == (member, entry.migration):
        return (Begin(member),)
    if owner is not None and entry.migration in undone(owner):
        return ()
    return (CallOff(entry.migration),)


def _claimed(
    member: str, entry: Reported, record: Record, owner: Reported | None
) -> tuple[Instruction, ...]:
    """About a player whose move, of which only half was done here, is the latest in the ledger."""
    if record.owner == member:  # given back already, and the server has not heard so
        return (KeepOn(record.migration, record.epoch),)
    if record.migration == entry.waived or not record.owner:  # or called off, and nobody had it
        return (GiveBack(record.migration, record.epoch + 1),)
    begin = owner is not None and _waits(owner, record.migration)
    forward = (Begin(record.owner),) if begin else ()
    return (*forward, *_unwaived(entry), LetGo(record.epoch))


def _waits(target: Reported, migration: str) -> bool:
    here = target.heard_s is not None
    return here and (target.state, target.migration) == ("arriving", migration)


def _unwaived(entry: Reported) -> tuple[CallOff, ...]:
    return (CallOff(entry.waived),) if entry.waived else ()


def undone(entry: Reported) -> tuple[str, ...]:
    """The migrations away from there of which only half is done: whether the claim was or will be
    made only the ledger can say."""
    frozen = entry.migration if entry.state == "frozen" else ""
    return tuple(each for each in (frozen, entry.waived) if each)


def gives_back(member: str, entry: Reported, record: Record) -> bool:
    """Whether the record is not to be believed, because its owner has waived it, and `member` is
    about to have the player back."""
    return entry.waived == record.migration != "" and record.owner != member


def fenced_off(member: str, epoch: int, record: Record) -> tuple[Instruction, ...]:
    """What to do about a member whose checkpoint of a player, at this epoch, the ledger has
    refused. One that has the player at a later epoch may be about to hear so."""
    if record.epoch < epoch:
        return (Mend(epoch),)
    if record.owner == member:
        return (LookAgain(),) if record.epoch > epoch else ()
    return (LetGo(record.epoch),)


def anothers(entry: Reported, tended: Tended | None, router: str, primary: bool) -> bool:
    """Whether the router of this name leaves a player alone, for another sees to it. That is so as
    long as the one that began its migration is there; who stands still for too long is adopted all
    the same. What has lost its router is for the server's `primary`, and in the end for any."""
    if tended is None or tended.router == router:
        return False
    stands = bool(undone(entry))
    if tended.router:
        return not (stands and tended.since_s > ADOPT_S)
    return stands and not primary and tended.since_s <= ADOPT_S


def in_time(
    told: tuple[Instruction, ...],
    entry: Reported,
    tended: Tended | None,
    record: Record,
    owner: Reported | None,
) -> tuple[Instruction, ...]:
    """What of that may be said already, where several routers are. A target is not called off just
    because its router is gone: its source may be frozen. And a frozen source does not let go before
    its target is heard to play, unless that takes too long: the target tells it so itself."""
    if tended is None:
        return told
    if entry.state == "arriving" and not tended.router and tended.since_s < ORPHAN_S:
        return tuple(each for each in told if not isinstance(each, CallOff))
    claimed = entry.state == "frozen" and record.migration == entry.migration
    plays = owner is not None and begun(owner) and owner.epoch >= record.epoch
    if claimed and not plays and tended.since_s <= ADOPT_S:
        return tuple(each for each in told if not isinstance(each, LetGo))
    return told


def begun(entry: Reported) -> bool:
    """Whether the player plays there. Whom its ledger has, a router lists as one who plays, too,
    but as never heard: it may not know whether its member has begun."""
    return entry.state == "playing" and entry.heard_s is not None


def frozen_for(entry: Reported, record: Record) -> bool:
    """Whether the player stands still there for a move that the ledger has made."""
    return entry.state == "frozen" and entry.migration == record.migration != ""


def later_than_known(member: str, entry: Reported, record: Record) -> bool:
    """Whether a router below has a player of its own, at a later epoch than its ledger says: the
    player was moved further down, and only we were told. It is to know, and to keep the player."""
    mine = record.owner == member and not record.migration
    return mine and entry.state == "playing" and record.epoch > entry.epoch


def waits_for(entry: Reported) -> str:
    """The migration without whose end the player is stuck, or "": half of it is done, or it was
    waived and the ledger may not know."""
    return entry.migration if entry.state in ("arriving", "frozen") else entry.waived
