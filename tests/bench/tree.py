"""How long the root of a tree decides: `python tests/bench/tree.py [ROUTERS] [SERVERS]`.

A root over so many routers, each with so many game servers, unevenly filled; its members report as
real routers do. Timed in CPU: a leaf's summary of a second, the root taking all of them in, and its
decision.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.simulation.tree import TreeSimulator
from clientmigration.core.simulation.tree_scenario import TreeScenario

SECONDS, PLAYERS = 20, 100  # of the scenario; per server
BOLD = {"rebalance": {"imbalance": 1.05, "margin": 0.01}, "limits": {"moves_per_second": 1000}}


def timed(what: Callable[..., Any], took: list[float]) -> Callable[..., Any]:
    """The same, and how many ms of CPU each call took."""

    def call(*given: Any) -> Any:
        began = time.process_time()
        try:
            return what(*given)
        finally:
            took.append((time.process_time() - began) * 1000)

    return call


def main(routers: int = 100, servers: int = 100) -> None:
    """Print three lines: median and highest of each."""
    levels = [{"members": routers, "policy": BOLD}, {"members": servers}]
    scenario = TreeScenario.parse(
        {
            "title": "bench",
            "seconds": SECONDS,
            "players": routers * servers * PLAYERS,
            "levels": levels,
            "servers": {},
        }
    )
    deciding: list[float] = []
    summing: list[float] = []
    observing: list[float] = []
    simulated = TreeSimulator(scenario, Policy(), flows, np.random.default_rng(1))
    root = simulated.root
    root.decide = timed(flows, deciding)
    fleet: Any = root.fleet
    fleet.observe = timed(fleet.observe, observing)
    leaf: Any = next(iter(root.members.values()))
    leaf.fleet.summary = timed(leaf.fleet.summary, summing)
    simulated.play()
    print(f"{routers} routers with {servers} servers each, {root.players:,} players")
    for name, took in (("summary", summing), ("reports", observing), ("decision", deciding)):
        print(f"{name:10} {statistics.median(took):6.2f} ms of CPU, at most {max(took):6.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
