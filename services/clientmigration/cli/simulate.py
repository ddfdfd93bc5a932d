"""`clientmigration simulate SCENARIO.toml`: simulates our decisions and simple ones."""

from __future__ import annotations

import tomllib
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from clientmigration.cli.command import DONE, Command, Output
from clientmigration.core.fleet.policy import Policy
from clientmigration.core.fleet.rebalance import flows
from clientmigration.core.fleet.territory import METIS
from clientmigration.core.simulation.baselines import (
    Brain,
    LeastLoad,
    LeastPlayers,
    Ours,
    RoundRobin,
)
from clientmigration.core.simulation.log import Apart
from clientmigration.core.simulation.review import BACK_S, Review, review
from clientmigration.core.simulation.scenario import Scenario
from clientmigration.core.simulation.simulator import START, Simulator
from clientmigration.core.simulation.tree import TreeSimulator
from clientmigration.core.simulation.tree_review import LEVEL, LevelReview, tree_review
from clientmigration.core.simulation.tree_scenario import TreeScenario
from clientmigration.errors import ConfigurationError
from clientmigration.net.shipped import shipped


def _flags(parser: ArgumentParser) -> None:
    parser.add_argument(
        "scenario", metavar="SCENARIO.toml", help="a file, or the name of one that came with this"
    )
    parser.add_argument("--policy", default="", help="policy file; none: the defaults")
    parser.add_argument(
        "--seed", type=int, default=1, help="what is random follows from this number; default 1"
    )
    parser.add_argument(
        "--alone", action="store_true", help="do not compare with the simple policies"
    )
    parser.add_argument(
        "--oracle", action="store_true", help="say how few neighbours METIS would part, beside ours"
    )


def read(path: str) -> dict[str, Any]:
    """A TOML file. ConfigurationError when there is none, or when it is none."""
    try:
        return tomllib.loads(Path(path).read_text())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from error


def found(scenario: str) -> str:
    """The file of a scenario: as it is said, or that of the shipped one of this name."""
    if Path(scenario).exists() or "/" in scenario or "." in scenario:
        return scenario
    told = {path.stem: str(path) for path in shipped("scenarios").glob("*.toml")}
    if scenario not in told:
        raise ConfigurationError(
            f"{scenario} is neither a file nor a scenario that came with this:"
            f" {', '.join(sorted(told))}"
        )
    return told[scenario]


def reviews(
    scenario: Scenario, policy: Policy, seed: int, alone: bool, oracle: bool = False
) -> Iterator[Review]:
    """How each brain did, all with the same chance; ours beside METIS if `oracle`."""
    brains: list[Brain] = [Ours(policy)]
    if not alone:
        brains += [RoundRobin(policy), LeastPlayers(policy), LeastLoad(policy)]
    for brain in brains:
        chance, asked = np.random.default_rng(seed), oracle and isinstance(brain, Ours)
        log = Simulator(scenario, policy, brain, chance, asked).play()
        yield review(brain.name, scenario, log, START)


def table(scenario: Scenario, found: Sequence[Review]) -> Table:
    """What is printed: one column for each brain."""
    shown = Table(title=scenario.title, title_justify="left")
    shown.add_column("", no_wrap=True)
    for each in found:
        shown.add_column(each.brain, justify="right")
    for n, (second, _) in enumerate(found[0].marks):
        values = [f"{each.marks[n][1]:.2f}" for each in found]
        shown.add_row(f"max/mean load until {second:,} s", *values)
    for n, (second, *_) in enumerate(found[0].apart):
        values = [_beside(each.apart[n]) if each.apart else "-" for each in found]
        shown.add_row(f"neighbours apart until {second:,} s (METIS)", *values)
    for name, text in ROWS.items():
        shown.add_row(text, *(_spelled(name, getattr(each, name)) for each in found))
    return shown


ROWS = {
    "imbalance": "max/mean load, all the time",
    "settled_s": "longest time to settle, s",
    "moves": "moves",
    "moves_per_player_hour": "moves per player and hour",
    "steady_moves": "moves when nothing happens",
    "back": f"players moved back within {BACK_S} s",
    "turned": f"flows turned round within {BACK_S} s",
    "cut": "neighbours on two servers",
    "ping_ms": "mean ping, ms",
    "overloaded": "player time on overloaded servers",
    "waited": "player time in line",
}


def _beside(apart: Apart) -> str:
    """Ours, and METIS's; where there are zones, within each zone and without them."""
    free = "" if apart.zoned == apart.metis else f"; {apart.metis:.1%}"
    return f"{apart.ours:.1%} ({apart.zoned:.1%}{free})"


SHARES = ("cut", "overloaded", "waited")


def _spelled(name: str, value: float | None) -> str:
    if value is None:
        return "never" if name == "settled_s" else "-"
    if name in SHARES:
        return f"{value:.1%}"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def tree_table(scenario: TreeScenario, found: Sequence[LevelReview]) -> Table:
    """What is printed of a tree: one column for each level."""
    shown = Table(title=scenario.title, title_justify="left")
    shown.add_column("", no_wrap=True)
    for each in found:
        shown.add_column(f"level {each.depth}" if each.depth else "root", justify="right")
    for row, name in (("routers", "routers"), ("their members", "members")):
        shown.add_row(row, *(f"{getattr(each, name):,}" for each in found))
    for n, (second, _) in enumerate(found[0].marks):
        shown.add_row(f"max/mean at {second:,} s", *(f"{each.marks[n][1]:.3f}" for each in found))
    settled = [_spelled("settled_s", each.settled_s) for each in found]
    shown.add_row(f"at most {LEVEL} after, s", *settled)
    for name in ("moves", "steady_moves", "turned"):
        shown.add_row(ROWS[name], *(_spelled(name, getattr(each, name)) for each in found))
    return shown


def _tree(mapping: dict[str, Any], policy: Policy, seed: int, answer: Output) -> int:
    scenario = TreeScenario.parse(mapping)
    simulated = TreeSimulator(scenario, policy, flows, np.random.default_rng(seed))
    simulated.play()
    made = tree_review(simulated)
    answer.tell({"scenario": scenario.title, "levels": made}, tree_table(scenario, made))
    return DONE


def _run(flags: Namespace, answer: Output) -> int:
    if flags.oracle and not METIS:
        raise ConfigurationError("--oracle asks METIS: pip install 'clientmigration[metis]'")
    policy = Policy.parse(read(flags.policy)) if flags.policy else Policy()
    mapping = read(found(flags.scenario))
    if "levels" in mapping:
        return _tree(mapping, policy, flags.seed, answer)
    scenario = Scenario.parse(mapping)
    made = list(reviews(scenario, policy, flags.seed, flags.alone, flags.oracle))
    answer.tell({"scenario": scenario.title, "reviews": made}, table(scenario, made))
    return DONE


COMMAND = Command(
    "simulate", "Simulate a scenario, and compare with simple policies.", _flags, _run
)
