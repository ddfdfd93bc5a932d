"""Trees of routers under all faults: what a seed decides is done to one, looked at and judged.

A tree has a depth of one to three, and each router a ledger of its own. Players join at any router,
cross between any two, go home and come back, while routers are killed, stopped and cut off from the
one above, a server is killed, and a router that was alone is attached. After every single event:

- I1, I18: at most one server applies a player's inputs; whoever has it next has it at a later
  epoch; each level names one owner, and in the end all of them together name where it plays.
- I2: no input is lost or applied twice. I3: no tick is missed, as long as no server is killed.
- I17: no two servers of a tree have one name.
- I19: who is cut off from the router above lets in who is new, and its own.
- I20: a router that comes, goes or is attached costs nobody its place (and see belonging.py).
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from clientmigration.client.player import Player
from clientmigration.client.traveller import CROSS_S
from clientmigration.core.player.ledger import Record
from clientmigration.games.meadow import wire as meadow
from clientmigration.testing.arena import EPOCH, Arena, Parts
from clientmigration.testing.belonging import LOOK_S, Belonging
from clientmigration.testing.fakes import Disk
from clientmigration.testing.schedule import POLICY

OPEN_S, BEGIN_S, HEAL_S = 4.0, 6.0, 16.0
CALM_S = 40.0  # by then all is as it should be
LET_IN_S = 6.0  # a router that is alone lets a newcomer in by then
ACT_S = 0.1
WEIGHTS = {
    "cross": 14,
    "move": 6,
    "burst": 2,
    "newcomer": 2,
    "leave": 1,
    "come back": 3,
    "stray": 3,
    "kill router": 4,
    "stop router": 3,
    "part router": 4,
    "alone": 2,
    "kill server": 1,
    "drain zone": 1,
}
SHAPES: tuple[dict[str, str], ...] = (
    {"root": ""},
    {"root": "", "a": "root", "b": "root"},
    {"root": "", "a": "root", "b": "root", "c": "root"},
    {"root": "", "a": "root", "b": "root", "aa": "a", "ab": "a"},
    {"root": "", "a": "root", "b": "root", "aa": "a", "ab": "a", "ba": "b", "bb": "b"},
)
"""The router above each, of trees of a depth of one to three."""


@dataclass(frozen=True)
class TreeVerdict:
    """How a run went. `violation` says what did not hold, "" if all did."""

    seed: int
    violation: str
    depth: int
    moves: int
    done: Counter[str]
    seconds: float


@dataclass
class _Known:
    """What was seen of one player so far."""

    player: Player
    door: str
    epoch: int = 0
    home: str = ""
    wanted: bool = True
    played_at: float = 0.0  # no server applied its inputs since then
    gave_up: bool = False  # it stood still for longer than a player waits for a move
    retired: list[Player] = field(default_factory=list)


class TreeRun:
    """One run. `parts` may have a bug planted; with `say` each step is printed."""

    def __init__(
        self, seed: int, parts: Parts | None = None, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.random, self.seed, self._say = Random(f"tree {seed}"), seed, say
        self.above = dict(self.random.choice(SHAPES))
        delay_s = self.random.choice((0.0005, 0.005, 0.02))
        slow_s = self.random.choice((0.0, 0.002, 0.02))
        self.disk = Disk(slow_s)
        self.arena = Arena(
            seed=seed, delay_s=delay_s, policy=POLICY, parts=parts or Parts(), disk=self.disk,
            cost=self.random.choice((0.005, 0.03)), equals=("root",),
        )  # fmt: skip
        self.leaves = [each for each in self.above if each not in self.above.values()]
        self.servers = {f"{leaf}-{n}": leaf for leaf in self.leaves for n in (1, 2)}
        self.way_up = {each: self._way_up(leaf) for each, leaf in self.servers.items()}
        self.belonging = Belonging(self.arena, self.above)
        self.broken: list[str] = []
        self.known: list[_Known] = []
        self.done: Counter[str] = Counter()
        self.faults = 0
        self.killed_server = False
        self.cut: set[str] = set()
        self.away: set[str] = set()

    # The run.

    def play(self) -> TreeVerdict:
        """From the first router to the last check, or to the first violation."""
        for name, above in self.above.items():
            self.arena.start_router(name, parent=above)
        for name, router in self.servers.items():
            self.arena.start_server(name, router=router, rate=10)
        at = self.arena.clock.at
        for n in range(self.random.randint(4, 7)):
            at(EPOCH + OPEN_S + 0.1 * n, None, self.newcomer)
        for _ in range(self.random.randint(10, 26)):
            word = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            at(EPOCH + self.random.uniform(BEGIN_S, HEAL_S), None, self._do, word)
        at(EPOCH + OPEN_S, None, self._act)
        at(EPOCH + OPEN_S, None, self._look_for_known)
        if self._run(EPOCH + HEAL_S + 12.0):
            self._calm_down()
        self._stop()
        return TreeVerdict(
            self.seed,
            self.broken[0] if self.broken else "",
            self._depth(),
            sum(each.moves for known in self.known for each in (*known.retired, known.player)),
            self.done,
            self.arena.clock.seconds() - EPOCH,
        )

    def _depth(self) -> int:
        return max(len(self._way_up(each)) for each in self.above)

    def _way_up(self, name: str) -> list[str]:
        way = [name]
        while self.above.get(way[-1]):
            way.append(self.above[way[-1]])
        return way

    def _stop(self) -> None:
        for known in self.known:
            known.player.stop()

    def _do(self, word: str) -> None:
        what = getattr(self, word.replace(" ", "_"))()
        if what:
            self.done[word] += 1
            self._say(f"{self.arena.clock.seconds() - EPOCH:.3f} {word}: {what}")

    def _act(self) -> None:
        for known in self.known:
            if known.wanted and known.player.state == "playing":
                known.player.act(meadow.move(self.random.uniform(-5, 5), 1.0))
        if self.arena.clock.seconds() < EPOCH + HEAL_S + 8.0:
            self.arena.clock.at(self.arena.clock.seconds() + ACT_S, None, self._act)

    def _run(self, until: float) -> bool:
        step, look, clock = self.arena.clock.step, self.look, self.arena.clock
        while not self.broken and step(until):
            look()
        clock.advance(max(0.0, until - clock.seconds()) if not self.broken else 0.0)
        return not self.broken

    def fail(self, invariant: str, text: str) -> None:
        """An invariant does not hold."""
        self.broken.append(f"{invariant}: {text} (at {self.arena.clock.seconds() - EPOCH:.3f})")

    # What is looked at after every event.

    def look(self) -> None:
        """One owner, and later epochs at later owners; nobody has to come back."""
        for known in self.known:
            name = known.player.name
            if not name:
                continue
            homes = []
            for server, each in self.arena.servers.items():
                seat = each.seats.find(name)
                if seat is not None and seat.entered and not seat.held:
                    homes.append((server, seat.epoch))
            if len(homes) > 1 and not self._ghosts(homes):
                self.fail("I1", f"{name} plays at {homes}")
            for server, epoch in homes[-1:]:
                if server != known.home and epoch <= known.epoch:
                    was = f"{known.home}, {known.epoch}"
                    self.fail("I18", f"{name} is at {server}, epoch {epoch}, after {was}")
                known.home, known.epoch = server, max(epoch, known.epoch)
            now = self.arena.clock.seconds()
            known.played_at = now if homes else known.played_at
            known.gave_up |= bool(known.home) and now - known.played_at > CROSS_S
            spared = self.killed_server or known.gave_up or not known.wanted
            if known.player.rejoins and not spared:
                self.fail("I20", f"{name} had to come back, and nothing was done to it")

    def _look_for_known(self) -> None:
        playing = [each for each in self.known if each.wanted and each.player.name and each.home]
        if wrong := self.belonging.look(playing, self.way_up):
            self.fail("I20", wrong)
        self.arena.clock.at(self.arena.clock.seconds() + LOOK_S, None, self._look_for_known)

    def _ghosts(self, homes: list[tuple[str, int]]) -> bool:
        """A server that is stopped applies nothing."""
        return sum(not self.arena.hosts[server].frozen for server, _ in homes) < 2

    # What is done.

    def _playing(self) -> list[_Known]:
        return [each for each in self.known if each.wanted and each.player.state == "playing"]

    def _one(self, those: list[Any]) -> Any:
        return self.random.choice(those) if those else None

    def newcomer(self, door: str = "") -> str:
        """Somebody new comes to any router."""
        door = door or self._one(list(self.above))
        player = self.arena.start_player(router=door)
        self.known.append(_Known(player, door))
        return f"at {door}"

    def leave(self) -> str:
        """Somebody goes home."""
        known = self._one(self._playing())
        if known is None or len(self._playing()) < 3:
            return ""
        known.wanted = False
        known.player.stop()
        return str(known.player.name)

    def come_back(self) -> str:
        """Who went home comes back, to any router."""
        gone = [each for each in self.known if not each.wanted and each.player.name]
        known = self._one(gone)
        return self._again(known) if known is not None else ""

    def stray(self) -> str:
        """Somebody's program ends without a word, and another with its token comes to any router,
        perhaps while it still counts as playing elsewhere."""
        known = self._one(self._playing())
        if known is None:
            return ""
        self.arena.kill(self.arena.host_of(known.player))
        return self._again(known)

    def _again(self, known: _Known) -> str:
        door = self._one(list(self.above))
        known.retired.append(known.player)
        known.player = self.arena.start_player(token=known.player.token, router=door)
        known.wanted, known.door = True, door
        return f"{known.player.token[-6:]} at {door}"

    def move(self) -> str:
        """A router of a leaf moves one of its players."""
        leaf = self._one(self.leaves)
        if leaf not in self.arena.routers or self.arena.hosts[leaf].frozen:
            return ""
        here = [each for each in self._playing() if each.home in self._of(leaf)]
        known, target = self._one(here), self._one(self._of(leaf))
        if known is None or known.home == target:
            return ""
        self.arena.order(known.player.name, known.home, target, leaf)
        return f"{known.player.name} from {known.home} to {target}"

    def cross(self) -> str:
        """A router has a player moved from one router below it to another."""
        uppers = [each for each in self.above if each in self.above.values()]
        upper = self._one([each for each in uppers if self._well(each)])
        if upper is None:
            return self.move()
        below = [each for each, above in self.above.items() if above == upper]
        here = [(k, b) for k in self._playing() for b in below if self._under(k.home, b)]
        known, source = self._one(here) or (None, "")
        target = self._one([each for each in below if each != source])
        if known is None:
            return ""
        self.arena.cross(known.player, source, target, upper)
        return f"{known.player.name} from {source} to {target} by {upper}"

    def burst(self) -> str:
        """Several cross at once."""
        return "; ".join(filter(None, (self.cross() for _ in range(5))))

    def _of(self, router: str) -> list[str]:
        return [name for name, above in self.servers.items() if above == router]

    def _under(self, server: str, router: str) -> bool:
        return server in self.servers and router in self._way_up(self.servers[server])

    def _well(self, router: str) -> bool:
        there = router in self.arena.routers
        return there and not self.arena.hosts[router].frozen

    def kill_router(self) -> str:
        """kill -9 of one of any level; it starts again later."""
        router = self._one([each for each in self.above if self._well(each)])
        if router is None:
            return ""
        seconds = self.random.choice((0.3, 1.0, 3.0))
        later = self.random.choice((0.0, 0.03, 0.06, 0.09, 0.2))
        self.cross()
        self.arena.clock.at(self.arena.clock.seconds() + later, None, self._kill, router, seconds)
        return f"{router} in {later} s for {seconds} s"

    def _kill(self, router: str, seconds: float) -> None:
        if router in self.arena.hosts and router in self.arena.routers:
            self.arena.kill(router)
            self._later(seconds, self._start, router)

    def _start(self, router: str) -> None:
        if router not in self.arena.hosts:
            self.arena.start_router(router)
            self._say(f"--- {router} starts")

    def _later(self, seconds: float, act: Callable[..., Any], *args: Any) -> None:
        now = self.arena.clock.seconds()
        self.arena.clock.at(min(now + seconds, max(now, EPOCH + HEAL_S)), None, act, *args)

    def _soon(self, act: Callable[..., Any], *args: Any) -> None:
        self.arena.clock.at(self.arena.clock.seconds() + 0.5, None, act, *args)

    def stop_router(self) -> str:
        """SIGSTOP of one of any level, and SIGCONT."""
        router = self._one([each for each in self.above if self._well(each)])
        if router is None:
            return ""
        seconds = self.random.choice((0.2, 1.0, 4.0))
        self.cross()
        self.arena.freeze(router, seconds)
        return f"{router} for {seconds} s"

    def part_router(self) -> str:
        """A router is cut off from the one above it; whoever is new is let in all the same."""
        router = self._one([each for each in self.above if self.above[each]])
        if router is None or router in self.cut:
            return ""
        above, seconds = self.above[router], self.random.choice((0.5, 2.0, 7.0))
        self.cross()
        self.cut.add(router)
        ways = ((router, above), (above, router))
        for way in ways:
            self.arena.network.cut(*way)
        self._later(seconds, self._heal, router)
        if seconds > 4.0 and self._well(router):
            self._later(3.5, self._newcomer_there, router)
        return f"{router} from {above} for {seconds} s"

    def _newcomer_there(self, router: str) -> None:
        """I19."""
        if router in self.cut and self._quiet(router):
            self.newcomer(router)
            known = self.known[-1]
            self.arena.clock.at(
                self.arena.clock.seconds() + LET_IN_S, None, self._look_for, known, router
            )

    def _quiet(self, router: str) -> bool:
        under = [each for each in self.above if router in self._way_up(each)]
        return all(self._well(each) for each in under) and not self.killed_server

    def _look_for(self, known: _Known, router: str) -> None:
        strayed = bool(known.retired)  # to another door, and perhaps it waits there
        if self._quiet(router) and known.wanted and not strayed and not known.player.member:
            self.fail("I19", f"nobody was let in at {router}, which was cut off")

    def _heal(self, router: str) -> None:
        self.cut.discard(router)
        for way in ((router, self.above[router]), (self.above[router], router)):
            self.arena.network.heal(*way)

    def alone(self) -> str:
        """A router goes on without the one above for a while (it is started again without), lets
        somebody in, and is attached again."""
        router = self._one([each for each in self.arena.ups if self._well(each)])
        if router is None:
            return ""
        self.arena.ups.pop(router).stopService()
        self.away.add(router)
        self._later(1.0, self._newcomer_at, router)
        self._later(self.random.choice((2.0, 4.0)), self._attach, router)
        return str(router)

    def _newcomer_at(self, router: str) -> None:
        if router in self.away:
            self.newcomer(router)

    def _attach(self, router: str) -> None:
        self.away.discard(router)
        if router not in self.arena.routers or router in self.arena.ups:
            return  # one that was killed is attached when it starts
        if self._well(router):
            self.arena.attach(router)
        else:
            self._soon(self._attach, router)

    def kill_server(self) -> str:
        """kill -9; it starts again later."""
        name = str(self._one(list(self.arena.servers)))
        if len(self._of(self.servers[name])) < 2 or len(self.arena.servers) < 2:
            return ""
        self.killed_server = True
        self.arena.kill(name)
        self._later(self.random.choice((0.5, 3.0)), self._start_server, name)
        return name

    def _start_server(self, name: str) -> None:
        if name not in self.arena.hosts:
            self.arena.start_server(name, router=self.servers[name], rate=10)

    def drain_zone(self) -> str:
        """A router is to be empty, for a while."""
        router = self._one([each for each in self.above if self.above[each] and self._well(each)])
        if router is None:
            return ""
        self.arena.routers[router].above.drain(True)
        self._later(self.random.choice((2.0, 6.0)), self._undrain, router)
        return str(router)

    def _undrain(self, router: str) -> None:
        if router in self.arena.routers:
            self.arena.routers[router].above.drain(False)

    # The end.

    def _calm_down(self) -> None:
        until = self.arena.clock.seconds() + CALM_S
        while wrong := self._unsettled():
            if self.arena.clock.seconds() > until:
                self.fail("end", wrong)
                return
            if not self._run(self.arena.clock.seconds() + 0.25):
                return
        for known in self.known:
            tally = known.player.tally
            if known.wanted and (tally.lost or tally.doubled) and not self.killed_server:
                self.fail("I2", f"{known.player.name}: {tally.lost} lost, {tally.doubled} doubled")
            if known.wanted and tally.missed and not self.killed_server:
                self.fail("I3", f"{known.player.name} has missed {tally.missed} ticks")

    def _unsettled(self) -> str:
        for name, router in self.arena.routers.items():
            if router.moves.by_id or router.moves.by_player:
                return f"there are moves left at {name}: {list(router.moves.by_player)}"
            if self.above[name] and not router.above.there:
                return f"{name} is not attached"
        names = [name for r in self.arena.routers.values() for name in r.members]
        if len(names) != len(set(names)) or len(names) != len(self.servers) + len(self.above) - 1:
            return f"I17: the members are {names}"
        for known in self.known:
            if wrong := self._misplaced(known):
                return f"{known.player.name or known.door} {wrong}"
        return ""

    def _misplaced(self, known: _Known) -> str:
        name, state = known.player.name, known.player.state
        homes = [s for s, each in self.arena.servers.items() if each.seats.find(name)]
        if not known.wanted:
            return f"went home, and has a seat at {homes}" if homes else ""
        if state != "playing" or len(homes) != 1:
            return f"is {state}, with seats at {homes}"
        seat = self.arena.servers[homes[0]].seats.find(name)
        if seat is None or not seat.entered or seat.held or seat.migration:
            return f"is {seat.session.state() if seat else 'nowhere'} at {homes[0]}"
        return self._misnamed(name, homes[0], seat.epoch)

    def _misnamed(self, player: str, server: str, epoch: int) -> str:
        """I18: from the root down each ledger names the next."""
        router, seen = "root", []
        while True:
            kept = self.arena.ledger_of(router).records
            record = kept.get(player) or Record(player)
            seen.append((router, record.claim))
            if record.owner not in self.arena.routers:
                break
            router = record.owner
        if record.owner != server or record.epoch != epoch:
            return f"plays at {server}, epoch {epoch}, and the ledgers say {seen}"
        return ""


def perform_tree(
    seed: int, parts: Parts | None = None, say: Callable[[str], None] = lambda _: None
) -> TreeVerdict:
    """The verdict of a seed."""
    run = TreeRun(seed, parts, say)
    try:
        return run.play()
    finally:
        del run
        gc.collect()
