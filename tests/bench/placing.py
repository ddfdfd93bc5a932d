"""How many of those whom newcomers see are on other servers, right after they were placed.

Plays a scenario as `clientmigration simulate` does, once with position weighed and once without.
`python tests/bench/placing.py docs/scenarios/FILE.toml`.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import numpy as np

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.simulation.baselines import Ours
from clientmigration.core.simulation.crowd import NOBODY
from clientmigration.core.simulation.review import review
from clientmigration.core.simulation.scenario import Scenario
from clientmigration.core.simulation.simulator import START, Simulator


class Watched(Simulator):
    """The same, with an eye on who has just been placed."""

    seen = apart = placed = 0

    def _place(self) -> None:
        waiting = set(np.array(self.crowd.names)[self.crowd.home == NOBODY].tolist())
        super()._place()
        if not waiting:
            return
        crowd = self.crowd
        cells = np.floor(crowd.at / self.policy.rebalance.cell_m)
        for row, name in enumerate(crowd.names):
            if name in waiting and crowd.home[row] != NOBODY:
                sees = (np.abs(cells - cells[row]).max(axis=1) <= 1) & (crowd.home != NOBODY)
                self.placed += 1
                self.seen += int(sees.sum()) - 1
                self.apart += int((sees & (crowd.home != crowd.home[row])).sum())


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=0, help="press a day into so many (no)")
    flags = parser.parse_args()
    scenario = Scenario.parse(tomllib.loads(Path(flags.scenario).read_text()))
    if flags.seconds:
        import msgspec

        day = scenario.day and msgspec.structs.replace(scenario.day, length_s=flags.seconds)
        scenario = msgspec.structs.replace(scenario, seconds=flags.seconds, day=day)
    print("                      placed  split then  split, mean  max/mean  moves  ping, ms")
    for name, weight in (("without position", 0.0), ("as shipped", -1.0)):
        asked = {} if weight < 0 else {"placement": {"position_weight": weight}}
        policy = Policy.parse(asked)
        played = Watched(scenario, policy, Ours(policy), np.random.default_rng(flags.seed))
        told = review(name, scenario, played.play(), START)
        print(
            f"  {name:<18} {played.placed:>8,} {played.apart / max(1, played.seen):11.1%} "
            f"{told.cut:12.1%} {told.imbalance:9.3f} {told.moves:6,} {told.ping_ms:9.1f}"
        )


if __name__ == "__main__":
    main()
