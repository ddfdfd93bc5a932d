"""Askers: over which link each migration of one player was ordered, so that answers go there.

A server may have links to several routers. None of them hears what another has asked for.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Protocol


class Asker(Protocol):
    """A link to a router, over which it orders something and hears the answer."""

    over: bool

    def say(self, message: Any) -> None:
        """Answer it, if it is still there."""


class Askers:
    """The links by migration, of those that may have an answer due."""

    def __init__(self) -> None:
        self._by: dict[str, Asker] = {}

    def asked(self, migration: str, asker: Asker, live: Container[str]) -> None:
        """This migration is ordered over this link; beside it only these are `live`."""
        self._by = {each: by for each, by in self._by.items() if each in live}
        self._by[migration] = asker

    def is_anothers(self, migration: str, asked: str) -> bool:
        """Whether that migration is of another link, which is still there."""
        began = self._by.get(migration)
        return began is not None and began is not self._by.get(asked) and not began.over

    def asked_by(self, migration: str, asker: Asker) -> bool:
        """Whether this migration was ordered over this link, though it may be gone."""
        return self._by.get(migration) is asker

    def by(self, migration: str) -> Asker | None:
        """The link over which this migration was ordered, while it is there."""
        asker = self._by.get(migration)
        return None if asker is None or asker.over else asker

    def answer(self, message: Any) -> None:
        """Answer whoever has asked for its migration."""
        asker = self._by.get(message.migration)
        if asker is not None:
            asker.say(message)
