"""What a game is to the server that runs it. Write one of these to have your own played.

A game may leave out `busy` and all that comes after it, and `begin`, `end`, `connected`, `grouped`,
`convert`, `numbered` and `views`: then players are moved at any time, see only those of their own
server, get no mail, are not moved to be with those whom they see, and there are no records.

A record is what belongs to no player: a room, a canvas, the weather. It has a name (1 to 48 of A-Z,
a-z, 0-9, _ and -), a state like a player's, and one server that has it, which is where most of
those are for whom `records` wants it. It is checkpointed and handed over as players are: who has
been told to `close` it has it no more, and the next to `open` it goes on from what was stored. For
letters it is called `record-NAME`.

A game knows its players by name and its time by the tick. It knows nothing of connections, routers
or moves: a player that comes from another server enters with the state it left that one with.
No method may block. `apply`, `sight` and `lend` may raise a `PeersFault` when what they are given
makes no sense; then whoever sent it loses its connection. Whatever else a game raises, and every
value that it may not give, is a fault of the game (guard.py): it is logged with the game's class
and method, counted (`game_faults`) and alerted, and costs as little as can be:

- `apply`, `view`, `resume`, `receive`: that player's connection (goodbye `game_fault`). The input
  or letter counts as applied: nothing is tried twice.
- `state`, `position`, `hold`: that player is not checkpointed and not moved until it works again.
  If it goes home meanwhile, the last state that was good is kept.
- `enter`: the player goes to another server; if no other takes it, it is told so.
- `open`: the record goes to another server that wants it. `stored`: as for `state`.
- `step`, `draw`: tried again at the next tick. After `PATIENCE` ticks in a row (world.py) the
  server checkpoints its players, hands them over and ends.
- `views`: nothing; each is asked for by itself.
- all others: what they would have said is left out, or is what they said last.

Values have to be finite, and JSON has to be the same when it is read again. A state may have
`STATE_LIMIT` bytes of JSON, a letter `LETTER_LIMIT`, a view `VIEW_LIMIT` bytes, a look
`LOOK_LIMIT`, a sight `SIGHT_LIMIT`; an input has at most 256 bytes (`INPUT_LIMIT` of
wire/connection.py): a longer one costs its sender the connection before the game sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

STATE_LIMIT = 65_536  # bytes of JSON: every second one goes to the router and into the ledger
LETTER_LIMIT = 4_096  # bytes of JSON: up to 32 of them travel in one player's snapshot
VIEW_LIMIT = 262_144 - 21  # bytes: what fits into the largest frame to a player
LOOK_LIMIT = SIGHT_LIMIT = 1_048_576 - 9  # bytes: what fits into a frame between servers


class Game(Protocol):
    """One world on one server. `--game module:Class` makes it, of tick rate and a way to post. What
    stands in the class beside the methods is in net/games.py: name, version, crowd, page."""

    name: str = ""
    version: int = 1
    reads: int = 0  # the newest version whose states it can read; 0: its own

    def begin(self, settings: dict[str, str]) -> None:
        """Before the first tick: what `--game-settings` says. A `ValueError` says which of it makes
        no sense, and ends the server with that line."""
        if settings:
            raise ValueError(f"this game has no settings, and was given {', '.join(settings)}")

    def end(self) -> None:
        """After the last tick: everybody was moved away, or stored."""
        return

    def connected(self, player: str, here: bool) -> None:  # noqa: ARG002
        """A player that is in the game has a connection (`here`), or has lost it: then it may come
        back within 10 s, and is in the game meanwhile."""
        return

    def grouped(self, player: str, group: str) -> None:  # noqa: ARG002
        """A player that has just entered plays with this group, as it said at the router."""
        return

    def convert(self, state: dict[str, Any], version: int) -> dict[str, Any]:  # noqa: ARG002
        """A state that this other version has stored, as this one wants it: for `enter` and
        `open`."""
        return state

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
        """What this player sees now: at most `VIEW_LIMIT` bytes."""

    def views(self, players: Sequence[str]) -> Sequence[bytes | None]:
        """`view` of each of these, in this order, for a game that makes many faster than one after
        the other. None: not this one; then `view` is asked."""
        return [None for _ in players]

    def state(self, player: str) -> dict[str, Any]:
        """All that is this player's, as a JSON object of at most `STATE_LIMIT` bytes."""

    def position(self, player: str) -> tuple[float, float]:
        """Where this player is, metres: two finite numbers."""

    def measures(self) -> dict[str, float]:
        """The game's own measures: centre_x_m, centre_y_m and spread_m, which every game has, and
        whatever else of the catalogue it can tell. What the catalogue lacks is refused."""

    def busy(self, player: str) -> bool:  # noqa: ARG002
        """Whether this player is better left on this server for now: in the middle of a duel, say.
        Balance waits for it; a server that is to stop does not."""
        return False

    def seen(self) -> tuple[int, dict[int, int]]:
        """How many others the players here see, added up over these players, as drawn last: those
        who play here too, and those who play elsewhere by the number of their server (`numbered`;
        0: it has none). Asked once a second; this is what players are moved by to be with those
        whom they see, so a game in which places mean nothing leaves it out. Who fades is not
        counted: another server may have it by now."""
        return 0, {}

    # What crosses to other servers. All bytes here are the game's own.

    def look(self, coming: Sequence[tuple[float, float]]) -> bytes:  # noqa: ARG002
        """What the players here look at, or will in a moment: to be told to the neighbours when it
        changes. `coming` are the places (metres) of players that are on their way here."""
        return b""

    def sight(self, look: bytes) -> bytes:  # noqa: ARG002
        """As drawn at this tick: those of our own players that stand where a neighbour looks."""
        return b""

    def lend(self, neighbour: str, tick: int, body: bytes) -> None:  # noqa: ARG002
        """A neighbour's sight of that tick: to be shown with our own until there is a newer one. A
        player that two servers show, because it is being moved, is to be shown once."""
        return

    def receive(self, player: str, sender: str, body: dict[str, Any]) -> None:  # noqa: ARG002
        """A letter for a player that is here and not held: each exactly once, in order. What it
        carries the sender has had no more since it was posted."""
        return

    # What belongs to no player.

    def records(self) -> Mapping[str, int]:
        """The records that players here need, each with how many they are: asked four times a
        second. A record that nobody needs any more anywhere is stored and closed after 10 s."""
        return {}

    def open(self, name: str, state: dict[str, Any] | None, ticks: int) -> None:  # noqa: ARG002
        """This server has the record from now on: `state` as `stored` gave it (None: there never
        was one of this name), `ticks` ticks ago (at most one second's)."""
        return

    def stored(self, name: str) -> dict[str, Any]:  # noqa: ARG002
        """All that is this record's, as a JSON object of at most `STATE_LIMIT` bytes."""
        return {}

    def close(self, name: str) -> None:  # noqa: ARG002
        """This server does not have the record any more. It has been read before, if need be. It
        may be opened again at once, when it could not be handed over."""
        return

    def gather(self) -> Mapping[str, str]:
        """Players here who should be on another server: on that of this player, or of this record
        (`record-NAME`). Asked four times a second; who is there already, or has been brought there,
        may be said on. The router brings them as it does all others: not who is `busy`, nor to a
        server that is full, nor somebody whom it has moved lately."""
        return {}

    def stays(self, player: str, why: str) -> None:  # noqa: ARG002
        """Why a player of `gather` stays here for now: `busy`, `full`, `draining`, `moved_lately`,
        `overloaded`, `away` (it has no connection), `older` (a server that could not read its
        state), `nowhere` (nobody has that player or record), `waits` (it will be tried again), or
        what the move ended with. Within 4 s of the wish, if it is not fulfilled."""
        return


PostLetter = Callable[[str, str, dict[str, Any]], bool]
"""Sends a letter from a player here to any player: (sender, receiver, JSON object); a record that
this server has can be either, as `record-NAME`. False when the
sender has too many under way: nothing was sent."""

MakeGame = Callable[[int, PostLetter], Game]  # from the tick rate, in Hz
