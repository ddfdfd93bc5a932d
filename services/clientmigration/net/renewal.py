"""A file that is read anew whenever it has changed, while the daemon runs: secrets, keys.

A file that cannot be used changes nothing: what was read before stays good, and the log says why,
once. A file is read when it has been the same for one look, so that nobody reads half of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from clientmigration.errors import ConfigurationError

log = Logger()

LOOK_S = 1.0  # so a change counts within two seconds

_State = tuple[int, int, int] | None


class Renewal(Service):
    """Looks at `path`, and calls `take` when it has another content. `take` reads it and answers
    what to say of it in the log, or raises `ConfigurationError`."""

    def __init__(self, clock: IReactorTime, path: Path, take: Callable[[], str]) -> None:
        self._path, self._take = path, take
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock
        self._read = self._seen = self._state()

    def startService(self) -> None:
        """Look from now on."""
        super().startService()
        self._looking.start(LOOK_S, now=False)

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._looking.running:
            self._looking.stop()

    def _state(self) -> _State:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size

    def _look(self) -> None:
        before, self._seen = self._seen, self._state()
        if self._seen is None or self._seen != before or self._seen == self._read:
            return
        self._read = self._seen
        try:
            said = self._take()
        except ConfigurationError as error:
            log.warn("{path} was changed, and what it said before stays good: {error}",
                      path=str(self._path), error=error)  # fmt: skip
        else:
            log.info("{path} was changed: {said}", path=str(self._path), said=said)
