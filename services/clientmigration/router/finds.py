"""Which member takes a player who is at the door of another router: of one above, or of one below.

What is known of the player came with the question. Who takes it is decided as at our own door, in
core/fleet/placement.py.
"""

from __future__ import annotations

from msgspec.structs import replace

from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.pings import KnownPings
from clientmigration.core.fleet.world import Position
from clientmigration.core.player.ledger import Record
from clientmigration.router.measuring import Measuring
from clientmigration.router.placing import Placing
from clientmigration.router.situation import Situation
from clientmigration.wire.shared import About


class Finds:
    """Nobody waits here: where there is no room, the answer is ""."""

    def __init__(
        self, situation: Situation, measuring: Measuring, placing: Placing, pings: KnownPings
    ) -> None:
        self._situation, self._measuring = situation, measuring
        self._placing, self._pings = placing, pings

    def below(self, record: Record, about: About) -> str:
        """Somebody comes from above."""
        now, player = self._situation.now(), record.player
        known = self._pings.known(player, now)
        new = {zone: ms for zone, ms in about.pings.items() if zone not in known and ms >= 0}
        self._pings.note(player, new, now)
        newcomer = self._measuring.newcomer(record, about.group)
        if about.place is not None:
            newcomer = replace(newcomer, position=Position(*about.place))
        return self._find(newcomer, about.group)

    def near(self, record: Record, group: str, knocked: str) -> str:
        """Somebody is at the door of the member `knocked` ("": of another one), which takes it if
        it can."""
        fleet, now = self._situation.fleet, self._situation.now()
        member = fleet.member(knocked)
        if member is not None and not member.closed(self._situation.policy, now):
            fleet.placed(knocked, now)
            return knocked
        return self._find(self._measuring.newcomer(record, group), group)

    def _find(self, newcomer: Newcomer, group: str) -> str:
        """It has had no time to ping anybody here: nobody is too far away."""
        return self._placing.find(replace(newcomer, stranded=True), group, 0.0)
