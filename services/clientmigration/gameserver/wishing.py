"""What this server's game wishes of the fleet: records, and players brought together.

It asks the game now and then and tells the routers what has changed. It decides nothing: a router
does, or says why not.
"""

from __future__ import annotations

from collections.abc import Callable

from clientmigration.core.player.records import key_of
from clientmigration.gameserver.game import Game
from clientmigration.gameserver.records import RecordSeat
from clientmigration.gameserver.seats import Seats
from clientmigration.net.attachment import Attachment
from clientmigration.wire.base import Wants

AGAIN_S = 1.0  # a router that has just come has heard nothing yet


class GameWishes:
    """`now` is for waits."""

    def __init__(
        self, game: Game, seats: Seats, attachment: Attachment, now: Callable[[], float]
    ) -> None:
        self._game, self._seats, self._attachment, self._now = game, seats, attachment, now
        self._told, self._told_at = Wants(), 0.0

    def look(self) -> None:
        """Ask the game, and have it known what it wants."""
        now = self._now()
        records = {key_of(name): n for name, n in self._game.records().items()}
        self._keep(records, now)
        wanted = Wants(records=records, gather=self._gather())
        nothing = not (wanted.records or wanted.gather)
        if wanted != self._told or (not nothing and now - self._told_at >= AGAIN_S):
            self._told, self._told_at = wanted, now
            self._attachment.tell_all(wanted)

    def _keep(self, records: dict[str, int], now: float) -> None:
        """A record that nobody wants any more goes into the ledger by itself: after a while, or at
        once if this server is to be empty."""
        for key, seat in list(self._seats.records.items()):
            if not isinstance(seat, RecordSeat):
                continue
            if key in records:
                seat.want(now)
            elif self._seats.draining and seat.entered and not seat.held:
                seat.expire()

    def _gather(self) -> dict[str, str]:
        at_play = self._seats.at_play
        return {
            player: where
            for player, where in self._game.gather().items()
            if at_play(player) is not None and at_play(where) is None
        }
