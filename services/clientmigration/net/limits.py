"""Reads what Linux says of the limits of this process: its cgroups, and what the host steals.

A file that is not there, or that cannot be read now, limits nothing; nothing here raises.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clientmigration.core.measures.allowance import CpuLimits, HostCpu, folders, quota, throttled_s

Read = Callable[[str], str]
"""The text of the file of that path; OSError when there is none."""


def read_file(path: str) -> str:
    """The text of a file of the kernel's."""
    return Path(path).read_text(encoding="ascii", errors="replace")


def limits(read: Read, now: float) -> CpuLimits:
    """What holds this process back `now`: the strictest of its cgroups, and steal."""
    cores, held_s = float("inf"), 0.0
    for folder in folders(_text(read, "/proc/self/cgroup")):
        newer = quota(_text(read, f"{folder}/cpu.max"))
        older = quota(
            _text(read, f"{folder}/cpu.cfs_quota_us"), _text(read, f"{folder}/cpu.cfs_period_us")
        )
        cores = min(cores, newer, older)
        held_s = max(held_s, throttled_s(_text(read, f"{folder}/cpu.stat")))
    return CpuLimits(now, cores, held_s, HostCpu.parse(_text(read, "/proc/stat")))


def _text(read: Read, path: str) -> str:
    try:
        return read(path)
    except OSError:
        return ""
