"""The status daemon's service: what its feed says becomes public documents and events at once.

It has no say in anything. While nothing comes in, it says each second how old its news is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from clientmigration.net.beats import Beats
from clientmigration.status import documents
from clientmigration.status.answers import OPEN, PublicAnswer
from clientmigration.status.board import Board
from clientmigration.status.feed import PublicMove, PublicWorld, Status
from clientmigration.status.sse import EventStreams

SILENCE_S = 1.2
"""Without news for so long the latest status is sent again, with its age."""

LOOK_S = 0.25
"""Between two looks at whether the state has changed."""

WORLD_S = 0.2
"""Between two world events, at least."""

GATHER_S = 0.1
"""Moves of so long go out in one event."""

MOVES = 50
"""Moves in one event, at most; the sums count the others."""


class StatusService(Service):
    """An `Audience` that puts everything on the board and sends it to the event streams. `also`
    hears each status too; `offered` is what the daemon was told to say beside."""

    def __init__(
        self,
        clock: IReactorTime,
        beats: Beats,
        board: Board,
        streams: EventStreams,
        offered: Mapping[str, Any] | None = None,
        also: Callable[[Status], None] = lambda _status: None,
    ) -> None:
        self.board, self.streams = board, streams
        self._clock, self._beats, self._offered, self._also = clock, beats, offered, also
        self._shown_at = self._world_at = 0.0
        self._moves: list[PublicMove] = []
        self._gathering: IDelayedCall | None = None
        self._state = board.state(clock.seconds())
        self._status = self._encoded(clock.seconds())
        beats.every(LOOK_S, "looking at the state", self._look)

    # What its feed says.

    def status(self, status: Status) -> None:
        """Post it, and send it to all streams."""
        self.board.post_status(status, self._clock.seconds())
        self._send()
        self._also(status)

    def world(self, world: PublicWorld) -> None:
        """Post it, and send it to the streams that asked for the world, unless one just went."""
        now = self._clock.seconds()
        if 0 <= now - self._world_at < WORLD_S:
            return
        self._world_at = now
        self.board.post_world(world, now)
        shown = documents.world(world, self.board.pseudonyms)
        self.streams.send("world", documents.event("world", shown))

    def moved(self, moved: PublicMove) -> None:
        """Gather it with others of the same moment, to be sent in one event."""
        self._moves.append(moved)
        if self._gathering is None:
            self._gathering = self._clock.callLater(GATHER_S, self._send_moves)

    def _send_moves(self) -> None:
        self._gathering = None
        moves, self._moves = self._moves[:MOVES], []
        event = documents.event("moves", [documents.move(each) for each in moves])
        self.streams.send("status", event, keep=False)

    # What it says.

    def _encoded(self, now: float) -> PublicAnswer:
        body = documents.encode(documents.status(self.board, now, self._offered))
        return PublicAnswer(body, "application/json", "public, max-age=1", dict(OPEN))

    def _send(self) -> None:
        now = self._clock.seconds()
        self._shown_at, self._state = now, self.board.state(now)
        self._status = self._encoded(now)
        event = b"event: status\ndata: " + self._status.body + b"\n\n"
        self.streams.send("status", event)

    def _look(self) -> None:
        now = self._clock.seconds()
        if now - self._shown_at >= SILENCE_S or self.board.state(now) != self._state:
            self._send()

    def answers(self) -> dict[str, Callable[[], PublicAnswer]]:
        """The documents that change, by path: each makes the answer of this moment."""
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
        """Show how things stand, and begin the beats."""
        super().startService()
        self._beats.attempt("looking at the state", self._look)
        self._beats.start()

    def stopService(self) -> None:
        """End all streams; browsers open them again when the daemon is back."""
        super().stopService()
        self._beats.stop()
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        self.streams.close()
