"""The machine of one player at one game server. It decides; its `SeatActions` acts.

A player is applied by this server only while `playing`. It is entered into the game when the ledger
said that it is this server's (`own`), never because a snapshot or a client is here; it is forgotten
only when the router said so (`release`), never because the client went away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from automat import TypeMachineBuilder, pep614

from clientmigration.core.player.machine import ignore_the_rest
from clientmigration.core.player.snapshot import Snapshot


class SeatActions(Protocol):
    """What a session needs done, and the three things that it has to compare."""

    epoch: int
    migration: str

    def enter(self, epoch: int, snapshot: Snapshot | None) -> None:
        """Put the player into the game, as of `snapshot` (None: brand new)."""

    def hold(self) -> None:
        """Stop applying inputs and stop the player in the game; go on showing views."""

    def resume(self) -> None:
        """Undo `hold`."""

    def confirm(self) -> None:
        """`resume`, and say `settled` again: the ledger still says that the player is ours."""

    def leave(self) -> None:
        """Take the player out of the game."""

    def welcome(self) -> None:
        """Tell the player's new connection where its inputs stand."""

    def redirect(self, where: object) -> None:
        """Pass a redirect on to the player."""

    def dismiss(self, code: str, text: str) -> None:
        """Say goodbye to the player's connection, if there is one."""

    def tell_prepared(self) -> None:
        """To the router: the snapshot is here."""

    def tell_arrived(self) -> None:
        """To the router: the player has shown its ticket."""

    def tell_copied(self) -> None:
        """To the router: a snapshot as of now."""

    def tell_frozen(self) -> None:
        """To the router: the final snapshot."""

    def tell_left(self) -> None:
        """To the router: the player went home, with its last snapshot."""

    def tell_declined(self, migration: str, reason: str) -> None:
        """To the router: this step can not be taken."""

    def forget(self) -> None:
        """Drop the seat: nothing about the player is kept here."""


class Session(Protocol):
    """The inputs: what the router, the player and the clock did."""

    def state(self) -> str:
        """The name of the present state, for rosters and logs."""

    def prepare(self) -> None:
        """Router: the snapshot is here, for a player that may come."""

    def own(self, epoch: int, snapshot: Snapshot | None) -> None:
        """Router: the player is this server's at `epoch`."""

    def copy(self, migration: str) -> None:
        """Router: send a snapshot."""

    def direct(self, migration: str, where: object) -> None:
        """Router: pass a redirect on."""

    def freeze(self, migration: str) -> None:
        """Router: stop, and send the final state."""

    def cancel(self, migration: str) -> None:
        """Router: this migration ended; go on as before it."""

    def release(self, epoch: int) -> None:
        """Router: as of `epoch` the player is not this server's."""

    def joined(self) -> None:
        """Player: a connection showed a good ticket."""

    def expired(self) -> None:
        """Clock: the reservation, or the wait for a player that went away, is over."""


builder = TypeMachineBuilder(Session, SeatActions)  # type: ignore[type-abstract]
arriving = builder.state("arriving")
playing = builder.state("playing")
frozen = builder.state("frozen")
departed = builder.state("departed")
gone = builder.state("gone")
everywhere = (arriving, playing, frozen, departed, gone)
for each in everywhere:
    each.upon(Session.state).loop().returns(each.name)

# Arriving: there is a place, perhaps a snapshot, perhaps a connection; nothing is owned.


@pep614(arriving.upon(Session.prepare).loop())
def prepare(_: Session, seat: SeatActions) -> None:
    seat.tell_prepared()


@pep614(arriving.upon(Session.joined).loop())
def arrive(_: Session, seat: SeatActions) -> None:
    seat.welcome()
    seat.tell_arrived()


@pep614(arriving.upon(Session.own).to(playing))
@pep614(departed.upon(Session.own).to(playing))
def enter(_: Session, seat: SeatActions, epoch: int, snapshot: Snapshot | None) -> None:
    seat.enter(epoch, snapshot)


@pep614(arriving.upon(Session.cancel).to(gone))
def turn_away(_: Session, seat: SeatActions, migration: str) -> None:
    seat.dismiss("cancelled", "the move was called off")
    seat.forget()


@pep614(arriving.upon(Session.expired).to(gone))
def give_up(_: Session, seat: SeatActions) -> None:
    seat.tell_declined(seat.migration, "nobody came")
    seat.dismiss("expired", "the reservation is over")
    seat.forget()


@pep614(arriving.upon(Session.release).to(gone))
@pep614(departed.upon(Session.release).to(gone))
def drop(_: Session, seat: SeatActions, epoch: int) -> None:
    seat.dismiss("released", "the player is somewhere else")
    seat.forget()


# Playing: the one state in which inputs are applied.


@pep614(playing.upon(Session.joined).loop())
@pep614(frozen.upon(Session.joined).loop())
def come_back(_: Session, seat: SeatActions) -> None:
    seat.welcome()


@pep614(playing.upon(Session.copy).loop())
def copy(_: Session, seat: SeatActions, migration: str) -> None:
    seat.migration = migration
    seat.tell_copied()


@pep614(playing.upon(Session.direct).loop())
def direct(_: Session, seat: SeatActions, migration: str, where: object) -> None:
    if migration == seat.migration:
        seat.redirect(where)


@pep614(playing.upon(Session.freeze).to(frozen))
def freeze(_: Session, seat: SeatActions, migration: str) -> None:
    seat.migration = migration
    seat.hold()
    seat.tell_frozen()


@pep614(playing.upon(Session.own).loop())
@pep614(frozen.upon(Session.own).to(playing))
def own_again(_: Session, seat: SeatActions, epoch: int, snapshot: Snapshot | None) -> None:
    if epoch > seat.epoch:
        seat.leave()
        seat.enter(epoch, snapshot)
    else:
        seat.confirm()


@pep614(playing.upon(Session.expired).to(departed))
def go_home(_: Session, seat: SeatActions) -> None:
    seat.tell_left()
    seat.leave()


# Frozen: the final state is out; how it ended the router says, or without one the target.


@pep614(frozen.upon(Session.cancel).to(playing))
def thaw(_: Session, seat: SeatActions, migration: str) -> None:
    seat.migration = ""
    seat.resume()


@pep614(playing.upon(Session.release).to(gone))
@pep614(frozen.upon(Session.release).to(gone))
def let_go(_: Session, seat: SeatActions, epoch: int) -> None:
    seat.leave()
    seat.dismiss("released", "the player is somewhere else")
    seat.forget()


# What can not be done here, and what changes nothing.


def decline(_: Session, seat: SeatActions, migration: str) -> None:
    seat.tell_declined(migration, "the player is not playing here")


for state in (arriving, frozen, departed, gone):
    state.upon(Session.copy).loop()(decline)
    if state is not frozen:
        state.upon(Session.freeze).loop()(decline)


@pep614(playing.upon(Session.cancel).loop())
def stay(_: Session, seat: SeatActions, migration: str) -> None:
    seat.migration = ""


ignore_the_rest(Session, *everywhere)

session: Callable[[SeatActions], Session] = builder.build()
