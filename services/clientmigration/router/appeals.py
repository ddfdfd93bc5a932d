"""Appeals: players of whom only the router above knows how a migration ends. It is asked with the
next roster. Nothing is decided here.
"""

from __future__ import annotations

from clientmigration.core.player.ledger import Record
from clientmigration.wire.messages import Entry
from clientmigration.wire.shared import Shared

KEPT_S = 20.0  # who stands still, and of whom nothing more is heard
MOST = 10_000  # players of whom the next roster tells


class Appeals:
    """Of each player the latest. Times are seconds of the clock."""

    def __init__(self) -> None:
        self._next: dict[str, Entry] = {}
        self._stand: dict[str, tuple[str, float]] = {}  # in which migration, and since when

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
        if state == "frozen":
            since = self._stand.pop(player, ("", 0.0))
            self._stand[player] = since if since[0] == record.migration else (record.migration, now)
            if len(self._stand) > MOST:
                del self._stand[next(iter(self._stand))]
        self.ask(Entry(player, record.epoch, state, record.migration, x, y))

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
