"""Which members of a fleet are routers: rules for one record of the ledger, and for the records of
players whose router is gone for good.

It outlives the router that wrote it, so that a zone that is away is known to be one, even right
after a start: its players may be playing, and are nobody else's to place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from clientmigration.core.player.bans import PREFIX, kept
from clientmigration.core.player.ledger import Record

KEY = f"{PREFIX}zones"

Rule = Callable[[Record, float], Record | None]


def zones_in(record: Record) -> set[str]:
    """The routers that it names."""
    if record.snapshot is None:
        return set()
    return msgspec.convert(record.snapshot.game["zones"], set[str])


def added(name: str) -> Rule:
    """One more is known; None: it was."""

    def rule(record: Record, now: float) -> Record | None:
        zones = zones_in(record)
        return None if name in zones else _with(record, zones | {name}, now)

    return rule


def dropped(name: str) -> Rule:
    """One has said that it goes for good; None: it was not known."""

    def rule(record: Record, now: float) -> Record | None:
        zones = zones_in(record)
        return _with(record, zones - {name}, now) if name in zones else None

    return rule


def rewritten(record: Record, now: float) -> Record | None:
    """The same, as of now, so that no ledger takes it for one of somebody who never came back."""
    return _with(record, zones_in(record), now) if record.epoch else None


FAR = 1_000_000
"""More epochs than a zone gives one player while it is away from the router above."""


def deserted(zone: str) -> Rule:
    """A player of a zone that will not come back is nobody's, at an epoch that the zone never got
    to: should it come back after all, what it says of the player is old. None: it is another's."""

    def rule(record: Record, now: float) -> Record | None:
        if record.owner != zone:
            return None
        changed = msgspec.structs.replace(record, owner="", migration="", stored_at=now)
        return msgspec.structs.replace(changed, epoch=record.epoch + FAR)

    return rule


def _with(record: Record, zones: Collection[str], now: float) -> Record:
    return kept(record, {"zones": sorted(zones)}, now)
