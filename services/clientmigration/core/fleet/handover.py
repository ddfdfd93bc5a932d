"""Handover: what equal routers have decided lately, in the ledger, for whichever decides next.

A decision counts until reports show what became of it. Who takes over from a router that is gone
has to know its last ones: otherwise it takes players who are under way for players who stay, and
turns flows round. One record of the ledger holds them; each decision adds itself, by
compare-and-set.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from clientmigration.core.fleet.fleet import HISTORY_S, DecidedFlows
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Snapshot

KEY = "fleet-decisions"
"""Where the ledger has them: players and names of members are called otherwise."""
ROOM = 6_000
"""Bytes that they may take together, but for the last one: they are in every event that records
what was decided after them."""


def with_decision(record: Record, made: DecidedFlows, by: str, now: float) -> Record:
    """The record when the router of the name `by` has decided this."""
    kept = _bounded((*told(record, now), made))
    game = {"decided": msgspec.to_builtins(kept)}
    epoch = record.epoch + 1
    snapshot = Snapshot(player=KEY, epoch=epoch, seq=0, tick=0, x=0.0, y=0.0, holder="", game=game)
    return Record(record.player, by, epoch, "", snapshot, now)


def told(record: Record, now: float) -> tuple[DecidedFlows, ...]:
    """The decisions that still count, in order of time. Nothing of a record that is none of these:
    a decision more or less is no reason to stop deciding."""
    stored = record.snapshot.game.get("decided", ()) if record.snapshot is not None else ()
    try:
        found = msgspec.convert(stored, tuple[DecidedFlows, ...])
    except (msgspec.ValidationError, ValueError):
        return ()
    return tuple(sorted(young(found, now), key=lambda each: each.at))


def young(decided: Iterable[DecidedFlows], now: float) -> Iterable[DecidedFlows]:
    """Those that anybody still remembers."""
    return (each for each in decided if each.at > now - HISTORY_S)


def _bounded(decided: tuple[DecidedFlows, ...]) -> tuple[DecidedFlows, ...]:
    newest_first = sorted(decided, key=lambda each: each.at, reverse=True)
    room, kept = ROOM, list[DecidedFlows]()
    for each in newest_first:
        room -= len(msgspec.json.encode(each))
        if kept and room < 0:
            break
        kept.append(each)
    return tuple(reversed(kept))
