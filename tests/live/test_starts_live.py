"""Daemons started in the ways that twistd offers, and ended in those that a host has."""

from __future__ import annotations

import json
import os
import pty
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest
from real_parts import PATIENCE_S, TWISTD

from clientmigration.stack.ports import LOOPBACK, Ports, settled

DAEMONS = ("router", "gameserver", "crowd", "status")
CLI = "import sys; from clientmigration.cli.main import main; sys.exit(main())"


def until(true: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
    """The first true value; fails when there is none in time."""
    end = time.monotonic() + within_s
    while not (value := true()):
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.05)
    return value


class Host:
    """A folder, and daemons that were started in it and are ended with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, list[subprocess.Popen[bytes]]()
        self.ports = settled(Ports(0, 0, 0, 0, 0))
        (folder / "run").mkdir()
        (folder / "run" / "cluster.secret").write_text("s" * 64)
        self.members = f"tcp:{LOOPBACK}:{self.ports.members}"

    def router(self) -> list[str]:
        here = f"interface={LOOPBACK}"
        return [
            *("router", "--players", f"tcp:{self.ports.players}:{here}"),
            *("--members", f"tcp:{self.ports.members}:{here}"),
            *("--carbon", f"tcp:{LOOPBACK}:9", "--graphite", f"http://{LOOPBACK}:9"),
        ]

    def server(self, name: str) -> list[str]:
        there = ("--router", self.members, "--carbon", f"tcp:{LOOPBACK}:9")
        return ["gameserver", "--name", name, *there]

    def crowd(self, players: int) -> list[str]:
        door = f"clientmigration://{LOOPBACK}:{self.ports.players}"
        return [
            "crowd",
            "--router",
            door,
            "--players",
            str(players),
            "--carbon",
            f"tcp:{LOOPBACK}:9",
        ]

    def runs(self, daemon: list[str], *twistd: str, **more: Any) -> subprocess.Popen[bytes]:
        """In the foreground, with its log in a file."""
        argv = [sys.executable, TWISTD, "-n", "--pidfile=", *twistd, *daemon]
        with self.log(daemon[2] if daemon[0] == "gameserver" else daemon[0]).open("wb") as out:
            settings = {"stdout": out, "stderr": out, **more}
            child = subprocess.Popen(argv, cwd=self.folder, **settings)
        self.started.append(child)
        return child

    def daemon(self, name: str, daemon: list[str], *twistd: str) -> psutil.Process:
        """In the background, as twistd does it; the process that its pid file names."""
        pid, log = ("--pidfile", f"{name}.pid"), ("--logfile", f"{name}.log")
        argv = [sys.executable, TWISTD, *pid, *log, *twistd, *daemon]
        done = subprocess.run(
            argv, cwd=self.folder, capture_output=True, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, done
        return psutil.Process(int((self.folder / f"{name}.pid").read_text()))

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def says(self, name: str, words: str) -> bool:
        return words in self.log(name).read_text()

    def cli(self, *words: str, **more: str) -> subprocess.CompletedProcess[bytes]:
        argv = [sys.executable, "-c", CLI, *words, "--router", self.members]
        environ = {**os.environ, **more}
        return subprocess.run(
            argv, cwd=self.folder, env=environ, capture_output=True, timeout=PATIENCE_S, check=False
        )

    def players(self) -> dict[str, int]:
        """How many play on each server that has reported. While all begin, a command, which is a
        process too, would only be in their way."""
        if not (self.log("router").exists() and self.says("router", "joins the fleet")):
            return {}
        seen = json.loads(self.cli("status", "--json").stdout or b"{}")
        known = seen.get("members", [])
        return {each["name"]: each["sample"]["players"] for each in known if each.get("sample")}


def hosting(folder: Path) -> Iterator[Host]:
    host = Host(folder)
    yield host
    for child in host.started:
        child.kill()
        child.wait()
    for pid in folder.glob("*.pid"):
        os.kill(int(pid.read_text()), signal.SIGKILL)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    yield from hosting(tmp_path)


@pytest.fixture
def shared() -> Iterator[Host]:
    """In a folder to which everybody has a way: pytest's own are root's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield from hosting(Path(folder))


def test_a_fleet_of_daemons_in_the_background_plays_and_ends(host: Host) -> None:
    router = host.daemon("router", host.router())
    servers = [host.daemon(each, host.server(each), "--umask", "077") for each in ("eu", "us")]
    crowd = host.daemon("crowd", host.crowd(6))
    until(lambda: sum(host.players().values()) == 6)
    for name in ("router", "eu", "us", "crowd"):
        assert not host.says(name, "Traceback"), host.log(name).read_text()
    assert (host.folder / "run" / "ledger.sqlite").stat().st_mode & 0o077 == 0
    crowd.terminate()
    until(lambda: not crowd.is_running())
    servers[0].terminate()
    until(lambda: host.says("router", "eu has left the fleet: it stops"))
    assert not host.says("router", "eu is gone")
    for each in (servers[1], router):
        each.terminate()
        assert each.wait(PATIENCE_S) is None or not each.is_running()
    assert not list(host.folder.glob("*.pid"))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_daemon_gives_up_root_and_still_owns_its_files(shared: Host) -> None:
    host, nobody = shared, pwd.getpwnam("nobody")
    os.chown(host.folder, nobody.pw_uid, nobody.pw_gid)
    who = ("--uid", str(nobody.pw_uid), "--gid", str(nobody.pw_gid))
    flags = [*host.router(), "--ledger", "kept/ledger.sqlite"]
    router = host.daemon("router", flags, *who)
    host.daemon("eu", host.server("eu"), *who)
    host.daemon("crowd", host.crowd(2), *who)
    until(lambda: host.players() == {"eu": 2})
    assert set(router.uids()) == {nobody.pw_uid}
    assert (host.folder / "kept" / "ledger.sqlite").stat().st_uid == nobody.pw_uid


