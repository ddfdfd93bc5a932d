"""What position is worth live: three stacks, one after the other, on this machine.

    .venv/bin/python tests/bench/borders.py [--minutes 5] [--players 300] [--picture FILE]

Each is `make run` as it is shipped, but for two numbers of the policy: in the first one position
decides nothing, in the second it places newcomers, in the third players are exchanged too. Of the
second half of its minutes, from its Graphite: the share of the pairs who see each other that is
split, bytes between servers, and what players felt. At the end the third one's decisions are
replayed, and its homepage is drawn if it is told where.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from staged import Staged

POLICIES = {
    "nothing": "[placement]\nposition_weight = 0.0\n[together]\nshare = 0.0\n",
    "placed": "[together]\nshare = 0.0\n",
    "exchanged": "[together]\nshare = 0.5\n",
}
"""What position decides, by name; the last one is what is shipped."""
SIZES = {"width": 1280, "height": 1400}
CHROMIUM = "/usr/bin/chromium"


async def values(staged: Staged, role: str, measure: str, seconds: float) -> list[list[float]]:
    """Each such series' values of the last so many seconds, without those that are missing."""
    target = f"clientmigration.{role}.*.{measure}"
    body = await staged.ask(f"/render?target={target}&from=-{seconds:.0f}s&format=json")
    return [[v for v, _ in each["datapoints"] if v is not None] for each in json.loads(body)]


async def measured(staged: Staged, seconds: float) -> dict[str, float]:
    """What the last so many seconds were like."""

    async def of(role: str, measure: str) -> list[float]:
        series = await values(staged, role, measure, seconds)
        return [mean(each) for each in series if each]

    async def grown(measure: str) -> float:
        series = await values(staged, "crowd", measure, seconds)
        return sum(each[-1] - each[0] for each in series if each)

    async def highest(measure: str) -> list[float]:
        series = await values(staged, "crowd", measure, seconds)
        return sorted(v for each in series for v in each)

    gaps, idle = await highest("gap_ms_p99"), await highest("idle_gap_ms_p99")
    loads = await of("gameserver", "load")
    pairs, split = await of("gameserver", "pairs"), await of("gameserver", "pairs_split")
    sent = await of("gameserver", "neighbour_sent_bytes_per_s")
    return {
        "split, % of pairs": 100 * sum(split) / max(1.0, sum(pairs)),
        "between servers, kB/s": sum(sent) / 1000,
        "moves": await grown("moves_total"),
        "missed ticks": await grown("missed_ticks_total"),
        "inputs lost": await grown("lost_inputs_total"),
        "gap p99 of a usual second, ms": gaps[len(gaps) // 2] if gaps else 0.0,
        "idle gap p99 of a usual second, ms": idle[len(idle) // 2] if idle else 0.0,
        "max/mean load": max(loads) / mean(loads),
    }


async def run(reactor: Any, asked: argparse.Namespace, policy: str, last: bool) -> dict[str, float]:
    """One stack, for its minutes."""
    with tempfile.TemporaryDirectory(prefix="clientmigration-borders-") as folder:
        staged = Staged(
            reactor, Path(folder), "--players", str(asked.players), "--servers", "3", policy=policy
        )
        try:
            await staged.begins()
            await staged.plays(3, asked.players)
            began = time.time()
            await deferLater(reactor, 60.0 * asked.minutes)
            found = await measured(staged, 30.0 * asked.minutes)
            if last:
                replay(staged.graphite, began)
            if last and asked.picture:
                picture(staged.stack.output, asked.picture)
        finally:
            await staged.stop()
    return found


def replay(graphite: str, began: float) -> None:
    """The same decisions from Graphite."""
    command = [str(Path(sys.executable).with_name("clientmigration")), "replay", "--json"]
    words = (*command, "--graphite", graphite, "--from", str(began))
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    print("replay:", json.loads(said.stdout)["summary"])


def picture(said: str, file: Path) -> None:
    """The homepage."""
    script = (
        "import sys; from playwright.sync_api import sync_playwright as sync\n"
        "with sync() as p:\n"
        f"    b = p.chromium.launch(executable_path={CHROMIUM!r}, args=['--no-sandbox'])\n"
        f"    page = b.new_page(viewport={SIZES!r}, color_scheme='dark')\n"
        "    page.goto(sys.argv[1]); page.wait_for_timeout(8000)\n"
        "    page.screenshot(path=sys.argv[2]); b.close()\n"
    )
    home = re.search(r"^the homepage +(\S+)$", said, re.M)
    assert home, said
    subprocess.run([sys.executable, "-c", script, home[1], str(file)], check=True, timeout=60)


def main() -> None:
    """The script."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--minutes", type=float, default=5.0)
    flags.add_argument("--players", type=int, default=300)
    flags.add_argument("--picture", type=Path)
    asked = flags.parse_args()

    async def each(reactor: Any) -> None:
        *_, last = POLICIES
        found = {
            name: await run(reactor, asked, policy, name == last)
            for name, policy in POLICIES.items()
        }
        print(f"{'':36}", *(f"{name:>10}" for name in found))
        for name in found[last]:
            print(f"{name:36}", *(f"{one[name]:10.2f}" for one in found.values()))

    react(lambda reactor: Deferred.fromCoroutine(each(reactor)))


if __name__ == "__main__":
    main()
