"""The game server: its rooms, put together, and how it starts, empties itself and stops.

It owns its players' truth between two words of the router. It never waits for the router, for
carbon or for a player: the tick goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import random

from twisted.application.internet import ClientService
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.release import GameRelease
from clientmigration.core.fleet.split import Split
from clientmigration.core.measures.meter import Meter
from clientmigration.core.measures.metrics import Sink
from clientmigration.errors import GameFault, PeersFault
from clientmigration.gameserver import link as links
from clientmigration.gameserver import players
from clientmigration.gameserver.checkpoints import CheckpointRounds, Checkpoints
from clientmigration.gameserver.condition import Condition, MakeCondition
from clientmigration.gameserver.duties import RouterDuties
from clientmigration.gameserver.faults import GameFaults
from clientmigration.gameserver.files import Files
from clientmigration.gameserver.game import Game, MakeGame
from clientmigration.gameserver.guard import GuardedGame, posting
from clientmigration.gameserver.hall import Hall
from clientmigration.gameserver.link import Ears, Link, Papers
from clientmigration.gameserver.load import Load
from clientmigration.gameserver.mail import PostOffice
from clientmigration.gameserver.neighbours import NeighbourLinks
from clientmigration.gameserver.orders import RouterOrders
from clientmigration.gameserver.players import Gate, PlayerLine
from clientmigration.gameserver.records import RecordSeat
from clientmigration.gameserver.report import COUNTED, Measures, Reporter
from clientmigration.gameserver.rosters import PART_S, ROSTER_S, RosterRounds
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.seats import MakeSeat, Seats
from clientmigration.gameserver.stalls import Stalls
from clientmigration.gameserver.step import TickStep
from clientmigration.gameserver.streams import StreamSender
from clientmigration.gameserver.ticks import Clocks, Ticks
from clientmigration.gameserver.traffic import Traffic
from clientmigration.gameserver.waivers import MakeWaivers, Waivers
from clientmigration.gameserver.wishing import GameWishes
from clientmigration.gameserver.workloads import Burns, Workloads
from clientmigration.gameserver.world import PATIENCE, GameWorld, MakeWorld
from clientmigration.net import uplink as uplinks
from clientmigration.net.attachment import Attachment
from clientmigration.net.beats import Beats, MakeBeats
from clientmigration.net.burden import burden
from clientmigration.net.door import Dial, steady
from clientmigration.net.expiry import certificates
from clientmigration.net.guests import measures_of
from clientmigration.net.line import Line
from clientmigration.net.lobby import Lobby, PeerKind
from clientmigration.net.probe import Probe
from clientmigration.net.tickets import Seals, Ticket
from clientmigration.net.uplink import Uplink
from clientmigration.net.worldclock import FOLLOW_EVERY_S, WorldClock

log = Logger()

ROLE = "gameserver"
REPORT_S = 1.0
SWEEP_S = 0.25  # how often it is looked who does not come any more
DRAIN_S = 20.0  # how long a server that stops waits for its players to be moved away


@dataclass(frozen=True)
class Setting:
    """What a game server is told at its start: players at most, ticks per second, how many routers
    it may be attached to, and so on; `address` is what players are told, `inner` what other servers
    are told, `burns` whether players may have it burn CPU, `game` the game's own settings."""

    name: str
    address: str
    capacity: int
    rate: int
    policy: Policy
    zone: str = ""
    inner: str = ""
    routers: int = 1
    burns: bool = False
    game: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerOutside:
    """Everything outside of a game server that it uses. Nobody sets `clock`; `wall` answers what
    the host's clock shows, if that is another. `cpu` answers the CPU seconds that this process has
    used so far, `entropy` random bytes, `jitter` a random share of a wait, `dropped` how many
    datapoints carbon never got since it was asked last. `end` is told why this process has to stop:
    it stops the game server as a signal would; `stop` does the same, without a complaint."""

    clock: IReactorTime
    seals: Seals
    sink: Sink
    probe: Probe
    cpu: Callable[[], float]
    entropy: Callable[[int], bytes]
    dial: Dial
    jitter: Callable[[], float] = random
    dropped: Callable[[], int] = lambda: 0
    end: Callable[[str], None] = lambda _why: None
    stop: Callable[[], None] = lambda: None
    wall: Callable[[], float] | None = None


@dataclass(frozen=True)
class ServerParts:
    """What a game server is made of, where it may differ: put something else here to try it."""

    game: MakeGame
    files: Files
    seat: MakeSeat = Seat
    record: MakeSeat = RecordSeat
    waivers: MakeWaivers = Waivers
    world: MakeWorld = GameWorld
    condition: MakeCondition = Condition
    beats: MakeBeats = Beats


@dataclass(frozen=True)
class Rooms:
    """The rooms that somebody asks from outside, and the two kinds of lines that come in and go
    out."""

    ticks: Ticks
    meter: Meter
    attachment: Attachment
    seats: Seats
    game: Game
    guarded: Game
    mail: PostOffice
    neighbours: NeighbourLinks
    measures: Measures
    reporter: Reporter
    duties: RouterDuties
    govern: Callable[[Policy], None]
    blame: Callable[[PeersFault], None]
    turned_away: Callable[[], None]
    player_line: Callable[[], Line]
    router_line: Callable[[], Line]


