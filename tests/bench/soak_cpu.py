"""What each process of a soak costs, for this checkout and others, one after the other.

    python tests/bench/soak_cpu.py ROOT [ROOT ...] [--seconds 60] [--rtt-ms 150]

Runs each checkout's own `tests/bench/soak.py` with its own services and this Python, without kills,
and prints the CPU-seconds of each kind of process between 15 s after its start and 10 s before its
end, and what players felt. The router is the soak itself.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import psutil

KINDS = ("gameserver", "crowd", "relay")
SHOWN = ("| gap_ms |", "| unmoved_gap_ms |", "| stall_ms |", "| missed ticks", "| moves felt")
BEGUN_S, LEFT_S = 15.0, 10.0


def so_far(soak: psutil.Process) -> dict[str, float]:
    """CPU-seconds by kind of process. The router is the soak itself."""
    seconds = defaultdict[str, float](float)
    for process in (soak, *soak.children(recursive=True)):
        with suppress(psutil.Error):  # it has just ended
            words, times = " ".join(process.cmdline()), process.cpu_times()
            child = next((kind for kind in KINDS if kind in words), "other")
            seconds["router" if process == soak else child] += times.user + times.system
    return seconds


def run(root: Path, seconds: int, rtt_ms: float) -> None:
    """One checkout."""
    with tempfile.TemporaryDirectory() as folder:
        flags = ("--seconds", str(seconds), "--rtt-ms", str(rtt_ms), "--folder", folder)
        child = subprocess.Popen(
            [sys.executable, "tests/bench/soak.py", *flags],
            cwd=root, env={**os.environ, "PYTHONPATH": str(root / "services")},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        soak = psutil.Process(child.pid)
        time.sleep(BEGUN_S)
        before = so_far(soak)
        time.sleep(seconds - BEGUN_S - LEFT_S)
        after = so_far(soak)
        said, _ = child.communicate()
    cost = {kind: round(after[kind] - before[kind], 2) for kind in sorted(after)}
    print(f"{root}: {cost}, together {sum(cost.values()):.1f} CPU-s", flush=True)
    for line in said.splitlines():
        if line.startswith(SHOWN):
            print("  ", line, flush=True)


def main() -> None:
    """All of them, in this order."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("roots", nargs="+", type=Path)
    flags.add_argument("--seconds", type=int, default=60)
    flags.add_argument("--rtt-ms", type=float, default=150.0)
    asked = flags.parse_args()
    for root in asked.roots:
        run(root.resolve(), asked.seconds, asked.rtt_ms)


if __name__ == "__main__":
    main()
