"""systemd's units as an administrator has them: a real systemd as process 1 of a container, the
wheel installed for all (our own image), `clientmigration units --install`, and the daemons started,
hung, killed and stopped. Each wait is for a condition; ticks that a slow machine misses are told,
not judged.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from containers_here import lacking

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 120.0
PLAYERS = 30
SERVERS = tuple(f"clientmigration-gameserver@gs-{number}" for number in (1, 2))
UNITS = ("clientmigration-router", "clientmigration-status", *SERVERS)
IMAGE = """
FROM {services}
USER root
RUN apt-get update -q && apt-get install -qy --no-install-recommends systemd
RUN clientmigration units --install
ENTRYPOINT []
CMD ["sh", "-c", "mount --make-rshared / && exec /lib/systemd/systemd"]
STOPSIGNAL SIGRTMIN+3
"""
SAID = "systemctl --no-pager --failed; journalctl --no-pager | grep -v Scheduling | tail -n 60"
# What systemd needs to make namespaces for its units. Not `--privileged`, which engines that are
# themselves held back cannot give.
MAY = (
    *("--cap-add", "SYS_ADMIN", "--cap-add", "SYS_PTRACE", "--cap-add", "NET_ADMIN"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--security-opt", "systempaths=unconfined", "--cgroupns", "private"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock"),
)


def ran(*argv: str, cwd: Path = REPOSITORY) -> str:
    """What a command says; it has to succeed."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}:\n{(done.stdout + done.stderr)[-3000:]}"
    return done.stdout


class Machine:
    """A container that is a machine with systemd."""

    def __init__(self, name: str) -> None:
        self.name = name

    def do(self, *argv: str) -> str:
        """What a command says in it; it has to succeed."""
        return ran("docker", "exec", self.name, *argv)

    def shows(self, unit: str, fact: str) -> str:
        """What systemd knows of a unit."""
        return self.do("systemctl", "show", "--value", "--property", fact, unit).strip()

    def said(self, unit: str) -> str:
        """What its journal has of a unit."""
        return self.do("journalctl", "--no-pager", "--output=cat", "--unit", unit)

    def signal(self, unit: str, name: str) -> None:
        """Send a unit's process a signal."""
        self.do("systemctl", "kill", f"--signal={name}", unit)

    def until(self, true: Callable[[], Any]) -> Any:
        """The first true value; fails when there is none in time."""
        end = time.monotonic() + PATIENCE_S
        while not (value := true()):
            assert time.monotonic() < end, self.do("sh", "-c", SAID)
            time.sleep(0.2)
        return value


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """It has booted, with the units installed and all of them started."""
    if lack := lacking():
        pytest.skip(lack)
    folder, name = tmp_path_factory.mktemp("image"), f"clientmigration-units-{os.getpid()}"
    services = f"{name}-services"
    ran("docker", "build", "--quiet", "--target", "services", "--tag", services, ".")
    (folder / "Dockerfile").write_text(IMAGE.format(services=services))
    ran("docker", "build", "--quiet", "--tag", name, ".", cwd=folder)
    try:
        ran("docker", "run", "--detach", "--name", name, *MAY, name)
        booted = Machine(name)
        booted.until(lambda: _runs(name))
        booted.do("systemctl", "start", *UNITS)  # comes back when all have said that they serve
        yield booted
    finally:
        ran("docker", "rm", "--force", "--volumes", name)
        ran("docker", "rmi", "--force", name, services)


def _runs(name: str) -> bool:
    asked = ["docker", "exec", name, "systemctl", "is-system-running"]
    return subprocess.run(asked, capture_output=True, text=True).stdout.strip() == "running"


def test_every_unit_serves_as_nobody_with_all_that_is_forbidden_to_it(machine: Machine) -> None:
    for unit in UNITS:
        assert machine.shows(unit, "ActiveState") == "active"
        process = machine.shows(unit, "MainPID")
        status = machine.do("cat", f"/proc/{process}/status")
        facts = dict(line.split(":", 1) for line in status.splitlines())
        assert int(facts["Uid"].split()[0]) >= 61184, unit  # DynamicUser's
        assert (int(facts["CapBnd"], 16), facts["NoNewPrivs"].strip()) == (0, "1"), unit
        assert facts["Seccomp"].strip() == "2", unit
        assert "cannot measure" not in machine.said(unit)
    machine.until(lambda: "gs-2 at" in machine.said("clientmigration-router"))


def test_systemd_finds_nothing_wrong_with_them(machine: Machine) -> None:
    files = [f"/etc/systemd/system/{unit.replace('gs-1', '')}.service" for unit in UNITS[:3]]
    assert machine.do("systemd-analyze", "verify", *files) == ""


def test_a_server_that_is_stopped_hands_its_players_over_first(machine: Machine) -> None:
    crowd = ("run", "crowd", "--players", str(PLAYERS), "--summary", "/tmp/felt")
    machine.do("systemd-run", "--unit=crowd", "/opt/venv/bin/clientmigration", *crowd)
    machine.until(lambda: _players(machine) == PLAYERS and _open(machine))
    machine.do("systemctl", "stop", SERVERS[0])
    assert machine.shows(SERVERS[0], "Result") == "success"
    # The journal may hear of the end before it has read the last words.
    machine.until(lambda: "gs-1 stops with 0 players left" in machine.said(SERVERS[0]))
    machine.until(lambda: _players(machine) == PLAYERS)
    machine.do("systemctl", "start", SERVERS[0])
    machine.do("systemctl", "stop", "crowd")
    felt = json.loads(machine.do("cat", "/tmp/felt"))
    print("players felt:", felt)
    assert (felt["inputs_lost"], felt["inputs_doubled"], felt["rejoins"]) == (0, 0, 0)


def _members(machine: Machine) -> list[dict[str, Any]]:
    asked = ("--secret-file", "/etc/clientmigration/cluster.secret", "--json")
    told: dict[str, list[dict[str, Any]]] = json.loads(
        machine.do("clientmigration", "status", *asked)
    )
    return told["members"]


def _players(machine: Machine) -> int:
    return sum(each["sample"]["players"] for each in _members(machine) if each["sample"])


def _open(machine: Machine) -> bool:
    """Whether all servers take players: on a busy machine one does not, for a while."""
    return not any(each["closed"] for each in _members(machine))


def test_a_daemon_that_hangs_says_where_and_is_started_again(machine: Machine) -> None:
    unit = SERVERS[1]
    before = machine.shows(unit, "MainPID")
    machine.signal(unit, "STOP")
    machine.until(lambda: "Watchdog timeout" in machine.said(unit))
    machine.signal(unit, "CONT")  # what a program does that only its reactor has stopped
    machine.until(lambda: machine.shows(unit, "MainPID") not in ("0", before))
    machine.until(lambda: machine.shows(unit, "ActiveState") == "active")
    assert machine.shows(unit, "NRestarts") == "1"
    assert "Fatal Python error: Aborted" in machine.said(unit)


def test_a_daemon_that_dies_is_started_again(machine: Machine) -> None:
    before = machine.shows("clientmigration-router", "MainPID")
    machine.signal("clientmigration-router", "KILL")
    machine.until(lambda: machine.shows("clientmigration-router", "MainPID") not in ("0", before))
    machine.until(lambda: machine.shows("clientmigration-router", "ActiveState") == "active")
    attached = machine.said
    machine.until(lambda: attached(SERVERS[0]).count("attached to the router as gs-1") >= 2)
    assert machine.shows("clientmigration-router", "NRestarts") != "0"
