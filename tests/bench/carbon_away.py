"""carbon answers nothing for two minutes, while people play: memory, drops, missed ticks, the gap.

    .venv/bin/python tests/bench/carbon_away.py [--seconds 120] [--players 100]

A stack; carbon is stopped in its tracks (SIGSTOP), then goes on (SIGCONT). Prints what the daemons'
memory was before and at the end of it, what they dropped, what players missed, and how many of the
seconds of the outage are in Graphite afterwards.
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

import psutil
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from staged import Staged

from clientmigration.core.measures.metrics import path

CALM_S = 60
MISSED = path("crowd", "crowd", "missed_ticks")
DAEMONS = ("router", "gameserver", "crowd")


def family(staged: Staged) -> list[psutil.Process]:
    """Every process of the stack."""
    stack = psutil.Process(staged.stack.transport.pid)  # type: ignore[union-attr]
    return stack.children(recursive=True)


def memory(staged: Staged) -> dict[str, float]:
    """Megabytes of each daemon."""
    sizes = {}
    for process in family(staged):
        words = process.cmdline()
        for daemon in DAEMONS:
            if daemon in words:
                name = words[words.index("--name") + 1] if "--name" in words else daemon
                sizes[name] = process.memory_info().rss / 1e6
    return sizes


async def value(staged: Staged, target: str, back_s: int) -> list[float]:
    """Values of the one series that a target makes."""
    body = await staged.ask(f"/render?target={target}&from=-{back_s}s&format=json")
    return [v for each in json.loads(body) for v, _ in each["datapoints"] if v is not None]


async def run(reactor: Any, asked: argparse.Namespace, folder: Path) -> None:
    """The whole of it."""
    staged = Staged(reactor, folder, "--players", str(asked.players), "--servers", "2")
    try:
        await staged.begins()
        await staged.plays(2, asked.players)
        await deferLater(reactor, CALM_S + 5.0)
        calm = sum(await value(staged, MISSED, CALM_S)) / CALM_S
        print(f"ticks missed by all players before: {calm:.1f} a second")
        (carbon,) = [p for p in family(staged) if "carbon-cache.py" in " ".join(p.cmdline())]
        before = memory(staged)
        carbon.send_signal(signal.SIGSTOP)
        print(f"carbon stops for {asked.seconds:g} s", flush=True)
        began = time.time()
        await deferLater(reactor, asked.seconds)
        after = memory(staged)
        carbon.send_signal(signal.SIGCONT)
        lasted = time.time() - began
        await deferLater(reactor, 20.0)
        await report(staged, before, after, lasted)
    finally:
        await staged.stop()


async def report(
    staged: Staged, before: dict[str, float], after: dict[str, float], lasted: float
) -> None:
    """What it came to."""
    for name, size in before.items():
        print(f"{name}: {size:.0f} MB before, {after[name]:.0f} MB at the end")
    back_s = round(lasted) + 20
    for role in DAEMONS:
        target = f"sumSeries({path(role, 'x', 'carbon_dropped').replace('.x.', '.*.')})"
        print(f"dropped by {role}: {sum(await value(staged, target, back_s)):.0f}")
    missed = sum(await value(staged, MISSED, back_s)) / back_s
    kept = await value(staged, path("gameserver", "gs-1", "load"), back_s)
    print(f"ticks missed by all players meanwhile: {missed:.1f} a second")
    print(f"seconds in Graphite afterwards: {len(kept)} of {back_s}")


def main() -> None:
    """The script."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--seconds", type=float, default=120.0)
    flags.add_argument("--players", type=int, default=100)
    asked = flags.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="carbon-away-"))
    react(lambda reactor: Deferred.fromCoroutine(run(reactor, asked, folder)))


if __name__ == "__main__":
    main()
