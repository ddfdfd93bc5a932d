"""Mail: what players of one game send each other, exactly once, wherever both are moved meanwhile.

A letter stands in its sender's outbox, which is part of the sender's snapshot, until the receiver's
server says that the ledger has it. It may be sent only once the ledger has the outbox that it
stands in; and it is taken once, because its receiver remembers the newest number of each sender. So
whatever crashes, and from whichever checkpoint either goes on, a letter is neither lost nor
doubled. All unanswered letters for one receiver travel together and in order: there is no gap.

A receiver remembers a sender only as long as that may send a letter again: a while after the ledger
has the sender's outbox without it, or after as long as the ledger remembers a player.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

OUTBOX_LIMIT = 32  # letters that may wait for an answer; then the game is refused
OVER_S = 3600  # for so long a server that stood still might bring an old letter once more


class Letter(msgspec.Struct, frozen=True, array_like=True):
    """One letter: its number (each sender counts from 1), its receiver, and what the game wrote."""

    n: int
    to: str
    body: dict[str, Any]


class Mail(msgspec.Struct, frozen=True):
    """A player's mail within its snapshot: the number of the newest letter that it ever posted,
    those not answered yet, the newest number that it got from each sender, and the Unix second from
    which that may be forgotten."""

    last: int = 0
    outbox: list[Letter] = []
    got: dict[str, int] = {}
    until: dict[str, int] = {}


_NOTHING = Mail()


@dataclass(slots=True)
class Mailbox:
    """One player's mail at the server that plays it. `stored` is the newest snapshot, by its number
    within the epoch, that the ledger is known to have."""

    last: int = 0
    outbox: list[Letter] = field(default_factory=list)
    got: dict[str, int] = field(default_factory=dict)
    until: dict[str, int] = field(default_factory=dict)
    stored: int = 0
    urgent: bool = False  # whether something changed that only a new snapshot will tell
    _posted_in: dict[int, int] = field(default_factory=dict)
    _got_in: dict[str, int] = field(default_factory=dict)
    _dropped_in: dict[str, tuple[int, int]] = field(default_factory=dict)  # number, snapshot

    @classmethod
    def opened(cls, mail: Mail) -> Mailbox:
        """From a snapshot, which the ledger has."""
        return cls(mail.last, list(mail.outbox), dict(mail.got), dict(mail.until))

    def hurried(self) -> None:
        """A snapshot with all that was urgent is on its way to the ledger."""
        self.urgent = False

    def mail(self) -> Mail:
        """For a snapshot."""
        if not (self.last or self.got or self.until):  # as that of most players
            return _NOTHING
        return Mail(self.last, list(self.outbox), dict(self.got), dict(self.until))

    def post(self, to: str, body: dict[str, Any], snapshot: int) -> bool:
        """A new letter, first contained in the snapshot of this number; False when full."""
        if len(self.outbox) >= OUTBOX_LIMIT:
            return False
        self.last += 1
        self.outbox.append(Letter(self.last, to, body))
        self._posted_in[self.last] = snapshot
        self.urgent = True
        return True

    def due(self) -> dict[str, list[Letter]]:
        """What may be sent: by receiver, in order."""
        due: dict[str, list[Letter]] = {}
        for letter in self.outbox:
            if self._posted_in.get(letter.n, 0) <= self.stored:
                due.setdefault(letter.to, []).append(letter)
        return due

    def take(self, sender: str, letters: Iterable[Letter], snapshot: int) -> list[Letter]:
        """Those that are new here, to be applied now; first contained in this snapshot."""
        new = [letter for letter in letters if letter.n > self.got.get(sender, 0)]
        if new:
            self.got[sender] = new[-1].n
            self.until.pop(sender, None)
            self._got_in[sender] = snapshot
            self.urgent = True
        return new

    def kept(self, sender: str, n: int) -> bool:
        """Whether the ledger knows that this player got all of `sender`'s letters up to `n`."""
        return self.got.get(sender, 0) >= n and self._got_in.get(sender, 0) <= self.stored

    def answered(self, to: str, n: int, snapshot: int) -> None:
        """The receiver's server says so: drop them; first missing in this snapshot."""
        done = {letter.n for letter in self.outbox if letter.to == to and letter.n <= n}
        self.outbox = [letter for letter in self.outbox if letter.n not in done]
        for each in done:
            self._posted_in.pop(each, None)
        if done:
            self._dropped_in[to] = max(done), snapshot

    def over(self) -> dict[str, int]:
        """Up to which number each receiver will never be sent a letter again, whatever crashes.
        Each is answered once."""
        if not self._dropped_in:  # as it is most of the time, for most players
            return {}
        over = {to: n for to, (n, when) in self._dropped_in.items() if when <= self.stored}
        for to in over:
            del self._dropped_in[to]
        return over

    def let_go(self, sender: str, n: int, now: float) -> None:
        """That is so of this sender (`now` in Unix seconds)."""
        if self.got.get(sender, n + 1) <= n:
            self.until[sender] = int(now) + OVER_S

    def forget(self, now: float, remembered_s: float) -> None:
        """Those that can send nothing again that was taken here: after so long the ledger has
        forgotten whoever did not come back."""
        for sender in list(self.got):
            if self.until.setdefault(sender, int(now + remembered_s)) <= now:
                del self.got[sender], self.until[sender]

    def saved(self, snapshot: int) -> None:
        """The ledger has the snapshot of this number."""
        self.stored = max(self.stored, snapshot)
        if self._got_in:
            self._got_in = {who: when for who, when in self._got_in.items() if when > self.stored}


def under_way(mails: Sequence[tuple[str, Mail]]) -> list[Letter]:
    """The letters that were posted and not taken yet, each once. `mails` are those of all players
    that are anywhere; a player that is being moved may be in two places."""
    taken: dict[tuple[str, str], int] = {}
    for player, mail in mails:
        for sender, n in mail.got.items():
            taken[sender, player] = max(n, taken.get((sender, player), 0))
    waiting = {
        (player, letter.n): letter
        for player, mail in mails
        for letter in mail.outbox
        if letter.n > taken.get((player, letter.to), 0)
    }
    return list(waiting.values())
