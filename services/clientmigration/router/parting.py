"""Who leaves for another part of the tree: the router above says how many, and here it is chosen.

The members of the highest pressure give (core/fleet/handing.py), and of a game server those who fit
best (core/fleet/choice.py). A member that is a router chooses itself. It is a decision of this
fleet too: what is believed of the members counts it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Protocol

from msgspec import structs
from twisted.logger import Logger

from clientmigration.core.fleet.choice import Move, choose
from clientmigration.core.fleet.estimate import estimates
from clientmigration.core.fleet.flow import Flow, Word
from clientmigration.core.fleet.handing import giving
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.player.ledger import ABOVE
from clientmigration.net.attachment import Attachment
from clientmigration.net.beats import Beats
from clientmigration.net.ledger import TimedLedger
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Entry
from clientmigration.wire.zones import Offer, Part

log = Logger()


class RoundKeeper(Protocol):
    """Where rounds of decisions are kept."""

    def held(self, now: float, flows: Sequence[Flow], moves: Sequence[Move]) -> None:
        """A round is over."""


class Parting:
    """`residents` answers who plays at some members."""

    def __init__(
        self,
        situation: Situation,
        members: AttachedMembers,
        attachment: Attachment | None,
        residents: Callable[[Container[str]], Sequence[Resident]],
        decision_log: RoundKeeper,
        ledger: TimedLedger,
        beats: Beats,
    ) -> None:
        self._situation, self._members, self._attachment = situation, members, attachment
        self._residents, self._log = residents, decision_log
        self._ledger, self._beats = ledger, beats

    def part(self, wish: Part) -> None:
        """So many are wanted elsewhere, or this one."""
        if wish.player:
            self._beats.spawn("offering a player", self._one(wish))
            return
        fleet, policy, now = self._situation.fleet, self._situation.policy, self._situation.now()
        shares = giving(estimates(fleet, policy, now), wish.players)
        word: Word = "draining" if wish.drains else "high"
        flows = [
            Flow.of(name, ABOVE, n, word, f"the router above wants {n} players at {wish.target}")
            for name, n in shares.items()
        ]
        moves = choose(
            self._residents(shares), flows, policy, now, max(policy.budget, wish.players)
        )
        if not flows:
            return
        self._log.held(now, flows, moves)
        fleet.decided(flows, now)
        log.info("{n} players are wanted at {target}", n=wish.players, target=wish.target)
        for name, n in shares.items():
            link = self._members.get(name)
            if link is not None and link.role == "router":
                link.say(structs.replace(wish, target=ABOVE + wish.target, players=n))
        for move in moves:
            link = self._members.get(move.source)
            entry = link.roster.get(move.player) if link is not None else None
            if entry is not None:
                self._tell(Offer(entry, wish.target))

    def _tell(self, offer: Offer) -> None:
        if self._attachment is not None:
            self._attachment.tell(offer)

    async def _one(self, wish: Part) -> None:
        """Whoever has this player offers it. One that came a moment ago is on no roster yet."""
        record = await self._ledger.read(wish.player)
        link = self._members.get(record.owner)
        if link is None:
            return
        if link.role == "router":
            link.say(structs.replace(wish, target=ABOVE + wish.target))
            return
        last = record.snapshot
        x, y = (last.x, last.y) if last else (0.0, 0.0)
        entry = link.roster.get(wish.player) or Entry(
            wish.player, record.epoch, "playing", "", x, y
        )
        self._tell(Offer(structs.replace(entry, epoch=record.epoch), wish.target))

    def offered(self, link: MemberLink, offer: Offer) -> bool:
        """Hand up what was asked for above. Whether it was."""
        if not offer.target.startswith(ABOVE):
            return False
        self._members.offered(link, offer.player)
        self._tell(Offer(offer.player, offer.target.removeprefix(ABOVE)))
        return True
