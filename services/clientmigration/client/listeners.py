"""The listeners of a player: any number of them for each of the events that it tells.

A listener that fails is logged, and disturbs neither the player nor the other listeners.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

from twisted.logger import Logger

from clientmigration.errors import BadInput, PeersFault

__all__ = ["EVENTS", "PlayerEvent"]

log = Logger()

PlayerEvent = Literal["view", "state", "move", "lost", "position", "identity"]

EVENTS: tuple[PlayerEvent, ...] = get_args(PlayerEvent)


class Listeners:
    """The listeners of one player, by event, called in the order in which they came."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Callable[[Any], object], ...]] = dict.fromkeys(EVENTS, ())

    def on(self, event: PlayerEvent, listener: Callable[[Any], object]) -> Callable[[], None]:
        """Call `listener(value)` at each `event`, until what this answers is called."""
        if event not in self._of:
            raise BadInput(f"{event!r} is no event; there are {', '.join(EVENTS)}")
        one = partial(listener)  # the same function may listen twice, and each is ended by itself
        self._of[event] += (one,)
        return partial(self._end, event, one)

    def _end(self, event: PlayerEvent, one: object) -> None:
        self._of[event] = tuple(each for each in self._of[event] if each is not one)

    def tell(self, event: PlayerEvent, value: Any) -> None:
        """Something happened. A `PeersFault` of a listener says that the other side's bytes are
        wrong: it is raised on, and ends the connection that brought them."""
        for listener in self._of[event]:
            try:
                listener(value)
            except PeersFault:
                raise
            except Exception:
                log.failure("{name} failed, and goes on", name=f"a listener to {event}")
