"""What is told every so often goes out bit by bit."""

from __future__ import annotations

import math

import pytest

from clientmigration.core.measures.spread import told_by


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250, 1000, 2999])
def test_each_part_is_small_and_all_is_told_before_the_interval_is_over(count: int) -> None:
    steps = [told_by(count, 100, n / 1000) for n in range(1000)]
    parts = [after - before for before, after in zip([0, *steps], steps, strict=False)]
    assert steps[-1] == sum(parts) == count
    assert max(parts) <= 100
    assert min(parts) >= 0
    told = [part for part in parts if part]
    assert len(told) == math.ceil(count / 100)  # in no more parts than there must be
    assert not told or max(told) - min(told) <= 1


def test_parts_are_evenly_apart() -> None:
    moments = [
        n
        for n in range(1, 1000)
        if told_by(950, 100, n / 1000) != told_by(950, 100, (n - 1) / 1000)
    ]
    apart = [after - before for before, after in zip([0, *moments], moments, strict=False)]
    assert set(apart) == {100}


def test_what_is_one_part_is_told_at_once() -> None:
    assert told_by(100, 100, 0.0) == 100
    assert told_by(101, 100, 0.0) == 51


def test_an_interval_that_lasts_too_long_leaves_nothing_out() -> None:
    assert told_by(1000, 100, 7.0) == 1000
