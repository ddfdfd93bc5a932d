"""Notices: what operators tell everybody who plays, such as maintenance that is planned.

All of them are one record of the ledger, so that every router of a group tells the same, and they
are still there when it comes back. Pure rules on that record.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Snapshot

Kind = Literal["maintenance", "incident"]

MOST = 10
"""Notices at a time; of more the oldest go."""

LONGEST = 280
"""Letters of one."""

KEPT_S = 90 * 86_400.0
"""An incident is told of for so long after its end."""


class Announcement(msgspec.Struct, frozen=True):
    """What operators tell, `said` then. Maintenance is from `start` to `end`, an incident goes on
    until its end is known. Unix seconds; 0: not known."""

    id: str
    kind: Kind
    text: str
    said: float
    start: float = 0.0
    end: float = 0.0


def of(record: Record) -> tuple[Announcement, ...]:
    """What the record tells, the oldest first."""
    kept = record.snapshot.game.get("notices", ()) if record.snapshot else ()
    return msgspec.convert(kept, tuple[Announcement, ...])


def told(notices: Iterable[Announcement], now: float) -> tuple[Announcement, ...]:
    """Those that are still worth telling."""
    return tuple(each for each in notices if not _over(each, now))


def _over(notice: Announcement, now: float) -> bool:
    kept_s = KEPT_S if notice.kind == "incident" else 0.0
    return bool(notice.end) and notice.end + kept_s <= now


def said(record: Record, notice: Announcement, now: float) -> Record:
    """The record with this notice too, or instead of the one of the same id."""
    others = [each for each in told(of(record), now) if each.id != notice.id]
    return _with(record, [*others, notice][-MOST:], now)


def ended(record: Record, notice: str, now: float) -> Record | None:
    """The record when this is over: an incident ends, what is planned is not any more. None: there
    is no such notice."""
    known = {each.id: each for each in told(of(record), now)}
    one = known.pop(notice, None)
    if one is None:
        return None
    over = [msgspec.structs.replace(one, end=now)] if one.kind == "incident" and not one.end else []
    return _with(record, [*known.values(), *over], now)


def kept(record: Record, now: float) -> Record:
    """The record as one of now, without what need not be told any more."""
    return _with(record, list(told(of(record), now)), now)


def _with(record: Record, notices: list[Announcement], now: float) -> Record:
    game = {"notices": msgspec.to_builtins(notices)}
    epoch = record.epoch + 1
    kept = Snapshot(
        player=record.player, epoch=epoch, seq=0, tick=0, x=0.0, y=0.0, holder="", game=game
    )
    return Record(record.player, "", epoch, "", kept, now)
