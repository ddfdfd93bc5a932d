"""Logs as JSON, one event a line: `twistd -n --logger clientmigration.net.jsonlog.lines DAEMON`."""

from __future__ import annotations

import sys

from twisted.logger import ILogObserver, jsonFileLogObserver


def lines() -> ILogObserver:
    """Twisted's JSON observer on standard output, without the record separators that most readers
    of logs stumble over."""
    observer: ILogObserver = jsonFileLogObserver(sys.stdout, recordSeparator="")
    return observer
