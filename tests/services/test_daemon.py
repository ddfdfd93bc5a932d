"""How a daemon is made, is ended, and tells systemd how it does."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogEvent

from clientmigration.errors import ConfigurationError
from clientmigration.net.daemon import END_S, Daemon, check_twistd
from clientmigration.net.systemd import Notices


class Slow(Service):
    """Stops when it is told that it may."""

    def __init__(self) -> None:
        self.stopped: Deferred[None] = Deferred()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return self.stopped


class Scene:
    """A daemon in a reactor in memory, that has been told to stop."""

    def __init__(self) -> None:
        self.reactor, self.part = MemoryReactorClock(), Slow()
        self.made: list[Any] = []
        self.daemon = Daemon(self.make, self.reactor)
        assert not self.made  # twistd forks here
        self.daemon.privilegedStartService()
        self.daemon.startService()
        assert self.made == [self.reactor]
        assert self.part.running
        self.ended: list[object] = []
        self.daemon.stopService().addCallback(self.ended.append)

    def make(self, reactor: Any) -> Slow:
        self.made.append(reactor)
        return self.part


def test_a_daemon_ends_when_its_parts_have_stopped() -> None:
    scene = Scene()
    assert not scene.ended
    scene.part.stopped.callback(None)
    assert len(scene.ended) == 1
    assert not scene.reactor.getDelayedCalls()


def test_a_daemon_whose_parts_do_not_stop_ends_in_its_bound(
    no_logged_errors: list[LogEvent],
) -> None:
    scene = Scene()
    scene.reactor.advance(END_S - 0.1)
    assert not scene.ended
    scene.reactor.advance(0.2)
    assert len(scene.ended) == 1
    assert len(no_logged_errors) == 1
    no_logged_errors.clear()


def test_who_is_told_to_stop_twice_stops_at_once() -> None:
    scene = Scene()
    scene.daemon.hurry()
    assert len(scene.ended) == 1
    scene.part.stopped.callback(None)  # too late to matter
    assert len(scene.ended) == 1


def test_what_cannot_be_served_after_the_fork_is_one_line_too(
    no_logged_errors: list[LogEvent],
) -> None:
    def refuse(_reactor: Any) -> Any:
        raise ConfigurationError("no ledger in there")

    with pytest.raises(SystemExit, match="clientmigration: no ledger in there"):
        Daemon(refuse, MemoryReactorClock()).privilegedStartService()
    assert len(no_logged_errors) == 1
    no_logged_errors.clear()


def test_systemd_is_told_that_a_daemon_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    where, clock = str(tmp_path / "notify"), MemoryReactorClock()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(where)
        systemd.setblocking(False)
        notices = Notices({"NOTIFY_SOCKET": where, "WATCHDOG_USEC": "4000000"})
        notices.ready(clock)
        assert systemd.recv(100).decode() == f"READY=1\nMAINPID={os.getpid()}"
        clock.advance(2.0)
        assert systemd.recv(100) == b"WATCHDOG=1"
        notices.stopping()
        assert systemd.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/none/there"}])
def test_without_systemd_nothing_is_told_and_nothing_fails(environ: dict[str, str]) -> None:
    notices, clock = Notices(environ), MemoryReactorClock()
    notices.ready(clock)
    notices.stopping()
    assert not clock.getDelayedCalls()  # no watchdog is fed that nobody keeps


def test_where_twistd_puts_a_daemon_is_looked_at_before_it_goes_there(tmp_path: Path) -> None:
    file = str(tmp_path / "none" / "here")
    for flag, why in (
        ("logfile", "there is no folder for it"),
        ("pidfile", "there is no folder for it"),
        ("rundir", "is not a folder"),
        ("chroot", "is not a folder"),
    ):
        with pytest.raises(ConfigurationError, match=f"--{flag} {file}:? {why}"):
            check_twistd({flag: file})
    check_twistd({"logfile": "twistd.log", "pidfile": "", "rundir": ".", "chroot": None})
    check_twistd({"chroot": "/", "rundir": str(tmp_path)})


def test_a_root_in_which_a_daemon_cannot_run_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match="there is no /proc/self in it, and a daemon needs"
    ):
        check_twistd({"chroot": str(tmp_path)})
    (tmp_path / "proc" / "self").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"there is no .*os\.py in it"):
        check_twistd({"chroot": str(tmp_path)})
