"""How much of a core a process may use: by texts as Linux writes them."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clientmigration.core.measures.allowance import (
    Allowance,
    CpuLimits,
    HostCpu,
    folders,
    quota,
    throttled_s,
)
from clientmigration.core.measures.metrics import measures

V2_STAT = """usage_usec 81230456
user_usec 70000000
system_usec 11230456
core_sched.force_idle_usec 0
nr_periods 1200
nr_throttled 300
throttled_usec 22500000
nr_bursts 0
burst_usec 0
"""
V1_STAT = """nr_periods 1200
nr_throttled 300
throttled_time 22500000000
nr_bursts 0
burst_time 0
"""
V2_OWN = "0::/system.slice/gameserver.service\n"
V1_OWN = """12:pids:/docker/0a1b
5:cpu,cpuacct:/docker/0a1b
3:cpuset:/docker/0a1b
0::/system.slice/containerd.service
"""
HOST = """cpu  739924 118695 24844 211261 429 0 1509 6934 0 0
cpu0 370000 59000 12000 105000 200 0 700 3400 0 0
intr 1 2 3
"""


def paths(own: str) -> list[str]:
    return [str(path) for path in folders(own)]


def test_a_cgroup_of_version_2_is_limited_by_all_above_it_too() -> None:
    assert paths(V2_OWN)[:3] == [
        "/sys/fs/cgroup/system.slice/gameserver.service",
        "/sys/fs/cgroup/system.slice",
        "/sys/fs/cgroup",
    ]


def test_of_version_1_only_the_cpu_controller_counts_under_each_of_its_names() -> None:
    found = paths(V1_OWN)
    assert found[:3] == [
        "/sys/fs/cgroup/cpu,cpuacct/docker/0a1b",
        "/sys/fs/cgroup/cpu,cpuacct/docker",
        "/sys/fs/cgroup/cpu,cpuacct",
    ]
    assert "/sys/fs/cgroup/cpu/docker/0a1b" in found
    assert "/sys/fs/cgroup/unified/system.slice/containerd.service" in found
    assert not any("pids" in path or "cpuset" in path for path in found)


def test_in_a_namespace_of_its_own_a_container_sees_the_mount_alone() -> None:
    assert paths("0::/\n") == ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
    assert paths("1:cpu:/") == ["/sys/fs/cgroup/cpu"]
    assert paths("") == []


@pytest.mark.parametrize(
    ("texts", "cores"),
    [
        (("25000 100000\n",), 0.25),
        (("max 100000\n",), math.inf),
        (("50000\n", "100000\n"), 0.5),
        (("-1\n", "100000\n"), math.inf),
        (("200000\n", "100000\n"), 2.0),
        (("",), math.inf),
        (("25000 0",), math.inf),
        (("nonsense", "more"), math.inf),
    ],
)
def test_a_quota_is_read_from_either_version(texts: tuple[str, ...], cores: float) -> None:
    assert quota(*texts) == cores


def test_time_held_back_is_the_same_in_either_version() -> None:
    assert throttled_s(V2_STAT) == throttled_s(V1_STAT) == pytest.approx(22.5)
    assert throttled_s("usage_usec 5\n") == throttled_s("") == 0


def test_steal_is_read_from_the_first_line_alone() -> None:
    assert HostCpu.parse(HOST) == HostCpu(739924 + 118695 + 24844 + 1509, 6934)
    assert HostCpu.parse("cpu  1 2 3 4") == HostCpu(6, 0)
    assert HostCpu.parse("") == HostCpu.parse("intr 5") == HostCpu.parse("cpu x") == HostCpu()


@given(st.text(max_size=80), st.text(max_size=20))
@example("INFINITY", "INFINITY")
def test_whatever_the_files_say_nothing_is_raised(text: str, other: str) -> None:
    assert quota(text, other) > 0
    assert throttled_s(text) >= 0
    assert HostCpu.parse(text).stolen >= 0
    list(folders(text))


def between(**after: float) -> Allowance:
    host = HostCpu(after.pop("spent", 0.0), after.pop("stolen", 0.0))
    return Allowance.between(CpuLimits(10.0), CpuLimits(11.0, host=host, **after))


def test_without_limits_a_daemon_may_use_the_core_of_its_one_thread() -> None:
    assert between() == Allowance(1.0, 0.0, 0.0)
    assert between(quota=4.0).cores == 1.0


def test_a_quota_steal_and_throttling_leave_less() -> None:
    assert between(quota=0.25).cores == 0.25
    assert between(throttled_s=0.75) == Allowance(0.25, 0.75, 0.0)
    assert between(quota=0.25, throttled_s=0.75).cores == 0.25
    assert between(spent=60.0, stolen=20.0) == Allowance(0.75, 0.0, 0.25)
    assert between(quota=0.5, spent=1.0, stolen=1.0).cores == 0.25


@given(
    st.floats(0.001, 100),
    st.floats(-5, 5),
    st.floats(-100, 100),
    st.floats(-100, 100),
    st.floats(-2, 2),
)
def test_an_allowance_is_always_something_to_divide_by(
    cores: float, held: float, spent: float, stolen: float, passed: float
) -> None:
    after = CpuLimits(10.0 + passed, cores, held, HostCpu(spent, stolen))
    found = Allowance.between(CpuLimits(10.0), after)
    assert 0.01 <= found.cores <= 1
    assert 0 <= found.throttled <= 1
    assert 0 <= found.stolen <= 1


@pytest.mark.parametrize("role", ["gameserver", "router", "crowd"])
def test_an_allowance_is_reported_in_measures_of_the_catalogue(role: str) -> None:
    assert Allowance().measures().keys() <= measures(role).keys()
