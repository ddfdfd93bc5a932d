"""Records that are no player's: has each where most of those are who want it, and only there.

It reads what members want and list, and asks for placements and moves like those of players; the
ledger decides. Nothing is remembered here but what rosters do not show yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from twisted.logger import Logger

from clientmigration.core.fleet.lodging import REST_S, better, lodging
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.migration import Outcome
from clientmigration.core.player.records import is_record
from clientmigration.net.beats import Beats
from clientmigration.router.attached import AttachedMembers
from clientmigration.router.homes import Homes, KnownElsewhere, nothing_meanwhile
from clientmigration.router.move import Arrive, MoveEnded
from clientmigration.router.situation import Situation
from clientmigration.wire.messages import Redirect

log = Logger()

LOOK_S = 0.25
AGAIN_S = 1.0  # after what did not work
SHOWN_S = 3.0  # a roster shows by then what has changed
AT_ONCE = 64  # records that are placed or moved at the same time


class RecordMover(Protocol):
    """Who carries out moves."""

    def moving(self, player: str) -> bool:
        """Whether this one is being moved or placed."""

    async def start(self, player: str, source: str, target: str, why: str) -> MoveEnded | None:
        """How the move ended; None if it could not be begun."""

    async def place(
        self, record: Record, target: str, holder: str, group: str, arrive: Arrive
    ) -> MoveEnded:
        """How that ended."""


class Records:
    """`refused` answers which members did not take a record lately."""

    def __init__(
        self,
        members: AttachedMembers,
        situation: Situation,
        homes: Homes,
        moves: RecordMover,
        beats: Beats,
        refused: Callable[[str], Collection[str]],
    ) -> None:
        self._members, self._situation, self._homes = members, situation, homes
        self._moves, self._beats, self._refused = moves, beats, refused
        self._tended: set[str] = set()  # about which something is under way
        self._came: dict[str, tuple[str, float]] = {}  # where to and when each came last
        self._later: dict[str, float] = {}  # when to try again

    def look(self) -> None:
        """Place or move those of which that is due."""
        wanted: dict[str, dict[str, int]] = defaultdict(dict)
        for name, link in self._members.items():
            for key, count in link.wanted.records.items():
                if is_record(key):
                    wanted[key][name] = count
        self._came = {key: came for key, came in self._came.items() if key in wanted}
        self._later = {key: at for key, at in self._later.items() if key in wanted}
        now, able = self._situation.now(), self._able()
        for key, by in wanted.items():
            if len(self._tended) >= AT_ONCE:
                return
            if key not in self._tended and now >= self._later.get(key, 0.0):
                self._tend(key, by, able, now)

    def owner(self, key: str) -> str:
        """The member that has this record, as far as its roster or the last move says; or ""."""
        came, at = self._came.get(key, ("", 0.0))
        if came in self._members and self._situation.now() - at < SHOWN_S:
            return came
        for name, link in self._members.items():
            entry = link.records.get(key)
            if entry is not None and entry.state in ("playing", "frozen"):
                return name
        return ""

    def _able(self) -> frozenset[str]:
        fleet = self._situation.fleet
        known = ((name, fleet.member(name)) for name in self._members)
        return frozenset(
            name
            for name, each in known
            if each is None or each.newest is None or not each.newest.draining
        )

    def _tend(self, key: str, wanted: Mapping[str, int], able: frozenset[str], now: float) -> None:
        if self._moves.moving(key):
            return
        owner, able = self.owner(key), able - set(self._refused(key))
        if not owner:
            self._spawn(key, wanted, able, "")
            return
        able = self._taking(owner, able)
        rested_s = now - self._came.get(key, ("", -REST_S))[1]
        target = better(owner, wanted, able, rested_s)
        if target:
            self._spawn(key, {target: wanted[target]}, able, owner)

    def _taking(self, owner: str, able: frozenset[str]) -> frozenset[str]:
        """Those that it can go to from its owner's: none that could not read it. The owner is one
        of them as long as it is able."""
        release, emptied = self._members[owner].release, owner not in able
        return frozenset(
            name for name in able if self._members[name].release.takes(release, emptied)
        )

    def _spawn(self, key: str, wanted: Mapping[str, int], able: frozenset[str], owner: str) -> None:
        self._tended.add(key)
        self._beats.spawn("seeing to a record", self._see_to(key, wanted, able, owner))

    async def _see_to(
        self, key: str, wanted: Mapping[str, int], able: frozenset[str], owner: str
    ) -> None:
        try:
            if owner:
                why = "most of those who want it are there"
                ended = await self._moves.start(key, owner, lodging(wanted, able), why)
            else:
                ended = await self._place(key, wanted, able)
        finally:
            self._tended.discard(key)
            self._later[key] = self._situation.now() + AGAIN_S
        if ended is not None and ended.outcome is Outcome.SETTLED:
            self._came[key] = ended.terms.target, self._situation.now()

    async def _place(
        self, key: str, wanted: Mapping[str, int], able: frozenset[str]
    ) -> MoveEnded | None:
        """Bring it to who wants it, unless somebody has it: whoever stores it once a second does,
        though no roster says so yet."""
        try:
            record = await self._homes.record_of(key, nothing_meanwhile)
        except KnownElsewhere:
            return None
        now = self._situation.now()
        if self._homes.here(record) and now - record.stored_at < SHOWN_S:
            return None
        stored = record.snapshot
        readers = {
            name
            for name in able
            if (link := self._members.get(name)) is not None
            and (stored is None or link.release.opens(stored.title, stored.version))
        }
        target = lodging(wanted, readers)
        if not target:
            return None
        log.info("{record} is placed at {member}", record=key, member=target)
        return await self._moves.place(record, target, "", "", _silent)


def _silent(_redirect: Redirect, _epoch: int) -> None:
    """It needs no telling."""
