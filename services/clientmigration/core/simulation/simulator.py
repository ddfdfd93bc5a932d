"""Simulator: plays a scenario second by second, with the decisions that a router would take.

Pure, given a generator of chance. Servers report each second, moves take one and are begun at the
policy's pace, newcomers are placed by what has been reported: like the real thing, but for the
network, and for loads that are reckoned instead of felt.
"""

import math
from collections import Counter, deque
from collections.abc import Mapping

import numpy as np

from clientmigration.core.fleet.choice import Move
from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.flow import moves_of
from clientmigration.core.fleet.newcomer import Newcomer
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.resident import Resident
from clientmigration.core.fleet.vicinity import Vicinity
from clientmigration.core.fleet.world import Position
from clientmigration.core.measures.metrics import measurements
from clientmigration.core.simulation.baselines import Brain
from clientmigration.core.simulation.crowd import NOBODY, SEEN, SimulatedCrowd
from clientmigration.core.simulation.log import Apart, Log
from clientmigration.core.simulation.oracle import least_apart
from clientmigration.core.simulation.scenario import (
    Crash,
    Gather,
    Machines,
    PlayersJoin,
    Scatter,
    Scenario,
    ScenarioEvent,
    ServerDrains,
    ServersAttach,
    Swap,
)
from clientmigration.core.simulation.server import SimulatedServer, split_of

START = 1_000_000
"""Unix second at which every simulation begins."""
NEAR_MS = 15.0
"""Ping in ms to servers of a player's own zone."""
PATIENT = 99
"""Seconds that somebody counts as having waited who lost its server."""
LOOK_S = 5
"""How often it is counted whose neighbours are on another server."""
ORACLES = 30
"""How many times the oracle is asked in a scenario."""


