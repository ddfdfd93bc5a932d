"""Which servers a player is asked to ping, and what is remembered of its answers.

Pings are remembered by zone: servers of one zone are equally far from any player. Which candidates
there are is decided in core/fleet/placement.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence

from clientmigration.core.fleet.member import Member
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.pings import KnownPings
from clientmigration.core.fleet.placement import candidates
from clientmigration.core.fleet.world import Position
from clientmigration.core.player.believable import believable_ping
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.router.companions import Companions
from clientmigration.router.situation import Situation


class Measuring:
    """Chooses, and remembers for as long as the policy says. `companions` knows with whom a player
    would be, `refused_by` answers which members did not take it in lately, `avoided` which it could
    not reach."""

    def __init__(
        self,
        situation: Situation,
        pings: KnownPings,
        companions: Companions,
        refused_by: Callable[[str], frozenset[str]],
        avoided: Callable[[str], Mapping[str, float]],
    ) -> None:
        self._situation, self._pings, self._companions = situation, pings, companions
        self._refused_by, self._avoided = refused_by, avoided

    @property
    def near_ms(self) -> float:
        """A server within so many milliseconds is near enough to ask for no other."""
        caps: Sequence[float] = self._situation.policy.placement.ping_caps_ms
        return (*caps, math.inf)[0]

    def newcomer(self, record: Record, group: str) -> Newcomer:
        """A player of this group ("": of none) as far as it is known now. Who has played stands
        where it left; where the game puts somebody new only the policy can say."""
        last, player = record.snapshot, record.player
        place = (last.x, last.y) if last else self._situation.policy.placement.start_m
        refused_by = self._refused_by(player) | self._other_releases(last)
        position = Position(*place) if place else None
        mates, near = self._companions.of(player, group, position)
        return Newcomer(
            player,
            position,
            self._pings.known(player, self._situation.now()),
            mates=mates,
            stranded=bool(record.owner or refused_by),
            refused_by=refused_by,
            avoids=self._avoided(player),
            near=near,
        )

    def _other_releases(self, last: Snapshot | None) -> frozenset[str]:
        """The members that can not read what is stored of a player."""
        if last is None or not last.seq:
            return frozenset()
        members = self._situation.fleet.members()
        title, version = last.title, last.version
        return frozenset(m.name for m in members if not m.release.opens(title, version))

    def candidates(self, record: Record, group: str, asked: Container[str]) -> list[Member]:
        """Whom the player is asked to ping, best first, those left out who were asked for. Who has
        no time to lose does not measure a zone again, unless it could not reach one lately.
        """
        situation, newcomer = self._situation, self.newcomer(record, group)
        names = candidates(newcomer, situation.fleet, situation.policy, situation.now())
        fleet = situation.fleet
        members = [m for name in names if name not in asked and (m := fleet.member(name))]
        if newcomer.stranded and not newcomer.avoids:
            members = [m for m in members if m.zone not in newcomer.pings]
        return members

    def note(
        self,
        player: str,
        asked: Container[str],
        listed: Sequence[Member],
        said: Mapping[str, float],
    ) -> dict[str, float]:
        """The player says that these are its pings, in ms by member; those that count. Only
        `listed` members, who were asked for last, are remembered; those that did not answer are
        forgotten."""
        counts = {name: ms for name, ms in said.items() if name in asked and ms >= 0}
        pings = {name: believable_ping(ms) for name, ms in counts.items()}
        zones = {m.zone: pings[m.name] for m in listed if m.name in pings}
        self._pings.forget(player, {m.zone for m in listed} - zones.keys())
        self._pings.note(player, zones, self._situation.now())
        return pings
