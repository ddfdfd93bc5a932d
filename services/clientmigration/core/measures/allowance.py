"""Allowance: how much of a core a process may use, by what Linux says of cgroups and of steal.

Texts of files in, values out: nothing here opens a file. What a text does not say limits nothing.
A daemon works in one thread, so a whole core is the most that it may use.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

MOUNT = PurePosixPath("/sys/fs/cgroup")
LEAST = 0.01
"""Share of a core that a process may use at least: a load is divided by it."""
BUSY = ("user", "nice", "system", "irq", "softirq")
_CPU = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def folders(own: str) -> Iterator[PurePosixPath]:
    """Where the limits of a process may stand, by the text of its /proc/PID/cgroup: the folder of
    its cgroup and those above it, for version 2 and for the cpu controller of version 1.

    In a container the paths are often those of the host; then only the last of them exist.
    """
    for line in own.splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        names = dict.fromkeys((controllers, "cpu")) if controllers else ("", "unified")
        within = PurePosixPath(path.lstrip("/"))
        for name in names:
            for folder in (within, *within.parents) if path.strip("/") else (within,):
                yield MOUNT / name / folder


def quota(text: str, period_us: str = "") -> float:
    """Cores that a cgroup may use: by its `cpu.max`, or by `cpu.cfs_quota_us` and
    `cpu.cfs_period_us`. Infinite when nothing is limited."""
    words = f"{text} {period_us}".split()[:2]
    if len(words) < 2 or not all(word.isdecimal() for word in words):
        return math.inf  # "max 100000", "-1", or a text that says nothing
    limit, period = map(int, words)
    return limit / period if limit and period else math.inf


def throttled_s(text: str) -> float:
    """Seconds that a cgroup has been held back so far, by its `cpu.stat` (either version)."""
    said = dict(line.split()[:2] for line in text.splitlines() if len(line.split()) > 1)
    for name, unit in (("throttled_usec", 1e-6), ("throttled_time", 1e-9)):
        if said.get(name, "").isdecimal():
            return int(said[name]) * unit
    return 0.0


@dataclass(frozen=True, slots=True)
class HostCpu:
    """Since the start of the machine, in its own ticks: CPU time spent, and `stolen` by the host,
    which gave it to others while we wanted it."""

    spent: float = 0.0
    stolen: float = 0.0

    @classmethod
    def parse(cls, text: str) -> HostCpu:
        """By the first line of /proc/stat."""
        words = (text.splitlines() or [""])[0].split()
        if words[:1] != ["cpu"] or not all(word.isdecimal() for word in words[1:]):
            return cls()
        said = dict(zip(_CPU, map(int, words[1:]), strict=False))
        return cls(sum(said.get(name, 0) for name in BUSY), said.get("steal", 0))


@dataclass(frozen=True, slots=True)
class CpuLimits:
    """What holds a process back at the time `now` (seconds): the `quota` in cores, and what has
    been counted so far."""

    now: float
    quota: float = math.inf
    throttled_s: float = 0.0
    host: HostCpu = HostCpu()


@dataclass(frozen=True, slots=True)
class Allowance:
    """Shares, 0..1: of a core that may be used, of time held back, of CPU time that was stolen."""

    cores: float = 1.0
    throttled: float = 0.0
    stolen: float = 0.0

    @classmethod
    def between(cls, before: CpuLimits, after: CpuLimits) -> Allowance:
        """What the process was allowed between two readings.

        Held back without a quota that we can see, it may use what is left of the time.
        """
        passed, host = after.now - before.now, after.host
        spent, stolen = host.spent - before.host.spent, host.stolen - before.host.stolen
        throttled = _share(after.throttled_s - before.throttled_s, passed)
        taken = _share(stolen, spent + stolen)
        cores = min(1.0, after.quota, 1 - throttled) * (1 - taken)
        return cls(max(LEAST, cores), throttled, taken)

    def measures(self) -> dict[str, float]:
        """The same as measures of the catalogue."""
        return {
            "cpu_allowed_percent": 100 * self.cores,
            "throttled_percent": 100 * self.throttled,
            "stolen_percent": 100 * self.stolen,
        }


def _share(part: float, whole: float) -> float:
    return min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0
