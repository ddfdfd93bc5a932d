"""The session of one player at one game server: it decides what happens to the player here, and its
`Hands` do it.

A player's inputs are applied by this server only while the session is `playing`. A player is put
into the game when the ledger said that it is this server's (`own`), never because a snapshot or a
client is here. It is forgotten only when the ledger, by way of the router or of the server that has
the player now, said so (`release`, `taken`), never because the client went away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import msgspec
from automat import TypeMachineBuilder, pep614

from clientmigration.core.player.machine import built, ignore_the_rest
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.core.player.standing import (
    Arriving,
    Claim,
    Departed,
    Held,
    Life,
    Playing,
    Reservation,
    Standing,
)


class Session(Protocol):
    """The inputs: what the router, another server, the player and the clock did."""

    def state(self) -> str:
        """The name of the present state, for rosters and logs."""

    def reserve(self, reservation: Reservation) -> None:
        """Router: keep a place."""

    def prepare(self, migration: str, snapshot: Snapshot) -> None:
        """Router: the snapshot is here, for a player that may come."""

    def own(self, claim: Claim) -> None:
        """Router: the player is this server's."""

    def copy(self, migration: str) -> None:
        """Router: send a snapshot."""

    def direct(self, migration: str, target: str, where: object) -> None:
        """Router: pass a redirect to `target` on."""

    def freeze(self, migration: str) -> None:
        """Router: stop, and send the final state."""

    def cancel(self, migration: str) -> None:
        """Router: this migration ended; go on as before it."""

    def retain(self, migration: str, epoch: int) -> None:
        """Router: whatever became of this migration, by the ledger the player is ours at `epoch`,
        as we have it."""

    def release(self, epoch: int, now: float) -> None:
        """Router: as of `epoch` the player is not this server's."""

    def waive(self, migration: str) -> None:
        """Its target: I shall never begin this migration, of a player that is frozen here."""

    def taken(self) -> None:
        """Its target: the player is mine."""

    def rejected(self) -> None:
        """Game: the player is not taken in."""

    def joined(self) -> None:
        """Player: a connection showed a good ticket."""

    def expired(self) -> None:
        """Clock: the reservation, or the wait for a player that went away, is over."""

    def ended(self) -> None:
        """The session itself: the migration that it waits for has ended."""

    def stopped(self, migration: str) -> None:
        """The session itself: this `freeze` is of the migration that has the seat."""

    def heeded(self, claim: Claim) -> None:
        """The session itself: this `own` is for a player that is frozen here, or has left."""


# What each state knows. Automat makes it before it runs what the transition does, and a loop keeps
# it. (Automat does not hand the old state's data to what makes the new one's: `Life.now` does.)


def expect(_: Session, life: Life, reservation: Reservation) -> Arriving:
    life.now = arriving = Arriving(reservation.migration)
    return arriving


def play(_: Session, life: Life, claim: Claim | None = None) -> Playing:
    """At the claim's epoch; or as before the freeze, if the ledger says nothing new."""
    before = life.now
    if claim is None or (isinstance(before, Held) and claim.epoch <= before.epoch):
        playing = Playing(before.epoch, "", before.waived, before.bound_for)
    else:
        playing = Playing(claim.epoch)
    life.now = playing
    return playing


def stop(_: Session, life: Life, migration: str) -> Held:
    before = life.now
    life.now = frozen = Held(before.epoch, migration, before.waived, before.bound_for)
    return frozen


def depart(_: Session, life: Life) -> Departed:
    before, final = life.now, life.hands.farewell()
    life.now = departed = Departed(final, before.epoch, before.migration, before.waived)
    return departed


def put_in(session: Session, life: Life, claim: Claim) -> None:
    """Into the game, which may not take it: then it is as if it had gone home at once."""
    if not life.hands.enter(claim):
        session.rejected()


def forget(life: Life) -> None:
    """Nothing is known of the player here any more."""
    life.now = Standing()
    life.hands.forget()


