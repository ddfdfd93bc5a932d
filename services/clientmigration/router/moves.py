"""The migrations under way, by id and by player, and those that wait for one to end.

At most one migration per player at a time. What has ended is told to the listeners once, and not
remembered here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import Outcome
from clientmigration.core.player.records import is_record
from clientmigration.router.attached import Gone, MemberLink
from clientmigration.router.move import (
    Arrive,
    MoveAnswer,
    MoveCarrier,
    MoveEnded,
    MoveTerms,
    MoveTools,
)
from clientmigration.wire.messages import Frozen


class Heeding(Protocol):
    """What may befall a migration from outside."""

    def player_left(self) -> None:
        """The player went home."""

    def source_lost(self) -> None:
        """The link to the source is gone."""

    def target_lost(self) -> None:
        """The link to the target is gone."""

    def turned_down(self) -> None:
        """The target's game did not take the player in."""


class Passing(Protocol):
    """A migration under way: one that we carry out, or our part of one of a router above."""

    terms: MoveTerms

    @property
    def machine(self) -> Heeding: ...

    def hear(self, member: str, answer: MoveAnswer) -> None:
        """A member says something about it."""


OnBegun = Callable[[MoveTerms], None]
OnEnded = Callable[[MoveEnded], None]


class Moves:
    """Begins migrations, each carried out by a `carrier`, and hands on what is said about them.
    `begun`, `frozen` and `ended` are told of players that play somewhere, not of newcomers."""

    def __init__(
        self,
        tools: MoveTools,
        entropy: Callable[[int], bytes],
        begun: OnBegun,
        frozen: OnBegun,
        ended: Sequence[OnEnded],
        carrier: type[MoveCarrier] = MoveCarrier,
    ) -> None:
        self._tools, self._entropy, self._carrier = tools, entropy, carrier
        self._begun, self._frozen, self._ended = begun, frozen, ended
        self.by_id: dict[str, Passing] = {}
        self.by_player: dict[str, Passing] = {}
        self._waiters: dict[str, list[Deferred[None]]] = defaultdict(list)

    # What there is.

    def moving(self, player: str) -> bool:
        """Whether a migration of this player is under way."""
        return player in self.by_player

    def bound_for(self, player: str) -> str | None:
        """To which member this player is being moved; None: it is not."""
        move = self.by_player.get(player)
        return None if move is None else move.terms.target

    def concerns(self, player: str, member: str) -> bool:
        """Whether a migration of this player from or to this member is under way."""
        move = self.by_player.get(player)
        return move is not None and member in (move.terms.source, move.terms.target)

    def known(self, migration: str) -> bool:
        """Whether this migration is under way."""
        return migration in self.by_id

    def count(self) -> int:
        """How many players are being moved, newcomers left out."""
        return sum(
            bool(move.terms.source) and not is_record(move.terms.player)
            for move in self.by_id.values()
        )

    def idle(self, player: str) -> Deferred[None]:
        """Fires when no migration of this player is under way."""
        waiter: Deferred[None] = Deferred()
        if player in self.by_player:
            self._waiters[player].append(waiter)
        else:
            waiter.callback(None)
        return waiter

    # How one begins.

    async def start(
        self, player: str, source: str, target: str, why: str = "it was ordered"
    ) -> MoveEnded | None:
        """Move a player, unless it is on the move already, somebody else's, or its server is away
        or has gone on with it without a router: then a move would only be in the way (None). Nor
        to another game, or to one that can not read what the player's server stores."""
        link, there = (self._tools.members.get(each) for each in (source, target))
        entry = link and self._tools.members.entry(source, player)
        if player in self.by_player or link is None or (entry and entry.waived):
            return None
        if there is not None and not there.release.takes(link.release, emptied=True):
            return None
        record = await self._tools.ledger.read(player)
        if record.owner == source and entry and link.role == "router":
            record = await self._raised(record, entry.epoch)
        if player in self.by_player or record.owner != source:
            return None
        stored = record.snapshot
        terms = MoveTerms(
            id=self._entropy(8).hex(),
            record=record,
            source=source,
            target=target,
            holder=stored.holder if stored else "",
            group=stored.group if stored else "",
            started=self._tools.now(),
            link=self._tools.members.get(target),
            giver=self._tools.members.get(source),
            why=why,
        )
        self._begun(terms)
        return await self._carry(terms)

    async def _raised(self, record: Record, epoch: int) -> Record:
        """The record at the epoch that the player has below a router: moves within that are not
        ours to know."""
        if record.epoch >= epoch:
            return record
        return (await self._tools.ledger.mend(record, record.owner, epoch)).record

    async def place(
        self, record: Record, target: str, holder: str, group: str, arrive: Arrive
    ) -> MoveEnded:
        """Bring a newcomer to a member. It is refused while another migration of it is under way:
        another visit of the same player was quicker."""
        members, now, stored = self._tools.members, self._tools.now(), record.snapshot
        terms = MoveTerms(
            id=self._entropy(8).hex(),
            record=record,
            source="",
            target=target,
            holder=holder or (stored.holder if stored else ""),
            group=group,
            started=now,
            link=members.get(target),
            orphaned=record.owner not in members,
            arrive=arrive,
        )
        if record.player in self.by_player:
            return MoveEnded(terms, Outcome.REFUSED, "it is being moved already", now)
        return await self._carry(terms)

    def _carry(self, terms: MoveTerms) -> Deferred[MoveEnded]:
        move = self._carrier(terms, self._tools, self._over)
        self.by_id[terms.id] = self.by_player[terms.player] = move
        if terms.source:
            move.machine.move()
        else:
            move.machine.admit()
        return move.finished

    # Those of a router above us, in which a member of ours has a part.

    def enter(self, passage: Passing) -> None:
        """One begins: the player is on the move."""
        self.by_id[passage.terms.id] = self.by_player[passage.terms.player] = passage

    def leave(self, passage: Passing) -> None:
        """It is over for us."""
        if self.by_id.pop(passage.terms.id, None) is passage:
            self.by_player.pop(passage.terms.player, None)
            self._wake(passage.terms.player)

    # What happens to it.

    def answer(self, member: str, answer: MoveAnswer) -> None:
        """A member says something about a migration. What comes after its end is not heard."""
        move = self.by_id.get(answer.migration)
        if move is not None:
            move.hear(member, answer)
            ours = isinstance(move, MoveCarrier)
            if ours and isinstance(answer, Frozen) and self.known(answer.migration):
                self._frozen(move.terms)

    def player_left(self, player: str, source: str) -> None:
        """The player went home from there: a move away from there is over."""
        move = self.by_player.get(player)
        if move is not None and move.terms.source == source:
            move.machine.player_left()

    def newcomer_left(self, player: str) -> None:
        """A newcomer that is being placed has gone: before the claim that is over."""
        self.player_left(player, "")

    def turned_down(self, player: str, target: str) -> None:
        """The game there did not take the player in: a move to there is over."""
        move = self.by_player.get(player)
        if move is not None and move.terms.target == target:
            move.machine.turned_down()

    def waived(self, migration: str, source: str) -> None:
        """The source says that the target has waived the player, whose own word is on its way, or
        will not come: the line to it may be broken."""
        move = self.by_id.get(migration)
        if isinstance(move, MoveCarrier) and move.terms.source == source:
            move.machine.target_lost()

    def member_left(self, gone: Gone) -> None:
        """The link to a member is gone: every migration that it is part of hears so."""
        for move in list(self.by_id.values()):
            if move.terms.source == gone.member.name:
                move.machine.source_lost()
            if move.terms.target == gone.member.name:
                move.machine.target_lost()

    def link_lost(self, link: MemberLink) -> None:
        """This link to a member is gone, and another is there: what began over it hears so."""
        for move in list(self.by_id.values()):
            if move.terms.giver is link:
                move.machine.source_lost()
            if move.terms.link is link:
                move.machine.target_lost()

    def _over(self, ended: MoveEnded) -> None:
        """One ended: tell it, and let those go on that waited for it."""
        terms = ended.terms
        del self.by_id[terms.id], self.by_player[terms.player]
        if terms.source:
            for told in self._ended:
                told(ended)
        self._wake(terms.player)

    def _wake(self, player: str) -> None:
        for waiter in self._waiters.pop(player, []):
            waiter.callback(None)