class Simulator:
    """One run of a scenario, which `play` plays from beginning to end."""

    def __init__(
        self,
        scenario: Scenario,
        policy: Policy,
        brain: Brain,
        rng: np.random.Generator,
        oracle: bool = False,
    ) -> None:
        self.scenario, self.policy, self.brain, self.rng = scenario, policy, brain, rng
        self.fleet, self.log = Fleet(), Log()
        self.servers: list[SimulatedServer] = []
        self.zones = scenario.zones()
        self.crowd = SimulatedCrowd(scenario, len(self.zones), rng)
        self.vicinity = Vicinity(policy.rebalance.cell_m)
        self.oracle_s = max(10, scenario.seconds // ORACLES) if oracle else 0
        self.planned: deque[Move] = deque()
        self.moving: list[Move] = []
        for kind in scenario.servers:
            self._attach(kind)
        self.second = START

    def play(self) -> Log:
        """From the first second to the last."""
        self._report()
        self.crowd.join(self.scenario.players, self.scenario.group)
        for n in range(self.scenario.seconds):
            self.second = START + n + 1
            for event in self.scenario.at(n):
                self._befall(event)
            self._come_and_go(n)
            self.crowd.walk()
            self._land()
            self._place()
            self._weigh()
            self._report()
            if n % max(1, round(self.policy.rebalance.period_s)) == 0:
                self._decide()
            self._note(n)
        return self.log

    # What befalls the fleet.

    def _attach(self, kind: Machines) -> None:
        for _ in range(kind.count):
            name = f"gs-{len(self.servers)}"
            self.servers.append(SimulatedServer(name, kind))
            self.fleet.attach(name, "gameserver", f"{name}:4000", kind.zone)

    def _befall(self, event: ScenarioEvent) -> None:
        match event:
            case Gather(share=share):
                self.crowd.gather(share)
            case Scatter():
                self.crowd.scatter()
            case Swap():
                self.crowd.swap()
            case ServersAttach(servers=kind):
                self._attach(kind)
            case Crash(server=number):
                self._lose(number)
                stranded = self.crowd.home == number
                self.crowd.home[stranded], self.crowd.waits[stranded] = NOBODY, PATIENT
            case ServerDrains(server=number):
                self.servers[number].drain()
            case PlayersJoin(players=players, group=group):
                self.crowd.join(players, group)

    def _lose(self, number: int) -> None:
        self.servers[number].gone = True
        self.fleet.detach(self.servers[number].name)

    def _come_and_go(self, n: int) -> None:
        crowd, day, stay_s = self.crowd, self.scenario.day, self.scenario.stay_s
        leaving = self.rng.random(len(crowd)) < 1 / stay_s if stay_s else np.zeros(len(crowd), bool)
        wanted = len(crowd)
        if day is not None:
            wave = (1 - math.cos(2 * math.pi * n / day.length_s)) / 2
            wanted = round(self.scenario.players + wave * (day.most - self.scenario.players))
        rows = np.flatnonzero(leaving).tolist()
        more = wanted - (len(crowd) - len(rows))
        if more < 0:
            staying = np.flatnonzero(~leaving)
            rows += self.rng.choice(staying, -more, replace=False).tolist()
        if rows:
            crowd.leave(rows)
        if more > 0:
            crowd.join(more, self.scenario.group)

    # What a router does.

    def _place(self) -> None:
        crowd, now = self.crowd, self.second + 0.1
        waiting = np.flatnonzero(crowd.home == NOBODY).tolist()
        if waiting:
            self._list()
        for row in waiting:
            mates: Mapping[str, int] = {}
            if crowd.groups[row]:
                alike = [n for n, g in enumerate(crowd.groups) if g == crowd.groups[row]]
                homes = Counter(crowd.home[alike].tolist())
                mates = {self.servers[h].name: k for h, k in homes.items() if h != NOBODY}
            position = Position(*crowd.at[row].tolist())
            newcomer = Newcomer(
                crowd.names[row],
                position,
                self._pings(row),
                float(crowd.waits[row]),
                mates,
                near=self.vicinity.near(position, now),
            )
            name = self.brain.place(newcomer, self.fleet, now)
            if name is not None and self._seats(number := self._number(name)) > 0:
                crowd.home[row] = number
                self.vicinity.sent(newcomer.player, position, name, now)
            else:
                crowd.waits[row] += 1

    def _list(self) -> None:
        """Every server's roster."""
        names, at, home = np.array(self.crowd.names), self.crowd.at, self.crowd.home
        for number, server in enumerate(self.servers):
            here = home == number
            places = dict(zip(names[here].tolist(), at[here].tolist(), strict=True))
            self.vicinity.listed(server.name, places)

    def _pings(self, row: int) -> dict[str, float]:
        own = int(self.crowd.zone[row])
        far_ms = self.scenario.far_ms
        return {zone: NEAR_MS if n == own else far_ms for n, zone in enumerate(self.zones)}

    def _decide(self) -> None:
        now = self.second + 0.5
        flows = self.brain.plan(self.fleet, now)
        if not flows:
            return
        self.log.flows += [(self.second, flow) for flow in flows]
        involved = {f.source for f in flows} | {f.target for f in flows}
        moves = self.brain.choose(self._roster(involved), flows, now)
        planned = moves_of(flows, ((move.source, move.target) for move in moves))
        self.fleet.decided(flows, now, planned)
        self.planned = deque(moves)

    def _roster(self, involved: set[str]) -> list[Resident]:
        crowd, under_way = self.crowd, {move.player: move.target for move in self.moving}
        names = [server.name for server in self.servers]
        return [
            Resident(
                player=crowd.names[row],
                member=under_way.get(crowd.names[row], names[home]),
                position=Position(*crowd.at[row].tolist()),
                ping_ms=self._pings(row) if len(self.zones) > 1 else {},
                moved_at=crowd.moved_at[row],
                locked=crowd.names[row] in under_way,
                group=crowd.groups[row],
            )
            for row, home in enumerate(crowd.home.tolist())
            if home != NOBODY and names[home] in involved
        ]

    def _land(self) -> None:
        """Moves of the last second arrive, and others are begun."""
        crowd = self.crowd
        if self.moving:
            rows = {name: row for row, name in enumerate(crowd.names)}
            for move in self.moving:
                row, target = rows.get(move.player), self._number(move.target)
                if row is None or self._seats(target) <= 0:
                    continue
                if self.servers[int(crowd.home[row])].name == move.source:
                    crowd.home[row], crowd.moved_at[row] = target, self.second
                    self.log.moves.append((self.second, move))
        pace = math.ceil(self.policy.limits.moves_per_second)
        self.moving = [self.planned.popleft() for _ in range(min(pace, len(self.planned)))]

    def _number(self, name: str) -> int:
        return int(name.removeprefix("gs-"))

    def _seats(self, number: int) -> int:
        return self.servers[number].seats(int((self.crowd.home == number).sum()))

    # What servers feel and say.

    def _weigh(self) -> None:
        crowd, scenario = self.crowd, self.scenario
        seen = np.minimum(crowd.seen(crowd.cells()), SEEN) / SEEN
        costs = scenario.cost * (1 + scenario.crowding * seen)
        there = crowd.home != NOBODY
        loads = np.bincount(crowd.home[there], costs[there], minlength=len(self.servers))
        for server, load in zip(self.servers, loads.tolist(), strict=True):
            server.work(load)

    def _report(self) -> None:
        pairs = self.crowd.pairs(len(self.servers))
        noise = self.rng.uniform(-1, 1, len(self.servers)) * self.scenario.noise
        for number, server in enumerate(self.servers):
            if not server.gone:
                here = self.crowd.at[self.crowd.home == number]
                split = split_of(number, pairs[number])
                health = server.report(here, float(noise[number]), split, self.policy, self.second)
                told = health.measures() | split.measures()
                report = measurements("gameserver", server.name, told, self.second)
                self.fleet.observe(report, self.second + 0.2)
                if server.draining and not health.players:
                    self._lose(number)

    def _note(self, n: int) -> None:
        crowd, log = self.crowd, self.log
        loads = [s.load for s in self.servers if not (s.gone or s.draining)] or [0.0]
        mean = sum(loads) / len(loads)
        log.mean.append(mean)
        log.highest.append(max(loads))
        log.imbalance.append(max(loads) / mean if mean else 1.0)
        log.players.append(len(crowd))
        log.waiting.append(int((crowd.home == NOBODY).sum()))
        hot = [number for number, server in enumerate(self.servers) if server.load > 1]
        log.overloaded.append(int(np.isin(crowd.home, hot).sum()))
        if n % LOOK_S == 0:
            log.cut.append(crowd.cut(len(self.servers)))
            log.ping_ms.append(self._mean_ping())
        if self.oracle_s and n % self.oracle_s == self.oracle_s - 1:
            log.apart.append(self._apart(n))

    def _apart(self, n: int) -> Apart:
        """What is apart, and what would have to be."""
        open_ = [
            (server.kind.speed, self.zones.index(server.kind.zone))
            for server in self.servers
            if not (server.gone or server.draining)
        ]
        metis = least_apart(self.crowd, open_)
        zoned = least_apart(self.crowd, open_, True) if len(self.zones) > 1 else metis
        return Apart(n + 1, self.crowd.cut(len(self.servers)), metis, zoned)

    def _mean_ping(self) -> float:
        zones = {zone: n for n, zone in enumerate(self.zones)}
        of_server = np.array([zones[s.kind.zone] for s in self.servers])
        there = self.crowd.home != NOBODY
        near = of_server[self.crowd.home[there]] == self.crowd.zone[there]
        return float(np.where(near, NEAR_MS, self.scenario.far_ms).mean()) if there.any() else 0.0
