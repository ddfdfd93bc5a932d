"""Appeals: players of whom only the router above knows how a migration ends. It is asked with the
next roster. Nothing is decided here.
"""

from __future__ import annotations

from clientmigration.core.player.ledger import Record
from clientmigration.wire.messages import Entry, Own
from clientmigration.wire.shared import Shared

KEPT_S = 20.0  # who stands still, and of whom nothing more is heard
MOST = 10_000  # players of whom the next roster tells
WAITS_S = 6.0  # for a router below to come back and say who waits there; a player waits longer


class Appeals:
    """Of each player the latest. Times are seconds of the clock."""

    def __init__(self) -> None:
        self._next: dict[str, Entry] = {}
        self._stand: dict[str, tuple[str, float]] = {}  # in which migration, and since when
        self._waits: dict[str, tuple[str, float]] = {}  # the same

    def ask(self, entry: Entry) -> None:
        """The next roster has it."""
        self._next.pop(entry.player, None)
        self._next[entry.player] = entry
        if len(self._next) > MOST:  # while we are alone: the list at the next attaching has all
            del self._next[next(iter(self._next))]

    def about(self, record: Record, state: str, now: float) -> None:
        """The player of this record is ours, or stands still: then it is remembered since when."""
        last, player = record.snapshot, record.player
        x, y = (last.x, last.y) if last else (0.0, 0.0)
        migration = ""  # of one that is ours nothing is to be ended
        if state == "frozen":
            migration = record.migration
            _since(self._stand, player, migration, now)
        self.ask(Entry(player, record.epoch, state, migration, x, y))

    def wait(self, told: Own, now: float) -> None:
        """The player is ours, and nobody below is known who has it: one that comes back may. The
        one above says it again, and has the source show the world, but not for ever."""
        if now - _since(self._waits, told.player, told.migration, now) < WAITS_S:
            waits = Entry(
                told.player, told.epoch, "arriving", told.migration, 0.0, 0.0, heard_s=0.0
            )
            self.ask(waits)

    def take(self) -> dict[str, Entry]:
        """What is asked now, by player: each once."""
        taken, self._next = self._next, {}
        return taken

    def over(self, player: str) -> None:
        """It is known how that ended."""
        self._next.pop(player, None)
        self._stand.pop(player, None)

    def stand(self, now: float) -> dict[str, Shared]:
        """Who stands still, and for how long: nobody sees to it."""
        return {each: Shared("", round(now - at, 3)) for each, (_, at) in self._stand.items()}

    def sweep(self, now: float) -> None:
        """Forget what is long over."""
        self._stand = {p: each for p, each in self._stand.items() if now - each[1] < KEPT_S}
        self._waits = {p: each for p, each in self._waits.items() if now - each[1] < KEPT_S}


def _since(known: dict[str, tuple[str, float]], player: str, migration: str, now: float) -> float:
    """Since when that is so of the player in this migration; from now on, if it is new."""
    before = known.pop(player, ("", now))
    known[player] = before if before[0] == migration else (migration, now)
    if len(known) > MOST:
        del known[next(iter(known))]
    return known[player][1]
