"""What there is because of a router above, put together: our place in a tree.

A router without one has these rooms, too, with nothing to do: nobody is above whom they could ask,
and everything is its own. What is for routers below is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from clientmigration.core.fleet import lineage
from clientmigration.core.measures.metrics import Datapoint
from clientmigration.core.player.ledger import Record
from clientmigration.errors import PeersFault
from clientmigration.net import uplink as uplinks
from clientmigration.net.attachment import Attachment
from clientmigration.net.beats import Beats
from clientmigration.net.ledger import TimedLedger
from clientmigration.net.line import Line
from clientmigration.net.uplink import Uplink
from clientmigration.net.worldclock import WorldClock
from clientmigration.router.above import Above, AboveNews
from clientmigration.router.attached import AttachedMembers
from clientmigration.router.outside import RouterOutside, RouterSettings
from clientmigration.router.parting import Parting, PartingPorts
from clientmigration.router.passages import Passages, PassageTools, Registry
from clientmigration.router.residents import Residents
from clientmigration.router.situation import Situation
from clientmigration.router.upward import NOWHERE, Upward, UpwardPorts
from clientmigration.wire.messages import Felt
from clientmigration.wire.shared import About
from clientmigration.wire.zones import Branch, Survey

log = Logger()

AGAIN_S = 0.5  # before a ledger is asked again that did not answer
ROSTER_S = 2.0  # how often the router above hears who crosses


@dataclass(frozen=True)
class StemTools:
    """What these rooms share with the others. `home` answers a player's record with nothing under
    way, `find` a member for one who comes from above, `may_have` whether a
    router below may have one of whom we know nothing, `branch` what operators are shown of ours,
    `bans` hears whom the one above puts out, `asked` what an operator there wants to know."""

    situation: Situation
    members: AttachedMembers
    ledger: TimedLedger
    moves: Registry
    beats: Beats
    world: WorldClock
    residents: Residents
    home: Callable[[str], Coroutine[Deferred[Any], Any, Record]]
    find: Callable[[Record, About], str]
    may_have: Callable[[str], Coroutine[Deferred[Any], Any, bool]]
    branch: Callable[[], Branch]
    bans: Callable[[Any], None]
    asked: Callable[[Survey, Line], None]
    above: type[Above]


class Stem:
    """The line upward, and those who speak and listen on it."""

    def __init__(self, outside: RouterOutside, settings: RouterSettings, tools: StemTools) -> None:
        self._outside, self._world, parents = outside, tools.world, settings.parents
        self._ledger, self._beats = tools.ledger, tools.beats
        self._life = outside.entropy(8).hex() if parents > 1 or settings.shared else ""
        self.attachment: Attachment | None = None
        if parents:
            self.attachment = Attachment(settings.zone_name, NOWHERE, "", life=self._life)
            if settings.shared:
                self.attachment.waits()
        members, attachment = tools.members, self.attachment
        passing = PassageTools(
            outside.clock,
            members,
            tools.ledger,
            tools.moves,
            tools.home,
            tools.find,
            tools.situation.now,
            tools.situation.fleet.address,
            tools.may_have,
        )
        self.passages = Passages(passing, tools.beats, lambda: self.above.draining)
        asked = PartingPorts(tools.residents.of, tools.ledger.read)
        self.parting = Parting(tools.situation, members, attachment, tools.beats, asked)
        self.upward: Upward | None = None
        if attachment is not None:
            self.upward = Upward(
                attachment,
                tools.situation,
                outside.ledger,
                self.passages,
                tools.beats,
                UpwardPorts(tools.branch, outside.clock),
            )
        self.above: Above = tools.above(
            outside.clock,
            attachment,
            self.passages,
            self.parting,
            lambda date: tools.world.heard(date, nobody_plays=not members),
            AboveNews(self._attached, self._list, tools.bans, tools.asked),
        )
        if self.upward is not None:
            tools.beats.every(ROSTER_S, "the list for the router above", self._list)

    def begin(self) -> None:
        """Equals of ours are to be known as such above."""
        if self.attachment is not None and not self.attachment.ready:
            self._beats.spawn("asking which zone this is", self._found(self.attachment))

    async def _found(self, attachment: Attachment) -> None:
        rules = [(lineage.KEY, lineage.founded(self._life, attachment.member))]
        while not attachment.ready:
            try:
                known = (await self._ledger.rule(rules))[0].record
            except Exception as error:
                log.warn("which zone this is the ledger does not say: {why}", why=str(error))
                await deferLater(self._outside.clock, AGAIN_S)
                continue
            if (name := lineage.name_in(known)) != attachment.member:
                log.error(
                    "the ledger is that of the zone {name}: nothing is attached to the router above"
                    " until this one is started with --zone-name {name}", name=name,
                )  # fmt: skip
                return
            attachment.lives(lineage.word_in(known))

    async def keep(self) -> None:
        """Have the ledger keep which zone this is."""
        await self._ledger.rule([(lineage.KEY, lineage.rewritten)])

    def report(self, points: Sequence[Datapoint], deputy: bool) -> None:
        """The one above hears how we do, as carbon does; or would, if no equal were the first."""
        if self.upward is not None:
            self.upward.report(points, deputy)

    def felt(self, felt: Felt) -> None:
        """The one above hears what a move cost that it may have made."""
        if self.attachment is not None:
            self.attachment.tell(felt)

    def _attached(self) -> None:
        if self.upward is not None:
            self.upward.attached()

    def keep_time(self) -> None:
        """Have the world's time from the router above, while that is there."""
        if self.above.there:
            self._world.follow()
        else:
            self._world.lead()

    def _list(self) -> None:
        self.passages.sweep()
        self.above.tell_gone()
        if self.upward is not None:
            self.upward.roster()

    def line(self, blame: Callable[[PeersFault], None]) -> Line:
        """A line to the router above."""
        assert self.attachment is not None
        outside = self._outside
        uplink = Uplink(self.attachment, outside.seals, outside.entropy, self.above, "router")
        return Line("router", uplinks.TERMS, uplink, outside.clock, blame)

    def leave(self) -> None:
        """Say goodbye to the router above: we stop."""
        if self.attachment is not None:
            self.attachment.leave()
