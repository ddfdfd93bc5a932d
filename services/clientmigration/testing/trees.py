"""Trees of routers under all faults: what a seed decides is done to one, looked at and judged.

A tree has a depth of one to three, and each zone a ledger of its own; zones may have two equal
routers. Players join at any router, cross between any two, go home and come back, while routers are
killed, stopped and cut off from those above, a server is killed, and a router that was alone is
attached. After every single event:

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
from dataclasses import dataclass
from typing import Any

from clientmigration.core.player.ledger import Record
from clientmigration.games.meadow import wire as meadow
from clientmigration.testing.arena import EPOCH, Parts
from clientmigration.testing.belonging import LOOK_S, Belonging
from clientmigration.testing.tree_scene import HEAL_S, Known, TreeScene
from clientmigration.testing.tree_steps import STEPS, WEIGHTS, WITH_EQUALS, newcomer

OPEN_S, BEGIN_S = 4.0, 6.0
CALM_S = 40.0  # by then all is as it should be
ACT_S = 0.1


@dataclass(frozen=True)
class TreeVerdict:
    """How a run went. `violation` says what did not hold, "" if all did."""

    seed: int
    violation: str
    depth: int
    moves: int
    done: Counter[str]
    seconds: float


class TreeRun:
    """One run. `parts` may have a bug planted; zones may have two routers if there are `equals`;
    with `say` each step is printed."""

    def __init__(
        self,
        seed: int,
        parts: Parts | None = None,
        say: Callable[[str], None] = lambda _: None,
        equals: bool = False,
    ) -> None:
        self.seed, self._say = seed, say
        self.scene = scene = TreeScene(seed, parts, equals, say)
        self.arena, self.random = scene.arena, scene.random
        self.way_up = {each: scene.way_up(leaf) for each, leaf in scene.servers.items()}
        self.belonging = Belonging(scene)

    # The run.

    def play(self) -> TreeVerdict:
        """From the first router to the last check, or to the first violation."""
        scene, at = self.scene, self.arena.clock.at
        scene.start()
        for n in range(self.random.randint(4, 7)):
            at(EPOCH + OPEN_S + 0.1 * n, None, newcomer, scene)
        for _ in range(self.random.randint(10, 26)):
            weights = WITH_EQUALS if scene.equals else WEIGHTS
            word = self.random.choices(list(weights), list(weights.values()))[0]
            at(EPOCH + self.random.uniform(BEGIN_S, HEAL_S), None, self._do, word)
        at(EPOCH + OPEN_S, None, self._act)
        at(EPOCH + OPEN_S, None, self._look_for_known)
        if self._run(EPOCH + HEAL_S + 12.0):
            self._calm_down()
        for known in scene.known:
            known.player.stop()
        return TreeVerdict(
            self.seed,
            scene.broken[0] if scene.broken else "",
            scene.depth(),
            sum(each.moves for known in scene.known for each in (*known.retired, known.player)),
            scene.done,
            self.arena.clock.seconds() - EPOCH,
        )

    def _do(self, word: str) -> None:
        what = STEPS[word](self.scene)
        if what:
            self.scene.done[word] += 1
            self._say(f"{self.arena.clock.seconds() - EPOCH:.3f} {word}: {what}")

    def _act(self) -> None:
        for known in self.scene.playing():
            known.player.act(meadow.move(self.random.uniform(-5, 5), 1.0))
        if self.arena.clock.seconds() < EPOCH + HEAL_S + 8.0:
            self.arena.clock.at(self.arena.clock.seconds() + ACT_S, None, self._act)

    def _run(self, until: float) -> bool:
        step, look, clock, broken = self.arena.clock.step, self.look, self.arena.clock, self._broken
        while not broken() and step(until):
            look()
        clock.advance(max(0.0, until - clock.seconds()) if not broken() else 0.0)
        return not broken()

    def _broken(self) -> bool:
        return bool(self.scene.broken)

    # What is looked at after every event.

    def look(self) -> None:
        """One owner, and later epochs at later owners; nobody has to come back."""
        fail, now, played = self.scene.fail, self.arena.clock.seconds(), self._played()
        patience_s = self.scene.patience_s()
        for known in self.scene.known:
            name = known.player.name
            if not name:
                continue
            homes = played.get(name, [])
            if len(homes) > 1 and not self._ghosts(name, homes):
                fail("I1", f"{name} plays at {homes}")
            for server, epoch in homes[-1:]:
                if server != known.home and epoch <= known.epoch:
                    was = f"{known.home}, {known.epoch}"
                    fail("I18", f"{name} is at {server}, epoch {epoch}, after {was}")
                known.home, known.epoch = server, max(epoch, known.epoch)
            known.seen(bool(homes), now, patience_s)
            spared = self.scene.killed_server or known.gave_up or not known.wanted
            if known.player.rejoins and not spared:
                fail("I20", f"{name} had to come back, and nothing was done to it")

    def _played(self) -> dict[str, list[tuple[str, int]]]:
        """Which servers apply the inputs of each player, and with which epoch."""
        played: dict[str, list[tuple[str, int]]] = {}
        for server, each in self.arena.servers.items():
            for name, seat in each.seats.by_name.items():
                if seat.entered and not seat.held:
                    played.setdefault(name, []).append((server, seat.epoch))
        return played

    def _look_for_known(self) -> None:
        known = self.scene.known
        playing = [each for each in known if each.wanted and each.player.name and each.home]
        if wrong := self.belonging.look(playing, self.way_up):
            self.scene.fail("I20", wrong)
        self.arena.clock.at(self.arena.clock.seconds() + LOOK_S, None, self._look_for_known)

    def _ghosts(self, name: str, homes: list[tuple[str, int]]) -> bool:
        """A server that is stopped applies nothing, and so does one to which the player has no
        connection: who comes to a door is placed anew, and its server is about to hear so."""
        lines = {each: self.arena.servers[each].seats.by_name[name].line for each, _ in homes}
        return sum(not self.arena.hosts[each].frozen and bool(lines[each]) for each in lines) < 2

    # The end.

    def _calm_down(self) -> None:
        until = self.arena.clock.seconds() + CALM_S
        while wrong := self._unsettled():
            if self.arena.clock.seconds() > until:
                self.scene.fail("end", wrong)
                return
            if not self._run(self.arena.clock.seconds() + 0.25):
                return
        for known in self.scene.known:
            self._count(known)

    def _count(self, known: Known) -> None:
        tally, fail, name = known.player.tally, self.scene.fail, known.player.name
        if self.scene.killed_server or not known.wanted:
            return
        if tally.lost or tally.doubled:
            fail("I2", f"{name}: {tally.lost} lost, {tally.doubled} doubled")
        if tally.missed:
            fail("I3", f"{name} has missed {tally.missed} ticks")

    def _unsettled(self) -> str:
        for name, router in self.arena.routers.items():
            if router.moves.by_id or router.moves.by_player:
                return f"there are moves left at {name}: {list(router.moves.by_player)}"
            if wrong := self._misattached(name, router):
                return wrong
        for known in self.scene.known:
            if wrong := self._misplaced(known):
                return f"{known.player.name or known.door} {wrong}"
        return ""

    def _misattached(self, name: str, router: Any) -> str:
        """I17: everybody who belongs there is, and nobody else."""
        scene, zone = self.scene, self.scene.zones[name]
        lines = router.stem.attachment.lines if scene.parents(name) else {}
        if len(lines) != len(scene.parents(name)):
            return f"{name} is not attached"
        below = [each for each, above in scene.above.items() if above == zone]
        if sorted(router.members) != sorted([*scene.of(zone), *below]):
            return f"I17: the members of {name} are {list(router.members)}"
        for each in below:
            if len([*router.members.links(each)]) != len(scene.routers[each]):
                return f"routers of {each} are not attached to {name}"
        return ""

    def _misplaced(self, known: Known) -> str:
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
        zone, seen = "root", []
        while True:
            kept = self.arena.ledger_of(self.scene.routers[zone][0]).records
            record = kept.get(player) or Record(player)
            seen.append((zone, record.claim))
            if record.owner not in self.scene.above:
                break
            zone = record.owner
        if record.owner != server or record.epoch != epoch:
            return f"plays at {server}, epoch {epoch}, and the ledgers say {seen}"
        return ""


def perform_tree(
    seed: int,
    parts: Parts | None = None,
    say: Callable[[str], None] = lambda _: None,
    equals: bool = False,
) -> TreeVerdict:
    """The verdict of a seed."""
    run = TreeRun(seed, parts, say, equals)
    try:
        return run.play()
    finally:
        del run
        gc.collect()


def perform_zones(
    seed: int, parts: Parts | None = None, say: Callable[[str], None] = lambda _: None
) -> TreeVerdict:
    """The same of a tree whose zones may have two routers."""
    return perform_tree(seed, parts, say, equals=True)
