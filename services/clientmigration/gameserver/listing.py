"""One seat as routers list it: its entry in the roster, and what equal routers have to know beside.

It reads seats, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from clientmigration.gameserver.askers import Asker
from clientmigration.gameserver.seat import Seat
from clientmigration.wire.messages import Entry
from clientmigration.wire.shared import Shared

MOVED_S = 60.0  # who was moved here so lately is known to be so
NameOf = Callable[[Asker], str]  # what the router of a link is called, "" if it is gone


def entry(seat: Seat) -> Entry:
    """This seat's line in the roster."""
    x, y = seat.position() if seat.entered else (0.0, 0.0)
    busy = seat.entered and (seat.game.busy(seat.player) or seat.streams.ending())
    now = seat.life.now
    return Entry(
        player=seat.player,
        epoch=now.epoch,
        state=seat.session.state(),
        migration=now.migration,
        x=x,
        y=y,
        ping_ms=seat.ping_ms,
        busy=busy,
        group=seat.group,
        waived=now.waived,
        heard_s=_heard_s(seat),
    )


def _heard_s(seat: Seat) -> float | None:
    """How long ago the player was heard, seconds; None: never here."""
    if seat.heard_at is None:
        return None
    return round(max(0.0, seat.hall.time.now() - seat.heard_at), 3)


def shared(seat: Seat, name_of: NameOf, lost_at: float) -> Shared | None:
    """What equal routers have to know beside that: nothing, while the player just plays here."""
    now, life = seat.hall.time.now(), seat.life.now
    ago = now - seat.moved_at
    moved_s = round(ago, 3) if ago < MOVED_S else None
    migration = life.migration or life.waived
    if not migration and moved_s is None:
        return None
    asker = seat.asker(migration)
    router = name_of(asker) if asker is not None else ""
    if life.waived or seat.held:
        since = seat.held_at
    else:
        since = now if router or not migration else lost_at
    return Shared(router, round(min(now - since, 1e9), 3), moved_s)
