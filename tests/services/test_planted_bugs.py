"""Bugs planted on purpose: parts that are wrong in one way each, which a checker has to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
from twisted.logger import LogEvent

from clientmigration.client.player import Player
from clientmigration.core.player.inbox import Inbox
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.mailbox import Letter, Mailbox
from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.core.player.standing import Claim
from clientmigration.core.player.tally import Sent, Tally
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.seats import MakeSeat
from clientmigration.gameserver.waivers import MakeWaivers, Waivers
from clientmigration.net.ledger import Change, TimedLedger
from clientmigration.net.line import Line
from clientmigration.router.move import MoveCarrier
from clientmigration.router.outside import RouterParts
from clientmigration.testing import Glade, Parts
from clientmigration.testing.schedule import FREEZES
from clientmigration.testing.stage import perform
from clientmigration.wire.messages import View, Waived
from clientmigration.wire.neighbours import Waive

Store = Callable[[str, Snapshot, float], Change]


def parts(
    move: type[MoveCarrier] = MoveCarrier,
    seat: MakeSeat = Seat,
    store: Store | None = None,
    waivers: MakeWaivers = Waivers,
) -> Parts:
    """The real parts, but for those given."""

    class PlantedLedger(TimedLedger):
        def storing(self, owner: str, snapshot: Snapshot, now: float) -> Change:
            return (store or super().storing)(owner, snapshot, now)

    return Parts(RouterParts(move, PlantedLedger), seat=seat, waivers=waivers, game=Glade)


# No epoch check: the claim is not compared with what the ledger says by now.


class Unchecked(MoveCarrier):
    async def _claim(self, final: Snapshot | None) -> None:
        self.record = await self.tools.ledger.read(self.terms.player)
        await super()._claim(final)


# Release before settle: the source forgets the player before the target has it.


class Hasty(MoveCarrier):
    def own(self, epoch: int) -> None:
        self.release()
        super().own(epoch)


# Inputs not de-duplicated: what comes is applied, also for the second time.


class Greedy(Inbox):
    def __init__(self) -> None:
        super().__init__()
        self.queue: list[tuple[int, bytes, float]] = []

    def offer(self, seq: int, body: bytes, now: float) -> bool:
        self.queue.append((seq, body, now))
        self.waiting[seq] = body, now
        return True

    def take(self) -> tuple[bytes, float] | None:
        if not self.queue:
            self.waiting.clear()
            return None
        seq, body, arrived = self.queue.pop(0)
        self.progress = self.progress.after(seq, body)
        return body, arrived


class GreedySeat(Seat):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.inbox = Greedy()


# Ticket reuse: whoever shows a ticket with a good signature is let in, again and later too.


class CarelessSeat(Seat):
    """Takes any ticket for its player."""

    def admits(self, migration: str, epoch: int) -> bool:  # noqa: ARG002
        return True


# The snapshot's fence is ignored: what comes last is stored, also when it is older.


def unfenced(owner: str, snapshot: Snapshot, now: float) -> Change:
    def change(record: Record) -> Record | None:
        if (record.owner, record.epoch) != (owner, snapshot.epoch):
            return None
        return msgspec.structs.replace(record, snapshot=snapshot, stored_at=now)

    return change


# Any server may store: the owner and the epoch are not compared.


def unowned(owner: str, snapshot: Snapshot, now: float) -> Change:
    return lambda record: msgspec.structs.replace(record, snapshot=snapshot, stored_at=now)


# An unknown outcome is taken for a no: the source is told to go on.


class Hopeful(MoveCarrier):
    async def _claim(self, final: Snapshot | None) -> None:
        ledger, terms = self.tools.ledger, self.terms
        try:
            done, self.record = await ledger.take(self.record, terms.target, terms.id, final)
        except Exception:
            self.machine.contested("the ledger does not answer")
            return
        if done:
            self.machine.claimed(self.record.epoch)
        else:
            self.machine.contested("the ledger says no")


# Loading before owning: the player is in the game as soon as its snapshot is.


class Early(Seat):
    def learn(self, progress: Progress) -> None:
        super().learn(progress)
        if not self.entered:
            self.game.enter(self.player, None, 0)
            self.entered = True

    def enter(self, claim: Claim) -> bool:
        if self.entered:
            self.game.leave(self.player)
            self.entered = False
        return super().enter(claim)


# Letters are applied each time that they come, and sent before the ledger has them.


class Credulous(Mailbox):
    def take(self, sender: str, letters: Iterable[Letter], snapshot: int) -> list[Letter]:
        super().take(sender, letters, snapshot)
        return list(letters)


class Rash(Mailbox):
    def due(self) -> dict[str, list[Letter]]:
        self.stored = self.stored or 1 << 30
        return super().due()


def mailing(kind: type[Mailbox]) -> type[Seat]:
    class Mailing(Seat):
        def enter(self, claim: Claim) -> bool:
            entered = super().enter(claim)
            self.mailbox.__class__ = kind
            return entered

    return Mailing


# A target waives, and then takes the player all the same.


class Forgetful(Waivers):
    def asked(self, message: Waive, line: Line) -> None:
        super().asked(message, line)
        self.promised.clear()


# A source goes on without asking.


class Alone(Waivers):
    def ask(self) -> None:
        for seat in self._seats:
            if seat.held and self._attachment.line is None:
                waived = Waived(migration=seat.migration, player=seat.player)
                self.waived(waived, seat.life.now.bound_for)


# A source does not ask.


class Shy(Waivers):
    def ask(self) -> None:
        pass


# A player forgets what it sent and saw acknowledged five seconds ago, whoever may need it again.


class ForgetfulTally(Tally[View]):
    def send(self, body: bytes, now: float) -> Sent:
        sent = super().send(body, now)
        while self.sent[0].seq <= self.acked and now - self.sent[0].at > 5.0:
            self.sent.popleft()
        return sent


class ForgetfulPlayer(Player):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.tally.__class__ = ForgetfulTally


def test_a_player_that_forgets_what_is_five_seconds_old_is_caught_when_processes_freeze(
    no_logged_errors: list[LogEvent],
) -> None:
    forgetful = Parts(player=ForgetfulPlayer, game=Glade)
    assert "I2" in perform(FORGETFUL, forgetful, repertoire=FREEZES).violation
    assert not perform(FORGETFUL, repertoire=FREEZES).violation
    no_logged_errors.clear()  # the verdict has judged them


FORGETFUL = 11  # the seed that catches it

# With the seed that catches it.
PLANTED = {
    "the claim is not compared with the ledger": (parts(move=Unchecked), 19),
    "whoever reports is believed, whatever its epoch": (parts(store=unowned), 2),
    "the snapshot's fence is ignored": (parts(store=unfenced), 2),
    "release before settle": (parts(move=Hasty), 25),
    "inputs are not de-duplicated": (parts(seat=GreedySeat), 1),
    "tickets are good for ever": (parts(seat=CarelessSeat), 73),
    "an unknown outcome is a no": (parts(move=Hopeful), 15),
    "letters are taken as often as they come": (parts(seat=mailing(Credulous)), 1),
    "letters are sent before they are stored": (parts(seat=mailing(Rash)), 48),
    "loading before owning": (parts(seat=Early), 1),
    "who has waived takes the player all the same": (parts(waivers=Forgetful), 5),
    "the source goes on without asking": (parts(waivers=Alone), 41),
    "the source does not ask": (parts(waivers=Shy), 16),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_caught_and_without_it_the_same_seed_is_fine(
    bug: str, no_logged_errors: list[LogEvent]
) -> None:
    planted, seed = PLANTED[bug]
    assert perform(seed, planted).violation
    assert not perform(seed).violation
    no_logged_errors.clear()  # the verdict has judged them
