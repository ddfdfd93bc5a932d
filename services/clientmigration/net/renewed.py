"""Files that others renew while a daemon runs: secrets, certificates, keys, authorities.

What they said last that made sense is what counts. A file that is half written, or does not fit its
key yet, changes nothing: that is said once, and the old one is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from clientmigration.errors import ConfigurationError
from clientmigration.net.beats import Beats

log = Logger()

LOOK_S = 1.0  # between two looks; a change counts when a second look finds nothing newer
T = TypeVar("T")
_Marks = tuple[tuple[int, ...], ...]


class Renewable(Protocol):
    """What is looked at again and again."""

    def look(self) -> None:
        """Take what is new, if there is anything new and it is good."""


class Renewing:
    """What `paths` say, taken anew when they have changed: `take` reads it, and answers what to say
    of it in the log, or raises ConfigurationError. `what` the files are, in words for the log."""

    def __init__(self, what: str, paths: Sequence[str], take: Callable[[], str]) -> None:
        self.what, self._take = what, take
        self._paths = tuple(str(Path(each).absolute()) for each in paths)
        self._taken = self._seen = _marks(self._paths)

    def look(self) -> None:
        """Take what is new, once it is left alone: two files are not renewed in one moment, and one
        may be seen half written."""
        marks = _marks(self._paths)
        if marks != self._seen:
            self._seen = marks
        elif marks != self._taken:
            self._taken = marks
            self._renew()

    def _renew(self) -> None:
        try:
            said = self._take()
        except ConfigurationError as error:
            log.error(
                "{what} not renewed, the old one is kept: {error}", what=self.what, error=str(error)
            )
        else:
            log.info("{what} renewed: {said}", what=self.what, said=said)


class Renewed(Renewing, Generic[T]):
    """The value that `parse` makes of the bytes of each file; it raises ConfigurationError, and so
    does this at first. Later a file that cannot be read or parsed leaves `value` as it is."""

    def __init__(self, what: str, paths: Sequence[str], parse: Callable[..., T]) -> None:
        super().__init__(what, paths, self._parsed)
        self._parse = parse
        self.value = self._read()

    def _read(self) -> T:
        try:
            return self._parse(*(Path(each).read_bytes() for each in self._paths))
        except OSError as error:
            raise ConfigurationError(f"{error.filename}: {error.strerror}") from error

    def _parsed(self) -> str:
        self.value = self._read()
        return str(self.value)


def _marks(paths: Sequence[str]) -> _Marks:
    """What changes when a file is replaced or written to, also behind a link."""
    return tuple(_mark(each) for each in paths)


def _mark(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


class Renewals(Service):
    """Looks at each of them, as long as it runs."""

    def __init__(self, clock: IReactorTime, files: Sequence[Renewable]) -> None:
        self._beats = Beats(clock)
        for each in files:
            self._beats.every(LOOK_S, "looking for renewed files", each.look)

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._beats.start()

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        self._beats.stop()
