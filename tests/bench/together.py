"""Who stands together plays together: each scenario beside METIS at the same moments, by seed.

`python tests/bench/together.py [SCENARIO ...] --seeds 1 2 3`. The share of the pairs who see each
other that are on two servers is the mean over the second half; of the flash crowd, over the time in
which everybody is at one place or on the way there, and over the last third. Loads and flows are
those of the whole second half, moves those of the whole time. The day is pressed into three hours.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from pathlib import Path

import msgspec
import numpy as np

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.simulation.baselines import Ours
from clientmigration.core.simulation.log import Apart, Log
from clientmigration.core.simulation.review import review
from clientmigration.core.simulation.scenario import Day, Scenario
from clientmigration.core.simulation.simulator import START, Simulator

FOLDER = Path(__file__).parents[2] / "docs" / "scenarios"
NAMES = ("new-server", "loss", "uneven", "flash-crowd", "day", "swap", "wander")
DAY_S = 3 * 3600
PHASES = {"flash-crowd": {"gathered": (300, 480), "scattered": (600, 900)}}
HEAD = (
    f"{'scenario':12} {'seed':>4} {'part':9} {'apart':>6} {'METIS':>6} {'zoned':>6} {'load':>5} "
    f"{'moves/h':>7} {'back':>6} {'turned':>6} {'steady':>6} {'ping':>4} {'CPU s':>5}"
)


def scenario(name: str) -> Scenario:
    """The scenario of that name."""
    read = Scenario.parse(tomllib.loads((FOLDER / f"{name}.toml").read_text()))
    if read.day is None:
        return read
    day = Day(most=read.day.most, length_s=DAY_S)
    return msgspec.structs.replace(read, seconds=DAY_S, day=day)


def played(name: str, seed: int, policy: Policy) -> list[str]:
    """Lines about one run."""
    played, began = scenario(name), time.process_time()
    log = Simulator(played, policy, Ours(policy), np.random.default_rng(seed), True).play()
    took = time.process_time() - began
    told = review("", played, log, START)
    half = played.seconds // 2
    lines = []
    for part, (first, last) in PHASES.get(name, {"half": (half, played.seconds)}).items():
        seen = mean(log, first, last)
        load = float(np.mean(log.imbalance[half:]))
        back = told.back / told.moves if told.moves else 0.0
        steady = "-" if told.steady_moves is None else str(told.steady_moves)
        lines.append(
            f"{name:12} {seed:4} {part:9} {seen.ours:6.1%} {seen.metis:6.1%} {seen.zoned:6.1%} "
            f"{load:5.2f} {told.moves_per_player_hour:7.2f} {back:6.1%} {told.turned:6} "
            f"{steady:>6} {told.ping_ms:4.0f} {took:5.0f}"
        )
    return lines


def mean(log: Log, first: int, last: int) -> Apart:
    """What was apart between these seconds."""
    some = [each for each in log.apart if first < each.at <= last]
    return Apart(last, *(float(np.mean([each[n] for each in some])) for n in (1, 2, 3)))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="SCENARIO", help="all of them")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--policy", default="", help="a policy file; none: the defaults")
    flags = parser.parse_args()
    asked = tomllib.loads(Path(flags.policy).read_text()) if flags.policy else {}
    print(HEAD)
    for name in flags.names:
        for seed in flags.seeds:
            print(*played(name, seed, Policy.parse(asked)), sep="\n", flush=True)


if __name__ == "__main__":
    main()
