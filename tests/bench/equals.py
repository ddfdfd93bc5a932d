"""Two routers on one NATS server, in play: one is killed, stopped or cut off, and so is the engine.

Routers, servers and engine are processes of their own; all players are in this one, and so is who
orders moves, now from one router and now from the other. While something is wrong, and for a while
after it, somebody new comes ten times a second. One router is in a network namespace (needs root
and iproute2) so that it can be cut off: what is sent there is lost, and nobody hears so. By hand:

    .venv/bin/python tests/bench/equals.py [--players 300] [--moves-per-s 50] [--only "kill r1"]

Prints a row for each fault; exits 1 when something that must not happen happened.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from equal_parts import SERVERS, Group
from real_engine import engine
from real_parts import eventually
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater, react

from clientmigration.client.player import Player
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.operator import OperatorClient
from clientmigration.net.settings import keep_what_is_loaded
from clientmigration.wire.operators import Ended, Order

SPACE = "cm-equals"
HERE, THERE = "10.78.0.1", "10.78.0.2"  # our side, and that of the router in the namespace
LASTS_S = 10.0
AFTER_S = 5.0  # and so long what comes of it is looked at
NEW_EVERY_S = 0.1
STAYS_S = 0.5  # who is new plays so long, and goes
ACT_S, SLICES = 0.1, 10
LOOK_S = 0.05
ORDER_S = 2.5  # a router that has not answered an order by then is not waited for
DESKS = 3  # for each router: one operator may not say more than 20 words a second


def ranks(values: Sequence[float], form: str) -> str:
    """p50, p99 and the most of them."""
    if not values:
        return "-"
    known = sorted(values)
    at = (known[min(len(known) - 1, int(share * len(known)))] for share in (0.5, 0.99))
    return " / ".join(form.format(each) for each in (*at, known[-1]))


class Spell:
    """What was felt from one moment on."""

    def __init__(self, players: Sequence[Player]) -> None:
        self.began = time.monotonic()
        self.players = players
        self.joins: list[float] = []
        self.seeking = 0  # of those who came
        self.took: list[float] = []  # seconds that each settled move took, from the order
        self.again: float | None = None  # when one was settled that was ordered in this time
        self.outcomes: Counter[str] = Counter()
        self.gaps: list[float] = []
        self.waited = 0.0  # the longest that an input waited to be applied
        self.before = self._totals()

    def _totals(self) -> list[int]:
        tallies = [each.tally for each in self.players]
        return [
            *(sum(getattr(t, name) for t in tallies) for name in ("missed", "lost", "doubled")),
            sum(each.rejoins for each in self.players),
        ]

    def cost(self) -> list[int]:
        """Ticks missed, inputs lost and doubled, players that came back by way of a router."""
        return [now - then for now, then in zip(self._totals(), self.before, strict=True)]

    def row(self, name: str) -> str:
        """As a table has it."""
        again = "-" if self.again is None else f"{self.again:.2f}"
        unmade = {k: n for k, n in self.outcomes.items() if k != "settled"}
        cells = (
            name,
            f"{len(self.joins)}: {ranks(self.joins, '{:.2f}')}",
            again,
            f"{self.outcomes['settled']}: {ranks([1000 * s for s in self.took], '{:.0f}')}",
            ranks(self.gaps, "{:.0f}"),
            f"{self.waited:.2f}",
            ", ".join(map(str, self.cost())),
            ", ".join(f"{k} {n}" for k, n in sorted(unmade.items())) or "none",
        )
        return f"| {' | '.join(cells)} |"


HEAD = (
    "fault",
    "who comes plays after, s: n: p50 / p99 / max",
    "moved again after, s",
    "moves settled, ms: n: p50 / p99 / max",
    "gap felt, ms: p50 / p99 / max",
    "an input waited, s, at most",
    "ticks missed, inputs lost, doubled, rejoins",
    "moves that came to nothing",
)


class Trial:
    """The whole of it."""

    def __init__(self, reactor: Any, asked: argparse.Namespace, folder: Path) -> None:
        self.reactor, self.asked = reactor, asked
        nats = engine("nats-current", folder, host=HERE)
        inside = ("/usr/bin/env", "ip", "netns", "exec", SPACE)
        self.group = Group(folder, nats, {"r1": THERE}, {"r1": inside})
        self.dice = Random(asked.seed)
        self.crowd: list[Player] = []
        self.desks: dict[str, list[OperatorClient]] = {}
        self.spell = Spell(())
        self._slice = self._turn = 0
        self.faults: dict[str, tuple[Callable[[], Any], Callable[[], Any], float]] = {
            "none": (lambda: None, lambda: None, LASTS_S),
            "kill -9 of r1": (self.group_child("r1", "KILL"), lambda: None, LASTS_S),
            "kill -9 of r2": (self.group_child("r2", "KILL"), lambda: None, LASTS_S),
            "SIGSTOP of r1, 10 s": self._stopped("r1"),
            "SIGSTOP of r2, 10 s": self._stopped("r2"),
            "r1 cut off, 10 s": (lambda: link("down"), lambda: link("up"), LASTS_S),
            "nats-server killed, started again": (self._engine_again, lambda: None, LASTS_S),
        }

    def group_child(self, name: str, what: str | int) -> Callable[[], None]:
        """What sends this signal to this program."""
        return lambda: self.group.children[name].tell(what)

    def _stopped(self, name: str) -> tuple[Callable[[], Any], Callable[[], Any], float]:
        return self.group_child(name, "STOP"), self.group_child(name, signal.SIGCONT), LASTS_S

    def _engine_again(self) -> None:
        self.group.nats.kill()
        self.group.nats.start()

    # What goes on all the time.

    def act(self) -> None:
        """A slice of the players walks on."""
        self._slice = (self._slice + 1) % SLICES
        for player in self.crowd[self._slice :: SLICES]:
            player.act(meadow.move(player.tally.seq % 7 - 3.0, 1.0))

    def look(self) -> None:
        """How long the oldest input waits that is not applied."""
        now = self.reactor.seconds()
        for player in self.crowd:
            tally = player.tally
            oldest = next((each for each in tally.sent if each.seq > tally.acked), None)
            if oldest is not None:
                self.spell.waited = max(self.spell.waited, now - oldest.at)

    def order(self, times: int) -> None:
        """Have so many players moved, each to another server."""
        for _ in range(min(times, 20)):
            self._turn += 1
            names = sorted(self.desks)
            desks = self.desks[names[self._turn % len(names)]]
            desk = desks[self._turn // len(names) % len(desks)]
            player = self.dice.choice(self.crowd)
            there = self.dice.choice([each for each in SERVERS if each != player.member])
            Deferred.fromCoroutine(self._order(desk, player, there))

    async def _order(self, desk: OperatorClient, player: Player, there: str) -> None:
        spell, began = self.spell, time.monotonic()
        asked = desk.ask(Order(0, "move", player=player.name, member=there))
        try:
            ended = await asked.addTimeout(ORDER_S, self.reactor)
        except Exception:
            spell.outcomes["not answered"] += 1
            return
        assert isinstance(ended, Ended)
        spell.outcomes[ended.outcome] += 1
        if ended.outcome == "settled":
            spell.took.append(time.monotonic() - began)
            if spell.again is None:
                spell.again = time.monotonic() - spell.began

    async def enter(self, name: str) -> None:
        """Have as many operators at this router as it takes, whenever some are gone."""
        while True:
            desks = [each for each in self.desks.get(name, []) if each.over is None]
            while len(desks) < DESKS:
                self.group.desks.pop(name, None)
                try:
                    desks.append(await self.group.desk(name))
                except Exception:
                    break
            if desks or name not in self.desks:
                self.desks[name] = desks
            if not desks:
                self.desks.pop(name, None)
            await deferLater(self.reactor, 0.2)

    async def come(self) -> None:
        """Somebody new comes, plays for a moment, and goes."""
        spell, began = self.spell, time.monotonic()
        player = self.group.begin()
        spell.seeking += 1
        await eventually(lambda: player.state == "playing")
        spell.joins.append(time.monotonic() - began)
        spell.seeking -= 1
        await deferLater(self.reactor, STAYS_S)
        player.stop()
        self.group.players.remove(player)

    # The trial.

    async def begin(self) -> None:
        """Everything runs, and everybody plays."""
        group = self.group
        group.nats.start()
        for name in group.ports:
            group.router(name)
        for name in SERVERS:
            group.server(name, "--capacity", "1000")
        await group.complete()
        for name in group.ports:
            Deferred.fromCoroutine(self.enter(name))
        for _ in range(self.asked.players // 10):
            self.crowd += [group.begin() for _ in range(10)]
            await deferLater(self.reactor, 0.2)
        await eventually(lambda: all(each.state == "playing" for each in self.crowd))
        for player in self.crowd:
            player.on("move", lambda move: self.spell.gaps.append(move.gap_ms))
        keep_what_is_loaded()
        LoopingCall(self.act).start(ACT_S / SLICES)
        LoopingCall(self.look).start(LOOK_S)
        LoopingCall.withCount(self.order).start(1.0 / self.asked.moves_per_s)
        await deferLater(self.reactor, 3.0)

    async def fault(self, name: str) -> Spell:
        """One fault, and what came of it."""
        begin, end, lasts_s = self.faults[name]
        spell = self.spell = Spell(self.crowd)
        begin()
        coming = LoopingCall(lambda: Deferred.fromCoroutine(self.come()) and None)
        coming.start(NEW_EVERY_S)
        await deferLater(self.reactor, lasts_s)
        end()
        await deferLater(self.reactor, AFTER_S)
        coming.stop()
        await eventually(lambda: not spell.seeking)
        await deferLater(self.reactor, AFTER_S)
        print(spell.row(name), flush=True)
        return spell

    async def run(self) -> int:
        """All faults; 0 when nothing happened that must not."""
        await self.begin()
        names = [each for each in self.faults if not self.asked.only or self.asked.only in each]
        print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
        spells = [await self.fault(name) for name in names]
        held = [
            not any(each.cost())
            and max(each.joins) <= 1.0
            and each.again is not None
            and each.again <= 2.0
            and each.waited <= 1.1
            for each in spells
        ]
        await self.group.stop()
        self.group.nats.stop()
        return 0 if all(held) else 1


def ip(words: str) -> None:
    """Of iproute2."""
    subprocess.run(["ip", *words.split()], check=True)


def link(state: str) -> None:
    """The way to the router in the namespace. What is sent while it is down is lost."""
    ip(f"-n {SPACE} link set {SPACE}-in {state}")


def make_space() -> None:
    """A network namespace, and a pair of interfaces to it that know each other without asking."""
    drop_space()
    for words in (
        f"netns add {SPACE}",
        f"link add {SPACE} type veth peer name {SPACE}-in netns {SPACE}",
        f"addr add {HERE}/30 dev {SPACE}",
        f"link set {SPACE} up",
        f"-n {SPACE} addr add {THERE}/30 dev {SPACE}-in",
        f"-n {SPACE} link set {SPACE}-in up",
        f"-n {SPACE} link set lo up",
    ):
        ip(words)
    told = subprocess.run(
        ["ip", "-n", SPACE, "-br", "link", "show", f"{SPACE}-in"],
        check=True,
        capture_output=True,
        text=True,
    )
    ip(f"neigh replace {THERE} lladdr {told.stdout.split()[2]} dev {SPACE} nud permanent")


def drop_space() -> None:
    """Both ends go with the namespace."""
    subprocess.run(["ip", "netns", "del", SPACE], stderr=subprocess.DEVNULL, check=False)
    subprocess.run(["ip", "link", "del", SPACE], stderr=subprocess.DEVNULL, check=False)


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--players", type=int, default=300)
    flags.add_argument("--moves-per-s", type=float, default=50.0)
    flags.add_argument("--only", default="", help="only faults in whose name this is")
    flags.add_argument("--seed", type=int, default=1)
    flags.add_argument("--folder", type=Path)
    asked = flags.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="equals-"))
    folder.mkdir(parents=True, exist_ok=True)
    codes: list[int] = []

    async def whole(reactor: Any) -> None:
        codes.append(await Trial(reactor, asked, folder).run())

    make_space()
    try:
        react(lambda reactor: Deferred.fromCoroutine(whole(reactor)))
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        drop_space()
    sys.exit(codes[0])


if __name__ == "__main__":
    main()
