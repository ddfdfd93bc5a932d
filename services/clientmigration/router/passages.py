"""Passages: our part of the migrations of the router above, carried out by a member of ours.

To the router above we are the member. What it orders goes on to whichever member has the player, or
is to have it, and the answers go back; that member may be a router itself. Our own ledger is kept
in step: *before* the final state goes up the player is nobody's here but the one above's (`ABOVE`),
so that after any crash of ours the word of the one above decides; and a member hears `own` only
when our ledger has it. Nothing is decided here but which member takes a player.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
from msgspec import UNSET
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from clientmigration.core.player.ledger import ABOVE, Record
from clientmigration.core.player.session import BUSY
from clientmigration.net.beats import Beats
from clientmigration.net.complaints import SparingLogger
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.appeals import Appeals
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.move import MoveTerms
from clientmigration.router.moves import Passing
from clientmigration.router.relay import NOBODY, Orderer, Relay
from clientmigration.router.turns import Turns
from clientmigration.wire import messages as m
from clientmigration.wire import zones as z
from clientmigration.wire.shared import About, Shared

log = SparingLogger(__name__)

KEPT_S = 20.0  # a part in a migration of which nothing more is heard is over
AGAIN_S = 0.5  # before a ledger is asked again that did not answer
TRIES = 40


class Registry(Protocol):
    """The migrations under way here, whoever carries them out."""

    def moving(self, player: str) -> bool:
        """Whether one of this player is."""

    def enter(self, passage: Passing) -> None:
        """One begins."""

    def leave(self, passage: Passing) -> None:
        """It is over."""


@dataclass(frozen=True)
class PassageTools:
    """What passages are carried out with. `home` answers a player's record with nothing under way;
    `find` a member for a player of whom that record and more are known, "" if there is none; `now`
    the date; `address_of` where players reach a member; `may_have` whether a router below may know
    a player of whom we know nothing."""

    clock: IReactorTime
    members: AttachedMembers
    ledger: TimedLedger
    moves: Registry
    home: Callable[[str], Coroutine[Deferred[Any], Any, Record]]
    find: Callable[[Record, About], str]
    now: Callable[[], float]
    address_of: Callable[[str], str]
    may_have: Callable[[str], Coroutine[Deferred[Any], Any, bool]]


class Passages:
    """All of them. `draining`: nobody is taken in who was not here before."""

    def __init__(
        self,
        tools: PassageTools,
        beats: Beats,
        draining: Callable[[], bool],
    ) -> None:
        self._tools, self._beats, self._draining = tools, beats, draining
        self._turns = Turns()
        self.under_way: dict[str, Relay] = {}  # by migration
        self._appeals = Appeals()

    def obey(self, order: Any, asker: Orderer) -> bool:
        """One order. Whether it was about a player."""
        match order:
            case m.Reserve():
                work, player = self._reserve(order, asker), order.player
            case m.Copy():
                work, player = self._copy(order, asker), order.player
            case m.Prepare():
                work, player = self._on(order), order.snapshot.player
            case m.Direct() | m.Freeze():
                work, player = self._on(order), order.player
            case m.Own():
                work, player = self._own(order), order.player
            case m.Cancel():
                work, player = self._cancel(order), order.player
            case m.Retain():
                work, player = self._retain(order), order.player
            case m.Release():
                work, player = self._release(order), order.player
            case z.Inquire():
                work, player = self._inquire(order, asker), order.player
            case _:
                return False
        self._beats.spawn("an order from above", self._turns.run(player, work))
        return True

    async def _inquire(self, order: z.Inquire, asker: Orderer) -> None:
        """Say whether we know this player. If so, the one above hears how things stand."""
        record = await self._tools.ledger.confirm(order.player)
        have = record.epoch > 0 or await self._tools.may_have(order.player)
        asker.say(z.Inquired(order.n, have))
        if record.epoch > 0 and record.owner != ABOVE:
            self.appeal(record, "playing")

    # They begin.

    async def _reserve(self, order: m.Reserve, asker: Orderer) -> None:
        tools, player, asked = self._tools, order.player, self._tools.clock.seconds()
        decline = lambda why: asker.say(m.Declined(order.migration, player, why))  # noqa: E731
        if self._is_anothers(player, asker):
            return decline(BUSY)  # to wait for the end of that would keep its next order waiting
        try:
            record = await tools.home(player)
        except Exception as error:
            log.warn("no ledger: {why}", why=str(error))
            return decline("the ledger is away")
        if asker.over or tools.clock.seconds() - asked > order.ttl_s:
            return None
        if tools.moves.moving(player):
            return decline(BUSY)
        about = About() if order.about is UNSET else order.about
        home = record.owner if record.owner in tools.members else ""
        full = not home and self._draining()
        target = home or ("" if full else tools.find(record, about))
        link = tools.members.get(target)
        if link is None:
            self._let_go(record, asker)
            return decline("draining" if full else "full")
        epoch = max(order.epoch, record.epoch + (record.owner != target))
        terms = self._terms(order.migration, record, "", link, about.group)
        address = tools.address_of(target)
        self._enter(
            Relay(terms, asker, link, epoch, self._surrender, self._over, self._astray, address)
        )
        told = msgspec.structs.replace(order, epoch=epoch)
        if link.role != "router":
            told = msgspec.structs.replace(told, about=UNSET)
        return link.say(told)

    def _is_anothers(self, player: str, asker: Orderer) -> bool:
        """Whether an equal of this router above has begun to move the player, and is there."""
        return any(
            each.terms.player == player
            and each.own is None
            and each.asker is not asker
            and not each.asker.over
            for each in self.under_way.values()
        )

    def _let_go(self, record: Record, asker: Orderer) -> None:
        """There is no room for a player whose last state only we have: others are to have it."""
        if record.owner != ABOVE and record.snapshot is not None:
            asker.say(m.Left(record.snapshot))

    async def _copy(self, order: m.Copy, asker: Orderer) -> None:
        tools, player = self._tools, order.player
        decline = lambda why: asker.say(m.Declined(order.migration, player, why))  # noqa: E731
        try:
            record = await tools.ledger.read(player)
        except Exception:
            return decline("the ledger is away")
        link = tools.members.get(record.owner)
        if link is None:
            return decline("not here")
        if tools.moves.moving(player):
            return decline(BUSY)
        terms = self._terms(order.migration, record, link.name, None, "")
        self._enter(
            Relay(terms, asker, link, record.epoch, self._surrender, self._over, self._astray)
        )
        return link.say(order)

    def _terms(
        self, migration: str, record: Record, source: str, target: MemberLink | None, group: str
    ) -> MoveTerms:
        return MoveTerms(
            id=migration,
            record=record,
            source=source,
            target=target.name if target is not None else ABOVE,
            holder="",
            group=group,
            started=self._tools.now(),
            link=target,
            giver=self._tools.members.get(source),
        )

    def _enter(self, passage: Relay) -> None:
        passage.heard_at = self._tools.clock.seconds()
        self.under_way[passage.terms.id] = passage
        self._tools.moves.enter(passage)

    def _over(self, passage: Relay) -> None:
        if self.under_way.get(passage.terms.id) is passage:
            del self.under_way[passage.terms.id]
        self._tools.moves.leave(passage)

    # They go on.

    async def _on(self, order: m.Prepare | m.Direct | m.Freeze) -> None:
        """To whom it concerns; of what is over nobody needs to hear."""
        passage = self.under_way.get(order.migration)
        if passage is not None and self._tools.members.still(passage.link):
            passage.heard_at = self._tools.clock.seconds()
            passage.link.say(order)

    def _surrender(self, passage: Relay, frozen: m.Frozen) -> None:
        player = passage.terms.player
        passage.frozen_at = self._tools.clock.seconds()
        work = self._turns.run(player, self._give_up(passage, frozen))
        self._beats.spawn("giving a player up", work)

    async def _give_up(self, passage: Relay, frozen: m.Frozen) -> None:
        """From here on only the one above knows whose the player is, whatever becomes of us."""
        terms, final = passage.terms, frozen.snapshot
        if self.under_way.get(terms.id) is not passage:
            return
        epoch = max(terms.record.epoch, final.epoch)
        record = await self._hand(terms.record, ABOVE, epoch, terms.id, final)
        if record.owner == ABOVE:
            passage.asker.say(frozen)
        else:
            passage.asker.say(m.Declined(terms.id, terms.player, "the ledger has another owner"))

    async def _own(self, order: m.Own) -> None:
        passage = self.under_way.get(order.migration) or await self._known_again(order)
        if passage is None:
            await self._repeat(order)
            return
        terms, link = passage.terms, passage.link
        record = terms.record
        if not (passage.plays and record.owner == link.name):
            epoch = max(passage.epoch, order.epoch)
            if record.owner == link.name and record.migration != terms.id:  # it has lost the player
                epoch = max(epoch, record.epoch + 1)
            record = await self._hand(record, link.name, epoch, terms.id, order.snapshot)
            if (record.owner, record.migration) != (link.name, terms.id):
                log.warn("{player} is {owner}'s", player=terms.player, owner=record.owner)
                return
        told = msgspec.structs.replace(order, epoch=record.epoch, snapshot=record.snapshot)
        lost = not self._tools.members.still(link)
        if passage.own is not None or lost:  # an equal may be there
            self._tools.members.tell_all(link.name, told)
        else:
            link.say(told)
        if passage.own is None and lost:  # while our ledger was told
            self._appeals.wait(told, self._tools.clock.seconds())
        passage.own = told

    def _astray(self, told: m.Own) -> None:
        """Its equals hear it now, and once more when the one above says it again: by then they know
        who waits at their members."""
        self._beats.spawn("telling it again", self._turns.run(told.player, self._repeat(told)))
        self._appeals.wait(told, self._tools.clock.seconds())

    async def _repeat(self, order: m.Own) -> None:
        """A router below that has it may not have heard so: the one that was told is gone. Whom
        nobody here waits for, or has who is here, is waited for: they may be about to attach."""
        record, members = await self._tools.ledger.confirm(order.player), self._tools.members
        link = members.get(record.owner)
        if link is not None and link.role == "router" and record.migration == order.migration:
            told = msgspec.structs.replace(order, epoch=record.epoch, snapshot=record.snapshot)
            members.tell_all(link.name, told)
        elif record.epoch < order.epoch or (link is None and record.migration == order.migration):
            self._appeals.wait(order, self._tools.clock.seconds())

    async def _known_again(self, order: m.Own) -> Relay | None:
        """The member that waits for the player, if we have forgotten about it meanwhile."""
        for link in self._tools.members.links():
            entry = link.roster.get(order.player)
            if entry and (entry.state, entry.migration) == ("arriving", order.migration):
                record = await self._tools.ledger.confirm(order.player)
                begun = record.migration == order.migration and record.owner == link.name
                if not begun and self._is_past(order, record):
                    return None
                terms = self._terms(order.migration, record, "", link, order.group)
                epoch = record.epoch if begun else max(order.epoch, record.epoch + 1)
                there = (record.owner, record.epoch) == (link.name, order.epoch)
                return Relay(
                    terms, NOBODY, link, epoch, self._surrender, self._over, self._astray,
                    plays=there and not begun,  # it has only come by another door
                )  # fmt: skip
        return None

    def _is_past(self, order: m.Own, record: Record) -> bool:
        """Whether this is an old word: an equal of ours has done it and it is over, or the player
        has been given up since."""
        if record.owner == ABOVE:
            return record.epoch >= order.epoch
        return record.owner in self._tools.members and record.epoch > order.epoch

    # They end.

    async def _cancel(self, order: m.Cancel) -> None:
        passage = self.under_way.get(order.migration)
        record = await self._tools.ledger.confirm(order.player)
        if (record.owner, record.migration) == (ABOVE, order.migration):
            await self._give_back(record, order.migration, record.epoch + 1, passage)
        elif passage is not None:
            self._say(passage, passage.link.name, order)
        elif record.migration != order.migration:
            self._tell_those_who_have(order.player, order)
        else:  # an equal of ours has ended it: who waits in vain has not heard so
            self._tell_those_who_wait(order, record.owner)
        self._finish(order.player, passage)
        ours = record.owner not in ("", ABOVE)
        if passage is None and ours:  # which what was asked hid, where all is said once
            self.appeal(record, "playing")

    async def _retain(self, order: m.Retain) -> None:
        passage = self.under_way.get(order.migration)
        record = await self._tools.ledger.confirm(order.player)
        if record.owner == ABOVE and self._old(order, record):
            self.appeal(record, "frozen")
            return
        if record.owner == ABOVE:
            epoch = max(order.epoch, record.epoch + 1)
            await self._give_back(record, order.migration, epoch, passage)
        elif record.owner:
            now = record
            if order.epoch > record.epoch:
                now = await self._hand(record, record.owner, order.epoch, order.migration)
            told = msgspec.structs.replace(order, epoch=now.epoch)
            self._say(passage, now.owner, told)
        self._finish(order.player, passage)

    def _old(self, order: m.Retain, record: Record) -> bool:
        """Whether the player has been given up in another migration since, by an equal of ours."""
        return order.migration != record.migration and order.epoch <= record.epoch

    async def _give_back(
        self, record: Record, migration: str, epoch: int, passage: Relay | None
    ) -> None:
        """The player is ours after all: of the member that holds it, or of nobody."""
        member = passage.link.name if passage else next(self._holding(record.player, migration), "")
        now = await self._hand(record, member, epoch, migration)
        if now.owner == member != "":
            retain = m.Retain(migration=migration, player=record.player, epoch=now.epoch)
            self._say(passage, member, retain)

    def _say(self, passage: Relay | None, name: str, order: m.Cancel | m.Retain) -> None:
        """To a member: of equals to the one that has a part in this."""
        members = self._tools.members
        if passage is not None and passage.link.name == name and members.still(passage.link):
            passage.link.say(order)
        else:
            members.tell(name, order)

    async def _release(self, order: m.Release) -> None:
        player = order.player
        passages = [each for each in self.under_way.values() if each.terms.player == player]
        passage = next((each for each in passages if each.leaves), None)
        record = await self._tools.ledger.confirm(player)
        if record.epoch <= order.epoch:  # and the migration in which it was given up is over
            record = await self._hand(record, ABOVE, order.epoch, "")
        if record.owner != ABOVE and record.epoch == order.epoch:  # an equal of ours was quicker
            record = await self._hand(record, ABOVE, order.epoch, "")
        if record.epoch > order.epoch:  # an old word: the one above is to hear how things stand
            self.appeal(record, "playing" if record.owner != ABOVE else "frozen")
            return
        told = msgspec.structs.replace(order, epoch=record.epoch)
        self._tell_those_who_have(player, told, passage)
        self._finish(player, passage)

    def _finish(self, player: str, passage: Relay | None) -> None:
        self._appeals.over(player)
        if passage is not None:
            self._over(passage)

    def _holding(self, player: str, migration: str) -> Iterator[str]:
        """The members at which the player waits for the end of this."""
        for link in self._tools.members.links():
            entry = link.roster.get(player)
            if entry is not None and migration in (entry.migration, entry.waived):
                yield link.name

    def _tell_those_who_have(
        self, player: str, order: m.Cancel | m.Release, passage: Relay | None = None
    ) -> None:
        first = passage.link.name if passage is not None else ""
        links = [*self._tools.members.links()]
        have = [each for each in links if each.name == first or player in each.roster]
        if not have and isinstance(order, m.Cancel):  # a router lists once whom it asks about
            have = [each for each in links if each.role == "router"]
        for link in have:
            link.say(order)

    def _tell_those_who_wait(self, order: m.Cancel, owner: str) -> None:
        """The owner, too, if the player never came there."""
        for link in self._tools.members.links():
            entry = link.roster.get(order.player)
            if entry is None or (entry.state, entry.migration) != ("arriving", order.migration):
                continue
            if link.name != owner or entry.heard_s is None:
                link.say(order)

    async def _hand(
        self,
        record: Record,
        owner: str,
        epoch: int,
        migration: str,
        snapshot: Any = None,
    ) -> Record:
        """Have our ledger say so, however often that takes. What is later there stays, and so does
        whom an equal of ours has brought to another member, or given up, meanwhile."""
        for _ in range(TRIES):
            try:
                made, now = await self._tools.ledger.hand(record, owner, epoch, migration, snapshot)
            except Exception as error:
                log.warn("the ledger does not answer: {error}", error=str(error))
                await deferLater(self._tools.clock, AGAIN_S)
                continue
            if made or now.epoch > epoch or now.claim == (owner, epoch, migration):
                return now
            given_up = now.owner == ABOVE and now.migration not in (record.migration, migration)
            if now.epoch == epoch and (given_up or now.owner not in (record.owner, owner)):
                return now
            record = now
        return record

    # What is looked at now and then.

    def appeal(self, record: Record, state: str) -> None:
        """Only the one above knows how this ends: it is asked with our next roster."""
        self._appeals.about(record, state, self._tools.clock.seconds())

    def awaited(self, entry: m.Entry) -> None:
        """A member waits for this player in a migration of which we know nothing: we may have died
        since, and the one above may have given the player to us."""
        self._appeals.ask(entry)

    def entries(self) -> list[m.Entry]:
        """What the one above is to see of players: of all others it knows enough."""
        listed = {
            each.terms.player: m.Entry(
                player=each.terms.player,
                epoch=each.terms.record.epoch,
                state="arriving" if not each.leaves else "frozen" if each.frozen else "playing",
                migration=each.terms.id,
                x=0.0,
                y=0.0,
                heard_s=0.0 if each.arrived or each.leaves else None,
            )
            for each in self.under_way.values()
            if each.own is None
        }
        return list({**self._appeals.take(), **listed}.values())

    def shared(self, name_of: Callable[[object], str]) -> dict[str, Shared]:
        """What equal routers above have to know of them beside; `name_of` says what the one at the
        other end of a link is called."""
        return self._appeals.stand(self._tools.clock.seconds()) | {
            each.terms.player: self._tended(each, name_of(each.asker))
            for each in self.under_way.values()
            if each.own is None
        }

    def _tended(self, passage: Relay, router: str) -> Shared:
        now = self._tools.clock.seconds()
        since = passage.frozen_at if passage.frozen else now if router else passage.heard_at
        return Shared(router, round(min(now - since, 1e9), 3))

    def alone(self) -> None:
        """A link upward is gone: what is only prepared of what was ordered over it is over, and
        plays on here."""
        for each in list(self.under_way.values()):
            if each.asker.over and each.leaves and not each.frozen:
                reason = "the router above is gone"
                each.link.say(m.Cancel(each.terms.id, each.terms.player, reason))
                self._over(each)

    def sweep(self) -> None:
        """Forget what is long over."""
        now = self._tools.clock.seconds()
        for each in list(self.under_way.values()):
            if now - each.heard_at > KEPT_S:
                self._over(each)
        self._appeals.sweep(now)
