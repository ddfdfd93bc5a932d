"""A live test that waits for ever is cancelled, and says where it waited."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
HANGS = """
import pytest_twisted
from twisted.internet.defer import Deferred

async def nobody():
    await Deferred()

@pytest_twisted.async_yield_fixture()
async def house():
    yield
    print("tidied up")

@pytest_twisted.ensureDeferred
async def test_waits(house):
    await nobody()

@pytest_twisted.ensureDeferred
async def test_comes_after(house):
    pass
"""


def test_a_live_test_that_hangs_is_cancelled_and_the_next_one_is_run(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(HANGS)
    argv = ("-p", "tests.live.conftest", "-c", str(REPOSITORY / "pyproject.toml"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *argv, "--timeout=20", str(tmp_path)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout + done.stderr
    for words in ("in nobody", "await Deferred()", "CancelledError", "tidied up"):
        assert words in done.stdout