def test_a_second_signal_ends_a_drain_at_once(host: Host) -> None:
    host.runs(host.router())
    server = host.runs(host.server("eu"))
    host.runs(host.crowd(3))
    until(lambda: host.players() == {"eu": 3})
    server.terminate()
    until(lambda: host.cli("drain", "eu").returncode == 1)  # it is the last one, still there
    time.sleep(1.0)
    assert server.poll() is None  # it waits for somebody who could take them
    server.terminate()
    server.wait(PATIENCE_S)
    assert host.says("eu", "told to stop again: this ends now")


def test_a_terminal_that_is_closed_is_a_drain(host: Host) -> None:
    host.runs(host.router())
    ours, theirs = pty.openpty()
    argv = [sys.executable, TWISTD, "-n", "--pidfile=", "--logfile", "eu.log", *host.server("eu")]
    fresh = ("env", "--default-signal=HUP", "setsid", "-c")  # whoever runs this may ignore SIGHUP
    server = subprocess.Popen(
        [*fresh, *argv], cwd=host.folder, stdin=theirs, stdout=theirs, stderr=theirs
    )
    host.started.append(server)
    os.close(theirs)
    host.runs(host.crowd(8))
    until(lambda: host.players() == {"eu": 8})
    host.runs(host.server("us"))
    until(lambda: "us" in host.players())
    os.close(ours)
    until(lambda: host.says("eu", "eu stops with 0 players left"))
    until(lambda: host.players() == {"us": 8})
    assert host.says("router", "eu has left the fleet: it stops")


def test_systemd_hears_that_a_daemon_is_ready_alive_and_stopping(host: Host) -> None:
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(host.folder / "notify"))
        systemd.settimeout(PATIENCE_S)
        notify = {"NOTIFY_SOCKET": str(host.folder / "notify"), "WATCHDOG_USEC": "600000"}
        server = host.runs(host.server("eu"), env={**os.environ, **notify})
        while "WATCHDOG=1" not in heard:
            heard.append(systemd.recv(200).decode())
        server.terminate()
        while heard[-1] != "STOPPING=1":
            heard.append(systemd.recv(200).decode())
    assert heard[0] == f"READY=1\nMAINPID={server.pid}"
    server.wait(PATIENCE_S)


def test_a_log_may_be_json_a_line_for_each_event(host: Host) -> None:
    host.runs(host.router(), "--logger", "clientmigration.net.jsonlog.lines")
    server = host.runs([*host.server("eu"), "--log-json"])
    until(lambda: host.says("eu", "attached to the router"))
    server.terminate()
    server.wait(PATIENCE_S)
    for name in ("eu", "router"):
        events = [json.loads(line) for line in host.log(name).read_text().splitlines()]
        assert all({"time", "level", "logger", "message"} <= set(each) for each in events)
        if name == "eu":
            (attached,) = [each for each in events if "attached to" in each["message"]]
            assert (attached["name"], attached["level"]) == ("eu", "info")


def test_every_daemon_answers_prometheus_as_promtool_wants_it(host: Host) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: apt install prometheus")
    free = settled(Ports(0, 0, 0, 0, 0))
    ports = dict(
        zip(DAEMONS, (free.players, free.members, free.carbon, free.graphite), strict=True)
    )
    nowhere = ("--listen", f"tcp:0:interface={LOOPBACK}", "--carbon", f"tcp:{LOOPBACK}:9")
    started = (host.router(), host.server("eu"), host.crowd(2))
    for daemon in (*started, ["status", "--router", host.members, *nowhere]):
        host.runs([*daemon, "--prometheus", str(ports[daemon[0]])])

    def scraped(daemon: str) -> str:
        try:
            with urlopen(f"http://{LOOPBACK}:{ports[daemon]}/metrics", timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    until(lambda: "clientmigration_crowd_ping_seconds{" in scraped("crowd"))
    until(lambda: "clientmigration_gameserver_players{" in scraped("gameserver"))
    for name in DAEMONS:
        text = until(partial(scraped, name))
        assert f'role="{name}"' in text
        assert "process_resident_memory_bytes" in text
        done = subprocess.run(
            [promtool, "check", "metrics"], input=text.encode(), capture_output=True, timeout=60
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, b""), name


def test_a_terminal_that_is_not_utf_8_is_told_all_the_same(host: Host) -> None:
    host.runs(host.router())
    host.runs(host.server("eu"))
    until(lambda: "eu" in host.players())
    told = host.cli("status", PYTHONIOENCODING="ascii", LANG="C")
    assert (told.returncode, told.stderr) == (0, b"")
    assert b"* eu" in told.stdout
