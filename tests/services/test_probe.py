"""The probe: CPU, memory and reactor lag from nothing but a clock and a process."""

import os
from collections.abc import Iterator
from typing import NamedTuple, cast

import psutil
import pytest
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher

from clientmigration.core.measures.metrics import datapoints, measures
from clientmigration.net.probe import BEAT_S, Lag, Probe, Reading, cpu_percent


class Times(NamedTuple):
    user: float
    system: float


class Resident(NamedTuple):
    rss: int


class Worker:
    """A process whose costs the test sets."""

    user = 1.0
    system = 1.0
    rss = 50_000_000

    def cpu_times(self) -> Times:
        return Times(self.user, self.system)

    def memory_info(self) -> Resident:
        return Resident(self.rss)


def test_half_a_second_of_work_in_a_second_is_fifty_percent() -> None:
    clock, worker = Clock(), Worker()
    probe = Probe(clock, worker)
    worker.user += 0.3
    worker.system += 0.2
    clock.advance(1.0)
    assert probe.sample()["cpu_percent"] == pytest.approx(50.0)
    clock.advance(1.0)
    assert probe.sample()["cpu_percent"] == 0.0


def test_two_busy_cores_are_two_hundred_percent() -> None:
    assert cpu_percent(Reading(10.0, 100.0), Reading(14.0, 102.0)) == 200.0


def test_a_clock_that_stands_or_goes_back_gives_no_nonsense() -> None:
    assert cpu_percent(Reading(1.0, 5.0), Reading(2.0, 5.0)) == 0.0
    assert cpu_percent(Reading(1.0, 5.0), Reading(2.0, 4.0)) == 0.0


def test_a_punctual_reactor_has_no_lag() -> None:
    clock = Clock()
    probe = Probe(clock, Worker())
    probe.startService()
    clock.pump([BEAT_S] * 10)
    assert probe.sample()["reactor_lag_ms"] == pytest.approx(0.0, abs=1e-6)


def test_the_longest_stall_of_the_interval_is_the_lag() -> None:
    clock = Clock()
    probe = Probe(clock, Worker())
    probe.startService()
    clock.pump([BEAT_S, BEAT_S + 0.25, BEAT_S + 0.05, BEAT_S])
    assert probe.sample()["reactor_lag_ms"] == pytest.approx(250.0)
    clock.pump([BEAT_S] * 3)
    assert probe.sample()["reactor_lag_ms"] == pytest.approx(0.0, abs=1e-6)


def test_a_sample_taken_before_an_overdue_beat_sees_its_delay() -> None:
    clock = Clock()
    probe = Probe(clock, Worker())
    probe.startService()
    samples: list[dict[str, float]] = []
    clock.callLater(BEAT_S / 2, lambda: samples.append(probe.sample()))
    clock.advance(BEAT_S + 0.4)
    assert samples[0]["reactor_lag_ms"] == pytest.approx(400.0)


def test_a_beat_that_is_overdue_counts_before_it_comes() -> None:
    lag = Lag()
    lag.expect(10.0)
    lag.saw(10.4)
    assert lag.take() == pytest.approx(0.4)
    assert lag.take() == 0.0


def test_a_stopped_probe_leaves_no_timer_and_no_lag() -> None:
    clock = Clock()
    probe = Probe(clock, Worker())
    probe.startService()
    probe.stopService()
    assert clock.getDelayedCalls() == []
    clock.advance(100.0)
    assert probe.sample()["reactor_lag_ms"] == 0.0


@pytest.mark.parametrize("role", ["gameserver", "router", "crowd"])
def test_a_sample_is_made_of_measures_of_every_role(role: str) -> None:
    sample = Probe(Clock(), Worker()).sample()
    assert set(sample) <= set(measures(role))
    assert datapoints(role, "one", sample, 1)


def test_without_a_process_it_probes_its_own() -> None:
    probe = Probe(Clock())
    assert probe.sample()["rss_bytes"] > 1_000_000
    assert psutil.Process().pid == os.getpid()


class Starving(Worker):
    """A process that cannot be asked while the descriptors are used up."""

    starving = False

    def cpu_times(self) -> Times:
        if self.starving:
            raise OSError(24, "Too many open files")
        return super().cpu_times()

    def memory_info(self) -> Resident:
        if self.starving:
            raise psutil.AccessDenied
        return super().memory_info()


@pytest.fixture
def logged() -> Iterator[list[LogEvent]]:
    """What is logged meanwhile."""
    events: list[LogEvent] = []
    observer = cast(ILogObserver, events.append)
    globalLogPublisher.addObserver(observer)
    yield events
    globalLogPublisher.removeObserver(observer)


def test_what_cannot_be_measured_now_has_no_value_this_second_and_comes_back(
    logged: list[LogEvent],
) -> None:
    clock, worker = Clock(), Starving()
    probe = Probe(clock, worker)
    worker.starving = True
    for _ in range(3):
        clock.advance(1.0)
        assert probe.sample().keys() >= {"reactor_lag_ms", "cpu_allowed_percent"}
        assert "cpu_percent" not in probe.sample()
        assert "rss_bytes" not in probe.sample()
    assert len(logged) == 1, "said once"
    worker.starving = False
    worker.user += 1.5
    clock.advance(1.0)
    assert probe.sample()["cpu_percent"] > 0
    assert probe.sample()["rss_bytes"] == 50_000_000


def test_limits_are_read_each_second_and_the_last_ones_stand_while_nothing_can_be_read() -> None:
    files = {
        "/proc/self/cgroup": "0::/game",
        "/sys/fs/cgroup/game/cpu.max": "max 100000",
        "/sys/fs/cgroup/cpu.max": "100000 100000",
        "/proc/stat": "cpu 100 0 0 0 0 0 0 0",
    }

    def read(path: str) -> str:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    clock = Clock()
    probe = Probe(clock, Worker(), read)
    assert probe.allowance.cores == 1.0
    files |= {
        "/sys/fs/cgroup/game/cpu.max": "25000 100000",
        "/sys/fs/cgroup/game/cpu.stat": "throttled_usec 250000",
        "/proc/stat": "cpu 150 0 0 0 0 0 0 50",
    }
    clock.advance(1.0)
    sample = probe.sample()
    assert sample["cpu_allowed_percent"] == pytest.approx(12.5)
    assert sample["throttled_percent"] == pytest.approx(25)
    assert sample["stolen_percent"] == pytest.approx(50)
    files.clear()
    clock.advance(1.0)
    assert probe.sample()["cpu_allowed_percent"] == pytest.approx(12.5)
    assert probe.allowance.cores == pytest.approx(0.125)
