"""Checkpoints: what a crash may cost. Each player's snapshot goes to the ledger once a second.

A second's work is spread over its ticks, so that no tick is long and no message is large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from clientmigration.core.player.snapshot import Snapshot
from clientmigration.errors import GameFault
from clientmigration.gameserver.game import LETTER_LIMIT
from clientmigration.gameserver.mail import PostOffice
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.seats import Seats
from clientmigration.net.attachment import Attachment
from clientmigration.wire.messages import Checkpoint, Stored

MESSAGE = 1_048_576  # bytes of one message, about; the router takes four times as much
OVERHEAD = 2_048  # bytes of a snapshot beside the game's state and the letters, at most
_encode = msgspec.json.Encoder().encode

Fence = tuple[str, int, int]  # player, epoch, number of the snapshot within it


@dataclass
class Checkpoints:
    """Whose turn it is, and what the router has not confirmed yet."""

    rate: int  # ticks per second
    n: int = 0
    under_way: dict[int, tuple[float, list[Fence]]] = field(default_factory=dict)
    stored_at: float = 0.0

    def batch(self, snapshots: Iterable[Snapshot], now: float) -> Checkpoint | None:
        """The message that stores these, or None when there are none."""
        listed = list(snapshots)
        if not listed:
            return None
        self.n += 1
        fences = [(each.player, *each.fence) for each in listed]
        self.under_way[self.n] = (now, fences)
        return Checkpoint(n=self.n, snapshots=listed)

    def stored(self, n: int) -> list[Fence]:
        """The router has stored message `n`; what it said of those before it does not matter any
        more. Answers what was in it."""
        self.stored_at, fences = self.under_way.get(n, (self.stored_at, []))
        self.under_way = {each: sent for each, sent in self.under_way.items() if each > n}
        return fences

    def age(self, now: float) -> float:
        """Seconds since the newest snapshots that are known to be stored were taken."""
        return now - self.stored_at if self.stored_at else 0.0


def _snapshots(turn: Iterable[Seat]) -> Iterator[Snapshot]:
    """Of all whose game can tell how they are."""
    for seat in turn:
        with suppress(GameFault):
            yield seat.checkpoint()


def parts(snapshots: Iterable[Snapshot]) -> Iterator[list[Snapshot]]:
    """Cut so that each part makes one message that the router accepts."""
    part: list[Snapshot] = []
    size = 0
    for each in snapshots:
        weight = OVERHEAD + len(_encode(each.game)) + LETTER_LIMIT * len(each.mail.outbox)
        if part and size + weight > MESSAGE:
            yield part
            part, size = [], 0
        part.append(each)
        size += weight
    yield part


class CheckpointRounds:
    """Stores those whose turn it is, tick by tick, as long as there is a router."""

    def __init__(
        self,
        checkpoints: Checkpoints,
        attachment: Attachment,
        seats: Seats,
        mail: PostOffice,
        now: Callable[[], float],
    ) -> None:
        self._checkpoints, self._attachment = checkpoints, attachment
        self._seats, self._mail, self._now = seats, mail, now

    def store(self, tick: int, now: float) -> None:
        """Tell the router of them, and of records, and of whomever it is urgent for. Who stands
        still was told of already; who was waived, the ledger may not know to be ours."""
        turn, seats = tick % self._checkpoints.rate, self._seats
        records = [each for each in seats.open() if each.turn == turn]
        urgent = [
            each
            for each in seats.astir
            if each.mailbox.urgent and each.entered and each.turn != turn
        ]
        self._store([*seats.in_turn(turn), *records, *urgent], now)

    def _store(self, some: Iterable[Seat], now: float) -> None:
        if self._attachment.line is None:
            return
        turn = [seat for seat in some if not seat.held and not seat.life.now.waived]
        for part in parts(_snapshots(turn)):
            batch = self._checkpoints.batch(part, now)
            if batch is not None:
                self._attachment.tell(batch)

    def store_all(self) -> None:
        """Everybody's turn, for there may be no other."""
        self._store([*self._seats.playing(), *self._seats.open()], self._now())

    def stored(self, message: Stored) -> None:
        """The router says that a checkpoint is in the ledger: what is in it is safe."""
        self._mail.stored(self._checkpoints.stored(message.n), message.refused)

    def measures(self) -> dict[str, float]:
        """Of the catalogue."""
        age_ms = self._checkpoints.age(self._now()) * 1000 if self._seats else 0.0
        return {"checkpoint_age_ms": age_ms}
