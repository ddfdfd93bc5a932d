"""The checkers: they look at every server, every view and the ledger after every single event.

They know what each player really sent (from the wire), whose each player is (from the ledger), and
what was done to the network. What they hold true is said at each of them, with its invariant: I1
and so on, see docs/migration.md.

At most one server applies a player's inputs, that is: the one which the ledger names, at the epoch
that the ledger names, or the one before it as long as that one waives. A server cut off from the
router may go on with a player that the ledger has given away since, for nobody can tell it; it is
then a ghost, which nobody looks at, and it has to be gone `FENCE_S` after the router can be heard
again.

A host that is frozen is cut off from everybody, and reads what came meanwhile when it thaws.

No input is skipped over, unless the program that plays the player now is not the one that sent it.

What a crash may cost: a state is taken up that the player was really in, and where link and ledger
were well before, it is at most `LOST_S` (and a checkpoint's way, `SLACK_S`) older than the crash.
Coins add up exactly in a schedule in which nothing crashed or was cut; after a crash each player
has what it had in that one state, and what lay on the ground of the dead server is gone.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from clientmigration.client.player import Player
from clientmigration.core.player.ledger import Record
from clientmigration.core.player.snapshot import Progress, chained
from clientmigration.games.meadow.game import COINS
from clientmigration.gameserver.rosters import ROSTER_S
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.service import GameServer
from clientmigration.net.line import Line
from clientmigration.testing.arena import Arena
from clientmigration.testing.coins import total
from clientmigration.testing.network import End
from clientmigration.testing.workload import Workload
from clientmigration.wire.connection import INPUT
from clientmigration.wire.messages import View

FENCE_S = 0.6  # from the moment a server can be told that a player is not its own to its obedience
SETTLED_S = 8.0  # after the last fault its consequences may be felt for so long: silence, retries
BACK_S = 2.0  # players of a killed server are playing again within this, where all else is well
STILL_S = 1.0  # nobody stands still for router or ledger, where the target can be asked
LOST_S = 1.0  # what a crash may cost: a checkpoint is at most this old where all else is well
STEADY_S = 2.5  # a link and a ledger that were well for so long have stored a checkpoint
AGREED_S = 30.0  # whose clock was set, or who was frozen meanwhile, has the others' date by then
SLACK_S = 0.5  # a checkpoint's way to the ledger, and a tick


@dataclass
class Track:
    """What is known of one player, whichever program plays it."""

    player: Player
    host: str
    known_as: str = ""
    wanted: bool = True  # whether it wants to play now
    met: bool = False  # whether it was ever in a game
    legal: dict[int, set[tuple[int, int]]] = field(default_factory=lambda: {0: {(0, 0)}})
    states: list[tuple[float, int, int]] = field(default_factory=list)  # time, last, coins
    floor: float | None = None  # a state as old as this may be taken up next; None: the newest only
    programs: int = 1  # that have played it so far
    bodies: dict[int, tuple[bytes, float]] = field(default_factory=dict)
    # what the present program sent, and when first
    tick: int = 0
    last: int = 0
    rejoins: int = 0
    body: bytes = b""  # of its newest view
    workload: Workload | None = None
    killed_at: float | None = None
    shown_at: float | None = None  # when its present program was shown its newest view
    hurt_until: float = -math.inf  # its game fails for it alone

    @property
    def name(self) -> str:
        """The player's name in the cluster, "" until the router has given one."""
        if not self.known_as:
            self.known_as = self.player.name
        return self.known_as

    def leave(self) -> None:
        """It does not want to play any more, or can not."""
        self.wanted = False

    def sent(self, seq: int, body: bytes, now: float) -> None:
        """The player said this input; every way of having applied the ones before goes on here."""
        if self.bodies and seq > next(reversed(self.bodies)) + 1:  # played before: it goes on
            self.bodies.clear()
        self.bodies.setdefault(seq, (body, now))
        before = self.legal.get(seq - 1, ())
        self.legal.setdefault(seq, set()).update(
            (applied + 1, chained(digest, seq, body)) for applied, digest in before
        )

    def can_skip(self, done: Progress) -> bool:
        """Whether inputs that were passed over on the way to `done` are of programs that are gone:
        then what the present one sent goes on from there."""
        state = (done.applied, done.digest)
        if self.programs == 1 or (self.bodies and done.last >= min(self.bodies)):
            return False
        if not any(state in states for last, states in self.legal.items() if last < done.last):
            return False
        self.legal.setdefault(done.last, set()).add(state)
        for seq, (body, at) in list(self.bodies.items()):
            self.sent(seq, body, at)
        return True


