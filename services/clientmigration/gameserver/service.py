"""The game server: ticks, seats, and what it tells the router and carbon about itself.

It owns its players' truth between two words of the router. It never waits for the router, for
carbon or for a player: the tick goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import random

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from clientmigration.core.fleet.health import Grade, Health, grade, health_of
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.meter import Meter
from clientmigration.core.measures.metrics import Sink, datapoints
from clientmigration.errors import PeersFault
from clientmigration.gameserver.checkpoints import Checkpoints
from clientmigration.gameserver.files import Files
from clientmigration.gameserver.game import MakeGame
from clientmigration.gameserver.mail import PostOffice
from clientmigration.gameserver.neighbours import NeighbourLinks
from clientmigration.gameserver.players import PlayerLine
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.stalls import Stalls
from clientmigration.gameserver.streams import StreamSender
from clientmigration.gameserver.uplink import Uplink
from clientmigration.gameserver.waivers import Waivers
from clientmigration.gameserver.workloads import Burns, Workloads
from clientmigration.net.door import Dial
from clientmigration.net.line import Line
from clientmigration.net.probe import Probe
from clientmigration.net.tickets import Seals
from clientmigration.wire.messages import Report

log = Logger()

SMOOTHING_S = 2.0  # load follows a change within about this time
PATIENCE_S = 0.25  # what waits for the end of a late tick waits no longer than this
AT_ONCE = 2  # ticks simulated before the reactor gets its turn again
ROSTER_S = 2.0  # how often the router hears where everybody is
DRAIN_S = 20.0  # how long a server that stops waits for its players to be moved away
COUNTED = (
    "views",
    "dropped_views",
    "inputs",
    "skipped_inputs",
    "skipped_ticks",
    "refused_tickets",
    "closed_connections",
    "sent_bytes",
    "received_bytes",
    "file_bytes",
    "neighbour_sent_bytes",
    "neighbour_received_bytes",
    "mail_posted",
    "mail_delivered",
    "moved_in",
    "moved_out",
)
_RATES = (
    "views",
    "inputs",
    "sent_bytes",
    "received_bytes",
    "file_bytes",
    "neighbour_sent_bytes",
    "neighbour_received_bytes",
)


@dataclass(frozen=True)
class Setting:
    """What a game server is told at its start: players at most, ticks per second, and so on."""

    name: str
    address: str
    capacity: int
    rate: int
    policy: Policy
    zone: str = ""


class GameServer(Service):
    """See the module. `member` is its name in the fleet, "" until the router gives one; `cpu`
    answers the CPU seconds that this process has used so far."""

    def __init__(
        self,
        clock: IReactorTime,
        setting: Setting,
        make_game: MakeGame,
        seals: Seals,
        sink: Sink,
        probe: Probe,
        cpu: Callable[[], float],
        entropy: Callable[[int], bytes],
        dial: Dial,
        jitter: Callable[[], float] = random,
        dropped: Callable[[], int] = lambda: 0,
        files: Files | None = None,
    ) -> None:
        self.clock, self.setting, self.seals, self.sink = clock, setting, seals, sink
        self.probe, self.cpu, self.entropy, self.dropped = probe, cpu, entropy, dropped
        self.member = setting.name
        self.address = setting.address
        self.rate = setting.rate
        self.letters = PostOffice(self)
        self.game = make_game(setting.rate, self.letters.post)
        self.neighbours = NeighbourLinks(self, dial, jitter)
        self.waivers = Waivers(self)
        self.stalls = Stalls(clock, lambda: self.member, self._players)
        self.burns = Burns(cpu)
        self.files = files or Files()
        self.meter = Meter(COUNTED)
        self.checkpoints = Checkpoints(setting.rate)
        self.seats: dict[str, Seat] = {}
        self.lines: set[Line] = set()
        self.uplink: Uplink | None = None
        self.tick = 0
        self.load = 0.0
        self.grade = Grade.FIT
        self.draining = False
        self._cpu = (0.0, 0.0)
        self._after: list[tuple[str, Callable[[], None], float]] = []
        self._beat: IDelayedCall | None = None
        self._loops = [LoopingCall(self.report), LoopingCall(self.sweep), LoopingCall(self._list)]

    def now(self) -> float:
        """World time, seconds since the epoch: the same on every server."""
        return self.clock.seconds()

    def _players(self) -> list[str]:
        return [seat.player for seat in self.seats.values() if seat.entered]

    # Connections.

    def found_at(self, address: str) -> None:
        """We listen at `address`; players are told so unless they were told something else."""
        self.address = self.address or address

    def player_line(self) -> Line:
        """A line for a player that has just connected."""
        line = PlayerLine(self).line
        self.lines.add(line)
        return line

    def router_line(self) -> Line:
        """A line to the router."""
        return Uplink(self).line

    def count_bytes(self, line: Line) -> None:
        """A player's line is over: count what it carried since the last report."""
        self._carried(line)
        self.lines.discard(line)

    def _carried(self, line: Line) -> None:
        self.meter.count("sent_bytes", line.sent)
        self.meter.count("received_bytes", line.received)
        line.sent = line.received = 0

    def count_neighbour(self, line: Line) -> None:
        """Count what a line to another server carried since it was counted last."""
        self.meter.count("neighbour_sent_bytes", line.sent)
        self.meter.count("neighbour_received_bytes", line.received)
        line.sent = line.received = 0

    def blame(self, fault: PeersFault) -> None:
        """A connection is closed for its peer's fault."""
        self.meter.count("closed_connections")
        if fault.code == "ticket_refused":
            self.meter.count("refused_tickets")

    def workloads(self, player: str) -> Workloads:
        """Room for what a player may ask for."""
        sent = partial(self.meter.count, "file_bytes")
        return Workloads(player, self.burns, StreamSender(self.files, sent))

    # The router.

    def make_seat(self, player: str) -> Seat:
        """A seat for somebody who may come."""
        return Seat(self, player)

    def attached(self, uplink: Uplink, name: str) -> None:
        """We are in the fleet: say who is here, and again who has left."""
        self.uplink, self.member = uplink, name
        log.info("attached to the router as {name}, with {n} players", name=name, n=len(self.seats))
        self._list()

    def detached(self, uplink: Uplink) -> None:
        """The link is gone. Everybody plays on."""
        if self.uplink is uplink:
            self.uplink = None
            self.waivers.ask()

    def tell(self, message: msgspec.Struct) -> None:
        """Say it to the router, if it is there: what must not be lost is in the roster anyway."""
        if self.uplink is not None:
            self.uplink.line.say(message)

    def drain(self, on: bool) -> None:
        """An operator wants us empty, or not any more. Who stops goes on to empty itself."""
        if self.running:
            self.draining = on
            self.report()

    def refusal(self) -> str:
        """Why no player can come here now, or nothing."""
        if self.draining:
            return "draining"
        return "full" if len(self.seats) >= self.setting.capacity else ""

    # Time.

    def after_tick(self, player: str, act: Callable[[], None], at_once: bool = False) -> None:
        """Do this when no tick is due any more, or `at_once` if nothing waits for this player."""
        if at_once and all(player != waiting for waiting, _, _ in self._after):
            act()
        else:
            self._after.append((player, act, self.now()))

    def _act(self, none_due: bool) -> None:
        """What waited for the end of a tick; a server that is always late does not wait on."""
        if self._after and (none_due or self.now() - self._after[0][2] > PATIENCE_S):
            acts, self._after = self._after, []
            for _, act, _ in acts:
                act()

    def _run_due(self) -> bool:
        """Simulate the ticks that are due, a few at a time: whoever is late must still listen.

        Ticks more than a second late are skipped, and counted. Answers whether none is due now.
        """
        due = math.floor(self.now() * self.rate + 1e-6)
        if self.tick == 0:
            self.tick = due - 1
        behind = due - self.tick
        if behind > self.rate:
            self.meter.count("skipped_ticks", behind - self.rate)
            self.tick = due - self.rate
        for tick in range(self.tick + 1, min(due, self.tick + AT_ONCE) + 1):
            self.tick = tick
            self._step(tick)
        return self.tick == due

    def _step(self, tick: int) -> None:
        started = self.now()
        self.meter.sample("lateness_ms", max(0.0, started - tick / self.rate) * 1000)
        playing = [seat for seat in self.seats.values() if seat.entered]
        for seat in playing:
            if not seat.held:
                self._apply(seat, started)
        self.letters.deliver()
        self.game.step(tick)
        self.game.draw(tick)
        self.neighbours.show(tick)
        for seat in reversed(playing):  # who came last, first: it has waited for this one longest
            seat.show(tick)
        for seat in playing:
            seat.serve(tick, started)
        self._checkpoint(playing, tick)
        self.burns.work(len(playing))
        self.meter.sample("tick_ms", (self.now() - started) * 1000)

    def _apply(self, seat: Seat, now: float) -> None:
        before = seat.inbox.progress.applied
        try:
            seat.apply(now)
        except PeersFault as fault:
            if seat.line is not None:
                seat.line.fail(fault)
        self.meter.count("inputs", seat.inbox.progress.applied - before)

    def _checkpoint(self, playing: list[Seat], tick: int) -> None:
        if self.uplink is None:
            return
        turn = [
            seat
            for seat in playing
            if not seat.held
            and not seat.waived
            and (seat.mailbox.urgent or self.checkpoints.due(seat.player, tick))
        ]
        for seat in turn:
            seat.mailbox.urgent = False
        batch = self.checkpoints.batch((seat.snapshot() for seat in turn), self.now())
        if batch is not None:
            self.tell(batch)

    def _run(self) -> None:
        self.stalls.ran()
        self._act(none_due=self._run_due())
        self._weigh()
        ahead = (self.tick + 1) / self.rate - self.now()
        self._beat = self.clock.callLater(max(0.0, ahead), self._run)

    def _weigh(self) -> None:
        """How much of the time went into work, smoothed: the load."""
        cpu, now = self.cpu(), self.now()
        spent, passed = cpu - self._cpu[0], now - self._cpu[1]
        if passed > 0:
            weight = 1 - math.exp(-passed / SMOOTHING_S)
            self.load += (max(0.0, spent / passed) - self.load) * weight
        self._cpu = (cpu, now)

    def sweep(self) -> None:
        """End the reservations and absences that have lasted too long."""
        self.waivers.ask()
        now = self.now()
        for seat in [each for each in self.seats.values() if each.expires_at <= now]:
            seat.expires_at = math.inf
            seat.session.expired()

    # What it says of itself.

    def report(self) -> None:
        """One second's datapoints: the same to carbon and to the router."""
        if not self.member:
            return
        points = datapoints("gameserver", self.member, self.measures(), int(self.now()))
        self.sink.emit(points)
        self.tell(Report(datapoints=list(points)))

    def measures(self) -> dict[str, float]:
        """Every measure of the catalogue that has a value now. Starts a new interval."""
        for line in self.lines:
            self._carried(line)
        for link in self.neighbours.links.values():
            self.count_neighbour(link.line)
        counted = self.meter.take()
        for name in _RATES:
            counted[f"{name}_per_s"] = counted.pop(name)
        sample, game = self.probe.sample(), self.game.measures()
        seats = list(self.seats.values())
        health = self._health(counted.get("lateness_ms_p95", 0.0), sample, game)
        return {
            **counted,
            **sample,
            **health.measures(),
            "coins": game["coins"],
            "neighbours": len(self.neighbours.links),
            "mail_waiting": self.letters.waiting(),
            "workload_burns": len(self.burns.asked),
            "workload_files": sum(len(seat.workloads.streams.transfers) for seat in seats),
            "workload_feeds": sum(len(seat.workloads.streams.feeds) for seat in seats),
            "arriving": sum(not seat.entered for seat in seats),
            "leaving": sum(seat.entered and bool(seat.migration) for seat in seats),
            "checkpoint_age_ms": self.checkpoints.age(self.now()) * 1000 if seats else 0.0,
            "carbon_dropped": self.dropped(),
        }

    def _health(
        self, lateness_ms: float, sample: dict[str, float], game: dict[str, float]
    ) -> Health:
        lag_ms, tick_ms = sample["reactor_lag_ms"], 1000 / self.rate
        self.grade = grade(self.grade, self.load, self.setting.policy)
        return Health(
            load=self.load,
            health=health_of(self.load, lateness_ms, lag_ms, tick_ms),
            grade=self.grade,
            players=sum(seat.entered for seat in self.seats.values()),
            capacity=self.setting.capacity,
            draining=self.draining,
            centre=Position(game["centre_x_m"], game["centre_y_m"]),
            spread_m=game["spread_m"],
            timestamp=int(self.now()),
        )

    def _list(self) -> None:
        """Who is here, and again who has left: until the ledger knows, it can not come back."""
        if self.uplink is not None:
            self.uplink.send_roster()
            for seat in self.seats.values():
                if seat.final is not None:
                    seat.tell_left()

    # Life.

    def startService(self) -> None:
        """Begin to tick."""
        super().startService()
        self._cpu = (self.cpu(), self.now())
        self._run()
        for loop, every in zip(self._loops, (1.0, 0.25, ROSTER_S), strict=True):
            loop.clock = self.clock
            loop.start(every, now=False)

    async def _drain(self) -> None:
        self.draining = True
        self.report()
        until = self.now() + DRAIN_S
        while self.seats and self.uplink is not None and self.now() < until:
            await deferLater(self.clock, 0.1, lambda: None)
        log.info("{name} stops with {n} players left", name=self.member, n=len(self.seats))
        for loop in self._loops:
            loop.stop()
        if self._beat is not None and self._beat.active():
            self._beat.cancel()
        self.neighbours.stop()

    def stopService(self) -> Deferred[None]:
        """Drain: have everybody moved away first, within `DRAIN_S`."""
        super().stopService()
        return Deferred.fromCoroutine(self._drain())
