"""One player's seat at this server: what its session decides is done here, and nothing else is.

The seat holds what the player has here: its inputs, its mail, its connection if there is one. The
game holds the rest. Nobody but the seat changes what it holds.
"""

from __future__ import annotations

from contextlib import suppress
from math import inf
from typing import cast

import msgspec

from clientmigration.core.measures.ticks import turn_of
from clientmigration.core.player.believable import Passage, believable_ping
from clientmigration.core.player.inbox import Inbox, room_at
from clientmigration.core.player.mailbox import Mailbox
from clientmigration.core.player.reconcile import ADOPT_S
from clientmigration.core.player.session import session
from clientmigration.core.player.snapshot import Progress, Snapshot
from clientmigration.core.player.standing import Claim, Departed, Life
from clientmigration.errors import GameFault, PeersFault
from clientmigration.gameserver.askers import Asker, Askers
from clientmigration.gameserver.hall import Hall, Register
from clientmigration.net.complaints import SparingLogger
from clientmigration.net.line import Line
from clientmigration.wire import work
from clientmigration.wire.messages import (
    Arrived,
    Copied,
    Declined,
    Felt,
    Frozen,
    Left,
    Prepared,
    Redirect,
    Reserved,
    Settled,
    Welcome,
)

log = SparingLogger(__name__)

GAME_FAULT = "game_fault"  # the code of the goodbye to a player whom the game fails
AWAY_S = 10.0  # a player whose connection is gone may come back this long before it counts as left


