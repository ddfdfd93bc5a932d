"""One player's seat at this server: what its session decides is done here, and nothing else is.

The seat holds what the player has here: its inputs, its connection if there is one, and what the
ledger last said. The game holds the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
from twisted.logger import Logger

from clientmigration.core.player.inbox import Inbox
from clientmigration.core.player.mailbox import Mailbox
from clientmigration.core.player.session import session
from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.net.line import Line
from clientmigration.wire import work
from clientmigration.wire.connection import VIEW, VIEW_HEADER
from clientmigration.wire.messages import (
    Arrived,
    Copied,
    Declined,
    Entry,
    Frozen,
    Left,
    Prepared,
    Redirect,
    Settled,
    Welcome,
)

if TYPE_CHECKING:
    from clientmigration.gameserver.service import GameServer

log = Logger()

AWAY_S = 10.0  # a player whose connection is gone may come back this long before it counts as left


class Seat:
    """The `Seat` of a session. `server` is the game server that it belongs to."""

    def __init__(self, server: GameServer, player: str) -> None:
        self.server = server
        self.player = player
        self.session = session(self)
        self.inbox = Inbox()
        self.workloads = server.workloads(player)
        self.line: Line | None = None
        self.epoch = 0
        self.seq = 0
        self.migration = ""
        self.ticket: tuple[str, int] = ("", 0)
        self.reserved_until = 0.0
        self.holder = ""
        self.group = ""
        self.known = False  # whether `inbox.progress` is this player's, not just empty
        self.oldest = 0  # the oldest input that the player can send again; 0: it remembers none
        self.skipped = 0  # inputs passed over here of which the player was not told yet
        self.mailbox = Mailbox()
        self.coming: tuple[float, float] | None = None  # where it stood when it was last heard of
        self.entered = False
        self.held = False
        self.settling = ""  # the migration to settle when the next view is sent
        self.expires_at = float("inf")
        self.ping_ms: float | None = None
        self.final: Snapshot | None = None
        self.bound_for = ""  # the member that it was last redirected to
        self.waived = ""  # the claim that its target has waived, until a router has heard of it

    @property
    def expected_epoch(self) -> int:
        """The epoch at which the player is, or is to become, ours. What was said of earlier ones is
        old news: a late release must not undo a later reservation, while there is one."""
        reserved = self.server.now() < self.reserved_until
        return max(self.epoch, self.ticket[1] if reserved else 0)

    # What the tick needs.

    def apply(self, now: float) -> None:
        """Apply every input that is due, in order."""
        for body, arrived in self.inbox.take():
            self.server.meter.sample("apply_ms", (now - arrived) * 1000)
            if work.is_work(body):
                self.workloads.apply(body, arrived, self.line)
            else:
                self.server.game.apply(self.player, body)

    def show(self, tick: int) -> None:
        """Send the view of this tick, if somebody looks; then a move to here is settled."""
        if self.line is not None and self.known:
            body, done = self.server.game.view(self.player), self.inbox.progress
            frame = (
                VIEW_HEADER.pack(21 + len(body), VIEW, tick, done.last, done.applied, done.digest)
                + body
            )
            self.server.meter.count("views" if self.line.show(frame) else "dropped_views")
        if self.settling:
            self.server.tell(Settled(migration=self.settling, player=self.player))
            self.settling = ""

    def serve(self, tick: int, now: float) -> None:
        """Send what its workloads have for it; while a move takes it away, the target will."""
        if self.line is not None and not self.held:
            self.workloads.streams.serve(self.line, tick, now)

    def entry(self) -> Entry:
        """This seat's line in the roster."""
        x, y = self.server.game.position(self.player) if self.entered else (0.0, 0.0)
        busy = self.entered and (
            self.server.game.busy(self.player) or self.workloads.streams.ending()
        )
        return Entry(
            player=self.player,
            epoch=self.epoch,
            state=self.session.state(),
            migration=self.migration,
            x=x,
            y=y,
            ping_ms=self.ping_ms,
            busy=busy,
            group=self.group,
            waived=self.waived,
        )

    def snapshot(self) -> Snapshot:
        """Everything about the player, as of the last tick, under a new fence."""
        self.seq += 1
        x, y = self.server.game.position(self.player)
        return Snapshot(
            player=self.player,
            epoch=self.epoch,
            seq=self.seq,
            tick=self.server.tick,
            x=x,
            y=y,
            holder=self.holder,
            progress=self.inbox.progress,
            game=self.server.game.state(self.player),
            workloads=self.workloads.place(),
            mail=self.mailbox.mail(),
            group=self.group,
        )

    # What the session decides (see core/player/session.py).

    def learn(self, progress: Progress) -> None:
        """Where the player's inputs stand, from another server."""
        self.inbox.resume(progress)
        self.known = True

    def enter(self, epoch: int, snapshot: Snapshot | None) -> None:
        """See core/player/session.py."""
        same = snapshot is not None and snapshot.epoch == epoch
        if snapshot is not None and not same:
            self.server.meter.count("moved_in")
        self.seq = snapshot.seq if snapshot is not None and same else 0
        self.epoch, self.held, self.final, self.waived = epoch, False, None, ""
        state = snapshot.game if snapshot else None
        ticks = min(max(0, self.server.tick - snapshot.tick), self.server.rate) if snapshot else 0
        self.server.game.enter(self.player, state, ticks)
        self.entered, self.coming = True, None
        self.mailbox = Mailbox.opened(snapshot.mail) if snapshot else Mailbox()
        self.workloads.take_up(snapshot.workloads if snapshot else [])
        was_known = self.known
        self.learn(snapshot.progress if snapshot else Progress())
        self._skip()
        self.settling, self.migration = self.migration, ""
        if self.line is None:
            self.expires_at = self.server.now() + AWAY_S
        elif not was_known or self.skipped:
            self.welcome()

    def hold(self) -> None:
        """See core/player/session.py."""
        self.held = True
        self.server.game.hold(self.player)

    def resume(self) -> None:
        """See core/player/session.py."""
        if self.held:
            self.server.game.resume(self.player)
            self.held = False
        if self.line is None:  # it went away meanwhile, and nobody counted
            self.expires_at = self.server.now() + AWAY_S

    def retain(self, epoch: int) -> None:
        """Router: by the ledger the player that was waived is ours again, as it is, at `epoch`."""
        self.epoch, self.waived = epoch, ""
        self.final = self.final and msgspec.structs.replace(self.final, epoch=epoch)

    def confirm(self) -> None:
        """See core/player/session.py."""
        self.resume()
        self.settling, self.migration = self.migration, ""

    def leave(self) -> None:
        """See core/player/session.py."""
        if self.held:  # frozen, to be handed over
            self.server.meter.count("moved_out")
        self.server.game.leave(self.player)
        self.workloads.stop()
        self.entered = self.held = False

    def welcome(self) -> None:
        """See core/player/session.py. Where nothing is known yet, `enter` does it."""
        self.expires_at = float("inf")
        if self.line is not None and self.known:
            skipped, self.skipped = self.skipped, 0
            self.line.say(
                Welcome(
                    player=self.player,
                    member=self.server.member,
                    ack=self.inbox.progress.last,
                    rate=self.server.rate,
                    skipped=skipped,
                )
            )

    def _skip(self) -> None:
        """Pass over what the player can not send again. That is a loss: it is counted, and said."""
        skipped = self.inbox.skip_to(self.oldest)
        if skipped:
            self.skipped += skipped
            self.server.meter.count("skipped_inputs", skipped)
            log.warn(
                "{n} inputs of {player} are lost: it can not send them again",
                n=skipped, player=self.player,
            )  # fmt: skip

    def redirect(self, where: object) -> None:
        """See core/player/session.py."""
        if self.line is None:
            self.tell_declined(self.migration, "the player is not connected")
        else:
            redirect = cast(Redirect, where)
            self.bound_for = redirect.member
            self.line.say(redirect)

    def dismiss(self, code: str, text: str) -> None:
        """See core/player/session.py."""
        line, self.line = self.line, None
        if line is not None:
            line.hang_up(code, text)

    def forget(self) -> None:
        """See core/player/session.py."""
        self.server.seats.pop(self.player, None)

    def tell_prepared(self) -> None:
        """See core/player/session.py."""
        self._tell(Prepared(migration=self.migration, player=self.player))

    def tell_arrived(self) -> None:
        """See core/player/session.py."""
        self._tell(Arrived(migration=self.migration, player=self.player))

    def tell_copied(self) -> None:
        """See core/player/session.py."""
        self._tell(Copied(migration=self.migration, snapshot=self.snapshot()))

    def tell_frozen(self) -> None:
        """See core/player/session.py."""
        self._tell(Frozen(migration=self.migration, snapshot=self.snapshot()))

    def tell_left(self) -> None:
        """Said again with each roster, until the router answers; of whom the ledger may not know to
        be ours, when it does."""
        self.final = self.final or self.snapshot()
        if not self.waived:
            self._tell(Left(snapshot=self.final))

    def tell_declined(self, migration: str, reason: str) -> None:
        """See core/player/session.py."""
        self._tell(Declined(migration=migration, player=self.player, reason=reason))

    def _tell(self, message: msgspec.Struct) -> None:
        self.server.tell(message)

    # What the player's connection does.

    def sit(self, line: Line, holder: str, oldest: int) -> None:
        """A connection showed a good ticket: it is the player's now, instead of any other."""
        if self.line is not line:
            self.dismiss("replaced", "the player came back on another connection")
            self.workloads.streams.rewind()
        self.line, self.holder = line, holder
        self.oldest = oldest
        if not oldest:  # a new program: it will use the numbers of what the last one left waiting
            self.inbox.waiting.clear()
        if self.entered:
            self._skip()
        self.session.joined()

    def rise(self, line: Line, home: bool) -> None:
        """The connection is gone, because the player went `home` or because it broke."""
        if self.line is line:
            self.line = None
            if self.session.state() != "arriving":
                self.expires_at = self.server.now() + (0 if home else AWAY_S)