class GameServer(Service):
    """Starts and stops what `build` has put together. `rooms` are its own attributes too, so that
    `server.seats` is the room of that name."""

    def __init__(
        self,
        rooms: Rooms,
        clock: IReactorTime,
        step: Callable[[int, float], None],
        beats: Beats,
        stop: Callable[[], None],
    ) -> None:
        self.rooms = rooms
        self.ticks, self.attachment, self.seats = rooms.ticks, rooms.attachment, rooms.seats
        self.game, self.mail, self.neighbours = rooms.game, rooms.mail, rooms.neighbours
        self.player_line, self.router_line = rooms.player_line, rooms.router_line
        self.found_at, self.blame = rooms.attachment.found_at, rooms.blame
        self.turned_away, self.govern = rooms.turned_away, rooms.govern
        self.beats = beats
        self._clock, self._step, self._stop = clock, step, stop

    @property
    def draining(self) -> bool:
        """Whether it takes nobody any more."""
        return self.seats.draining

    def measures(self) -> dict[str, float]:
        """Every measure of the catalogue that has a value now. Starts a new interval."""
        return self.rooms.measures.take()

    def drain(self, on: bool) -> None:
        """An operator wants us empty, or not any more. Who stops goes on to empty itself."""
        if self.running:
            self.seats.drain(on)
            self._report()

    def ordered(self, on: bool, stop: bool) -> None:
        """An operator wants us empty, or gone, or neither any more."""
        self.drain(on)
        if stop:
            log.info("{name} is told to stop", name=self.attachment.member)
            self._stop()

    def startService(self) -> None:
        """Begin to tick."""
        super().startService()
        self.ticks.start(self._step)
        self.beats.start()

    def stopService(self) -> Deferred[None]:
        """Have everybody moved away first, within `DRAIN_S`."""
        super().stopService()
        return Deferred.fromCoroutine(self._empty())

    def _report(self) -> None:
        """Now, because something has changed. A drain goes on whatever becomes of it."""
        self.beats.attempt("report", self.rooms.reporter.report)

    async def _empty(self) -> None:
        self.seats.drain(True)
        self._report()
        now = self.ticks.now
        until = now() + DRAIN_S
        while self.seats.everything() and self.attachment.line is not None and now() < until:
            await deferLater(self._clock, 0.1, lambda: None)
        log.info(
            "{name} stops with {n} players left", name=self.attachment.member, n=len(self.seats)
        )
        self.beats.stop()
        self.ticks.stop()
        self.neighbours.stop()
        self.attachment.leave()
        self.rooms.guarded.end()


def build(outside: ServerOutside, setting: Setting, parts: ServerParts) -> GameServer:
    """A game server, not started yet. What is passed as a function here is called later, when the
    room that answers exists."""
    meter, beats, promised = Meter(COUNTED), parts.beats(outside.clock), set[str]()
    date, keep_s = WorldClock(outside.clock, outside.wall), setting.policy.limits.remember_s
    load = Load(outside.cpu, lambda: outside.probe.allowance.cores, outside.clock.seconds)
    stalls = Stalls(outside.clock, lambda: attachment.member, lambda: seats.names())
    ticks = Ticks(Clocks(outside.clock, date), setting.rate, meter, load, beats, stalls.ran)
    game = parts.game(setting.rate, posting(lambda *letter: mail.post(*letter)))
    guarded = GuardedGame(game, GameFaults(meter, ticks.now))
    guarded.begin(dict(setting.game))
    attachment, traffic = _attachment(outside, setting, guarded), Traffic(meter)
    burns = Burns(outside.cpu, setting.burns, partial(meter.count, "burns_refused"))

    def call(name: str, address: str) -> ClientService:
        return _calling(outside, address, traffic, lambda: Link(papers, ears, name))

    asked = partial(_workloads, meter, burns, parts.files)
    hall = Hall(ticks, guarded, meter, attachment, asked, lambda: neighbours.look())
    seats = Seats(hall, setting.capacity, promised, parts.seat, parts.record)
    neighbours = NeighbourLinks(attachment, guarded, traffic, seats.coming, call)
    mail = PostOffice(seats, guarded, meter, ticks.date, neighbours.say, keep_s)
    rosters = RosterRounds(attachment, seats, ticks.now)
    waivers = parts.waivers(seats, attachment, promised, neighbours.say_to, ticks, rosters.tell_all)
    papers = Papers(attachment, outside.seals, outside.entropy)
    ears = Ears(neighbours, guarded, mail, waivers)
    rounds = CheckpointRounds(Checkpoints(setting.rate), attachment, seats, mail, ticks.now)
    split = partial(_split, guarded, neighbours)
    condition = parts.condition(load, seats, ticks, setting.policy, split)
    sources = (
        neighbours.measures, mail.measures, burns.measures, seats.measures, rounds.measures,
        burden(outside.clock).measures, date.measures, beats.measures, measures_of(outside.clock),
        certificates(outside.clock).measures, lambda: {"carbon_dropped": outside.dropped()},
    )  # fmt: skip
    measures = Measures(meter, traffic, outside.probe, guarded, condition, sources)
    reporter = Reporter(measures, attachment, outside.sink, ticks.date)

    def sweep() -> None:
        waivers.ask()
        duties.press(ticks.now())
        seats.expire()

    told = lambda now: date.heard(now, nobody_plays=not seats)  # noqa: E731
    orders = RouterOrders(
        seats, ticks, rounds.stored, neighbours.learn, lambda *how: server.ordered(*how), told
    )
    duties = RouterDuties(attachment, seats, orders, rosters, told, waivers.ask)
    redeem = partial(_redeemed, outside.seals, attachment, date.now)
    gate = Gate(seats, redeem, attachment, traffic, sweep)
    lobby = _lobby(outside, gate, setting.rate, lambda: Link(papers, ears))
    uplink = partial(_to_router, outside, attachment, duties, traffic)
    _beat(beats, reporter, sweep, rosters, date, GameWishes(guarded, seats, attachment, ticks.now))
    rooms = Rooms(
        ticks, meter, attachment, seats, game, guarded, mail, neighbours, measures, reporter,
        duties, condition.govern, traffic.blame, traffic.turned_away, lobby.line, uplink,
    )  # fmt: skip
    world = parts.world(guarded, lambda fault: _give_up(outside, fault, rounds, server))
    step = TickStep(seats, world, mail, neighbours, rounds, burns)
    return (server := GameServer(rooms, outside.clock, step, beats, outside.stop))


