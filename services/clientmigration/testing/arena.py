"""Routers, game servers and players on one timeline: see the package.

Everything here is the real thing, put together as the taps do it, but for the network, the time and
the disk. Whatever is random comes from the seed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from twisted.application.internet import ClientService
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from clientmigration.client.entrance import Login
from clientmigration.client.player import Player
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.metrics import MemorySink
from clientmigration.core.player.mailbox import Letter, under_way
from clientmigration.games.meadow.game import Meadow
from clientmigration.gameserver.condition import Condition, MakeCondition
from clientmigration.gameserver.files import Files
from clientmigration.gameserver.game import MakeGame
from clientmigration.gameserver.records import RecordSeat
from clientmigration.gameserver.seat import Seat
from clientmigration.gameserver.seats import MakeSeat
from clientmigration.gameserver.service import GameServer, ServerOutside, ServerParts, Setting
from clientmigration.gameserver.service import build as build_server
from clientmigration.gameserver.waivers import MakeWaivers, Waivers
from clientmigration.gameserver.world import GameWorld, MakeWorld
from clientmigration.net.beats import Beats, MakeBeats
from clientmigration.net.door import Lines, steady
from clientmigration.net.ledger import LastingLedger, MemoryLedger
from clientmigration.net.named_keys import NamedKeys
from clientmigration.net.operator import Credentials, OperatorClient
from clientmigration.net.probe import Probe
from clientmigration.net.tickets import Seals
from clientmigration.router.identities import Admission
from clientmigration.router.outside import RouterOutside, RouterParts, RouterSettings
from clientmigration.router.service import Router
from clientmigration.router.service import build as build_router
from clientmigration.router.warm_start import Ask
from clientmigration.testing.clock import HostClock, Timeline
from clientmigration.testing.fakes import Disk, Elsewhere, Silent, SlowLedger, Still
from clientmigration.testing.network import Network
from clientmigration.wire.operators import OperatorRole

EPOCH = 1_700_000_000.0  # when every arena begins, seconds
SECRET = "arena " * 8
LOOK_S = 1e-5  # CPU that a look at the CPU clock costs


MakeNetwork = Callable[[Timeline, Mapping[str, HostClock]], Network]


@dataclass(frozen=True)
class Parts:
    """What an arena is built from: put something else here to try it, or to plant a bug."""

    router: RouterParts = field(default_factory=RouterParts)
    seat: MakeSeat = Seat
    record: MakeSeat = RecordSeat
    waivers: MakeWaivers = Waivers
    player: type[Player] = Player
    game: MakeGame = Meadow
    world: MakeWorld = GameWorld
    condition: MakeCondition = Condition
    beats: MakeBeats = Beats


@dataclass
class Arena:
    """See the package. `delay_s` is the one-way delay between any two hosts; `cost` the load that
    one player is to a server; `files` are what every server offers; `skew` the seconds by which a
    host's clock is ahead; `disk` how good the ledger's is, `engine` what it does because it is on
    other machines; `make_network` what connects the hosts, if it is not a network with that delay;
    `past` is what routers ask that start; `equals` are the routers that servers and players
    know; `burns` whether servers burn CPU for players; `admission` says who may play, `operators`
    who has a key of its own."""

    seed: int = 1
    delay_s: float = 0.001
    cost: float = 0.004
    policy: Policy = field(default_factory=Policy)
    files: Files = field(default_factory=Files)
    parts: Parts = field(default_factory=Parts)
    skew: Callable[[str], float] = lambda _host: 0.0
    disk: Disk | None = None
    engine: Elsewhere = field(default_factory=Elsewhere)
    make_network: MakeNetwork | None = None
    past: Ask | None = None
    equals: tuple[str, ...] = ("router",)
    burns: bool = True
    admission: Admission = field(default_factory=Admission)
    operators: NamedKeys = field(default_factory=NamedKeys)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.clock = Timeline(EPOCH)
        self.hosts: dict[str, HostClock] = {}
        self._jumped: dict[str, float] = defaultdict(float)
        make = self.make_network or (lambda clock, hosts: Network(clock, self.delay, hosts))
        self.network = make(self.clock, self.hosts)
        self.ledger = MemoryLedger()
        self.ledgers: dict[str, MemoryLedger] = {}  # of routers that are in a tree
        self.above: dict[str, str] = {}  # the router above, of those that have one
        self.zones: dict[str, str] = {}  # the zone, of routers that have equals in it
        self.ups: dict[str, MultiService] = {}  # their links to it
        self.seals = Seals(SECRET)
        self.events = Silent()
        self.sink = MemorySink()
        self.servers: dict[str, GameServer] = {}
        self.links: dict[str, list[ClientService]] = {}
        self.players: list[Player] = []
        self.watchers: list[Callable[[], None]] = []
        self.routers: dict[str, Router] = {}
        self.router: Router  # the one that started last, or whom tests ask

    def delay(self, a: str, b: str) -> float:
        """Seconds from host `a` to host `b`; none within a host."""
        return 0.0 if a == b else self.delay_s

    def _host(self, name: str) -> HostClock:
        clock = self.hosts[name] = HostClock(self.clock, self.skew(name))
        clock.jump(self._jumped[name])
        return clock

    def _ledger(self, clock: HostClock, host: str) -> LastingLedger:
        kept = self.ledger_of(host)
        if self.disk is None:
            return kept
        random = Random(self.random.random())
        return SlowLedger(kept, self.disk, self.engine, clock, random, host)

    def ledger_of(self, router: str) -> MemoryLedger:
        """What this router knows: equals share one, and of a tree each router has its own."""
        if router not in self.above:
            return self.ledger
        return self.ledgers.setdefault(self.zones.get(router, router), MemoryLedger())

    @property
    def answers(self) -> bool:
        """Whether the ledger answers every request, with what is so."""
        return (self.disk is None or self.disk.good) and self.engine.good

    def start_router(self, name: str = "router", parent: str = "", zone: str = "") -> Router:
        """A router, with the arena's ledger, or its own if it has a `parent` (several equals,
        with commas), or that of its `zone`: also the one that comes back after `kill`."""
        clock = self._host(name)
        parent = self.above.get(name, parent)
        zone = self.zones.get(name, zone)
        if parent:
            self.above[name] = parent
        if zone:
            self.zones[name] = zone
        outside = RouterOutside(
            clock=clock,
            ledger=self._ledger(clock, name),
            seals=self.seals,
            sink=self.sink,
            events=self.events,
            probe=Probe(clock, Still()),
            entropy=self.random.randbytes,
            past=self.past,
            wall=clock.wall,
            operators=self.operators,
            admission=self.admission,
        )
        parents = parent.split(",") if parent else []
        shared = bool(zone) if parents else len(self.equals) > 1
        settings = RouterSettings(name, self.policy, shared, parents=len(parents), zone=zone)
        parts = replace(self.parts.router, beats=self.parts.beats)
        self.router = self.routers[name] = build_router(outside, settings, parts)
        self.network.listen(name, f"{name}:4100", self.router.player_line)
        self.network.listen(name, f"{name}:4101", self.router.member_line)
        self.router.startService()
        if parent:
            self.attach(name)
        return self.router

    def attach(self, name: str) -> None:
        """Have a router dial those above it."""
        clock, ups = self.hosts[name], MultiService()
        for each in self.above[name].split(","):
            way = self.network.dial(name, clock)(f"{each}:4101")
            line, jitter = self.routers[name].parent_line, self.random.random
            steady(way, line, clock, jitter).setServiceParent(ups)
        self.ups[name] = ups
        ups.startService()

    def start_server(
        self,
        name: str,
        capacity: int = 200,
        rate: int = 20,
        zone: str = "",
        named: bool = True,
        game: MakeGame | None = None,
        router: str = "",
    ) -> GameServer:
        """A game server that attaches to the router, or to that one (several equals, with commas),
        which gives it a name if it is not `named`. It runs the arena's game, or another `game` (a
        newer version of it, say)."""
        address, clock = f"{name}:1", self._host(name)
        called = name if named else ""
        ours = router.split(",") if router else self.equals
        setting = Setting(
            called, address, capacity, rate, self.policy, zone, routers=len(ours), burns=self.burns
        )
        outside = ServerOutside(
            clock=clock,
            seals=self.seals,
            sink=self.sink,
            probe=Probe(clock, Still()),
            cpu=self._cpu(name),
            entropy=self.random.randbytes,
            dial=self.network.dial(name, clock),
            jitter=self.random.random,
            end=lambda _why: self._end(name),
            wall=clock.wall,
        )
        made = self.parts
        parts = ServerParts(
            game or made.game,
            self.files,
            made.seat,
            made.record,
            made.waivers,
            made.world,
            made.condition,
            made.beats,
        )
        server = self.servers[name] = build_server(outside, setting, parts)
        self.network.listen(name, address, server.player_line)
        self.links[name] = [
            steady(
                self.network.dial(name, clock)(f"{each}:4101"),
                server.router_line,
                clock,
                self.random.random,
            )
            for each in ours
        ]
        for link in self.links[name]:
            link.startService()
        server.startService()
        return server

    def _cpu(self, name: str) -> Callable[[], float]:
        """CPU seconds: `cost` per player and second in which the host is not frozen. A look at them
        costs some too while no time passes, so that burns take what they ask for."""
        spent, at, host, frozen = 0.0, self.clock.seconds(), self.hosts[name], 0.0

        def cpu() -> float:
            nonlocal spent, at, frozen
            now, still = self.clock.seconds(), host.frozen_s
            spent += LOOK_S if now == at else 0.0
            here = self.servers[name].seats if name in self.servers else ()
            spent += len(here) * self.cost * (now - at - (still - frozen))
            at, frozen = now, still
            return spent

        return cpu

    def start_player(self, token: str | Login = "", group: str = "", router: str = "") -> Player:
        """A player that plays until it is stopped, and knows this router (several, with commas), or
        all equals. Its host is `host_of` it."""
        name, random = f"player {len(self.players)}", Random(self.random.random())
        clock = self._host(name)
        known = router.split(",") if router else self.equals
        routers = ",".join(f"{each}:4100" for each in known)
        player = self.parts.player(
            clock, routers, self.network.dial(name, clock), random, token, group=group
        )
        self.players.append(player)
        player.start()
        return player

    def start_desk(
        self,
        role: OperatorRole = "watcher",
        who: Credentials | None = None,
        router: str = "router",
        **more: Any,
    ) -> OperatorClient:
        """Somebody who looks at a router, or orders it; `who`: with a key of its own."""
        clock = self._host("desk")
        nonce = self.random.randbytes(16).hex()
        who = who or Credentials(role, self.seals.proofs(role))
        desk = OperatorClient(clock, who, nonce=nonce, **more)
        endpoint = self.network.dial("desk", clock)(f"{router}:4101")
        endpoint.connect(Lines(lambda: desk.line))
        return desk

    def host_of(self, player: Player) -> str:
        """The host that this player program runs on."""
        return f"player {self.players.index(player)}"

    def kill(self, name: str) -> None:
        """kill -9 of a server, of a router, or of a player's host."""
        self.hosts.pop(name).stop()
        self.network.kill(name)
        self.servers.pop(name, None)
        self.links.pop(name, None)
        self.routers.pop(name, None)
        self.ups.pop(name, None)

    def freeze(self, name: str, seconds: float) -> None:
        """SIGSTOP of a host, and SIGCONT so many seconds later."""
        self.hosts[name].freeze(seconds)

    def jump(self, name: str, seconds: float) -> None:
        """Set the wall clock of a host, back when `seconds` is negative; timers do not notice.
        Who starts there later finds it so."""
        self._jumped[name] += seconds
        self.hosts[name].jump(seconds)

    def drain(self, name: str) -> Deferred[None]:
        """SIGTERM of a server: it ends when it is empty, or when its patience is over."""
        server = self.servers[name]

        def exits(_: object) -> None:
            if self.servers.get(name) is server:
                self.kill(name)

        stopping = server.stopService()
        stopping.addCallback(exits)
        return stopping

    def _end(self, name: str) -> None:
        """A server ends by itself, as its process would."""
        if name in self.servers:
            self.drain(name)

    def run(self, seconds: float) -> None:
        """Let the world go on, one event after the other."""
        until = self.clock.seconds() + seconds
        while self.clock.step(until):
            for watch in self.watchers:
                watch()
        self.clock.advance(max(0.0, until - self.clock.seconds()))

    def run_until(self, true: Callable[[], bool], within: float = 30.0) -> None:
        """Let it go on until something is true, or fail."""
        until = self.clock.seconds() + within
        while not true():
            if self.clock.seconds() > until:
                raise AssertionError(f"not within {within:g} s of the arena's time")
            self.run(0.01)

    # What tests ask, in the domain's words.

    def worlds_differ(self) -> bool:
        """Whether the servers' worlds are more than a tick away from one date."""
        ticks = [server.ticks for server in self.servers.values()]
        newest = max((each.date() for each in ticks), default=0.0)
        return any(newest - each.date() > 1 / each.rate for each in ticks)

    def homes_of(self, player: Player) -> list[str]:
        """Every server that applies this player's inputs now. Never more than one."""
        return [
            name
            for name, server in self.servers.items()
            if server.seats.at_play(player.name) and not self.hosts[name].frozen
        ]

    def home_of(self, player: Player) -> str:
        """The one server that plays this player, or ""."""
        return "".join(self.homes_of(player)[:1])

    def move(self, player: Player, target: str) -> Deferred[Any]:
        """Have the router move a player now."""
        return self.order(player.name, self.home_of(player), target)

    def order(self, player: str, source: str, target: str, router: str = "") -> Deferred[Any]:
        """Have a router move whom it knows by name; the outcome, None if it cannot be begun."""
        moves = (self.routers[router] if router else self.router).moves
        starting = Deferred.fromCoroutine(moves.start(player, source, target))
        return starting.addCallback(lambda ended: ended and ended.outcome)

    def cross(self, player: Player, source: str, target: str, router: str = "router") -> None:
        """Have a router above two others move a player from one to the other, as soon as it is
        offered."""
        above = self.routers[router]

        async def crossing() -> None:
            if await above.crossings.one(player.name, source, target):
                await above.moves.start(player.name, source, target)

        Deferred.fromCoroutine(crossing())

    def coins(self) -> int:
        """All coins in all pockets, on all grounds and in letters."""
        games: list[Any] = [server.game for server in self.servers.values()]
        lying = sum(sum(game.ground.values()) for game in games)
        pockets = sum(seat.game.state(seat.player)["coins"] for seat in self.seats())
        return int(lying + pockets + sum(letter.body["coins"] for letter in self.letters()))

    def seats(self) -> list[Seat]:
        """Where each player is that is anywhere, each once: while it is handed over, the newer."""
        playing = [seat for server in self.servers.values() for seat in server.seats.playing()]
        entered = sorted(playing, key=lambda each: each.epoch)
        return list({seat.player: seat for seat in entered}.values())

    def letters(self) -> list[Letter]:
        """The letters under way between all players, each once."""
        return under_way([(seat.player, seat.mailbox.mail()) for seat in self.seats()])
