"""Tells systemd how a daemon does: that it is ready, that it stops, and that it is alive.

The protocol of sd_notify(3): one datagram for each notice, to the socket that NOTIFY_SOCKET names.
Without systemd nothing is told, and nothing here ever fails a daemon.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from clientmigration.net.beats import Beats

log = Logger()


class Notices:
    """Notices to the systemd that `environ` tells of."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._watchdog_s = int(environ.get("WATCHDOG_USEC") or 0) / 1e6
        self._beats: Beats | None = None

    def ready(self, clock: IReactorTime) -> None:
        """It serves. From now on it says that it lives, if a watchdog asks for that: twice in each
        of its intervals, from the reactor, so that a daemon that hangs is found."""
        if not self._address:
            return
        self.tell(f"READY=1\nMAINPID={os.getpid()}")
        if self._watchdog_s:
            self._beats = Beats(clock)
            alive = "telling the watchdog"
            self._beats.every(self._watchdog_s / 2, alive, lambda: self.tell("WATCHDOG=1"))
            self._beats.start()

    def stopping(self) -> None:
        """It stops, which may take a while. It goes on to say that it lives."""
        self.tell("STOPPING=1")

    def tell(self, notice: str) -> None:
        """One notice, if somebody wants any."""
        if not self._address:
            return
        where = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.setblocking(False)
                out.sendto(notice.encode(), where)
        except OSError as error:
            log.info("systemd was not told {notice!r}: {error}", notice=notice, error=str(error))
