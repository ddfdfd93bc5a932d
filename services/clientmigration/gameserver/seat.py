"""One player's seat at this server: what its session decides is done here, and nothing else is.

The seat holds what the player has here: its inputs, its mail, its connection if there is one. The
game holds the rest. Nobody but the seat changes what it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol, cast

from clientmigration.core.measures.meter import Meter
from clientmigration.core.player.inbox import Inbox
from clientmigration.core.player.mailbox import Mailbox
from clientmigration.core.player.session import session
from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.core.player.standing import Claim, Departed, Life
from clientmigration.errors import PeersFault
from clientmigration.gameserver.game import Game
from clientmigration.gameserver.workloads import Workloads
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
    Reserved,
    Settled,
    Welcome,
)

AWAY_S = 10.0  # a player whose connection is gone may come back this long before it counts as left


class Time(Protocol):
    """The tick that is simulated, how many there are a second, and a clock for waits."""

    tick: int
    rate: int

    def now(self) -> float:
        """Seconds."""


class Membership(Protocol):
    """The fleet that this server may be in, as `member`."""

    member: str

    def tell(self, message: Any) -> None:
        """Say it to the router, if it is there."""


@dataclass(frozen=True)
class Hall:
    """What all seats of one server have in common. `workloads` makes room for what a player asks
    for; `coming` is told that somebody will soon stand where nobody looked before."""

    time: Time
    game: Game
    meter: Meter
    fleet: Membership
    workloads: Callable[[str], Workloads]
    coming: Callable[[], None]


class Register(Protocol):
    """Where a seat is kept for as long as somebody is expected at it, or here."""

    def keep(self, seat: Seat) -> None:
        """From now on."""

    def drop(self, seat: Seat) -> None:
        """Not any more."""


class Seat:
    """The `Hands` of a session. `entered` says whether the player is in the game, `held` whether it
    is stopped there: it is read for every player at every tick."""

    def __init__(self, player: str, hall: Hall, register: Register) -> None:
        self.player, self.hall, self._register = player, hall, register
        self.game, self.meter = hall.game, hall.meter
        self.life = Life(self)
        self.session = session(self.life)

        # What travels with the player, beside what the game has.
        self.inbox = Inbox()
        self.mailbox = Mailbox()
        self.workloads = hall.workloads(player)
        self.holder = ""
        self.group = ""
        self.seq = 0  # of the newest snapshot at this epoch

        # What belongs to its connection.
        self.line: Line | None = None
        self.oldest = 0  # the oldest input that the player can send again; 0: it remembers none
        self.ping_ms: float | None = None

        # What is so only here.
        self.known = False  # whether `inbox.progress` is this player's, not just empty
        self.coming: tuple[float, float] | None = None  # where it stood when it was last heard of
        self.entered = False
        self.held = False
        self.settling = ""  # the migration to settle when the next view is sent
        self.expires_at = inf

    # What others ask.

    @property
    def epoch(self) -> int:
        """At which the ledger said that the player is ours; 0 before."""
        return self.life.now.epoch

    @property
    def migration(self) -> str:
        """The one that brings the player, or is to take it away; "" while there is none."""
        return self.life.now.migration

    @property
    def final(self) -> Snapshot | None:
        """The last state of a player that went home."""
        now = self.life.now
        return now.final if isinstance(now, Departed) else None

    def admits(self, migration: str, epoch: int) -> bool:
        """Whether a ticket of this migration and epoch opens this seat."""
        return self.life.admits(migration, epoch)

    def entry(self) -> Entry:
        """This seat's line in the roster."""
        x, y = self.game.position(self.player) if self.entered else (0.0, 0.0)
        busy = self.entered and (self.game.busy(self.player) or self.workloads.streams.ending())
        now = self.life.now
        return Entry(
            player=self.player,
            epoch=now.epoch,
            state=self.session.state(),
            migration=now.migration,
            x=x,
            y=y,
            ping_ms=self.ping_ms,
            busy=busy,
            group=self.group,
            waived=now.waived,
        )

    def last(self) -> Snapshot:
        """Everything about the player, as of the last tick, under a new fence."""
        self.seq += 1
        x, y = self.game.position(self.player)
        return Snapshot(
            player=self.player,
            epoch=self.epoch,
            seq=self.seq,
            tick=self.hall.time.tick,
            x=x,
            y=y,
            holder=self.holder,
            progress=self.inbox.progress,
            game=self.game.state(self.player),
            workloads=self.workloads.place(),
            mail=self.mailbox.mail(),
            group=self.group,
        )

    # What the tick needs.

    def apply(self, now: float) -> None:
        """Apply every input that is due, in order. One that makes no sense ends the connection."""
        before = self.inbox.progress.applied
        try:
            for body, arrived in self.inbox.take():
                self.meter.sample("apply_ms", (now - arrived) * 1000)
                if work.is_work(body):
                    self.workloads.apply(body, arrived, self.line)
                else:
                    self.game.apply(self.player, body)
        except PeersFault as fault:
            if self.line is not None:
                self.line.fail(fault)
        self.meter.count("inputs", self.inbox.progress.applied - before)

    def show(self, tick: int) -> None:
        """Send the view of this tick, if somebody looks; then a move to here is settled."""
        if self.line is not None and self.known:
            body, done = self.game.view(self.player), self.inbox.progress
            frame = (
                VIEW_HEADER.pack(21 + len(body), VIEW, tick, done.last, done.applied, done.digest)
                + body
            )
            self.meter.count("views" if self.line.show(frame) else "dropped_views")
        if self.settling:
            self._tell(Settled(migration=self.settling, player=self.player))
            self.settling = ""

    def serve(self, tick: int, now: float) -> None:
        """Send what its workloads have for it; while a move takes it away, the target will."""
        if self.line is not None and not self.held:
            self.workloads.streams.serve(self.line, tick, now)

    def checkpoint(self) -> Snapshot:
        """What the ledger is to have now."""
        self.mailbox.hurried()
        return self.last()

    def expire(self) -> None:
        """What was waited for has not come."""
        self.expires_at = inf
        self.session.expired()

    def tell_left_again(self) -> None:
        """Of whom the ledger may not know to be ours, the router is told when it does know."""
        now = self.life.now
        if isinstance(now, Departed) and not now.waived:
            self.tell_left(now.final)

    # What the session decides: a player comes and goes.

    def appear(self) -> None:
        """Be found by the player's name."""
        self._register.keep(self)

    def wait_until(self, when: float) -> None:
        """Expire then, unless the player comes."""
        self.expires_at = when

    def prepare(self, snapshot: Snapshot) -> None:
        """Learn how far the player is, and have neighbours show what it will see."""
        self.learn(snapshot.progress)
        self.coming = (snapshot.x, snapshot.y)
        self.hall.coming()

    def learn(self, progress: Progress) -> None:
        """Where the player's inputs stand, from another server."""
        self.inbox.resume(progress)
        self.known = True

    def forget(self) -> None:
        """Be found no more."""
        self._register.drop(self)

    # What the session decides: the game.

    def enter(self, claim: Claim) -> None:
        """Put the player into the game as the ledger has it, and go on from there."""
        self._identify(claim)
        snapshot, epoch, time = claim.snapshot, claim.epoch, self.hall.time
        same = snapshot is not None and snapshot.epoch == epoch
        if snapshot is not None and not same:
            self.meter.count("moved_in")
        self.seq = snapshot.seq if snapshot is not None and same else 0
        self.held = False
        state = snapshot.game if snapshot else None
        ticks = min(max(0, time.tick - snapshot.tick), time.rate) if snapshot else 0
        self.game.enter(self.player, state, ticks)
        self.entered, self.coming = True, None
        self.mailbox = Mailbox.opened(snapshot.mail) if snapshot else Mailbox()
        self.workloads.take_up(snapshot.workloads if snapshot else [])
        was_known = self.known
        self.learn(snapshot.progress if snapshot else Progress())
        self.inbox.skip_to(self.oldest)
        self.settling = claim.migration
        if self.line is None:
            self.expires_at = time.now() + AWAY_S
        elif not was_known:
            self.welcome()

    def _identify(self, claim: Claim) -> None:
        self.group = claim.group
        if self.line is None:
            self.holder = claim.holder

    def hold(self) -> None:
        """Stop the player in the game, and apply none of its inputs."""
        self.held = True
        self.game.hold(self.player)

    def resume(self) -> None:
        """Go on, as if it had not been held. If its connection went away meanwhile, nobody counted
        how long it is away."""
        if self.held:
            self.game.resume(self.player)
            self.held = False
        if self.line is None:
            self.expires_at = self.hall.time.now() + AWAY_S

    def confirm(self, claim: Claim) -> None:
        """Go on, and settle the migration that the ledger did not need."""
        self._identify(claim)
        self.resume()
        self.settling = claim.migration

    def leave(self) -> None:
        """Take the player out of the game. Who was held is handed over to another server."""
        if self.held:
            self.meter.count("moved_out")
        self.game.leave(self.player)
        self.workloads.stop()
        self.entered = self.held = False

    # What the session decides: the connection.

    def welcome(self) -> None:
        """Tell the player where its inputs stand. Where nothing is known yet, `enter` does it."""
        self.expires_at = inf
        if self.line is not None and self.known:
            self.line.say(
                Welcome(
                    player=self.player,
                    member=self.hall.fleet.member,
                    ack=self.inbox.progress.last,
                    rate=self.hall.time.rate,
                )
            )

    def redirect(self, where: object) -> bool:
        """Pass a redirect on, if there is a connection."""
        if self.line is None:
            return False
        self.line.say(cast(Redirect, where))
        return True

    def dismiss(self, code: str, text: str) -> None:
        """Say goodbye to the connection, if there is one."""
        line, self.line = self.line, None
        if line is not None:
            line.hang_up(code, text)

    # What the session decides: the router is told.

    def tell_reserved(self, migration: str, plays: bool) -> None:
        """There is a place for the player, or no need of one because it `plays` here."""
        self._tell(Reserved(migration=migration, player=self.player, plays=plays))

    def tell_prepared(self, migration: str) -> None:
        """The snapshot is here."""
        self._tell(Prepared(migration=migration, player=self.player))

    def tell_arrived(self, migration: str) -> None:
        """The player has shown its ticket."""
        self._tell(Arrived(migration=migration, player=self.player))

    def tell_copied(self, migration: str) -> None:
        """How the player is now."""
        self._tell(Copied(migration=migration, snapshot=self.last()))

    def tell_frozen(self, migration: str) -> None:
        """How the player is, and stays here."""
        self._tell(Frozen(migration=migration, snapshot=self.last()))

    def tell_left(self, final: Snapshot) -> None:
        """How the player was when it went home."""
        self._tell(Left(snapshot=final))

    def tell_declined(self, migration: str, reason: str) -> None:
        """Why this migration cannot go on."""
        self._tell(Declined(migration=migration, player=self.player, reason=reason))

    def _tell(self, message: Any) -> None:
        self.hall.fleet.tell(message)

    # What the player's connection does.

    def pinged(self, rtt_ms: float | None) -> None:
        """The player says what its last ping took, milliseconds."""
        self.ping_ms = rtt_ms

    def sit(self, line: Line, holder: str, oldest: int) -> None:
        """A connection showed a good ticket: it is the player's now, instead of any other. A new
        program (no `oldest`) will use the numbers of what the last one left waiting."""
        if self.line is not line:
            self.dismiss("replaced", "the player came back on another connection")
            self.workloads.streams.rewind()
        self.line, self.holder = line, holder
        self.oldest = oldest
        if not oldest:
            self.inbox.clear()
        if self.entered:
            self.inbox.skip_to(oldest)
        self.session.joined()

    def rise(self, line: Line, home: bool) -> None:
        """The connection is gone, because the player went `home` or because it broke."""
        if self.line is line:
            self.line = None
            if self.session.state() != "arriving":
                self.expires_at = self.hall.time.now() + (0 if home else AWAY_S)
