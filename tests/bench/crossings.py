"""A live tree of depth three: players cross between zones, while a router of each level is killed
and a zone comes and goes.

Routers and servers are processes of their own; all players are in this one. By hand:

    .venv/bin/python tests/bench/crossings.py [--players 300] [--crossings 200]

Prints what players felt in each part; exits 1 when a tick was missed or an input lost or doubled.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from real_parts import eventually
from real_tree import Crossings, LiveTree
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater, react

from clientmigration.client.player import Player
from clientmigration.games.meadow import wire as meadow
from clientmigration.net.settings import keep_what_is_loaded
from clientmigration.stack.ports import Ports, settled

ABOVE = {"root": "", "east": "root", "west": "root", "east-1": "east", "east-2": "east"}
SERVERS = {
    **{f"east-1-gs{n}": "east-1" for n in "ab"},
    **{f"east-2-gs{n}": "east-2" for n in "ab"},
    **{f"west-gs{n}": "west" for n in "ab"},
}
SLICES = 10
AT_ONCE = 12  # players that cross over and over: an operator may say 20 words a second
WITHIN_S = 120.0  # for each part


def ranks(values: Sequence[float]) -> str:
    """p50, p99 and the most of them, in milliseconds."""
    known = sorted(values)
    if not known:
        return "-"
    at = (known[min(len(known) - 1, int(share * len(known)))] for share in (0.5, 0.99, 1))
    return " / ".join(f"{1000 * each:.0f}" for each in at)


class Felt:
    """What all players felt until now."""

    def __init__(self, players: Sequence[Player]) -> None:
        tallies = [each.tally for each in players]
        self.missed = sum(each.missed for each in tallies)
        self.lost = sum(each.lost for each in tallies)
        self.doubled = sum(each.doubled for each in tallies)
        self.rejoins = sum(each.rejoins for each in players)

    def since(self, before: Felt) -> tuple[int, int, int, int]:
        """Ticks missed, inputs lost, doubled, times somebody had to come back."""
        return (
            self.missed - before.missed,
            self.lost - before.lost,
            self.doubled - before.doubled,
            self.rejoins - before.rejoins,
        )


class Run:
    """One run, part by part."""

    def __init__(self, tree: LiveTree, players: int, crossings: int) -> None:
        self.tree, self.count, self.wanted = tree, players, crossings
        self.slice = 0
        self.bad = False

    def act(self) -> None:
        """A tenth of all players say something."""
        self.slice = (self.slice + 1) % SLICES
        for player in self.tree.players[self.slice :: SLICES]:
            if player.state == "playing":
                player.act(meadow.move(1.0, 0.5))

    async def all_in(self) -> None:
        """Everybody comes in, ten at a time, at doors of each level."""
        doors = ("root", "west", "east", "east-1", "east-2")
        for n in range(self.count):
            self.tree.begin(doors[n % len(doors)])
            if n % 10 == 9:
                await deferLater(self.tree.reactor, 0.2)
        await self.tree.all_play()

    async def part(self, name: str, crossings: int, begin: Any = None, end: Any = None) -> None:
        """So many crossings between zones, with something done meanwhile."""
        tree, before = self.tree, Felt(self.tree.players)
        zones = Crossings(tree, "root", ("east", "west"))
        going = zones.of(tree.players[:AT_ONCE])
        began = time.monotonic()
        await deferLater(tree.reactor, 1.0)
        if begin is not None:
            begin()
        until = time.monotonic() + WITHIN_S
        while zones.outcomes["settled"] < crossings // 2 and time.monotonic() < until:
            await deferLater(tree.reactor, 0.2)
        if end is not None:
            await end()
        while zones.outcomes["settled"] < crossings and time.monotonic() < until:
            await deferLater(tree.reactor, 0.2)
        zones.stop()
        await going
        await deferLater(tree.reactor, 3.0)
        await tree.all_play()
        felt = Felt(tree.players).since(before)
        self.bad = self.bad or any(felt[:3]) or zones.outcomes["settled"] < crossings
        others = {k: v for k, v in zones.outcomes.items() if k != "settled"}
        print(
            f"| {name} | {zones.outcomes['settled']} | {ranks(zones.took_s)} |"
            f" {', '.join(map(str, felt))} | {others or ''} | {time.monotonic() - began:.0f} |",
            flush=True,
        )

    async def play(self) -> None:
        """All of it."""
        tree = self.tree
        acting = LoopingCall(self.act)
        acting.start(0.05)
        print(
            "| what | crossings | took, ms: p50 / p99 / max |"
            " ticks missed, inputs lost, doubled, rejoins | others | s |"
        )
        print("|---|---:|---|---|---|---:|", flush=True)
        each = max(4, self.wanted // 6)
        await self.part("nothing happens", each)
        for name in ("root", "east", "east-1", "west"):
            await self.part(f"kill -9 of {name}", each, tree.children[name].kill)
        tree.above["north"], tree.servers["north-gs"] = "root", "north"
        await self.part("a zone is attached", each, self.attach)
        await self.part("a zone is drained and leaves", each, self.drain, self.leave)
        acting.stop()

    def attach(self) -> None:
        """A zone that was not there, with a server."""
        self.tree.ports["north"] = settled(Ports(0, 0, 0, 0, 0))
        self.tree.router("north")
        self.tree.server("north-gs")

    def drain(self) -> None:
        """It is emptied."""
        Deferred.fromCoroutine(self.tree.order("root", "drain", "north"))

    async def leave(self) -> None:
        """Nobody plays there any more: its processes are told to stop, and not started again."""
        await eventually(lambda: all(each.member != "north-gs" for each in self.tree.players))
        del self.tree.servers["north-gs"], self.tree.ports["north"], self.tree.above["north"]
        for name in ("north-gs", "north"):
            stopping = self.tree.children.pop(name).stopService()
            if stopping is not None:
                stopping.addErrback(lambda _failure: None)


async def run(_reactor: Any, asked: argparse.Namespace) -> None:
    """One tree, one run."""
    folder = Path(tempfile.mkdtemp(prefix="crossings-"))
    tree = LiveTree(folder, dict(ABOVE), dict(SERVERS))
    tree.start()
    run = Run(tree, asked.players, asked.crossings)
    try:
        await tree.complete()
        await run.all_in()
        keep_what_is_loaded()
        await run.play()
    finally:
        await tree.stop()
    if run.bad:
        print(f"something that must not happen happened; logs: {folder}")
        sys.exit(1)


def main() -> None:
    """By hand."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--players", type=int, default=300)
    flags.add_argument("--crossings", type=int, default=200)
    asked = flags.parse_args()
    react(lambda reactor: Deferred.fromCoroutine(run(reactor, asked)))


if __name__ == "__main__":
    main()