class Checker:
    """All checkers of one run. `broken` says what they found; the first is what matters."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.broken: list[str] = []
        self.tracks: list[Track] = []
        self.by_host: dict[str, Track] = {}
        self.strict = True  # no fault yet: nothing at all may be lost
        self.faults = 0  # under way
        self.fault_at = -math.inf  # when the last one ended
        self.disk_at = -math.inf  # when the ledger was last seen bad
        self.back_s: list[float] = []
        self.gap_s = 0.0  # the longest time between two views of one program
        self.lost_coins = 0
        self.letters_lost = False
        self._by_name: dict[str, Track] = {}
        self._records: dict[str, Record] = {}
        self._applied: dict[tuple[str, str], tuple[Seat, Progress]] = {}
        self._calm: dict[tuple[str, str], tuple[Seat, Progress, Record]] = {}
        self._sitting: dict[tuple[str, str], Line] = {}
        self._rightful: dict[str, tuple[str, int, Seat]] = {}
        self._ghosts: dict[tuple[str, str], tuple[str, float]] = {}
        self._still: dict[tuple[str, str], float] = {}
        self._linked: dict[str, float] = {}
        self._ticks: dict[str, int] = defaultdict(int)

    @property
    def now(self) -> float:
        """Seconds."""
        return self.arena.clock.rightNow

    def fail(self, invariant: str, text: str) -> None:
        """An invariant does not hold."""
        self.broken.append(f"{invariant}: {text}")

    def excused(self, track: Track | None = None) -> bool:
        """Whether a fault is under way, or was so lately that it may still be felt, by everybody or
        by this one."""
        over = max(self.fault_at, self.arena.network.late_until)
        if track is not None:
            over = max(over, track.hurt_until)
        return bool(self.faults) or self.now - over < SETTLED_S

    # What the stage tells.

    def follow(
        self, player: Player, host: str, workload: Workload, track: Track | None = None
    ) -> Track:
        """A player program starts; for a player known already, `track` is its."""
        if track is None:
            track = Track(player, host)
            self.tracks.append(track)
        else:
            track.programs += 1
            track.bodies.clear()
        track.player, track.host, track.wanted = player, host, True
        track.workload = workload
        track.tick = track.last = track.rejoins = 0
        track.shown_at = None
        self.by_host[host] = track
        player.on("view", lambda view: self.shown(track, player, view))
        return track

    def fault(self) -> None:
        """One begins."""
        self.strict = False
        self.faults += 1

    def healed(self) -> None:
        """One is over."""
        self.faults -= 1
        self.fault_at = self.now

    def hurt(self, track: Track, seconds: float) -> None:
        """The game fails for this player for so long, and that is nobody else's fault."""
        track.hurt_until = max(track.hurt_until, self.now + seconds)

    def unstored(self, seconds: float) -> None:
        """For so long somebody's state may not be stored: as if the ledger were bad."""
        self.disk_at = max(self.disk_at, self.now + seconds)

    def killing(self, name: str) -> None:
        """A server is about to be killed: what must be left of its players?"""
        floor = self._steady_floor(name)
        for track in self.tracks:
            if self._rightful.get(track.name, ("",))[0] == name:
                track.floor = floor if track.floor is None else min(floor, track.floor)
                track.killed_at = self.now

    def freezing(self, name: str) -> None:
        """A server is about to be frozen: whom others take up, they take up as after a crash."""
        for track in self.tracks:
            if self._rightful.get(track.name, ("",))[0] == name:
                floor = self._steady_floor(name)
                track.floor = floor if track.floor is None else min(floor, track.floor)

    def linked(self, name: str) -> bool:
        """Whether a server and the router can talk now."""
        return name in self._linked

    def _steady_floor(self, name: str) -> float:
        """How old a state may be that is taken up from this server, were it gone now."""
        steady = self.now - self._linked.get(name, math.inf) > STEADY_S
        steady = steady and self.now - self.disk_at > STEADY_S
        return self.now - LOST_S - SLACK_S if steady else -math.inf

    def lose_a_letter(self) -> None:
        """A coin is gone with a letter that was not received; a crash may bring it back."""
        self.lost_coins += 1
        self.letters_lost = True

    def lose(self, coins: int) -> None:
        """So many coins are gone for good, and nothing is wrong with that."""
        self.lost_coins += coins

    def carried(self, end: End, data: bytes) -> None:
        """A tap: inputs on their way are what a player really sent."""
        if len(data) > 9 and data[4] == INPUT and (track := self.by_host.get(end.here)):
            track.sent(int.from_bytes(data[5:9], "little"), data[9:], self.now)

    # I3: what a player is shown.

    def shown(self, track: Track, player: Player, view: View) -> None:
        """Ticks are consecutive but across a recovery, and nothing shown is taken back."""
        if player is not track.player:
            return
        again = player.rejoins != track.rejoins
        if again and not self.excused(track) and track.wanted:
            self.fail("I4", f"{player.name} had to come back, and nothing was done to it")
        if track.tick and not again:
            skips = view.tick != track.tick + 1 and not self.excused(track)
            if skips and (self.now > self.fault_at + AGREED_S or not self.arena.worlds_differ()):
                self.fail("I3", f"{player.name} is shown tick {view.tick} after {track.tick}")
            if view.last < track.last:
                self.fail("I3", f"{player.name} is shown input {view.last} after {track.last}")
        if track.killed_at is not None and again:
            self.back_s.append(self.now - track.killed_at)
            track.killed_at = None
        if track.shown_at is not None:
            self.gap_s = max(self.gap_s, self.now - track.shown_at)
        track.shown_at = self.now
        track.tick, track.last, track.rejoins = view.tick, view.last, player.rejoins
        track.body = view.body

    # After every event.

    def look(self) -> None:
        """I1, I2, I4, I5, I6 on every record and every seat there is."""
        if not self.arena.answers:
            self.disk_at = max(self.disk_at, self.now)
        for player, record in self.arena.ledger.records.items():
            if record is not self._records.get(player):
                self._look_at_record(self._records.get(player) or Record(player), record)
                self._records[player] = record
        seen: set[str] = set()
        self._look_at_links()
        for name, server in self.arena.servers.items():
            self._look_at_server(name, server, seen)
        for track in self.tracks:
            if track.tick and track.wanted and track.name not in seen and not self.excused(track):
                self.fail("I4", f"{track.name} is nowhere")

    def _look_at_server(self, name: str, server: GameServer, seen: set[str]) -> None:
        new_tick = server.ticks.tick != self._ticks[name]
        self._ticks[name] = server.ticks.tick
        for player, seat in server.seats.by_name.items():
            if seat.line is not None:
                self._look_at_line(name, player, seat)
            if seat.entered:
                seen.add(player)
                self._look_at_seat(name, server, player, seat, new_tick)
        if new_tick and self.strict:
            self.look_at_coins()

    def _look_at_record(self, before: Record, record: Record) -> None:
        """I1: a new owner has a new epoch, and what is stored gets newer and never older."""
        stored = record.snapshot.fence if record.snapshot else (0, 0)
        if stored < (before.snapshot.fence if before.snapshot else (0, 0)):
            self.fail("I1", f"{record.player}: an older snapshot is stored over a newer one")
        if record.owner not in ("", before.owner) and record.epoch != before.epoch + 1:
            self.fail("I1", f"{record.player}: from {before.claim} to {record.claim}")
        if stored[0] > record.epoch:
            self.fail("I1", f"{record.player}: the snapshot is of a later epoch than its owner")

    def _look_at_links(self) -> None:
        """Since when each server and the router can talk."""
        arena, cuts = self.arena, self.arena.network.cuts
        for name, server in arena.servers.items():
            uplink, host = server.attachment.line, server.attachment.primary or "router"
            router = arena.routers.get(host) or arena.router
            member = router.members.get(name) if not self._frozen(host) else None
            well = (
                uplink is not None
                and member is not None
                and not (cuts and ((name, host) in cuts or (host, name) in cuts))
                and getattr(member.line.transport, "peer", None) is uplink.transport
                and not self._frozen(name)
            )
            if not well:
                self._linked.pop(name, None)
            elif name not in self._linked:
                self._linked[name] = self.now

    def _frozen(self, host: str) -> bool:
        clock = self.arena.hosts.get(host)
        return clock is not None and clock.thaws_at > self.now

    def _thawed_at(self, host: str) -> float:
        """When it thaws, or did; long ago for one that was never frozen."""
        clock = self.arena.hosts.get(host)
        return clock.thaws_at if clock is not None else 0.0

    def _look_at_line(self, name: str, player: str, seat: Seat) -> None:
        """I5: only a player's own connections are ever in its seat."""
        line = seat.line
        assert line is not None
        if self._sitting.get((name, player)) is line:
            return
        host = line.transport.there
        track = self.by_host.get(host)
        if track is None or (track.name and track.name != player):
            self.fail("I5", f"{host} sits in the seat of {player} at {name}")
        elif track.name:
            self._sitting[name, player] = line

    def _calmly(self, name: str, player: str, seat: Seat, record: Record | None) -> bool:
        """Whether nothing is new since the last look, when all was well: most looks end here."""
        then = self._calm.get((name, player))
        if then is None or then[0] is not seat or then[2] is not record or seat.held:
            return False
        return then[1] is seat.inbox.progress and then[2].epoch == seat.epoch

    def _look_at_seat(
        self, name: str, server: GameServer, player: str, seat: Seat, new_tick: bool
    ) -> None:
        record, track = self.arena.ledger.records.get(player), self._track(player)
        unheard = track is None and seat.line is None  # its program has not heard of its name yet
        if unheard or (not new_tick and self._calmly(name, player, seat, record)):
            return
        assert track is not None, f"nobody is called {player}"
        owned = record is not None and record.claim[:2] == (name, seat.epoch)
        rightful = owned or (record is not None and self._waived(record, name, seat))
        if rightful:
            before = self._rightful.get(player)
            self._rightful[player] = (name, seat.epoch, seat)
            plays_on = before is not None and before[2] is seat  # though its epoch may be new
            if before != self._rightful[player] and not (plays_on and new_tick):
                self._look_at_takeover(track, name, server, seat)
        about_to_hear = record is not None and record.owner == name
        if new_tick and (rightful or about_to_hear):
            self._remember(track, self._state(server, player, seat))
        known = self._applied.get((name, player))
        if known is None or known[0] is not seat or known[1] is not seat.inbox.progress:
            self._look_at_progress(track, name, seat, known)
            self._applied[name, player] = (seat, seat.inbox.progress)
        if self._in_vain(name, server, seat):
            if self.now - self._still.setdefault((name, player), self.now) > STILL_S:
                self.fail("I7", f"{player} stands still at {name}, and nobody asks its target")
        else:
            self._still.pop((name, player), None)
        if rightful or seat.held:
            self._ghosts.pop((name, player), None)
        else:
            self._look_at_ghost(track, name, player, seat)
        if owned and not seat.held and record is not None:
            self._calm[name, player] = (seat, seat.inbox.progress, record)
        else:
            self._calm.pop((name, player), None)

    def _in_vain(self, name: str, server: GameServer, seat: Seat) -> bool:
        """Whether a player is frozen though its target could be asked to waive. With a router too:
        its ledger may not answer."""
        if not seat.held or self.arena.network.cuts:
            return False
        bound_for = seat.life.now.bound_for
        if self._frozen(name) or self._frozen(bound_for):
            return False
        link = server.neighbours.links.get(bound_for)
        target = self.arena.servers.get(bound_for)
        there = target.seats.find(seat.player) if target else None
        return (
            target is not None
            and there is not None
            and (there.session.state(), there.migration) == ("arriving", seat.migration)
            and link is not None
            and name in target.neighbours.links
        )

    def _waived(self, record: Record, name: str, seat: Seat) -> bool:
        """I1: the ledger's owner has promised not to play the player, so that its source does; in
        the end the ledger knows it, and the source is to be told."""
        waived = seat.life.now.waived
        if not waived or record.migration != waived:
            return False
        owner = self.arena.servers.get(record.owner)
        also = owner.seats.find(record.player) if owner else None
        if also is not None and also.entered and also is not seat:
            self.fail("I1", f"{record.player} is played by {record.owner}, which had waived it")
        given_back = record.owner == name  # after the target's claim, or instead of it
        return record.epoch == seat.epoch + 1 or (given_back and record.epoch == seat.epoch + 2)

    def _track(self, player: str) -> Track | None:
        if player not in self._by_name:
            self._by_name = {track.name: track for track in self.tracks}
        return self._by_name.get(player)

    def _look_at_progress(
        self, track: Track, name: str, seat: Seat, known: tuple[Seat, Progress] | None
    ) -> None:
        """I2: what was applied is a prefix of what was sent, each once and in order."""
        done = seat.inbox.progress
        if (done.applied, done.digest) in track.legal.get(done.last, ()):
            if known is not None and known[0] is seat and done.last < known[1].last:
                self.fail("I2", f"{track.name} goes back at {name}: {known[1]} to {done}")
        elif not track.can_skip(done):
            self.fail("I2", f"{track.name} at {name} has applied {done}, which it never sent so")

    def _look_at_ghost(self, track: Track, name: str, player: str, seat: Seat) -> None:
        """I1: a server that plays what is not its own (any more) may do so only while it is cut off
        from the router, and for `FENCE_S` more; and never for a player that looks at it."""
        waived = seat.life.now.waived
        kept, since = self._ghosts.get((name, player), ("", self.now))
        since = since if kept == waived else self.now
        self._ghosts[name, player] = waived, since
        told = self._linked.get(name)
        slow = 4 * self.arena.disk.slow_s if self.arena.disk else 0.0
        if waived:
            slow += ROSTER_S  # the ledger never named it: only its roster tells the router of it
        if told is not None and self.now - max(since, told) > FENCE_S + slow and self._disk_well():
            self.fail("I1", f"{player} is played by {name}, and the ledger does not say so")
        home = track.player.traveller.home
        if home is not None and home.viewed and not home.over and home.line is not None:
            peer = getattr(home.line.transport, "peer", None)
            heard = max(since, self._thawed_at(name), self._thawed_at(track.host))
            if seat.line is not None and seat.line.transport is peer and self.now - heard > FENCE_S:
                self.fail("I1", f"{player} plays on {name}, and the ledger does not say so")

    def _disk_well(self) -> bool:
        return self.now - self.disk_at > STEADY_S

    # I8 and I6: what a player has.

    def _state(self, server: GameServer, player: str, seat: Seat) -> tuple[int, int]:
        game: Any = server.game
        return seat.inbox.progress.last, int(game.coins[game.rows[player]])

    def _remember(self, track: Track, state: tuple[int, int]) -> None:
        if not track.states or track.states[-1][1:] != state:
            track.states.append((self.now, *state))

    def _look_at_takeover(self, track: Track, name: str, server: GameServer, seat: Seat) -> None:
        """I8: the state taken up is one that the player really was in: the newest, or after a crash
        one that was true at most a second before it."""
        state = self._state(server, track.name, seat)
        if not track.met:
            track.met = True
            if state != (0, COINS):
                self.fail("I8", f"{track.name} is new and has {state}")
        elif track.floor is None and self.strict:
            if state != track.states[-1][1:]:
                self.fail("I8", f"{track.name} at {name} has {state}, not {track.states[-1][1:]}")
        else:
            self._look_back(track, state)
        track.floor = None
        self._remember(track, state)

    def _look_back(self, track: Track, state: tuple[int, int]) -> None:
        true = [n for n, each in enumerate(track.states) if each[1:] == state]
        if not true:
            self.fail("I8", f"{track.name} is taken up with {state}, which was never so")
            return
        later = track.states[true[-1] + 1 :]
        until = later[0][0] if later else self.now
        if track.floor is not None and until < track.floor:
            self.fail("I8", f"{track.name} is taken up {track.floor - until:.2f} s too old")

    def look_at_coins(self, at_rest: bool = False) -> None:
        """I6: as long as nothing has failed, no coin appears or goes."""
        met = [track.name for track in self.tracks if track.met]
        coins = total(self.arena, met, at_rest)
        minted = COINS * len(met)
        if self.letters_lost and not self.strict:
            return
        if coins is not None and coins + self.lost_coins != minted:
            self.fail("I6", f"there are {coins + self.lost_coins} coins, not {minted}")
