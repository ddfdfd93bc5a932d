"""Brings letters from players here to players anywhere, until each is known to be kept.

Which letters are due, and which are new, the mailboxes decide (core/player/mailbox.py). It does
not matter how often a letter is brought, nor by whom: so it is simply brought again, to everybody
who may have its receiver, until the answer comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.mailbox import Mailbox
from clientmigration.errors import GameFault
from clientmigration.gameserver.game import Game
from clientmigration.gameserver.seats import Seats
from clientmigration.wire.neighbours import Kept, Post

AGAIN_S = 0.25  # an answer takes a checkpoint: tens of milliseconds
FORGET_S = 60.0  # how often senders are forgotten that can send nothing again


class Bringer(Protocol):
    """The line to the server that brought a letter."""

    def say(self, message: Any) -> None:
        """Answer it."""


class PostOffice:
    """The letters of one server. `owed` are the answers that wait for a checkpoint, `came` what
    neighbours have brought since the last tick: nothing changes between ticks. `now` answers Unix
    seconds, `say` tells all neighbours; the ledger remembers who does not come back for
    `remembered_s`."""

    def __init__(
        self,
        seats: Seats,
        game: Game,
        meter: Meter,
        now: Callable[[], float],
        say: Callable[[Any], object],
        remembered_s: float,
    ) -> None:
        self._seats, self._game, self._meter, self._now, self._say = seats, game, meter, now, say
        self._remembered_s, self._forgot_at = remembered_s, 0.0
        self.tried: dict[tuple[str, str], tuple[int, float]] = {}
        self.owed: list[tuple[Kept, Bringer | None]] = []
        self.came: list[tuple[Post, Bringer | None]] = []

    def post(self, sender: str, to: str, body: dict[str, Any]) -> bool:
        """A letter of a player here; False when too many of its letters are under way."""
        seat = self._seats.find(sender)
        if seat is None:
            raise KeyError(sender)
        posted = seat.mailbox.post(to, body, seat.seq + 1)
        self._seats.stir(seat)
        self._meter.count("mail_posted", posted)
        return posted

    def deliver(self) -> None:
        """Once per tick: take what came, bring what is due, and answer what is stored by now."""
        came, self.came = self.came, []
        for post, bringer in came:
            self._take(post, bringer)
        now, at_play = self._now(), self._seats.at_play
        tried, self.tried = self.tried, {}
        for seat in list(self._seats.astir):
            sender = seat.player
            if seat.mailbox.outbox and at_play(sender):
                for to, letters in seat.mailbox.due().items():
                    newest, at = tried.get((sender, to), (0, 0.0))
                    if newest != letters[-1].n or now - at >= AGAIN_S:
                        newest, at = letters[-1].n, now
                        self._bring(Post(sender=sender, to=to, letters=letters))
                    self.tried[sender, to] = (newest, at)
        owed, self.owed = self.owed, []
        for kept, bringer in owed:
            self._answer(kept, bringer)
        self._forget(now)

    def _bring(self, post: Post) -> None:
        if self._seats.at_play(post.to) is not None:
            self._take(post, None)
        else:
            self._say(post)

    def bring(self, post: Post, bringer: Bringer) -> None:
        """A neighbour brings letters."""
        if self._seats.at_play(post.to) is not None:
            self.came.append((post, bringer))

    def _take(self, post: Post, bringer: Bringer | None) -> None:
        """Letters for a player, by a neighbour or from here. For one who is not here: not now."""
        seat = self._seats.at_play(post.to)
        if seat is None:
            return
        self._seats.stir(seat)
        for letter in seat.mailbox.take(post.sender, post.letters, seat.seq + 1):
            try:
                self._game.receive(post.to, post.sender, letter.body)
            except GameFault:
                seat.fail()
            self._meter.count("mail_delivered")
        kept = Kept(sender=post.sender, to=post.to, n=post.letters[-1].n)
        self.owed = [each for each in self.owed if each != (kept, bringer)]
        self._answer(kept, bringer)

    def _answer(self, kept: Kept, bringer: Bringer | None) -> None:
        """Checkpoint, then speak. Who has been moved away is answered for where it is now."""
        seat = self._seats.at_play(kept.to)
        if seat is None:
            return
        if not seat.mailbox.kept(kept.sender, kept.n):
            self.owed.append((kept, bringer))
        elif bringer is None:
            self.kept(kept)
        else:
            bringer.say(kept)

    def kept(self, kept: Kept) -> None:
        """An answer: the sender's outbox may forget."""
        if kept.over:
            self._let_go(kept)
        elif (seat := self._seats.at_play(kept.sender)) is not None:
            seat.mailbox.answered(kept.to, kept.n, seat.seq + 1)

    def _let_go(self, kept: Kept) -> None:
        seat = self._seats.at_play(kept.to)
        if seat is not None:
            seat.mailbox.let_go(kept.sender, kept.n, self._now())

    def _part(self, sender: str, mailbox: Mailbox) -> None:
        """Receivers may forget what the sender's outbox has forgotten for good."""
        for to, n in mailbox.over().items():
            kept = Kept(sender=sender, to=to, n=n, over=True)
            if self._seats.at_play(to) is not None:
                self._let_go(kept)
            else:
                self._say(kept)

    def _forget(self, now: float) -> None:
        if now - self._forgot_at >= FORGET_S:
            self._forgot_at = now
            for seat in self._seats.everything():
                seat.mailbox.forget(now, self._remembered_s)

    def stored(self, fences: Sequence[tuple[str, int, int]], refused: Sequence[str]) -> None:
        """The ledger has these snapshots (player, epoch, number), but for the refused."""
        for player, epoch, number in fences:
            seat = self._seats.find(player)
            if seat is not None and seat.epoch == epoch and player not in refused:
                seat.mailbox.saved(number)
                self._part(player, seat.mailbox)

    def waiting(self) -> int:
        """Letters of players here that are not known to be kept."""
        return sum(len(seat.mailbox.outbox) for seat in self._seats.astir)

    def measures(self) -> dict[str, float]:
        """Of the catalogue."""
        return {"mail_waiting": self.waiting()}
