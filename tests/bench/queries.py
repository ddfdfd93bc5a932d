"""Five minutes of a stack in which everything happens, and every question of Grafana's asked of it.

    .venv/bin/python tests/bench/queries.py [--minutes 5] [--players 300] [--overloaded 0.3]
                                            [--pictures docs/panels]

In it: moves because the crowd gathers, a second crowd that costs too much (an overload), a server
that attaches, one that drains, one that is killed. Prints how much there is to ask and how much was
answered, what happened, and draws the main panels if it is told where. Exits 1 when something was
not answered.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from pictures import draw
from questions import Sweep
from real_parts import PATIENCE_S
from staged import Staged

POLICY = """\
[health]
strained = {0:.3f}
overloaded = {1:.3f}
hysteresis = {2:.3f}
"""
HEAVY = ("--players", "40", "--seed", "9", "--burn", "3000", "--party", "3000")


async def run(reactor: Any, asked: argparse.Namespace, folder: Path) -> Sweep:
    """The run and the questions. What happens is spread over the minutes."""
    players = str(asked.players)
    policy = POLICY.format(*(share * asked.overloaded for share in (0.75, 1.0, 0.2)))
    staged = Staged(reactor, folder, "--players", players, "--servers", "3", policy=policy)
    began, whole = time.monotonic(), asked.minutes * 60.0

    async def at(share: float, what: str) -> None:
        await deferLater(reactor, max(0.0, began + share * whole - time.monotonic()))
        print(f"{time.monotonic() - began:5.0f} s  {what}", flush=True)

    try:
        await staged.begins()
        await at(0.25, "a heavy crowd comes: the servers are overloaded")
        staged.crowd("heavy", *HEAVY)
        await at(0.50, "the heavy crowd goes")
        await staged.end("heavy")
        await at(0.60, "one more server attaches")
        staged.attach("extra")
        await at(0.75, "gs-2 drains")
        staged.tell("gs-2", signal.SIGTERM)
        await staged.has_players("extra")
        await at(0.85, "the server that attached is killed")
        await staged.crash("extra")
        await at(1.0, "the questions")
        sweep = Sweep(staged.ask)
        until = time.monotonic() + PATIENCE_S
        while await sweep.once() and time.monotonic() < until:
            await deferLater(reactor, 1.0)
        await report(staged, sweep)
        if asked.pictures:
            await draw(reactor, staged.ask, asked.pictures, round(time.monotonic() - began))
    finally:
        await staged.stop()
    return sweep


async def report(staged: Staged, sweep: Sweep) -> None:
    """What was answered, what was not, and what happened."""
    for query in sweep.left:
        print(f"no data: {query.kind}: {query.name}")
    print(sweep.table())
    events = json.loads(await staged.ask("/events/get_data?tags=clientmigration&from=-1h"))
    for kind in sorted({event["tags"][1] for event in events}):
        print(f"event {kind}: {sum(event['tags'][1] == kind for event in events)}")
    print(staged.last_line())


def main() -> None:
    """The script."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--minutes", type=float, default=5.0)
    flags.add_argument("--players", type=int, default=300)
    flags.add_argument("--pictures", type=Path)
    flags.add_argument("--overloaded", type=float, default=0.3, help="load of that grade")
    asked = flags.parse_args()
    sweeps: list[Sweep] = []

    async def whole(reactor: Any) -> None:
        sweeps.append(await run(reactor, asked, Path(tempfile.mkdtemp(prefix="queries-"))))

    try:
        react(lambda reactor: Deferred.fromCoroutine(whole(reactor)))
    except SystemExit as ended:
        if ended.code:
            raise
    sys.exit(1 if sweeps[0].left else 0)


if __name__ == "__main__":
    main()
