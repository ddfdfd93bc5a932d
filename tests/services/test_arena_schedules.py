"""Seeded schedules of moves and faults: every invariant holds, and a seed decides everything."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from twisted.logger import LogEvent

from clientmigration.testing.stage import perform

SEEDS = 80
CHUNK = 10


@pytest.fixture(autouse=True)
def judged_by_the_verdict(no_logged_errors: list[LogEvent]) -> Iterator[None]:
    """A ledger that does not answer is logged as an error; other errors are violations."""
    yield
    no_logged_errors.clear()


@pytest.mark.parametrize("first", range(1, SEEDS + 1, CHUNK))
def test_every_invariant_holds_in_schedules_from_seed(first: int) -> None:
    for seed in range(first, first + CHUNK):
        verdict = perform(seed)
        assert not verdict.violation, f"python -m clientmigration.testing --seed {seed}"


@pytest.mark.parametrize("seed", [2, 3])
def test_a_seed_decides_everything_to_the_last_byte_in_any_process(seed: int) -> None:
    digest = perform(seed).digest
    assert perform(seed, kept=True).digest == digest
    program = f"from clientmigration.testing.stage import perform; print(perform({seed}).digest)"
    for hashing in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hashing}
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=True
        )
        assert ran.stdout.decode().split()[-1] == digest


def test_seeds_differ() -> None:
    assert len({perform(seed).digest for seed in (1, 2, 3)}) == 3
