"""How one player stands at one game server: what each state of its session knows, and nothing else.

The seat is the lock: it has one live migration at a time, whoever began it, and lets in no other.

Values and the port by which a session acts. What changes here is changed by `session.py` only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

from clientmigration.core.player.snapshot import Snapshot

WAIVER_S = 0.3
"""For so long a player stands still before its target is asked to waive it, though there is a
router: what moves it takes tens of milliseconds, but its ledger may not answer for seconds."""


@dataclass(frozen=True)
class Reservation:
    """A place kept for a player until then (seconds). Its ticket opens the seat in every state, for
    as long as no later one was made; `until` is 0 when it was called off."""

    migration: str = ""
    epoch: int = 0
    until: float = 0.0


@dataclass(frozen=True)
class Claim:
    """The ledger's word: the player is this server's at `epoch`, by this migration, as of
    `snapshot` (None: brand new). `holder` is the key of its program, `group` whom it plays with."""

    migration: str
    epoch: int
    snapshot: Snapshot | None
    holder: str = ""
    group: str = ""


class Standing:
    """How the player stands here. Each state has its own; what means nothing in a state is empty
    there, and cannot be written."""

    epoch: int = 0  # at which the ledger said that the player is ours
    migration: str = ""  # that brings it here, or is to take it away
    waived: str = ""  # the claim that its target has waived, until a router has heard of it
    bound_for: str = ""  # the member that it was last redirected to


@dataclass
class Arriving(Standing):
    """There is a place, perhaps a snapshot, perhaps a connection; nothing is owned."""

    migration: str


@dataclass
class Playing(Standing):
    """The player is ours."""

    epoch: int
    migration: str = ""
    waived: str = ""
    bound_for: str = ""


@dataclass
class Held(Standing):
    """The final state is out: it is not known whether the player is still ours."""

    epoch: int
    migration: str
    waived: str
    bound_for: str


@dataclass
class Departed(Standing):
    """The player went home; until the ledger has its `final` state, it cannot come back."""

    final: Snapshot
    epoch: int
    migration: str
    waived: str


class Hands(Protocol):
    """What a session needs done. The first five bring a player, the next five are about the game,
    then come its connection and what is told to whoever asked for a migration."""

    def is_anothers(self, migration: str, asked: str) -> bool:
        """Whether the link over which this migration began is there, and is another than that over
        which `asked` was ordered. Over one link migrations of a player come one after the other."""

    def appear(self) -> None:
        """Keep this seat from now on: somebody is expected, or here."""

    def wait_until(self, when: float) -> None:
        """Expire then (seconds), unless the player comes."""

    def wait_longer(self, until: float) -> None:
        """Do not expire before then, if the player is away: it is on its way back."""

    def prepare(self, snapshot: Snapshot) -> None:
        """Learn from the source how far the player is, and where it will stand."""

    def forget(self) -> None:
        """Drop the seat: nothing about the player is kept here."""

    def enter(self, claim: Claim) -> bool:
        """Put the player into the game, and say `settled` with its next view. False: the game does
        not take it in."""

    def hold(self) -> bool:
        """Stop applying inputs and stop the player in the game; go on showing views. False: the
        game could not."""

    def resume(self) -> None:
        """Undo `hold`."""

    def confirm(self, claim: Claim) -> None:
        """`resume`, and say `settled` again: the ledger still says that the player is ours."""

    def leave(self) -> None:
        """Take the player out of the game."""

    def farewell(self) -> Snapshot:
        """Everything about the player, as it is now or, if the game cannot tell, as it was last."""

    def welcome(self) -> None:
        """Tell the player's new connection where its inputs stand."""

    def redirect(self, where: object) -> bool:
        """Pass a redirect on to the player. False: it is not connected."""

    def dismiss(self, code: str, text: str) -> None:
        """Say goodbye to the player's connection, if there is one."""

    def tell_reserved(self, migration: str, plays: bool) -> None:
        """To the router: there is a place; or no need of one, because the player is here."""

    def tell_prepared(self, migration: str) -> None:
        """To the router: the snapshot is here."""

    def tell_arrived(self, migration: str) -> None:
        """To the router: the player has shown its ticket."""

    def tell_copied(self, migration: str) -> None:
        """To the router: a snapshot as of now, or that there is none."""

    def tell_frozen(self, migration: str) -> bool:
        """To the router: the final snapshot. False, and declined: there is none."""

    def tell_left(self, final: Snapshot) -> None:
        """To the router: the player went home, or the game did not take it in; with its last
        snapshot."""

    def tell_declined(self, migration: str, reason: str) -> None:
        """To the router: this step can not be taken."""


@dataclass(slots=True)
class Life:
    """What all states of one session share: its hands, the newest reservation, and how the player
    stands in the present state. All but the hands are written in this module only."""

    hands: Hands
    reservation: Reservation = field(default_factory=Reservation)
    now: Standing = field(default_factory=Standing)

    def admits(self, migration: str, epoch: int) -> bool:
        """Whether this ticket is that of the newest reservation."""
        return (self.reservation.migration, self.reservation.epoch) == (migration, epoch)

    def reserve(self, reservation: Reservation) -> None:
        """Keep a place; an earlier reservation counts no more."""
        self.reservation = reservation

    def call_off(self, migration: str) -> None:
        """The reservation of this migration, if it is the newest, is not waited for any more."""
        if self.reservation.migration == migration:
            self.reservation = replace(self.reservation, until=0.0)

    def lets_in(self, migration: str) -> bool:
        """Whether this migration may have the seat. A live one keeps out every other; it is over
        when its link is gone, unless the final state is out: then only its outcome ends it."""
        live = self.now.migration
        if live in ("", migration):
            return True
        return not isinstance(self.now, Held) and not self.hands.is_anothers(live, migration)

    def asks(self, held_s: float, alone: bool) -> bool:
        """Whether the target is to be asked to waive a player that has stood still for so long;
        `alone`: there is no router."""
        return isinstance(self.now, Held) and (alone or held_s >= WAIVER_S)

    def waits_for(self, target: str) -> bool:
        """Whether the final state is out, and only this target can tell what became of it."""
        return isinstance(self.now, Held) and self.now.bound_for == target

    def is_news(self, epoch: int, now: float) -> bool:
        """Whether a release as of `epoch` is more than what was true before. A late one must not
        undo a later reservation, while there is one. Of a claim that was waived the ledger is to
        hear first: that is settled with our roster."""
        expected = self.reservation.epoch if now < self.reservation.until else 0
        ours = self.now.epoch
        return epoch >= max(ours, expected) and not (self.now.waived and epoch == ours + 1)