_play: Callable[..., Playing] = play  # from several inputs, each with its own arguments

BUSY = "being moved already"
"""The reason when another migration has the seat."""

builder = TypeMachineBuilder(Session, Life)
absent = builder.state("absent")
arriving = builder.state("arriving", expect)
playing = builder.state("playing", _play)
frozen = builder.state("frozen", stop)
departed = builder.state("departed", depart)
gone = builder.state("gone")
everywhere: tuple[Any, ...] = (absent, arriving, playing, frozen, departed, gone)
for each in everywhere:
    each.upon(Session.state).loop().returns(each.name)

# Absent, and then arriving.


@pep614(absent.upon(Session.reserve).to(arriving))
def keep_place(_: Session, life: Life, reservation: Reservation) -> None:
    life.reserve(reservation)
    life.hands.appear()
    life.hands.wait_until(reservation.until)
    life.hands.tell_reserved(reservation.migration, plays=False)


@pep614(arriving.upon(Session.reserve).loop())
def keep_place_longer(_: Session, life: Life, here: Arriving, reservation: Reservation) -> None:
    if not life.lets_in(reservation.migration):
        life.hands.tell_declined(reservation.migration, BUSY)
        return
    life.reserve(reservation)
    here.migration = reservation.migration
    life.hands.wait_until(reservation.until)
    life.hands.tell_reserved(reservation.migration, plays=False)


@pep614(arriving.upon(Session.prepare).loop())
def prepare(_: Session, life: Life, here: Arriving, migration: str, snapshot: Snapshot) -> None:
    if migration == here.migration:
        life.hands.prepare(snapshot)
        life.hands.tell_prepared(migration)


@pep614(arriving.upon(Session.joined).loop())
def arrive(_: Session, life: Life, here: Arriving) -> None:
    life.hands.welcome()
    life.hands.tell_arrived(here.migration)


@pep614(absent.upon(Session.own).to(playing))
def enter_at_once(session: Session, life: Life, claim: Claim) -> None:
    life.hands.appear()
    put_in(session, life, claim)


@pep614(arriving.upon(Session.own, nodata=True).to(playing))
def enter(session: Session, life: Life, claim: Claim) -> None:
    put_in(session, life, claim)


@pep614(arriving.upon(Session.cancel).loop())
def call_off(session: Session, life: Life, here: Arriving, migration: str) -> None:
    life.call_off(migration)
    if migration == here.migration:
        session.ended()


@pep614(arriving.upon(Session.ended).to(gone))
def turn_away(_: Session, life: Life, before: Arriving) -> None:
    life.hands.dismiss("cancelled", "the move was called off")
    forget(life)


@pep614(arriving.upon(Session.expired).to(gone))
def give_up(_: Session, life: Life, here: Arriving) -> None:
    life.hands.tell_declined(here.migration, "nobody came")
    life.hands.dismiss("expired", "the reservation is over")
    forget(life)


# Playing: the one state in which inputs are applied.


@pep614(playing.upon(Session.joined, nodata=True).loop())
@pep614(frozen.upon(Session.joined, nodata=True).loop())
def come_back(_: Session, life: Life) -> None:
    life.hands.welcome()


@pep614(playing.upon(Session.reserve, nodata=True).loop())
@pep614(frozen.upon(Session.reserve, nodata=True).loop())
def say_that_it_plays(_: Session, life: Life, reservation: Reservation) -> None:
    if life.now.waived:
        life.hands.tell_declined(reservation.migration, "just waived")
    elif not life.lets_in(reservation.migration):
        life.hands.tell_declined(reservation.migration, BUSY)
    else:
        life.reserve(reservation)
        life.hands.wait_longer(reservation.until)
        life.hands.tell_reserved(reservation.migration, plays=True)