def _attachment(outside: ServerOutside, setting: Setting, game: Game) -> Attachment:
    """Who may have several routers is known to them by its life."""
    life = outside.entropy(8).hex() if setting.routers > 1 else ""
    runs = GameRelease(game.name, game.version, game.reads)
    return Attachment(setting.name, setting.address, setting.zone, setting.inner, life, runs)


def _give_up(
    outside: ServerOutside, fault: GameFault, rounds: CheckpointRounds, server: GameServer
) -> None:
    """The world does not go on: what is known of everybody is stored, nobody comes any more, and
    the process is to end, which has everybody moved away."""
    why = f"the world has failed {PATIENCE} times in a row, the last time in {fault}"
    log.error("{name} ends: {why}", name=server.attachment.member, why=why)
    rounds.store_all()
    server.drain(True)
    outside.end(why)


def _lobby(outside: ServerOutside, gate: Gate, rate: int, link: Callable[[], Link]) -> Lobby:
    """Players come in here, and other servers, who prove themselves first."""

    def player(line: Line) -> PlayerLine:
        return PlayerLine(line, gate)

    def server(line: Line) -> Link:
        gate.traffic.no_player(line)
        return link().on(line)

    usual, others = PeerKind(players.terms_at(rate), player), {ROLE: PeerKind(links.TERMS, server)}
    return Lobby(ROLE, outside.clock, gate.traffic.blame, usual, others)


def _redeemed(
    seals: Seals, attachment: Attachment, date: Callable[[], float], ticket: str, secret: str
) -> Ticket:
    """What a ticket for this server says, shown by one who knows its secret."""
    return seals.redeemed(ticket, attachment.member, secret, date())


def _split(game: Game, neighbours: NeighbourLinks) -> Split:
    """Whom the players see, as it is reported."""
    return Split.of(neighbours.number, *game.seen())


def _workloads(meter: Meter, burns: Burns, files: Files, player: str) -> Workloads:
    """Room for what one player asks for."""
    return Workloads(player, burns, StreamSender(files, partial(meter.count, "file_bytes")))


def _beat(
    beats: Beats,
    reporter: Reporter,
    sweep: Callable[[], None],
    rosters: RosterRounds,
    world: WorldClock,
    wishes: GameWishes,
) -> None:
    beats.every(REPORT_S, "report", reporter.report)
    beats.every(SWEEP_S, "sweep", sweep)
    beats.every(SWEEP_S, "asking the game what it wishes", wishes.look)
    beats.every(ROSTER_S, "roster", rosters.begin)
    beats.every(PART_S, "a part of the roster", rosters.go_on)
    beats.every(FOLLOW_EVERY_S, "keeping the world's time", world.follow)


def _calling(
    outside: ServerOutside, address: str, traffic: Traffic, make: Callable[[], Link]
) -> ClientService:
    """A link to another server that comes back."""

    def line() -> Line:
        link = make()
        return link.on(Line(ROLE, links.TERMS, link, outside.clock, traffic.blame)).line

    return steady(outside.dial(address), line, outside.clock, outside.jitter)


def _to_router(
    outside: ServerOutside, attachment: Attachment, duties: RouterDuties, traffic: Traffic
) -> Line:
    uplink = Uplink(attachment, outside.seals, outside.entropy, duties, ROLE)
    return Line(ROLE, uplinks.TERMS, uplink, outside.clock, traffic.blame)
