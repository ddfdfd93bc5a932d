"""Runs many seeds of trees on all cores: `python -m clientmigration.testing --faults tree`.

It only counts and prints, as `explore.py` does for one router or equal ones.
"""

from __future__ import annotations

import time
from collections import Counter
from multiprocessing import get_context

from twisted.logger import globalLogBeginner

from clientmigration.testing.trees import TreeVerdict, perform_tree, perform_zones


def one_tree(seed: int, equals: bool = False) -> int:
    """One seed, step by step; zones may have two routers if there are `equals`. 1 if something did
    not hold."""
    verdict = perform_tree(seed, say=print, equals=equals)
    print(f"seed {seed} (depth {verdict.depth}): {verdict.violation or 'all is well'}")
    return bool(verdict.violation)


def many_trees(seeds: range, jobs: int, equals: bool = False) -> int:
    """All of these. 1 if something did not hold in any."""
    started, total, done, broken = time.monotonic(), Counter[str](), Counter[str](), 0
    with get_context("spawn").Pool(jobs, _quietly) as pool:
        perform = perform_zones if equals else perform_tree
        for verdict in pool.imap_unordered(perform, seeds, chunksize=4):
            broken += _counted(verdict, total, done)
    depths = ", ".join(f"{total[f'depth {n}']} of depth {n}" for n in (1, 2, 3))
    print(f"schedules   {total['schedules']} ({depths})")
    print(f"moves made  {total['moves']}")
    print(f"steps done  {', '.join(f'{n} {word}' for word, n in done.most_common())}")
    print(f"violations  {broken}")
    print(f"time        {time.monotonic() - started:.0f} s")
    return bool(broken)


def _counted(verdict: TreeVerdict, total: Counter[str], done: Counter[str]) -> int:
    total.update({"schedules": 1, f"depth {verdict.depth}": 1, "moves": verdict.moves})
    done.update(verdict.done)
    if verdict.violation:
        print(f"seed {verdict.seed} (depth {verdict.depth}): {verdict.violation}", flush=True)
    return bool(verdict.violation)


def _quietly() -> None:
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
