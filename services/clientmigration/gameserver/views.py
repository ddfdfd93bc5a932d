"""The frames that show one tick to everybody who looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clientmigration.gameserver.seat import Seat
from clientmigration.net.line import Line
from clientmigration.wire.connection import VIEW, VIEW_START


def looking(playing: Iterable[Seat]) -> list[Seat]:
    """Those who have a connection and can be told where their inputs stand."""
    return [seat for seat in playing if seat.line is not None and seat.known]


def frames(
    seats: Iterable[Seat], views: Iterable[bytes | None], tick: int
) -> Iterator[tuple[Line, bytes]]:
    """The frame of each of these seats, for its line, from its view. Whom the game could make none
    for loses its connection."""
    starts = dict[int, bytes]()  # many views are as long as others
    for seat, view in zip(seats, views, strict=True):
        line = seat.line
        if view is None or line is None:
            seat.fail()
            continue
        start = starts.get(len(view))
        if start is None:
            start = starts[len(view)] = VIEW_START.pack(21 + len(view), VIEW, tick)
        yield line, start + seat.stands() + view
