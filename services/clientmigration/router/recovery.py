"""Compares the players that a member has with the ledger, and tells the member how things stand.

Check every entry of a link's first full roster against the ledger, later only stuck ones. What is
to be said is decided in core/player/reconcile.py. A player that is being moved is left alone: its
migration settles it. Without an answer of the ledger nothing is said; the next roster asks again.
NoEquals becomes an owner by what was read: that takes a claim, and who loses it hears who has won.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.reconcile import (
    Begin,
    CallOff,
    GiveBack,
    Instruction,
    KeepOn,
    LetGo,
    LookAgain,
    Mend,
    begun,
    fenced_off,
    frozen_for,
    gives_back,
    later_than_known,
    reconciled,
    undone,
    waits_for,
)
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.net.beats import Beats
from clientmigration.net.complaints import SparingLogger
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.move import MoveEnded
from clientmigration.wire.messages import (
    Cancel,
    Checkpoint,
    Entry,
    Left,
    Own,
    Release,
    Retain,
    Stored,
)

log = SparingLogger(__name__)


class UnderWay(Protocol):
    """The migrations that are being carried out."""

    def moving(self, player: str) -> bool:
        """Whether one of this player is."""

    def concerns(self, player: str, member: str) -> bool:
        """Whether a migration of this player from or to this member is under way."""

    def known(self, migration: str) -> bool:
        """Whether this one is."""

    def waived(self, migration: str, source: str) -> None:
        """Its source says that its target has waived the player: perhaps that cannot say so."""

    def player_left(self, player: str, source: str) -> None:
        """The player went home from there: a move away from there is over."""

    def turned_down(self, player: str, target: str) -> None:
        """The game there did not take the player in: a move to there is over."""


class OtherRouters(Protocol):
    """What there is of other routers on the same ledger."""

    def leaves(self, link: MemberLink, entry: Entry) -> bool:
        """Whether one of them sees to this player of a member."""

    def in_time(
        self,
        told: tuple[Instruction, ...],
        link: MemberLink,
        entry: Entry,
        record: Record,
        owner: Entry | None,
    ) -> tuple[Instruction, ...]:
        """What of that may be said to a member already."""


BEGUN_S = 3.0  # a router that is back has begun with a player by then: its servers are back, too


class NoEquals:
    """There are no others."""

    def leaves(self, link: MemberLink, entry: Entry) -> bool:  # noqa: ARG002
        """There is nobody to leave it to."""
        return False

    def in_time(
        self,
        told: tuple[Instruction, ...],
        link: MemberLink,  # noqa: ARG002
        entry: Entry,  # noqa: ARG002
        record: Record,  # noqa: ARG002
        owner: Entry | None,  # noqa: ARG002
    ) -> tuple[Instruction, ...]:
        """There is nobody to wait for."""
        return told


class Superior(Protocol):
    """The router above this one, if there is one."""

    def undecided(self, record: Record, epoch: int) -> bool:
        """Whether only that one knows whose the player is that a member has at this epoch."""

    def awaited(self, entry: Entry) -> bool:
        """Whether only that one knows what becomes of a player for whom a member waits."""

    def taken_in(self, record: Record) -> None:
        """A member has a player whom the ledger did not know to be its own."""

    def freed(self, snapshot: Snapshot, refused: bool) -> None:
        """A player went home."""


class Highest:
    """There is none."""

    def awaited(self, entry: Entry) -> bool:  # noqa: ARG002
        """The ledger says it."""
        return False

    def undecided(self, record: Record, epoch: int) -> bool:  # noqa: ARG002
        """The ledger says it."""
        return False

    def taken_in(self, record: Record) -> None:
        """Nobody else has to know."""

    def freed(self, snapshot: Snapshot, refused: bool) -> None:
        """Nobody else has to know."""


async def none_below(_name: str) -> bool:
    """There is none."""
    return False


@dataclass(frozen=True)
class RoutersAround:
    """The routers beside this one, and the one above it; `below` answers whether a member that may
    be away is one, too."""

    equals: OtherRouters = field(default_factory=NoEquals)
    above: Superior = field(default_factory=Highest)
    below: Callable[[str], Coroutine[Deferred[Any], Any, bool]] = none_below


class Recovery:
    """Rosters, checkpoints and players that go home: whatever the ledger has to agree with.
    `refused` is told the player and the member whose game did not take it in; `others` are routers
    to whom something is left."""

    def __init__(
        self,
        members: AttachedMembers,
        moves: UnderWay,
        ledger: TimedLedger,
        beats: Beats,
        refused: Callable[[str, str], None] = lambda _player, _member: None,
        others: RoutersAround | None = None,
    ) -> None:
        self._members, self._moves, self._ledger, self._beats = members, moves, ledger, beats
        self._refused, others = refused, others or RoutersAround()
        self._equals, self._above, self._is_router = others.equals, others.above, others.below
        self._unjudged: WeakKeyDictionary[MemberLink, set[str]] = WeakKeyDictionary()
        """Players of a link's first full roster about whom the ledger has not answered yet, and
        whoever was kept from being judged since."""
        self._below: WeakKeyDictionary[MemberLink, dict[str, Entry]] = WeakKeyDictionary()
        """The same of a router: all that it lists, for it lists only who is to be looked at."""
        self._came: WeakKeyDictionary[MemberLink, float] = WeakKeyDictionary()
        """When a router below has listed anybody first (seconds of the clock)."""

    # Rosters.

    def listed(self, link: MemberLink) -> None:
        """The link has a new roster."""
        if link.role == "router":
            self._listed_below(link)
            return
        listed = link.everything()
        unjudged = self._unjudged.setdefault(link, set(listed))
        unjudged.intersection_update(listed)
        for entry in listed.values():
            if entry.waived:
                self._moves.waived(entry.waived, link.name)
            if self._equals.leaves(link, entry):
                continue
            if entry.player in unjudged or self._stuck(entry):
                self._settle(link, entry)

    def _listed_below(self, link: MemberLink) -> None:
        self._came.setdefault(link, link.listed_at)
        waiting = self._below.setdefault(link, {})
        waiting.update(link.roster)
        for player, entry in list(waiting.items()):
            if self._equals.leaves(link, entry):
                continue
            if self._moves.known(entry.migration) or self._moves.concerns(player, link.name):
                del waiting[player]  # it is listed again, if that is still so afterwards
            else:
                self._settle(link, entry)

    def ended(self, ended: MoveEnded) -> None:
        """A move is over: whom it kept from being judged is judged now, and if it was waived, its
        source has waited for that."""
        player = ended.terms.player
        for link in self._members.links(ended.terms.source):
            entry = link.entry(player)
            if entry is None:
                continue
            kept = player in self._unjudged.get(link, ()) and not self._equals.leaves(link, entry)
            if kept or entry.waived == ended.terms.id:
                self._settle(link, entry)

    def waived(self, record: Record) -> bool:
        """Whether another member than the owner is about to have the player back."""
        listed = ((link.name, link.entry(record.player)) for link in self._members.links())
        return any(entry and gives_back(name, entry, record) for name, entry in listed)

    def _stuck(self, entry: Entry) -> bool:
        waits = waits_for(entry)
        return bool(waits) and not self._moves.known(waits)

    def _settle(self, link: MemberLink, entry: Entry) -> None:
        if self._moves.concerns(entry.player, link.name):
            self._unjudged.setdefault(link, set()).add(entry.player)
        else:
            self._beats.spawn("settling a player", self._reconcile(link, entry))

    async def _reconcile(self, link: MemberLink, entry: Entry) -> None:
        try:
            record = await self._ledger.read(entry.player)
        except Exception as error:
            log.warn("no ledger: {why}", why=str(error))
            return
        self._below.get(link, {}).pop(entry.player, None)
        judged: Record | None = record
        while judged is not None:
            judged = await self._judge(link, entry, judged)

    async def _judge(self, link: MemberLink, entry: Entry, record: Record) -> Record | None:
        """Answers the record that it has to be judged by again, if it is another one by now."""
        if entry.state != "arriving" and self._above.undecided(record, entry.epoch):
            return None
        says = self._members.entry(record.owner, entry.player)
        told = self.judged(link.name, entry, record, says)
        if link.role == "router" and later_than_known(link.name, entry, record):
            told = (KeepOn("", record.epoch),)
        if self._moves.moving(entry.player) and not any(isinstance(each, LetGo) for each in told):
            return None  # a move between others may change that: the next roster asks again
        waits = told == (CallOff(entry.migration),) and entry.state == "arriving"
        if waits and self._above.awaited(entry):
            return None
        if frozen_for(entry, record) and await self._shows_on(link, entry, record.owner):
            told = tuple(Begin(record.owner) if isinstance(x, LetGo) else x for x in told)
        now = self._equals.in_time(told, link, entry, record, says)
        if now == told:
            self._unjudged.get(link, set()).discard(entry.player)
        told = now
        for each in told:
            newer = await self._follow(each, link, record)
            if newer is not None:
                return newer
        return None

    async def _shows_on(self, link: MemberLink, entry: Entry, name: str) -> bool:
        """Whether the source of a move that was made is to show the world on: its target is a
        router, which is away, or has just come back, or heard just now that it is to begin with the
        player."""
        owner = self._members.get(name)
        if owner is not None:
            came = max(self._came.get(owner, link.listed_at), owner.since)
            began = link.listed_at - came
            tended = link.shared.get(entry.player)
            stood_s = tended.since_s if tended is not None else BEGUN_S
            if len([*self._members.links(name)]) > 1:
                began = min(began, stood_s)
            listed = owner.roster.get(entry.player)
            waits = listed is not None and not (begun(listed) or undone(listed))
            silent = owner.listed_at < link.listed_at - stood_s  # since then: perhaps it is away
            return owner.role == "router" and (silent or waits or began < BEGUN_S)
        try:
            return await self._is_router(name)
        except Exception:  # the ledger is away
            return True

    def judged(
        self, member: str, entry: Entry, record: Record, owner: Entry | None
    ) -> tuple[Instruction, ...]:
        """What to do about a player that this member has."""
        return reconciled(member, entry, record, owner)

    async def _follow(
        self, instruction: Instruction, link: MemberLink, record: Record
    ) -> Record | None:
        """Answers the record if it is another one by now, and all has to be judged again: somebody
        was quicker, or it was old."""
        player = record.player
        match instruction:
            case CallOff(migration):
                reason = "router restarted"
                link.say(Cancel(migration=migration, player=player, reason=reason))
            case LetGo(epoch):
                link.say(Release(player=player, epoch=epoch))
            case KeepOn(migration, epoch):
                link.say(Retain(migration=migration, player=player, epoch=epoch))
            case GiveBack(migration, epoch):
                return await self._give_back(link, record, Retain(migration, player, epoch))
            case Begin(member):
                return await self._begin(member, record)
            case Mend(epoch):
                return await self._mend(link, record, epoch)
            case LookAgain():
                self._unjudged.setdefault(link, set()).add(player)
        return None

    async def _give_back(self, link: MemberLink, record: Record, retain: Retain) -> Record | None:
        try:
            made, now = await self._ledger.take(record, link.name, retain.migration, None)
        except Exception:  # done or not: the next roster asks again
            return None
        if not made:
            return now
        link.say(retain)
        return None

    async def _begin(self, member: str, record: Record) -> Record | None:
        """The member begins with the player; of equals whichever knows of it."""
        try:
            now = await self._ledger.confirm(record.player)
        except Exception:  # the next roster asks again
            return None
        stored = now.snapshot
        if now.claim != record.claim:
            return now
        if self._moves.moving(now.player):
            return None  # it has come to the door meanwhile, and is brought there anew
        if stored is not None:
            own = Own(
                migration=now.migration,
                player=now.player,
                epoch=now.epoch,
                holder=stored.holder,
                snapshot=stored,
                group=stored.group,
            )
            self._members.tell_all(member, own)
        return None

    async def _mend(self, link: MemberLink, record: Record, epoch: int) -> Record | None:
        try:
            made, now = await self._ledger.mend(record, link.name, epoch)
        except Exception:  # as above
            return None
        if made and record.owner != link.name:
            self._above.taken_in(now)
        if made:
            name = link.name
            log.warn("the ledger had lost {player} of {name}", player=now.player, name=name)
        return now

    # Checkpoints.

    def store(self, link: MemberLink, message: Checkpoint) -> None:
        """Into the ledger; what it refuses is somebody else's player, and is to be forgotten."""
        self._beats.spawn("a checkpoint", self._store(link, message))

    async def _store(self, link: MemberLink, message: Checkpoint) -> None:
        try:
            done = await self._ledger.checkpoint(link.name, message.snapshots)
        except Exception as error:  # it sends newer ones in a second
            log.warn("{name}'s players are not stored: {why}", name=link.name, why=str(error))
            return
        refused = [each for each, kept in zip(message.snapshots, done, strict=True) if not kept]
        link.say(Stored(n=message.n, refused=[each.player for each in refused]))
        self._fence(link, refused)

    def _fence(self, link: MemberLink, refused: Sequence[Snapshot]) -> None:
        for snapshot in refused:
            if not self._moves.concerns(snapshot.player, link.name):
                self._beats.spawn("fencing off a player", self._fence_off(link, snapshot))

    async def _fence_off(self, link: MemberLink, snapshot: Snapshot) -> None:
        try:
            record: Record | None = await self._ledger.read(snapshot.player)
        except Exception:  # its next checkpoint is refused, too
            return
        while record is not None:
            if self._above.undecided(record, snapshot.epoch):
                return
            judged, record = record, None
            for each in fenced_off(link.name, snapshot.epoch, judged):
                record = await self._follow(each, link, judged)

    # Players that go home.

    def free(self, link: MemberLink, message: Left) -> None:
        """Keep the player's last state, owned by nobody, and have its server forget it."""
        if message.refused:
            self._refused(message.snapshot.player, link.name)
            self._moves.turned_down(message.snapshot.player, link.name)
        self._beats.spawn("freeing a player", self._free(link, message))
        # Only now: who waits for the end of its move reads what has just been written.
        self._moves.player_left(message.snapshot.player, link.name)

    async def _free(self, link: MemberLink, message: Left) -> None:
        snapshot = message.snapshot
        try:
            made, record = await self._ledger.free(link.name, snapshot)
        except Exception:  # its server says so again in a moment
            return
        if made:
            self._above.freed(snapshot, message.refused)
        elif self._above.undecided(record, snapshot.epoch):
            return
        told = (LetGo(snapshot.epoch),) if made else fenced_off(link.name, snapshot.epoch, record)
        for each in told:
            if isinstance(each, LetGo):
                self._members.went_home(link, snapshot.player)
            await self._follow(each, link, record)
