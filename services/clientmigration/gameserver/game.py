"""What a game is to the server that runs it. Write one of these to replace the meadow.

A game that subclasses `Game` may leave out the last five: then players are moved at any time, see
only those of their own server, and get no mail.

A game knows its players by name and its time by the tick. It knows nothing of connections, routers
or moves: a player that comes from another server enters with the state it left that one with.
No method may block, and only `apply`, `sight` and `lend` may raise (a `PeersFault`, when what they
are given makes no sense).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol


class Game(Protocol):
    """One world on one server. `--game dotted.name` makes it, of tick rate and a way to post."""

    def numbered(self, owner: int) -> None:  # noqa: ARG002
        """This server's number in views is now `owner` (1 to 255; 0: none), for those who want to
        colour players by it."""
        return

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:
        """Put a player in: `state` as `state()` gave it (None: brand new), `ticks` ticks ago."""

    def leave(self, player: str) -> None:
        """Take a player out. Its state has been read before, if it is needed."""

    def hold(self, player: str) -> None:
        """No input and no other player may change this player any more. What it was doing goes on,
        as it will where it is going: what it sees meanwhile must not stand still."""

    def resume(self, player: str) -> None:
        """Undo `hold`."""

    def apply(self, player: str, body: bytes) -> None:
        """One input of this player, in order, exactly once."""

    def step(self, tick: int) -> None:
        """The world goes on by one tick. Called after the inputs of this tick were applied."""

    def draw(self, tick: int) -> None:
        """Get ready to answer `view` for everyone: do here what is done once per tick."""

    def view(self, player: str) -> bytes:
        """What this player sees now."""

    def state(self, player: str) -> dict[str, Any]:
        """All that is this player's, as a JSON object."""

    def position(self, player: str) -> tuple[float, float]:
        """Where this player is, metres."""

    def measures(self) -> dict[str, float]:
        """The game's own measures: centre_x_m, centre_y_m and spread_m, which every game has, and
        whatever else of the catalogue it can tell. What the catalogue lacks is left out."""

    def busy(self, player: str) -> bool:  # noqa: ARG002
        """Whether this player is better left on this server for now: in the middle of a duel, say.
        Balance waits for it; a server that is to stop does not."""
        return False

    # What crosses to other servers. All bytes here are the game's own.

    def look(self, coming: Sequence[tuple[float, float]]) -> bytes:  # noqa: ARG002
        """What the players here look at, or will in a moment: to be told to the neighbours when it
        changes. `coming` are the places (metres) of players that are on their way here."""
        return b""

    def sight(self, look: bytes) -> bytes:  # noqa: ARG002
        """As drawn at this tick: those of our own players that stand where a neighbour looks."""
        return b""

    def lend(self, neighbour: str, tick: int, body: bytes) -> None:
        """A neighbour's sight of that tick: to be shown with our own until there is a newer one. A
        player that two servers show, because it is being moved, is to be shown once."""

    def receive(self, player: str, sender: str, body: dict[str, Any]) -> None:
        """A letter for a player that is here and not held: each exactly once, in order. What it
        carries the sender has had no more since it was posted."""


PostLetter = Callable[[str, str, dict[str, Any]], bool]
"""Sends a letter from a player here to any player: (sender, receiver, JSON object). False when the
sender has too many under way: nothing was sent."""

MakeGame = Callable[[int, PostLetter], Game]  # from the tick rate, in Hz
