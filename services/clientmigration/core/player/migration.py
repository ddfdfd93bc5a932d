"""The machine of one migration, as the router carries it out. It decides; its `Carrier` acts.

The order is the law: reserve, copy, store, redirect, wait for the player, freeze, claim, own,
release. Until the claim every end leaves the player with the source; from the claim on it is the
target's, whatever breaks. A newcomer is a migration without a source: reserve, claim, own.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from automat import TypeMachineBuilder, pep614

from clientmigration.core.player.machine import built, ignore_the_rest
from clientmigration.core.player.snapshot import Snapshot

STAYED = "waited too long while redirecting"
"""The reason when a player was told where to go and did not come there."""


class Outcome(StrEnum):
    """How a migration or a placement can end."""

    SETTLED = "settled"
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    PLAYER_LEFT = "player_left"
    LOST = "lost"


class Carrier(Protocol):
    """What a migration needs done. Nothing here answers; answers come back as inputs."""

    def reserve(self) -> None:
        """Ask the target for a place."""

    def copy(self) -> None:
        """Ask the source for a snapshot."""

    def prepare(self, snapshot: Snapshot) -> None:
        """Store the snapshot in the ledger, then hand it to the target."""

    def direct(self) -> None:
        """Have the source tell the player where to go."""

    def freeze(self) -> None:
        """Have the source stop applying inputs and send the final state."""

    def claim(self, final: Snapshot | None) -> None:
        """Move ownership in the ledger by compare-and-set. Ends in `claimed` or `contested`."""

    def own(self, epoch: int) -> None:
        """Tell the target (and a newcomer) that the player is the target's."""

    def release(self) -> None:
        """Let the source forget the player."""

    def release_of_lost(self) -> None:
        """Tell the source so, if the target is no router: one that is away may have told a server
        of its own, or will when it is back, and until then the source shows the world."""

    def cancel(self, reason: str) -> None:
        """Tell source and target that it ended without them."""

    def ended(self, outcome: Outcome, reason: str) -> None:
        """The one end. Exactly once."""


class Migration(Protocol):
    """The inputs: what happened."""

    def move(self) -> None:
        """Start to move a player that plays somewhere."""

    def admit(self) -> None:
        """Start to place a player that plays nowhere."""

    def reserved(self) -> None:
        """The target keeps a place."""

    def declined(self, reason: str) -> None:
        """Source or target cannot take a step."""

    def copied(self, snapshot: Snapshot) -> None:
        """The source's snapshot is here."""

    def prepared(self) -> None:
        """The target has the snapshot."""

    def arrived(self) -> None:
        """The player has shown its ticket at the target."""

    def frozen(self, snapshot: Snapshot) -> None:
        """The source has stopped; this is the final state."""

    def claimed(self, epoch: int) -> None:
        """The ledger says that the player is the target's, at this epoch."""

    def contested(self, reason: str) -> None:
        """The ledger says that it is not."""

    def settled(self) -> None:
        """The target plays the player."""

    def turned_down(self) -> None:
        """The target's game did not take the player in: it is nobody's now."""

    def player_left(self) -> None:
        """The player went home."""

    def source_lost(self) -> None:
        """The link to the source is gone."""

    def target_lost(self) -> None:
        """The link to the target is gone."""

    def timed_out(self) -> None:
        """The wait of the present state is over."""


builder = TypeMachineBuilder(Migration, Carrier)  # type: ignore[type-abstract]
idle = builder.state("idle")
asked = builder.state("asked")
expected = builder.state("expected")
copying = builder.state("copying")
reserved = builder.state("reserved")
redirecting = builder.state("redirecting")
freezing = builder.state("freezing")
claiming = builder.state("claiming")
owned = builder.state("owned")
ended = builder.state("ended")

# The way through.


@pep614(idle.upon(Migration.move).to(asked))
@pep614(idle.upon(Migration.admit).to(expected))
def ask(_: Migration, carrier: Carrier) -> None:
    carrier.reserve()


@pep614(asked.upon(Migration.reserved).to(copying))
def copy(_: Migration, carrier: Carrier) -> None:
    carrier.copy()


@pep614(expected.upon(Migration.reserved).to(claiming))
def claim_newcomer(_: Migration, carrier: Carrier) -> None:
    carrier.claim(None)


@pep614(copying.upon(Migration.copied).to(reserved))
def prepare(_: Migration, carrier: Carrier, snapshot: Snapshot) -> None:
    carrier.prepare(snapshot)


@pep614(reserved.upon(Migration.prepared).to(redirecting))
def direct(_: Migration, carrier: Carrier) -> None:
    carrier.direct()


@pep614(redirecting.upon(Migration.arrived).to(freezing))
def freeze(_: Migration, carrier: Carrier) -> None:
    carrier.freeze()


@pep614(freezing.upon(Migration.frozen).to(claiming))
def claim(_: Migration, carrier: Carrier, snapshot: Snapshot) -> None:
    carrier.claim(snapshot)


@pep614(claiming.upon(Migration.claimed).to(owned))
def own(_: Migration, carrier: Carrier, epoch: int) -> None:
    carrier.own(epoch)


@pep614(owned.upon(Migration.settled).to(ended))
def settle(_: Migration, carrier: Carrier) -> None:
    carrier.release()
    carrier.ended(Outcome.SETTLED, "")


# Before the claim: every end leaves the player where it was.


def abandon(carrier: Carrier, outcome: Outcome, reason: str) -> None:
    carrier.cancel(reason)
    carrier.ended(outcome, reason)


before_the_claim = (asked, expected, copying, reserved, redirecting, freezing)
for state in before_the_claim:

    @pep614(state.upon(Migration.declined).to(ended))
    def decline(_: Migration, carrier: Carrier, reason: str) -> None:
        abandon(carrier, Outcome.REFUSED, reason)

    @pep614(state.upon(Migration.player_left).to(ended))
    def leave(_: Migration, carrier: Carrier) -> None:
        abandon(carrier, Outcome.PLAYER_LEFT, "the player left")

    @pep614(state.upon(Migration.source_lost).to(ended))
    def lose_source(_: Migration, carrier: Carrier) -> None:
        abandon(carrier, Outcome.LOST, "the source was lost")

    @pep614(state.upon(Migration.target_lost).to(ended))
    def lose_target(_: Migration, carrier: Carrier) -> None:
        abandon(carrier, Outcome.LOST, "the target was lost")

    def time_out(_: Migration, carrier: Carrier, waited_in: str = state.name) -> None:
        abandon(carrier, Outcome.TIMED_OUT, f"waited too long while {waited_in}")

    state.upon(Migration.timed_out).to(ended)(time_out)


@pep614(claiming.upon(Migration.contested).to(ended))
def contest(_: Migration, carrier: Carrier, reason: str) -> None:
    abandon(carrier, Outcome.REFUSED, reason)


# After the claim: the player is the target's, and the source has to let go.


@pep614(owned.upon(Migration.turned_down).to(ended))
def turn_down(_: Migration, carrier: Carrier) -> None:
    carrier.release()
    carrier.ended(Outcome.REFUSED, "the game there did not take the player in")


@pep614(owned.upon(Migration.target_lost).to(ended))
@pep614(owned.upon(Migration.timed_out).to(ended))
def lose_owner(_: Migration, carrier: Carrier) -> None:
    carrier.release_of_lost()
    carrier.ended(Outcome.LOST, "the target was lost after it became the owner")


ignore_the_rest(Migration, idle, *before_the_claim, claiming, owned, ended)

migration: Callable[[Carrier], Migration] = built(builder)
