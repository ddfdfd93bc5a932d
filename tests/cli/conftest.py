"""The command line in tests: of no time zone but UTC, and without contexts of whoever runs them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clientmigration.cli.contexts import FILE, NAMED, SETTINGS, variable


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Neither contexts nor a time zone of this machine's."""
    for name in (NAMED, *map(variable, SETTINGS)):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(FILE, str(tmp_path / "contexts.json"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
