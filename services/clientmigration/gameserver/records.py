"""Records at this server: what the game keeps that is no player's, each in a seat of its own.

A record's seat has no connection: what a player would do, the record does by itself. While its
final state is on its way to another server the game does not have the record, so nothing can change
it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.records import name_of
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.core.player.standing import Claim
from clientmigration.errors import GameFault
from clientmigration.gameserver.game import Game
from clientmigration.gameserver.hall import Hall
from clientmigration.gameserver.seat import Seat
from clientmigration.wire.messages import Arrived

KEPT_S = 10.0  # a record that nobody here wants any more goes into the ledger after so long


class RecordGame(Game):
    """A game's records, as a seat knows the game's players. `held` are those whose final state is
    out, with that state and the tick of it."""

    def __init__(self, game: Game, hall: Hall) -> None:
        self._game, self._time = game, hall.time
        self.name, self.version, self.reads = game.name, game.version, game.reads
        self.held: dict[str, tuple[dict[str, Any], int]] = {}

    def apply(self, player: str, body: bytes) -> None:
        """It has no inputs."""

    def step(self, tick: int) -> None:
        """The game's own."""

    def draw(self, tick: int) -> None:
        """The game's own."""

    def view(self, player: str) -> bytes:  # noqa: ARG002
        """Nobody is shown it."""
        return b""

    def measures(self) -> dict[str, float]:
        """The game's own."""
        return {}

    def convert(self, state: dict[str, Any], version: int) -> dict[str, Any]:
        """Of another version."""
        return self._game.convert(state, version)

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:
        """Open it."""
        self._game.open(name_of(player), state, ticks)

    def leave(self, player: str) -> None:
        """Close it, if it is open."""
        if self.held.pop(player, None) is None:
            self._game.close(name_of(player))

    def hold(self, player: str) -> None:
        """Close it, and know how it was."""
        self.held[player] = self._game.stored(name_of(player)), self._time.tick
        self._game.close(name_of(player))

    def resume(self, player: str) -> None:
        """Open it again, as it was."""
        if player in self.held:
            state, tick = self.held[player]
            self._game.open(name_of(player), state, max(0, self._time.tick - tick))
            del self.held[player]

    def state(self, player: str) -> dict[str, Any]:
        """How it is, or was when it was closed."""
        if player in self.held:
            return self.held[player][0]
        return self._game.stored(name_of(player))

    def position(self, player: str) -> tuple[float, float]:  # noqa: ARG002
        """Nowhere in particular."""
        return 0.0, 0.0


def in_hall(hall: Hall) -> Hall:
    """What the seats of records have in common. They are not counted with the players."""
    return replace(hall, game=RecordGame(hall.game, hall), meter=Meter(()), coming=_nobody)


def _nobody() -> None:
    """No neighbour has to look for a record."""


class RecordSeat(Seat):
    """The `Hands` of a record's session."""

    def appear(self) -> None:
        """Be found. Nobody has to come for it."""
        self.pinged(None)
        super().appear()

    def want(self, now: float) -> None:
        """Somebody here wants it. What the game could not open again it may by now."""
        if self.entered:
            self.wait_until(now + KEPT_S)
            if not self.held:
                with suppress(GameFault):
                    self.game.resume(self.player)

    def fail(self) -> None:
        """The game could not go on with it; there is no connection that this could cost."""

    def enter(self, claim: Claim) -> bool:
        """Open it, and settle its move at once: there is no view to wait for."""
        entered = super().enter(claim)
        if entered and self.settling:
            self.settle()
        return entered

    def confirm(self, claim: Claim) -> None:
        """Go on."""
        super().confirm(claim)
        if self.settling:
            self.settle()

    def prepare(self, snapshot: Snapshot) -> None:
        """Nobody sees it come."""
        self.learn(snapshot.progress)

    def tell_prepared(self, migration: str) -> None:
        """The snapshot is here, and with it the record has come."""
        super().tell_prepared(migration)
        self._askers.answer(Arrived(migration=migration, player=self.player))

    def redirect(self, where: object) -> bool:  # noqa: ARG002
        """It needs no telling."""
        return True