@pep614(playing.upon(Session.copy).loop())
def copy(_: Session, life: Life, here: Playing, migration: str) -> None:
    if life.lets_in(migration):
        here.migration = migration
        life.hands.tell_copied(migration)
    else:
        life.hands.tell_declined(migration, BUSY)


@pep614(playing.upon(Session.direct).loop())
def direct(
    _: Session, life: Life, here: Playing, migration: str, target: str, where: object
) -> None:
    if migration != here.migration:
        return
    if life.hands.redirect(where):
        here.bound_for = target
    else:
        life.hands.tell_declined(migration, "the player is not connected")


@pep614(playing.upon(Session.freeze).loop())
def consider(session: Session, life: Life, here: Playing, migration: str) -> None:
    if life.lets_in(migration):
        session.stopped(migration)


@pep614(playing.upon(Session.stopped).to(frozen))
def freeze(session: Session, life: Life, before: Playing, migration: str) -> None:
    if not life.hands.hold():
        life.hands.tell_declined(migration, "the game could not hold the player")
        session.ended()
    elif not life.hands.tell_frozen(migration):
        session.ended()


@pep614(playing.upon(Session.own).loop())
def own_again(session: Session, life: Life, here: Playing, claim: Claim) -> None:
    if claim.epoch <= here.epoch and not life.lets_in(claim.migration):
        return
    here.migration = ""
    if claim.epoch > here.epoch:
        here.epoch, here.waived, here.bound_for = claim.epoch, "", ""
        life.hands.leave()
        put_in(session, life, claim)
    else:
        life.hands.confirm(claim)


@pep614(playing.upon(Session.cancel).loop())
def stay(_: Session, life: Life, here: Playing, migration: str) -> None:
    life.call_off(migration)
    if here.waived == migration:
        here.waived = ""
    if here.migration == migration:
        here.migration = ""


@pep614(playing.upon(Session.expired).to(departed))
def go_home(_: Session, life: Life, before: Playing) -> None:
    final = life.now
    assert isinstance(final, Departed)
    if not final.waived:
        life.hands.tell_left(final.final)
    life.hands.leave()


@pep614(playing.upon(Session.rejected).to(departed))
def turn_out(_: Session, life: Life, before: Playing) -> None:
    final = life.now
    assert isinstance(final, Departed)
    life.hands.tell_left(final.final)
    life.hands.dismiss("game_fault", "the game here could not take you in; try again")


# Held: the final state is out; how it ended the router says, or without one the target.


@pep614(frozen.upon(Session.own).loop())
def weigh(session: Session, life: Life, here: Held, claim: Claim) -> None:
    if claim.epoch > here.epoch or life.lets_in(claim.migration):
        session.heeded(claim)


@pep614(frozen.upon(Session.heeded).to(playing))
def own_after_all(session: Session, life: Life, before: Held, claim: Claim) -> None:
    if claim.epoch > before.epoch:
        life.hands.leave()
        put_in(session, life, claim)
    else:
        life.hands.confirm(claim)


@pep614(frozen.upon(Session.cancel).loop())
def call_back(session: Session, life: Life, here: Held, migration: str) -> None:
    life.call_off(migration)
    if here.waived == migration:
        here.waived = ""
    if here.migration == migration:
        session.ended()


@pep614(frozen.upon(Session.waive).loop())
def go_on_alone(session: Session, life: Life, here: Held, migration: str) -> None:
    if here.migration == migration:
        here.waived = migration
        session.ended()


@pep614(frozen.upon(Session.ended).to(playing))
def thaw(_: Session, life: Life, before: Held) -> None:
    life.hands.resume()


# Departed: the player went home, and the ledger does not know it yet.


@pep614(departed.upon(Session.reserve).loop())
def turn_back(_: Session, life: Life, here: Departed, reservation: Reservation) -> None:
    reason = "just waived" if here.waived else "just leaving"
    life.hands.tell_declined(reservation.migration, reason)


