"""Who leaves for another part of the tree: the router above says how many, and here it is chosen.

The members of the highest pressure give (core/fleet/handing.py), and of a game server those who fit
best (core/fleet/choice.py). A member that is a router chooses itself. It is a decision of this
fleet too: what is believed of the members counts it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from clientmigration.core.fleet.choice import choose
from clientmigration.core.fleet.estimate import estimates
from clientmigration.core.fleet.flow import Flow, Word
from clientmigration.core.fleet.handing import giving
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.player.ledger import ABOVE, Record
from clientmigration.net.attachment import Attachment
from clientmigration.net.beats import Beats
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Entry
from clientmigration.wire.zones import Offer, Part

log = Logger()


@dataclass(frozen=True)
class PartingPorts:
    """`residents` answers who plays at some members, `read` the ledger's record of a player."""

    residents: Callable[[Container[str]], Sequence[Resident]]
    read: Callable[[str], Deferred[Record]]


class Parting:
    """Offers players over `attachment`."""

    def __init__(
        self,
        situation: Situation,
        members: AttachedMembers,
        attachment: Attachment | None,
        beats: Beats,
        ports: PartingPorts,
    ) -> None:
        self._situation, self._members, self._attachment = situation, members, attachment
        self._beats, self._ports = beats, ports

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
            self._ports.residents(shares), flows, policy, now, max(policy.budget, wish.players)
        )
        if not flows:
            return
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
            self._attachment.tell_all(offer)  # whoever has not asked for it does not heed it

    async def _one(self, wish: Part) -> None:
        """Whoever has this player offers it. One that came a moment ago is on no roster yet."""
        record = await self._ports.read(wish.player)
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
