"""Rosters: says to every router who is here, so that no tick waits until thousands are listed.

At once when something has happened. Every so often in parts: whoever just plays is listed when its
part is due, whoever is on the move with the last part, as it is then, and so is who came meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import msgspec

from clientmigration.core.measures.spread import told_by
from clientmigration.core.player.standing import Playing
from clientmigration.gameserver.listing import entry
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.seats import Seats
from clientmigration.net.attachment import Attachment
from clientmigration.net.line import Line
from clientmigration.wire.messages import Entry, Roster
from clientmigration.wire.shared import Shared

ROSTER_S = 2.0  # how often the router hears where everybody is
PART_S = 0.1  # how often it is looked whether a part is due
TOLD_S = ROSTER_S - PART_S  # by the last look of an interval all is told
CUT = 500  # entries per message, of what is told at once: about 50 kB
PART = 100  # of what is not: some 0.5 ms


class RosterRounds:
    """`now` is for waits."""

    def __init__(self, attachment: Attachment, seats: Seats, now: Callable[[], float]) -> None:
        self._attachment, self._seats, self._now = attachment, seats, now
        self._due: list[str] = []  # who was here when this interval began
        self._done, self._began = 0, inf  # with how many of those; inf: all is told
        self._told = set[str]()
        self._lost_at = -inf

    def begin(self) -> None:
        """An interval is over, and another begins."""
        if self._began < inf:
            self._end()
        self._due, self._told = [*self._seats.by_name], set()
        self._done, self._began = 0, self._now()
        self.go_on()

    def go_on(self) -> None:
        """Tell what is due."""
        if self._began == inf:
            return
        count = told_by(len(self._due), PART, (self._now() - self._began) / TOLD_S)
        if count >= len(self._due):
            self._end()
        elif count > self._done:
            self._tell_part(self._due[self._done : count])
            self._done = count

    def _tell_part(self, players: Sequence[str]) -> None:
        seats = [self._seats.by_name.get(player) for player in players]
        part = [entry(seat) for seat in seats if seat is not None and just_plays(seat)]
        self._told.update(each.player for each in part)
        for line in self._attachment.lines.values():
            line.say(Roster(part, last=False, primary=self._primary()))

    def _end(self) -> None:
        """The others, which closes the list."""
        told, seats = self._told, self._seats.everything()
        others = [each for each in seats if each.player not in told or not just_plays(each)]
        self._tell_everyone([entry(seat) for seat in others])

    def tell_all(self) -> None:
        """Say who is here, and again who has left, to all routers and now."""
        self._tell_everyone(self._seats.roster())

    def _tell_everyone(self, entries: Sequence[Entry]) -> None:
        self._began = inf
        for line in self._attachment.lines.values():
            self._tell(line, entries)
        if self._attachment.line is not None:
            self._seats.tell_left()

    def tell(self, line: Line) -> None:
        """The same to this router, which has just come. The others hear it with the next list."""
        self._began = inf
        self._tell(line, self._seats.roster())
        self._seats.tell_left()

    def lost(self) -> None:
        """One of several routers is gone: the others hear at once whom it has left."""
        self._lost_at = self._now()
        self.tell_all()

    def _tell(self, line: Line, entries: Sequence[Entry]) -> None:
        for start in range(0, max(1, len(entries)), CUT):
            part = [*entries[start : start + CUT]]
            last = start + CUT >= len(entries)
            line.say(Roster(part, last, self._shared() if last else msgspec.UNSET, self._primary()))

    def _shared(self) -> dict[str, Shared] | msgspec.UnsetType:
        if not self._attachment.life:
            return msgspec.UNSET
        return self._seats.shared(self._attachment.router_of, self._lost_at)

    def _primary(self) -> str | msgspec.UnsetType:
        return self._attachment.primary if self._attachment.life else msgspec.UNSET


def just_plays(seat: Seat) -> bool:
    """Whether its player is in no move, so that no router has to look after it."""
    now = seat.life.now
    return type(now) is Playing and not now.migration and not now.waived