class Seat:
    """The `Hands` of a session. `entered` says whether the player is in the game, `held` whether it
    is stopped there. `turn` is the tick of a second in which it is stored."""

    __slots__ = (  # more than 30 do not share a dictionary's keys: 1.3 kB a player, slower ticks
        "_askers", "_entered", "_line", "_moved_by", "_register", "coming", "expires_at", "game",
        "good", "group", "hall", "heard_at", "held", "held_at", "holder", "inbox", "known", "life",
        "mailbox", "meter", "moved_at", "oldest", "passage", "ping_ms", "place", "player",
        "refused", "seq", "session", "settling", "skipped", "streams", "turn", "workloads",
    )  # fmt: skip

    def __init__(self, player: str, hall: Hall, register: Register) -> None:
        self.player, self.hall, self._register = player, hall, register
        self.game, self.meter = hall.game, hall.meter
        self.life = Life(self)
        self.session = session(self.life)
        self._askers = Askers()
        self.turn = turn_of(player, hall.time.rate)

        # What travels with the player, beside what the game has.
        self.inbox = Inbox(room=room_at(hall.time.rate))
        self.mailbox = Mailbox()
        self.workloads = hall.workloads(player)
        self.streams = self.workloads.streams
        self.holder = self.group = ""
        self.seq = 0  # of the newest snapshot at this epoch
        self.good: Snapshot | None = None  # the last that could be made, or that it came with
        self.refused = False  # whether the game did not take the player in
        self.place = (0.0, 0.0)  # where it was when the game could tell, metres

        # What belongs to its connection.
        self._line: Line | None = None
        self.oldest = 0  # the oldest input that the player can send again; 0: it remembers none
        self.skipped = 0  # inputs passed over here of which the player was not told yet
        self.ping_ms: float | None = None
        self.heard_at: float | None = None  # when it last showed a ticket or pinged

        # What is so only here.
        self.known = False  # whether `inbox.progress` is this player's, not just empty
        self.coming: tuple[float, float] | None = None  # where it stood when it was last heard of
        self._entered = False
        self.held = False
        self.held_at = -inf  # since when, while it is
        self.moved_at = -inf  # when a move brought it here
        self._moved_by: Asker | None = None  # the link of its router, who is told what it cost
        self.passage: Passage | None = None  # the move to here of which it may say what it cost
        self.settling = ""  # the migration to settle when the next view is sent
        self.expires_at = inf

    # What others ask.

    @property
    def entered(self) -> bool:
        """Whether the player is in the game."""
        return self._entered

    @entered.setter
    def entered(self, so: bool) -> None:
        self._entered = so
        self._register.changed()

    @property
    def line(self) -> Line | None:
        """The player's connection."""
        return self._line

    @line.setter
    def line(self, line: Line | None) -> None:
        self._line = line
        self._register.changed()

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

    def position(self) -> tuple[float, float]:
        """Where it is, or where it was when the game could tell."""
        with suppress(GameFault):
            self.place = self.game.position(self.player)
        return self.place

    def last(self) -> Snapshot:
        """Everything about the player, as of the last tick, under a new fence. Raises `GameFault`,
        and then nothing has changed."""
        (x, y), game = self.game.position(self.player), self.game.state(self.player)
        self.seq += 1
        self.place = (x, y)
        self.good = Snapshot(
            player=self.player, epoch=self.epoch, seq=self.seq, tick=self.hall.time.tick, x=x, y=y,
            holder=self.holder, progress=self.inbox.progress, game=game,
            workloads=self.workloads.place(), mail=self.mailbox.mail(), group=self.group,
            title=self.game.name, version=self.game.version,
        )  # fmt: skip
        return self.good

    def farewell(self) -> Snapshot:
        """The same, or the last that was good. Who never had one is as new: with an empty state,
        and the number 0."""
        if self.entered:
            with suppress(GameFault):
                return self.last()
        if self.good is None:
            return Snapshot(
                player=self.player, epoch=self.epoch, seq=0, tick=self.hall.time.tick, x=0.0, y=0.0,
                holder=self.holder, group=self.group,
            )  # fmt: skip
        self.seq += 1
        return msgspec.structs.replace(self.good, epoch=self.epoch, seq=self.seq)

    # What the tick needs.

    def apply(self, body: bytes, arrived: float) -> bool:
        """Apply an input that counts as taken; whether that went well. One that makes no sense ends
        the connection."""
        try:
            if body and body[0] >= work.OURS:
                self._register.stir(self)
                self.workloads.apply(body, arrived, self.line)
            else:
                self.game.apply(self.player, body)
        except PeersFault as fault:
            if self.line is not None:
                self.line.fail(fault)
        except GameFault:
            self.fail()
        else:
            return True
        return False

    def settle(self) -> None:
        """A view was sent: a move to here is over."""
        self._askers.answer(Settled(migration=self.settling, player=self.player))
        self.settling = ""

    def serve(self, tick: int, now: float) -> None:
        """Send what its workloads have for it; while a move takes it away, the target will."""
        if self.line is not None and not self.held:
            self.streams.serve(self.line, tick, now)

    def checkpoint(self) -> Snapshot:
        """What the ledger is to have now. Raises `GameFault`."""
        snapshot = self.last()
        self.mailbox.hurried()
        return snapshot

    def fail(self) -> None:
        """The game could not go on with this player: that costs it its connection. It may come
        back."""
        if self.line is not None:
            self.dismiss(GAME_FAULT, "the game could not go on with you; try again")
            self.expires_at = self.hall.time.now() + AWAY_S

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

    def wait_longer(self, until: float) -> None:
        """Do not expire before then, if the player is away."""
        if self.expires_at < inf:
            self.expires_at = max(self.expires_at, until)

    def prepare(self, snapshot: Snapshot) -> None:
        """Learn how far the player is, and have neighbours show what it will see."""
        self.learn(snapshot.progress)
        self.coming = (snapshot.x, snapshot.y)
        self.hall.coming()

    def learn(self, progress: Progress) -> None:
        """Where the player's inputs stand, from another server."""
        self.inbox.resume(progress)
        self.known = True
        self._register.changed()

    def forget(self) -> None:
        """Be found no more."""
        self._register.drop(self)

    # What the session decides: the game.

    def enter(self, claim: Claim) -> bool:
        """Put the player into the game as the ledger has it, and go on from there. Answers whether
        the game takes it in."""
        self._identify(claim)
        snapshot, epoch, time = claim.snapshot, claim.epoch, self.hall.time
        same = snapshot is not None and snapshot.epoch == epoch
        if snapshot is not None and not same:
            self.meter.count("moved_in")
            if self.coming is not None:
                self.moved_at = time.now()
            now, ago_s = time.now(), max(0, time.tick - snapshot.tick) / time.rate
            self.passage = Passage(now - ago_s, now, time.rate)
            self._moved_by = self._askers.by(claim.migration)
        self.seq = snapshot.seq if snapshot is not None and same else 0
        self.held, self.good = False, snapshot
        state = snapshot.game if snapshot and snapshot.seq else None
        stored = snapshot.version if snapshot else self.game.version
        ticks = min(max(0, time.tick - snapshot.tick), time.rate) if snapshot else 0
        try:
            if state is not None and stored != self.game.version:
                state = self.game.convert(state, stored)
            self.game.enter(self.player, state, ticks)
        except GameFault:
            self.refused, self.coming = True, None
            return False
        self.refused = False
        if self.group:
            self.game.grouped(self.player, self.group)
        if snapshot is not None:
            self.place = (snapshot.x, snapshot.y)
        self.entered, self.coming = True, None
        self.mailbox = Mailbox.opened(snapshot.mail) if snapshot else Mailbox()
        self.workloads.take_up(snapshot.workloads if snapshot else [])
        was_known = self.known
        self.learn(snapshot.progress if snapshot else Progress())
        self._skip()
        self._settle_soon(claim)
        if self.line is None:
            self.expires_at = time.now() + AWAY_S
        elif not was_known or self.skipped:
            self.welcome()
        return True

    def _identify(self, claim: Claim) -> None:
        self.group = claim.group
        if self.line is None:
            self.holder = claim.holder

    def _settle_soon(self, claim: Claim) -> None:
        self.settling = claim.migration
        self._register.stir(self)

    def hold(self) -> bool:
        """Stop the player in the game, and apply none of its inputs. Answers whether the game does
        so."""
        self.held, self.held_at = True, self.hall.time.now()
        try:
            self.game.hold(self.player)
        except GameFault:
            return False
        return True

    def resume(self) -> None:
        """Go on, as if it had not been held. If its connection went away meanwhile, nobody counted
        how long it is away."""
        if self.held:
            self.held = False
            try:
                self.game.resume(self.player)
            except GameFault:
                self.fail()
        if self.line is None:
            self.expires_at = self.hall.time.now() + AWAY_S

    def confirm(self, claim: Claim) -> None:
        """Go on, and settle the migration that the ledger did not need."""
        self._identify(claim)
        self.resume()
        self._settle_soon(claim)

    def leave(self) -> None:
        """Take the player out of the game. Who was held is handed over to another server."""
        if self.held:
            self.meter.count("moved_out")
        if self.entered:
            self.game.leave(self.player)
        self.workloads.stop()
        self.entered = self.held = False

    # What the session decides: the connection.

    def welcome(self) -> None:
        """Tell the player where its inputs stand. Where nothing is known yet, `enter` does it."""
        self.expires_at = inf
        if self.line is not None and self.known:
            skipped, self.skipped = self.skipped, 0
            self.line.say(
                Welcome(
                    player=self.player, member=self.hall.fleet.member, ack=self.inbox.progress.last,
                    rate=self.hall.time.rate, skipped=skipped,
                )
            )  # fmt: skip

    def _skip(self) -> None:
        """Pass over what the player can not send again. That is a loss: it is counted, and said."""
        skipped = self.inbox.skip_to(self.oldest)
        if skipped:
            self._register.changed()
            self.skipped += skipped
            self.meter.count("skipped_inputs", skipped)
            log.warn(
                "{n} inputs of {player} are lost: it can not send them again",
                n=skipped, player=self.player,
            )  # fmt: skip

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

    # What the session decides: whoever asked for a migration is told.

    def asked(self, migration: str, asker: Asker) -> None:
        """This migration is ordered over this link: the answers go there."""
        now = self.life.now
        live = (now.migration, now.waived, self.life.reservation.migration, self.settling)
        self._askers.asked(migration, asker, live)

    def asker(self, migration: str) -> Asker | None:
        """The link over which this migration was ordered, while it is there."""
        return self._askers.by(migration)

    def asked_by(self, asker: Asker) -> bool:
        """Whether the migration that there is was ordered over this link."""
        return self._askers.asked_by(self.migration, asker)

    def heeds(self, asker: Asker) -> bool:
        """Whether this router may end what there is here. While the player stands still, which must
        not be for long, only who moves it may: others do not know whether its target has begun."""
        by = self._askers.by(self.migration)
        if self.held:
            return by is asker or self.hall.time.now() - self.held_at > ADOPT_S
        return self.entered or by is None or by is asker

    def is_anothers(self, migration: str, asked: str) -> bool:
        """Whether that migration is of another link, which is still there."""
        return self._askers.is_anothers(migration, asked)

    def tell_reserved(self, migration: str, plays: bool) -> None:
        """There is a place for the player, or no need of one because it `plays` here."""
        self._askers.answer(Reserved(migration=migration, player=self.player, plays=plays))

    def tell_prepared(self, migration: str) -> None:
        """The snapshot is here."""
        self._askers.answer(Prepared(migration=migration, player=self.player))

    def tell_arrived(self, migration: str) -> None:
        """The player has shown its ticket."""
        self._askers.answer(Arrived(migration=migration, player=self.player))

    def tell_copied(self, migration: str) -> None:
        """How the player is now, or that the game cannot tell."""
        try:
            self._askers.answer(Copied(migration=migration, snapshot=self.last()))
        except GameFault:
            self.tell_declined(migration, GAME_FAULT)

    def tell_frozen(self, migration: str) -> bool:
        """How the player is, and stays here; or that the game cannot tell."""
        try:
            self._askers.answer(Frozen(migration=migration, snapshot=self.last()))
        except GameFault:
            self.tell_declined(migration, GAME_FAULT)
            return False
        return True

    def tell_left(self, final: Snapshot) -> None:
        """How the player was when it went home, or when the game did not take it in: to the router
        that stores it, and to the one that moves it."""
        left = Left(snapshot=final, refused=self.refused)
        self.hall.fleet.tell(left)
        by = self._askers.by(self.migration)
        if by is not None and by is not self.hall.fleet.line:
            by.say(left)

    def tell_declined(self, migration: str, reason: str) -> None:
        """Why this migration cannot go on."""
        self._askers.answer(Declined(migration=migration, player=self.player, reason=reason))

    # What the player's connection does.

    def pinged(self, rtt_ms: float | None) -> None:
        """The player says what its last ping took, milliseconds."""
        self.ping_ms = None if rtt_ms is None else believable_ping(rtt_ms)
        self.heard_at = self.hall.time.now()

    def felt(self, missed: int, gap_ms: float, stall_ms: float) -> None:
        """The player says what its move to here cost it: once for each, and nothing impossible."""
        passage, self.passage = self.passage, None
        cost = passage and passage.believable(missed, gap_ms, stall_ms, self.hall.time.now())
        if cost:
            missed, gap_ms, stall_ms = cost
            felt = Felt(missed=missed, gap_ms=gap_ms, stall_ms=stall_ms, player=self.player)
            if self._moved_by is not None and not self._moved_by.over:
                self._moved_by.say(felt)
            else:
                self.hall.fleet.tell(felt)

    def sit(self, line: Line, holder: str, oldest: int) -> None:
        """A connection showed a good ticket: it is the player's now, instead of any other. A new
        program (no `oldest`) will use the numbers of what the last one left waiting."""
        if self.line is not line:
            self.dismiss("replaced", "the player came back on another connection")
            self.streams.rewind()
        self.line, self.holder = line, holder
        self.oldest, self.heard_at = oldest, self.hall.time.now()
        if not oldest:
            self.inbox.clear()
            self._register.unhear(self)
        if self.entered:
            self._skip()
            self.game.connected(self.player, True)
        self.session.joined()

    def rise(self, line: Line, home: bool) -> None:
        """The connection is gone, because the player went `home` or because it broke."""
        if self.line is line:
            self.line = None
            if self.entered:
                self.game.connected(self.player, False)
            if self.session.state() != "arriving":
                self.expires_at = self.hall.time.now() + (0 if home else AWAY_S)
