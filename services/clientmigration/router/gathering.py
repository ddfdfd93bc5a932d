"""Players whom their game wants to be somewhere else: where a record is, or another player.

A wish of a game counts no more than any other reason to move somebody: who is busy, was moved
lately or would find no seat stays, and the game is told why, once for each reason. No wish is left
without an answer: one that waits for no reason that is known here is told so too. Whom it brought
the balance leaves there for a while, or the two would go on for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from clientmigration.core.fleet.health import Grade
from clientmigration.core.fleet.lodging import obstacle
from clientmigration.core.measures.bucket import TokenBucket
from clientmigration.core.player.migration import Outcome
from clientmigration.net.beats import Beats
from clientmigration.router.attached import AttachedMembers, MemberLink, connected
from clientmigration.router.move import MoveEnded
from clientmigration.router.situation import Situation
from clientmigration.wire.base import Stays
from clientmigration.wire.messages import Entry

AGAIN_S = 2.0  # after a move that was not made
SILENT_S = 4.0  # two rosters: a wish that has waited for so long has an answer
BURST = 16.0


class GatherMover(Protocol):
    """Who moves players."""

    def moving(self, player: str) -> bool:
        """Whether this one is being moved."""

    async def start(self, player: str, source: str, target: str, why: str) -> MoveEnded | None:
        """How the move ended; None if it could not be begun."""


class Gathering:
    """`owner` says where a record is; `moved_at` when each player was moved last (Unix s)."""

    def __init__(
        self,
        members: AttachedMembers,
        situation: Situation,
        moves: GatherMover,
        owner: Callable[[str], str],
        moved_at: Mapping[str, float],
        beats: Beats,
    ) -> None:
        self._members, self._situation, self._moves = members, situation, moves
        self._owner, self._moved_at, self._beats = owner, moved_at, beats
        self._told: dict[str, tuple[str, str]] = {}
        self._later: dict[str, float] = {}
        self._since: dict[str, tuple[str, float]] = {}  # where each wants to be, and since when
        per_s = situation.policy.limits.moves_per_second
        self._pace = TokenBucket(max(1.0, per_s), BURST)

    def look(self) -> None:
        """Begin what can be done, and tell of the rest why it can not."""
        wishes = [
            (link, player, where)
            for link in self._members.values()
            for player, where in link.wanted.gather.items()
        ]
        asked = {player for _, player, _ in wishes}
        self._told = {player: each for player, each in self._told.items() if player in asked}
        self._later = {player: at for player, at in self._later.items() if player in asked}
        self._since = {player: at for player, at in self._since.items() if player in asked}
        if not wishes:
            return
        homes = {player: name for name, each in self._members.items() for player in each.roster}
        now = self._situation.now()
        for link, player, where in wishes:
            entry = link.roster.get(player)
            if entry is None or self._moves.moving(player) or now < self._later.get(player, 0.0):
                continue
            if self._since.get(player, ("",))[0] != where:
                self._since[player] = where, now
            target = homes.get(where) or self._owner(where)
            if target != link.name:
                self._consider(link, entry, where, target)
            if (
                now - self._since[player][1] >= SILENT_S
                and self._told.get(player, ("",))[0] != where
            ):
                self._tell(link, player, where, "waits")

    def _consider(self, link: MemberLink, entry: Entry, where: str, target: str) -> None:
        now, player = self._situation.now(), entry.player
        why = self._obstacle(link, entry, target)
        if why:
            self._tell(link, player, where, why)
        elif self._pace.allows(now):
            self._later[player] = now + AGAIN_S
            self._beats.spawn("a gathering", self._move(link, player, where, target))

    def _obstacle(self, link: MemberLink, entry: Entry, target: str) -> str:
        """Why this player cannot go there now, or nothing."""
        fleet, policy, now = self._situation.fleet, self._situation.policy, self._situation.now()
        there, to = (fleet.member(target), self._members.get(target)) if target else (None, None)
        if there is None or to is None:
            return "nowhere"
        rested_s = now - self._moved_at.get(entry.player, -policy.limits.cooldown_s)
        seats = there.newest.capacity - fleet.players(target) if there.newest else 0
        rests = rested_s < policy.limits.cooldown_s
        strange = not to.release.follows(link.release)
        hot = there.newest is not None and there.newest.grade is Grade.OVERLOADED
        away, closed = not connected(entry), there.closed(policy, now)
        return obstacle(away, entry.busy, rests, closed, strange, hot, int(seats))

    async def _move(self, link: MemberLink, player: str, where: str, target: str) -> None:
        ended = await self._moves.start(player, link.name, target, f"its game wants it at {where}")
        if ended is None:
            return
        if ended.outcome is Outcome.SETTLED:
            self._members.brought(target, player)
        else:
            self._tell(link, player, where, ended.reason or str(ended.outcome))

    def _tell(self, link: MemberLink, player: str, where: str, why: str) -> None:
        if self._told.get(player) != (where, why):
            self._told[player] = where, why
            link.say(Stays(player=player, where=where, reason=why))
