"""Players in a network namespace of their own, 150 ms away, moved and bereft of a server.

What they missed is for `tests/bench/soak.py` alone to judge, on a machine that is quiet: here the
machine may be slow, and nothing may be lost, doubled or left out all the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parents[1] / "bench" / "soak.py"


def test_players_far_away_are_moved_and_lose_nothing_when_a_server_is_killed(
    tmp_path: Path,
) -> None:
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("needs root and iproute2, for a network namespace")
    words = "--rtt-ms 150 --players 20 --seconds 8 --moves-per-s 10 --kill-every 8"
    argv = [sys.executable, str(SOAK), *words.split(), "--folder", str(tmp_path)]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert (tmp_path / "summary.json").exists(), ran.stdout + ran.stderr
    felt = json.loads((tmp_path / "summary.json").read_text())
    assert felt["playing"] == 20
    assert felt["moves"] > 20
    assert felt["rejoins"] > 0
    assert (felt["inputs_lost"], felt["inputs_doubled"]) == (0, 0)
    assert (felt["files_bad"], felt["feed_gaps"]) == (0, 0)
    assert "200 of 200" in ran.stdout, ran.stdout  # coins
