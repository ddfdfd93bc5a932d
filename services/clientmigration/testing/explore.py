"""Runs many seeds on all cores and says what was found: `python -m clientmigration.testing`.

It only counts and prints. A seed's verdict depends on nothing but the seed.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from multiprocessing import get_context

from twisted.logger import globalLogBeginner

from clientmigration.testing.schedule import (
    ALONE,
    ENGINES_ALONE,
    EQUALS_ALONE,
    FIRST,
    REPERTOIRES,
    Repertoire,
)
from clientmigration.testing.stage import Verdict, perform
from clientmigration.testing.tree_seeds import many_trees, one_tree

KINDS = ("calm", "crash", *ALONE, *ENGINES_ALONE, *EQUALS_ALONE, "rough")
TREE, ZONES = "tree", "zones"
LINES = 400  # of a transcript, the last ones before a violation
SAY_EVERY = 500  # schedules: about a minute


def explore(seeds: Sequence[int], jobs: int, faults: str = FIRST.name) -> Iterator[Verdict]:
    """The verdict of each seed, in any order."""
    judging = partial(judge, faults=faults)
    if jobs == 1:
        yield from map(judging, seeds)
        return
    with get_context("spawn").Pool(jobs, _prepare) as pool:
        yield from pool.imap_unordered(judging, seeds, chunksize=16)


def _prepare() -> None:
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    gc.collect()
    gc.freeze()
    gc.disable()  # `perform` collects when a run is over: that finds failures that nobody handled


def judge(seed: int, faults: str = FIRST.name) -> Verdict:
    """The verdict of one seed, with the real parts."""
    return perform(seed, repertoire=REPERTOIRES[faults])


def replay(seed: int, lines: int = LINES, repertoire: Repertoire = FIRST) -> Verdict:
    """Run a seed again and print the last `lines` of its transcript."""
    verdict = perform(seed, kept=True, repertoire=repertoire)
    for line in verdict.lines[max(0, len(verdict.lines) - lines) :]:
        print(line)
    print(f"seed {seed} ({verdict.kind}): {verdict.violation or 'all is well'}")
    return verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 when no seed broke anything."""
    parser = argparse.ArgumentParser(prog="python -m clientmigration.testing", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--seed", type=int, help="run one seed and print its transcript")
    parser.add_argument("--lines", type=int, default=LINES, help="last lines of it to print")
    parser.add_argument(
        "--faults",
        choices=(*REPERTOIRES, TREE, ZONES),
        default=FIRST.name,
        help="what may go wrong: 'all': around the players, 'engine': the ledger, 'equals': one"
        " of several routers, 'tree': routers under routers, 'zones': several of these are one zone"
        " (%(default)s)",
    )
    flags = parser.parse_args(arguments)
    _prepare()
    seeds = range(flags.first, flags.first + flags.seeds)
    if flags.faults in (TREE, ZONES):
        equals = flags.faults == ZONES
        if flags.seed is not None:
            return one_tree(flags.seed, equals)
        return many_trees(seeds, flags.jobs, equals)
    if flags.seed is not None:
        return bool(replay(flags.seed, flags.lines, REPERTOIRES[flags.faults]).violation)
    return _explore(seeds, flags.jobs, flags.lines, flags.faults)


def _explore(seeds: range, jobs: int, lines: int, faults: str) -> int:
    started = time.monotonic()
    total: Counter[str] = Counter()
    done: Counter[str] = Counter()
    broken: list[Verdict] = []
    for verdict in explore(seeds, jobs, faults):
        total += Counter(
            {"schedules": 1, verdict.kind: 1, "moves": verdict.moves, "faults": verdict.faults}
        )
        done += Counter(verdict.done)
        if verdict.violation:
            broken.append(verdict)
            print(f"seed {verdict.seed} ({verdict.kind}): {verdict.violation}", flush=True)
        if total["schedules"] % SAY_EVERY == 0 and total["schedules"] < len(seeds):
            took = time.monotonic() - started
            so_far = f"{total['schedules']} of {len(seeds)} schedules, {len(broken)} violations"
            print(f"{so_far}, {took:.0f} s", file=sys.stderr, flush=True)
    _summarise(total, done, broken, time.monotonic() - started)
    if broken:
        print()
        replay(min(each.seed for each in broken), lines, REPERTOIRES[faults])
    return bool(broken)


def _summarise(
    total: Counter[str], done: Counter[str], broken: list[Verdict], seconds: float
) -> None:
    kinds = ", ".join(f"{total[kind]} {kind}" for kind in KINDS if total[kind])
    print(f"schedules   {total['schedules']} ({kinds})")
    print(f"moves made  {total['moves']}")
    print(f"faults      {total['faults']}")
    print(f"steps done  {', '.join(f'{n} {word}' for word, n in done.most_common())}")
    print(f"violations  {len(broken)}")
    print(f"time        {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
