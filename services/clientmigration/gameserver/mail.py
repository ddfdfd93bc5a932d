"""Brings letters from players here to players anywhere, until each is known to be kept.

Which letters are due, and which are new, the mailboxes decide (core/player/mailbox.py). It does
not matter how often a letter is brought, nor by whom: so it is simply brought again, to everybody
who may have its receiver, until the answer comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clientmigration.wire.neighbours import Kept, Post

if TYPE_CHECKING:
    from clientmigration.gameserver.neighbours import Link
    from clientmigration.gameserver.seat import Seat
    from clientmigration.gameserver.service import GameServer

AGAIN_S = 0.25  # an answer takes a checkpoint: tens of milliseconds


class PostOffice:
    """The letters of one server. `owed` are the answers that wait for a checkpoint, `came` what
    neighbours have brought since the last tick: nothing changes between ticks."""

    def __init__(self, server: GameServer) -> None:
        self.server = server
        self.tried: dict[tuple[str, str], tuple[int, float]] = {}
        self.owed: list[tuple[Kept, Link | None]] = []
        self.came: list[tuple[Post, Link | None]] = []

    def post(self, sender: str, to: str, body: dict[str, Any]) -> bool:
        """See `PostLetter` in game.py."""
        seat = self.server.seats[sender]
        posted = seat.mailbox.post(to, body, seat.seq + 1)
        self.server.meter.count("mail_posted", posted)
        return posted

    def seat(self, player: str) -> Seat | None:
        """The player's seat, if it is this server that changes the player now."""
        seat = self.server.seats.get(player)
        return seat if seat is not None and seat.entered and not seat.held else None

    def deliver(self) -> None:
        """Once per tick: take what came, bring what is due, and answer what is stored by now."""
        came, self.came = self.came, []
        for post, link in came:
            self._take(post, link)
        now = self.server.now()
        tried, self.tried = self.tried, {}
        for sender, seat in self.server.seats.items():
            if seat.mailbox.outbox and self.seat(sender):
                for to, letters in seat.mailbox.due().items():
                    newest, at = tried.get((sender, to), (0, 0.0))
                    if newest != letters[-1].n or now - at >= AGAIN_S:
                        newest, at = letters[-1].n, now
                        self._bring(Post(sender=sender, to=to, letters=letters))
                    self.tried[sender, to] = (newest, at)
        owed, self.owed = self.owed, []
        for kept, link in owed:
            self._answer(kept, link)

    def _bring(self, post: Post) -> None:
        if self.seat(post.to) is not None:
            self._take(post, None)
        else:
            self.server.neighbours.say(post)

    def bring(self, post: Post, link: Link | None) -> None:
        """A neighbour brings letters."""
        if self.seat(post.to) is not None:
            self.came.append((post, link))

    def _take(self, post: Post, link: Link | None) -> None:
        """Letters for a player, by a neighbour or from here. For one who is not here: not now."""
        seat = self.seat(post.to)
        if seat is None:
            return
        for letter in seat.mailbox.take(post.sender, post.letters, seat.seq + 1):
            self.server.game.receive(post.to, post.sender, letter.body)
            self.server.meter.count("mail_delivered")
        kept = Kept(sender=post.sender, to=post.to, n=post.letters[-1].n)
        self.owed = [each for each in self.owed if each != (kept, link)]
        self._answer(kept, link)

    def _answer(self, kept: Kept, link: Link | None) -> None:
        """Checkpoint, then speak. Who has been moved away is answered for where it is now."""
        seat = self.seat(kept.to)
        if seat is None:
            return
        if not seat.mailbox.kept(kept.sender, kept.n):
            self.owed.append((kept, link))
        elif link is None:
            self.kept(kept)
        else:
            link.line.say(kept)

    def kept(self, kept: Kept) -> None:
        """An answer: the sender's outbox may forget."""
        seat = self.seat(kept.sender)
        if seat is not None:
            seat.mailbox.answered(kept.to, kept.n)

    def waiting(self) -> int:
        """Letters of players here that are not known to be kept."""
        return sum(len(seat.mailbox.outbox) for seat in self.server.seats.values())


def stored(server: GameServer, fences: list[tuple[str, int, int]], refused: list[str]) -> None:
    """The ledger has these snapshots (player, epoch, number), but for the refused."""
    for player, epoch, number in fences:
        seat = server.seats.get(player)
        if seat is not None and seat.epoch == epoch and player not in refused:
            seat.mailbox.saved(number)
