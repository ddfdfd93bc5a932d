"""Finds series for graphite-web as it does itself, but one file that is not whole hides no other.

graphite-web's own reader raises on such a file, and with it every `*` query that meets the file
answers 500. This one leaves the file out, and says so once. `web_settings.py` names the finder;
nothing that is installed is changed.
"""

from collections.abc import Iterator
from typing import Any

import whisper  # type: ignore[import-not-found]
from graphite.finders.standard import StandardFinder  # type: ignore[import-not-found]
from graphite.intervals import IntervalSet  # type: ignore[import-not-found]
from graphite.logger import log  # type: ignore[import-not-found]
from graphite.node import LeafNode  # type: ignore[import-not-found]
from graphite.readers.whisper import WhisperReader  # type: ignore[import-not-found]

_said: set[str] = set()
"""Files that are left out: each is said once, until it can be read again."""


class Reader(WhisperReader):  # type: ignore[misc]
    """A series without points where its file cannot be read."""

    def fetch(self, *when: Any, **more: Any) -> Any:
        """Points of a time, or None."""
        try:
            points = super().fetch(*when, **more)
        except whisper.InvalidTimeInterval:  # the question is wrong, not the file
            raise
        except Exception as error:
            return self._left_out(error)
        _said.discard(self.fs_path)
        return points

    def get_intervals(self) -> Any:
        """From when to when there are points: never, where nobody can know."""
        try:
            return super().get_intervals()
        except Exception as error:
            self._left_out(error)
            return IntervalSet([])

    def _left_out(self, error: Exception) -> None:
        if self.fs_path not in _said:
            _said.add(self.fs_path)
            log.exceptionLogger.warning("left out %s: %r", self.fs_path, error)


class Finder(StandardFinder):  # type: ignore[misc]
    """graphite-web's own, with another reader."""

    def find_nodes(self, query: Any) -> Iterator[Any]:
        """The series and folders that match."""
        for node in super().find_nodes(query):
            if isinstance(node, LeafNode) and type(node.reader) is WhisperReader:
                node.reader = Reader(node.reader.fs_path, node.reader.real_metric_path)
            yield node
