"""The arithmetic of a daemon that ticks: which ticks are due, how late one is, and the load.

Functions and values. World time is seconds since the epoch; a tick is its number, counted from
there at `rate` ticks per second, so that the same moment has the same tick on every server.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

AT_ONCE = 2  # ticks simulated before the reactor gets its turn again
EARLY = 1e-6  # of a tick: a timer may come that much too soon
STILL_S = 1.0  # without a tick for so long, a server stands still


@dataclass(frozen=True)
class Due:
    """The ticks to simulate now, in order; the `newest` that is due, and how many are `skipped`."""

    ticks: range
    newest: int
    skipped: int


def due(tick: int, now: float, rate: int) -> Due:
    """What is due `now`, after `tick` was simulated (0: none yet, then the newest is due).

    At most `AT_ONCE` ticks: whoever is late must still listen. Those more than a second late are
    skipped.
    """
    newest = math.floor(now * rate + EARLY)
    done = tick or newest - 1
    skipped = max(0, newest - done - rate)
    done += skipped
    return Due(range(done + 1, min(newest, done + AT_ONCE) + 1), newest, skipped)


def turn_of(player: str, rate: int) -> int:
    """In which of the ticks of a second, 0 to `rate` - 1, it is this player's turn for what is done
    once a second: players are spread over them, and records, whose keys are no hex digits."""
    try:
        return int(player[:4], 16) % rate
    except ValueError:
        return zlib.crc32(player.encode()) % rate


def gone_back(tick: int, now: float, rate: int) -> bool:
    """Whether this tick is more than a second ahead: the world has been set back meanwhile, which
    happens only while nobody plays, and ticks go on from there."""
    return tick - math.floor(now * rate + EARLY) > rate


def lateness_ms(tick: int, now: float, rate: int) -> float:
    """How long after its time a tick begins, milliseconds."""
    return max(0.0, now - tick / rate) * 1000


def behind(lateness_ms: float, skipped: float, rate: int) -> float:
    """The load that the late ticks of a second are worth, 0..1: 0 while the usual one (the median
    `lateness_ms`) begins within half a tick of its time, 1 when it is late by a whole tick or more;
    and at least the share that was `skipped`."""
    late = 2 * lateness_ms * rate / 1000 - 1
    return min(1.0, max(0.0, late, skipped / (skipped + rate)))


def still(since_tick_s: float, rate: int) -> bool:
    """Whether a server stands still: no tick has ended for a second, or for two ticks if they are
    longer."""
    return since_tick_s >= max(STILL_S, 2 / rate)


def until_next(tick: int, now: float, rate: int) -> float:
    """Seconds until the tick after this one is due; 0 when it is due already."""
    return max(0.0, (tick + 1) / rate - now)


def smoothed(load: float, spent_s: float, passed_s: float, within_s: float) -> float:
    """The load after `passed_s` seconds in which `spent_s` seconds of CPU were spent. It follows a
    change within about `within_s` seconds."""
    if passed_s <= 0:
        return load
    weight = 1 - math.exp(-passed_s / within_s)
    return load + (max(0.0, spent_s / passed_s) - load) * weight
