"""Renewal: a file that is read anew when it has changed, and never half."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent

from clientmigration.errors import ConfigurationError
from clientmigration.net.renewed import LOOK_S, Renewals, Renewing


class Reader:
    """Who reads the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read: list[str] = []

    def __call__(self) -> str:
        text = self.path.read_text() if self.path.exists() else ""
        if not text:
            raise ConfigurationError("it is empty")
        self.read.append(text)
        return "it is good"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reader(tmp_path: Path, clock: Clock) -> Reader:
    path = tmp_path / "secret"
    path.write_text("one")
    reader = Reader(path)
    renewal = Renewals(clock, [Renewing("a file", [str(path)], reader)])
    renewal.startService()
    return reader


def looks(clock: Clock, n: int) -> None:
    clock.pump([LOOK_S] * n)


def test_a_file_that_does_not_change_is_not_read(clock: Clock, reader: Reader) -> None:
    looks(clock, 5)
    assert reader.read == []


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_text("two"),
        lambda path: (
            path.with_name("fresh").write_text("two"),
            path.with_name("fresh").rename(path),
        ),
    ],
)
def test_a_file_that_was_changed_is_read_once_within_two_looks(
    write: Callable[[Path], object], clock: Clock, reader: Reader
) -> None:
    write(reader.path)
    looks(clock, 2)
    assert reader.read == ["two"]
    looks(clock, 5)
    assert reader.read == ["two"]


def test_a_file_that_is_being_written_is_not_read_before_it_rests(
    clock: Clock, reader: Reader
) -> None:
    for n in range(4):
        reader.path.write_text("half" * (n + 1))
        looks(clock, 1)
    assert reader.read == []
    looks(clock, 1)
    assert reader.read == ["half" * 4]


def test_a_file_that_is_no_good_or_gone_is_told_once_and_the_next_good_one_counts(
    clock: Clock, reader: Reader, no_logged_errors: list[LogEvent]
) -> None:
    reader.path.write_text("")
    looks(clock, 3)
    reader.path.unlink()
    looks(clock, 3)
    assert reader.read == []
    assert [each["error"] for each in no_logged_errors] == ["it is empty"] * 2
    no_logged_errors.clear()
    reader.path.write_text("three")
    looks(clock, 3)
    assert reader.read == ["three"]


def test_a_link_to_another_file_is_a_change(tmp_path: Path, clock: Clock, reader: Reader) -> None:
    """As secrets of Kubernetes are changed."""
    (tmp_path / "other").write_text("two")
    reader.path.unlink()
    os.symlink(tmp_path / "other", reader.path)
    looks(clock, 2)
    assert reader.read == ["two"]
