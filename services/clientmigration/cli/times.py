"""Times as people read and write them: of this machine's time zone, which is said."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta

from clientmigration.errors import ConfigurationError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_AWAY = re.compile(r"(?P<way>[+-])(?P<count>\d+)(?P<unit>[smhd])")
_OF_DAY = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")


def clock(at: float) -> str:
    """Unix seconds as a time of day, and as a date where that is another day."""
    said = datetime.fromtimestamp(at).astimezone()
    today = datetime.now().astimezone().date()
    return said.strftime("%H:%M:%S" if said.date() == today else "%Y-%m-%d %H:%M:%S")


def of_day(at: float) -> str:
    """Unix seconds as a time of day, of what is of today as a rule."""
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")


def zoned(at: float) -> str:
    """The same as `clock`, with the time zone."""
    return f"{clock(at)} {zone(at)}"


def zone(at: float) -> str:
    """What this machine's time zone is called then: CET, or +05 where it has no name."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Z")


def span(seconds: float) -> str:
    """How long, in words: 45 s, 12 min, 3 h 20 min, 4 days."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    if whole < 2 * 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86_400} days"


def moment(text: str) -> float:
    """Unix seconds of `now`, `-90s`, `-10m`, `-1h`, `-2d`, a number, or an ISO date and time (of
    this machine's time zone unless it says otherwise)."""
    away = _AWAY.fullmatch(text)
    if text == "now":
        return time.time()
    if away:
        seconds = int(away["count"]) * _UNITS[away["unit"]]
        return time.time() + (seconds if away["way"] == "+" else -seconds)
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        wanted = "-10m, -1h, now, 2026-11-24T21:00 or Unix seconds"
        raise ConfigurationError(f"{text!r} is not a time: write {wanted}") from None


def coming(text: str) -> float:
    """Unix seconds of a time that is still to come: as `moment`, `+30m`, or a time of day such as
    03:00, the next one. ConfigurationError if it is over."""
    now = datetime.now().astimezone()
    if _OF_DAY.fullmatch(text):
        hour, minute, *second = map(int, text.split(":"))
        if hour > 23 or minute > 59 or any(each > 59 for each in second):
            raise ConfigurationError(f"{text!r} is no time of day")
        naive = now.replace(tzinfo=None, hour=hour, minute=minute, microsecond=0)
        naive = naive.replace(second=second[0] if second else 0)
        at = naive.astimezone()
        at = at if at > now else (naive + timedelta(days=1)).astimezone()
        return at.timestamp()
    said = moment(text)
    if said < now.timestamp() - 1:
        raise ConfigurationError(f"{text!r} is over: write 03:00, +30m or 2026-11-24T21:00")
    return said
