"""The status daemon itself: takes what it is told, and shows it to everybody at once.

It has no say in anything. With nobody to tell it something it says so, each second.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall

from clientmigration.status import documents
from clientmigration.status.answers import OPEN, PublicAnswer
from clientmigration.status.board import Board
from clientmigration.status.feed import PublicMove, PublicWorld, Status
from clientmigration.status.sse import Readers

SILENCE_S = 1.2
"""Without news for so long the same is said again, with how old it is."""

LOOK_S = 0.25
"""Between two looks at whether the state has changed."""

WORLD_S = 0.2
"""Between two world events, at least."""

GATHER_S = 0.1
"""Moves of so long go out in one event."""

MOVES = 50
"""Moves in one event, at most; the sums count the others."""


class Shown(Service):
    """A `Told` that puts everything on the board and out to the readers. `also` is told of each
    second too."""

    def __init__(
        self,
        clock: IReactorTime,
        board: Board,
        readers: Readers,
        play: str = "",
        also: Callable[[Status], None] = lambda _status: None,
    ) -> None:
        self.board, self.readers = board, readers
        self._clock, self._play, self._also = clock, play, also
        self._shown_at = self._world_at = 0.0
        self._moves: list[PublicMove] = []
        self._gathering: IDelayedCall | None = None
        self._state = board.state(clock.seconds())
        self._status = self._encoded(clock.seconds())
        self._loop = LoopingCall(self._tick)
        self._loop.clock = clock

    # What it is told.

    def status(self, status: Status) -> None:
        """See Told."""
        self.board.post_status(status, self._clock.seconds())
        self._show()
        self._also(status)

    def world(self, world: PublicWorld) -> None:
        """See Told."""
        now = self._clock.seconds()
        if 0 <= now - self._world_at < WORLD_S:
            return
        self._world_at = now
        self.board.post_world(world, now)
        shown = documents.world(world, self.board.masks)
        self.readers.show("world", documents.event("world", shown))

    def moved(self, moved: PublicMove) -> None:
        """See Told."""
        self._moves.append(moved)
        if self._gathering is None:
            self._gathering = self._clock.callLater(GATHER_S, self._show_moves)

    def _show_moves(self) -> None:
        self._gathering = None
        moves, self._moves = self._moves[:MOVES], []
        event = documents.event("moves", [documents.move(each) for each in moves])
        self.readers.show("status", event, keep=False)

    # What it says.

    def _encoded(self, now: float) -> PublicAnswer:
        body = documents.encode(documents.status(self.board, now, self._play))
        return PublicAnswer(body, "application/json", "public, max-age=1", dict(OPEN))

    def _show(self) -> None:
        now = self._clock.seconds()
        self._shown_at, self._state = now, self.board.state(now)
        self._status = self._encoded(now)
        event = b"event: status\ndata: " + self._status.body + b"\n\n"
        self.readers.show("status", event)

    def _tick(self) -> None:
        now = self._clock.seconds()
        if now - self._shown_at >= SILENCE_S or self.board.state(now) != self._state:
            self._show()

    def answers(self) -> dict[str, Callable[[], PublicAnswer]]:
        """The documents that change, by path."""
        return {
            "api/v1/status.json": lambda: self._status,
            "api/v1/shields.json": self._shield,
            "badge.svg": self._badge,
        }

    def _shield(self) -> PublicAnswer:
        body = documents.encode(documents.shield(self.board, self._clock.seconds()))
        return PublicAnswer(body, "application/json", "public, max-age=5", dict(OPEN))

    def _badge(self) -> PublicAnswer:
        body = documents.badge(self.board, self._clock.seconds())
        return PublicAnswer(body, "image/svg+xml", "public, max-age=5", dict(OPEN))

    # Life.

    def startService(self) -> None:
        """Begin to show."""
        super().startService()
        self._loop.start(LOOK_S)

    def stopService(self) -> None:
        """Everybody goes; they come back when we do."""
        super().stopService()
        self._loop.stop()
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self.readers.close()
