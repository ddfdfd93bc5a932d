"""What a router says of its fleet to the one above: a member like any other, with a tree below it.

Once a second the same datapoints that carbon gets, of the whole fleet; who crosses, now and then;
and once, when it attaches, everybody who is its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import UNSET
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from clientmigration.core.fleet.fleet import NOBODY
from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.naming import is_name
from clientmigration.core.measures.metrics import Datapoint
from clientmigration.core.player.ledger import ABOVE, Record
from clientmigration.net.attachment import Attachment
from clientmigration.net.beats import Beats
from clientmigration.net.ledger import LastingLedger
from clientmigration.router.passages import Passages
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Entry, Report, Roster
from clientmigration.wire.zones import Branch

log = Logger()

CUT = 500  # entries per message
AGAIN_S = 1.0  # before a ledger is asked again that did not answer
NOWHERE = "nowhere:1"
"""The address of a router no server of which can be pinged yet."""
TOLD = {*NOBODY.measures()} - {"pairs", "pairs_split"}  # who sees whom is our own affair


@dataclass(frozen=True)
class UpwardPorts:
    """`branch` answers what operators are shown of our members."""

    branch: Callable[[], Branch]
    clock: IReactorTime


class Upward:
    """Speaks over `attachment`."""

    def __init__(
        self,
        attachment: Attachment,
        situation: Situation,
        ledger: LastingLedger,
        passages: Passages,
        beats: Beats,
        ports: UpwardPorts,
    ) -> None:
        self._attachment, self._situation, self._ledger = attachment, situation, ledger
        self._passages, self._beats, self._ports = passages, beats, ports
        self._owned: dict[str, Entry] = {}  # everybody who is ours, until that has been said
        self._enrolling = 0  # how often that was begun; while it goes on no list is complete
        self._enrolled = 0

    def report(self, points: Sequence[Datapoint], deputy: bool) -> None:
        """Say how the fleet does: what carbon is told too, so that what is decided above can be
        decided again. A `deputy` has an equal that says it to carbon."""
        ours = self._attachment
        told: list[tuple[str, float, int]]
        told = [each for each in points if each[0].rpartition(".")[2] in TOLD]
        if not ours.lines or not told:
            return
        ours.advertise(self.address() or NOWHERE)
        ours.tell_all(Report(told, ours.routers or UNSET, ours.address, deputy or UNSET))
        ours.tell_all(self._ports.branch())

    def address(self) -> str:
        """Where players may ping one of our servers: the same one as long as that can be."""
        situation = self._situation
        now, policy = situation.now(), situation.policy
        open_ones = [each for each in situation.fleet.members() if _pinged(each)]
        fit = [each for each in open_ones if not each.closed(policy, now)]
        return next((each.address for each in (*fit, *open_ones)), "")

    def attached(self) -> None:
        """Say who is ours, whoever played here while there was nobody above."""
        self._owned = {}
        self._enrolling += 1
        self._beats.spawn("telling who is ours", self._enrol(self._enrolling))

    async def _enrol(self, which: int) -> None:
        try:
            await self._ledger.each(self._note)
        except Exception as error:
            log.warn("who is ours is not known: {why}", why=str(error))
            await deferLater(self._ports.clock, AGAIN_S)
            if which == self._enrolling:
                self.attached()
            return
        self._enrolled = max(self._enrolled, which)
        self.roster()

    def _note(self, record: Record) -> None:
        if record.owner not in ("", ABOVE) and not is_name(record.player):
            last = record.snapshot
            x, y = (last.x, last.y) if last else (0.0, 0.0)
            entry = Entry(record.player, record.epoch, "playing", "", x, y, heard_s=None)
            self._owned[record.player] = entry

    def roster(self) -> None:
        """Say who crosses, and about whom only the one above knows."""
        if not self._attachment.lines or self._enrolled < self._enrolling:
            return
        crossing = {each.player: each for each in self._passages.entries()}
        owned, self._owned = self._owned, {}
        entries = [*{**owned, **crossing}.values()]
        several = bool(self._attachment.routers)
        shared = self._passages.shared(self._attachment.router_of) if several else UNSET
        primary = self._attachment.primary if several else UNSET
        for start in range(0, max(1, len(entries)), CUT):
            last = start + CUT >= len(entries)
            part = entries[start : start + CUT]
            self._attachment.tell_all(Roster(part, last, shared if last else UNSET, primary))


def _pinged(member: Member) -> bool:
    return bool(member.address) and member.address != NOWHERE