@pep614(departed.upon(Session.own).loop())
def weigh_return(session: Session, life: Life, here: Departed, claim: Claim) -> None:
    if claim.epoch >= here.epoch:
        session.heeded(claim)


@pep614(departed.upon(Session.heeded).to(playing))
def enter_again(session: Session, life: Life, before: Departed, claim: Claim) -> None:
    """At the same epoch nobody had it since: as of our final state, if that was not stored yet."""
    final, known = before.final, claim.snapshot
    newer = known is None or (known.epoch, known.seq) < (final.epoch, final.seq)
    ours = claim.epoch == before.epoch and newer
    put_in(session, life, replace(claim, snapshot=final) if ours else claim)


@pep614(departed.upon(Session.cancel).loop())
def stay_away(_: Session, life: Life, here: Departed, migration: str) -> None:
    life.call_off(migration)
    if here.waived == migration:
        here.waived = ""
        life.hands.tell_left(here.final)


# By the ledger the player is ours after all, or it is another's. It was ours without a break, for
# else the claim at this epoch would have lost: also when the migration was called off meanwhile.


@pep614(playing.upon(Session.retain).loop())
def retain(_: Session, life: Life, here: Playing, migration: str, epoch: int) -> None:
    here.epoch = max(here.epoch, epoch)
    if here.waived == migration:
        here.waived = ""


@pep614(frozen.upon(Session.retain).loop())
def retain_held(session: Session, life: Life, here: Held, migration: str, epoch: int) -> None:
    here.epoch = max(here.epoch, epoch)
    if here.waived == migration:
        here.waived = ""
    if here.migration == migration:
        session.ended()


@pep614(departed.upon(Session.retain).loop())
def retain_final(_: Session, life: Life, here: Departed, migration: str, epoch: int) -> None:
    here.epoch = max(here.epoch, epoch)
    here.final = msgspec.structs.replace(here.final, epoch=here.epoch)
    if here.waived == migration:
        here.waived = ""
        life.hands.tell_left(here.final)


@pep614(arriving.upon(Session.release, nodata=True).loop())
@pep614(playing.upon(Session.release, nodata=True).loop())
@pep614(frozen.upon(Session.release, nodata=True).loop())
@pep614(departed.upon(Session.release, nodata=True).loop())
def release(session: Session, life: Life, epoch: int, now: float) -> None:
    if life.is_news(epoch, now):
        session.taken()


def drop(_: Session, life: Life, before: Standing) -> None:
    life.hands.dismiss("released", "the player is somewhere else")
    forget(life)


arriving.upon(Session.taken).to(gone)(drop)
departed.upon(Session.taken).to(gone)(drop)


def let_go(_: Session, life: Life, before: Standing) -> None:
    life.hands.leave()
    life.hands.dismiss("released", "the player is somewhere else")
    forget(life)


playing.upon(Session.taken).to(gone)(let_go)
frozen.upon(Session.taken).to(gone)(let_go)

# What can not be done here, and what changes nothing.


@pep614(absent.upon(Session.copy).loop())
@pep614(absent.upon(Session.freeze).loop())
def refuse(_: Session, life: Life, migration: str) -> None:
    life.hands.tell_declined(migration, "not here")


@pep614(absent.upon(Session.direct).loop())
def refuse_redirect(_: Session, life: Life, migration: str, target: str, where: object) -> None:
    life.hands.tell_declined(migration, "not here")


@pep614(arriving.upon(Session.copy, nodata=True).loop())
@pep614(frozen.upon(Session.copy, nodata=True).loop())
@pep614(departed.upon(Session.copy, nodata=True).loop())
@pep614(arriving.upon(Session.freeze, nodata=True).loop())
@pep614(departed.upon(Session.freeze, nodata=True).loop())
def decline(_: Session, life: Life, migration: str) -> None:
    life.hands.tell_declined(migration, "the player is not playing here")


ignore_the_rest(Session, *everywhere)

session: Callable[[Life], Session] = built(builder)
