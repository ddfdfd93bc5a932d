"""Who looks, and the frames that show one tick to everybody who does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clientmigration.gameserver.seat import Seat
from clientmigration.net.straight import Rows, SentAll
from clientmigration.wire.connection import PROGRESS, VIEW, VIEW_START


class Onlookers:
    """Those who have a connection and can be told where their inputs stand, in the order in which
    they are shown a tick. Good for as long as nobody comes or goes and nobody's connection is
    another: what is said to each lies side by side here, for a look at the seats and lines of all
    costs several cache misses each."""

    def __init__(self, playing: Iterable[Seat]) -> None:
        both = [(seat, seat.line) for seat in playing if seat.known]
        looking = [(seat, line) for seat, line in both if line is not None]
        self._seats = [seat for seat, _ in looking]
        self._lines = Rows([line for _, line in looking])
        self._stands = [_stands(seat) for seat in self._seats]
        self._rows = {seat: row for row, seat in enumerate(self._seats)}
        self.players = [seat.player for seat in self._seats]

    def applied(self, seats: Iterable[Seat]) -> None:
        """Inputs of these players were applied."""
        for seat in seats:
            row = self._rows.get(seat)
            if row is not None:
                self._stands[row] = _stands(seat)

    def show(self, views: Sequence[bytes | None], tick: int) -> SentAll:
        """Send each its view. Whom the game could make none for loses its connection."""
        starts = dict[int, bytes]()  # many views are as long as others
        frames = list[bytes | None]()
        for view, stands in zip(views, self._stands, strict=True):
            if view is None:
                frames.append(None)
                continue
            start = starts.get(len(view))
            if start is None:
                start = starts[len(view)] = VIEW_START.pack(21 + len(view), VIEW, tick)
            frames.append(start + stands + view)
        return self._lines.show(frames, lambda row: self._seats[row].fail())


def _stands(seat: Seat) -> bytes:
    """Where its inputs stand, as a view says it."""
    done = seat.inbox.progress
    return PROGRESS.pack(done.last, done.applied, done.digest)
