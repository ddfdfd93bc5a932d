"""The router above, if there is one: what it orders, what we ask it, and what we leave to it.

A router that is attached to another obeys it as a game server obeys a router. While the one above
is away we decide what is ours alone: who plays here, and who is new. Who has left us, or was never
here, may be somewhere else, and nobody is taken in by two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from clientmigration.core.player.ledger import ABOVE, Record
from clientmigration.core.player.records import is_record
from clientmigration.core.player.snapshot import Snapshot
from clientmigration.net.attachment import Attachment
from clientmigration.net.line import Line
from clientmigration.router.passages import Passages
from clientmigration.wire import messages as m
from clientmigration.wire import zones as z
from clientmigration.wire.base import Expel, Pardon

log = Logger()

ASKED_S = 0.1  # so soon the one above is asked about somebody who stands still here
BACK_S = 30.0  # who stands still here waits so long for the one above: a supervisor starts it again
SOUGHT_S = 8.0  # the one above, and those above it, answer within a few round trips and a placement
NOBODY_THERE = "the router above is away, and you may be somewhere else; try again"


class Chooser(Protocol):
    """Who chooses which players go."""

    def part(self, wish: z.Part) -> None:
        """So many are wanted elsewhere."""


@dataclass(frozen=True)
class AboveNews:
    """Whom it concerns that a router above is `attached` now, or has to have our `list` at once;
    that it puts somebody out; and that an operator there asks something."""

    attached: Callable[[], None]
    list: Callable[[], None]
    bans: Callable[[Any], None]
    asked: Callable[[z.Survey, Line], None]


@dataclass(frozen=True)
class _Seeking:
    """What was asked over this line."""

    line: Line
    waiting: Deferred[z.Sought]


class Above:
    """Our place in a tree. Without `attachment` there is none, and nothing is left to anybody.
    `date` is told the date when the one above says it."""

    def __init__(
        self,
        clock: IReactorTime,
        attachment: Attachment | None,
        passages: Passages,
        parting: Chooser,
        date: Callable[[float | None], None],
        news: AboveNews,
    ) -> None:
        self._clock, self._attachment, self._passages = clock, attachment, passages
        self._parting, self._date, self._news = parting, date, news
        self.draining = False
        self._numbers = count(1)
        self._asking: IDelayedCall | None = None
        self._alone_since = clock.seconds()
        self._sought: dict[int, _Seeking] = {}
        self.gone: dict[str, m.Left] = {}  # who went home, of which the one above may not know yet

    @property
    def there(self) -> bool:
        """Whether we are attached now."""
        return self._attachment is not None and bool(self._attachment.lines)

    # The `Duties` of the link.

    def obey(self, message: Any, asker: Line) -> None:
        """It orders this."""
        match message:
            case m.Noted():
                self._dated(asker, message.now)
            case m.Drain():
                self.drain(message.on)
            case Expel() | Pardon() | z.Bars():
                self._news.bans(message)
            case z.Survey():
                self._news.asked(message, asker)
            case z.Part():
                self._parting.part(message)
            case z.Sought():
                asked = self._sought.pop(message.n, None)
                if asked is not None:
                    asked.waiting.callback(message)
            case _:
                if isinstance(message, m.Release):
                    self.gone.pop(message.player, None)
                self._passages.obey(message, asker)

    def drain(self, on: bool) -> None:
        """Take nobody in from now on who was not here, and give everybody away; or do again."""
        self.draining = on

    def _dated(self, line: Line, now: float | None) -> None:
        """Of several equals one is heeded, the same one by all."""
        if self._attachment is not None and self._attachment.keeps_time(line):
            self._date(now)

    def attached(self, line: Line, now: float | None) -> None:
        """We are a member of its fleet."""
        assert self._attachment is not None
        self._dated(line, now)
        log.info("attached to the router above as {name}", name=self._attachment.member)
        self._news.attached()

    def detached(self, line: Line) -> None:
        """It is gone; perhaps an equal of it is there."""
        self._passages.alone()
        for n, asked in list(self._sought.items()):
            if asked.line is line:
                del self._sought[n]
                asked.waiting.callback(z.Sought(0, reason=NOBODY_THERE))
        if self.there:  # it hears at once of whom only the other knew
            self._news.list()
        else:
            self._alone_since = self._clock.seconds()

    # Who is ours.

    def ours(self, record: Record, new: bool) -> bool:
        """Whether we place this player ourselves: it plays here, or did last; or nobody else can
        know of it, and there is nobody to tell."""
        if self._attachment is None:
            return True
        if record.owner == ABOVE or record.epoch == 0:
            return new and not self.there
        if self.draining and self.there and not record.owner:
            return False
        self.gone.pop(record.player, None)  # it is back
        return True

    async def seek(self, player: str, holder: str, group: str, new: bool) -> m.Redirect | str:
        """Where a player is to go that is not ours; or why it cannot be said."""
        if self._attachment is None or self._attachment.line is None:
            return NOBODY_THERE
        n, line = next(self._numbers), self._attachment.line
        waiting: Deferred[z.Sought] = Deferred()
        self._sought[n] = _Seeking(line, waiting)
        line.say(z.Seek(n, player, holder, group, new))
        try:
            sought = await waiting.addTimeout(SOUGHT_S, self._clock)
        except DeferredTimeout:
            return NOBODY_THERE
        finally:
            self._sought.pop(n, None)
        return sought.redirect or sought.reason

    def undecided(self, record: Record, epoch: int) -> bool:
        """Whether only the one above knows whose the player is that a member has at this epoch; it
        is asked."""
        if self._attachment is None or record.owner != ABOVE or record.epoch != epoch:
            return False
        self._passages.appeal(record, "frozen")
        return True

    def awaited(self, entry: m.Entry) -> bool:
        """Whether only the one above knows what becomes of a player for whom a member waits; it is
        asked, or will be when it is back, unless it has been away for long."""
        if self._attachment is None or is_record(entry.player):
            return False
        if not self.there and self._clock.seconds() - self._alone_since > BACK_S:
            return False
        self._passages.awaited(entry)
        if self.there and self._asking is None:  # for all of a roster together
            self._asking = self._clock.callLater(ASKED_S, self._ask)
        return True

    def _ask(self) -> None:
        self._asking = None
        self._news.list()

    def taken_in(self, record: Record) -> None:
        """A member has a player whom we did not know to be its own: perhaps nobody above does. Of
        records nobody above knows."""
        if self._attachment is not None and not is_record(record.player):
            self._passages.appeal(record, "playing")

    def freed(self, snapshot: Snapshot, refused: bool) -> None:
        """A player went home: the one above is to have its last state, so that it can be placed
        anywhere. Until it knows, the player is ours."""
        if self._attachment is not None and not is_record(snapshot.player):
            left = self.gone[snapshot.player] = m.Left(snapshot, refused)
            self._attachment.tell(left)

    def tell_gone(self) -> None:
        """Say again who went home."""
        if self._attachment is not None and self.there:
            for left in self.gone.values():
                self._attachment.tell(left)
