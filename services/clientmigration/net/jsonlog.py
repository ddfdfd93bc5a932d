"""Logs as JSON, one event a line, as collectors of logs read it: `--log-json` of every daemon.

`time` (RFC 3339, UTC), `level`, `logger`, `message` as people read it, the event's own values by
their names, and `traceback` where there is one. `twistd --logger clientmigration.net.jsonlog.lines`
is the same.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from twisted.logger import ILogObserver, LogEvent, formatEvent
from twisted.python.failure import Failure
from twisted.python.logfile import LogFile
from zope.interface import implementer

OWN = frozenset({"time", "format", "system", "isError", "message"})  # what Twisted puts in itself
PLAIN = (str, int, float, bool, type(None))


def lines(file: str = "") -> ILogObserver:
    """An observer that writes to standard output, or to a file that turns over as twistd's does."""
    return JsonLines(LogFile.fromFullPath(file) if file and file != "-" else sys.stdout)


@implementer(ILogObserver)
class JsonLines:
    """Writes each event at once."""

    def __init__(self, out: TextIO | Any) -> None:
        self._out = out

    def __call__(self, event: LogEvent) -> None:
        self._out.write(json.dumps(as_value(event), ensure_ascii=False) + "\n")
        self._out.flush()


def as_value(event: LogEvent) -> dict[str, Any]:
    """What is told of an event."""
    at = datetime.fromtimestamp(event.get("log_time", 0.0), UTC)
    level, failure = event.get("log_level"), event.get("log_failure")
    value = {
        "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": level.name if level is not None else "info",
        "logger": str(event.get("log_namespace", "")),
        "message": formatEvent(event),
    }
    for name, said in event.items():
        if not name.startswith("log_") and name not in OWN:
            value.setdefault(name, said if isinstance(said, PLAIN) else str(said))
    if isinstance(failure, Failure):
        value["traceback"] = failure.getTraceback()
    return value
