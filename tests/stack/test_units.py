"""systemd's units: what they promise, what systemd says of them, and how they are installed.

tests/live/test_units_live.py runs them under a real systemd.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins

from clientmigration.cli.main import main
from clientmigration.cli.units import EXAMPLES, units
from clientmigration.gameserver.service import DRAIN_S
from clientmigration.net.daemon import END_S
from clientmigration.net.shipped import shipped
from clientmigration.net.tickets import Proofs, Seals

FOLDER = shipped("systemd")
PROGRAM = "/bin/true"  # something that is there, for systemd looks
UNITS = units(FOLDER, PROGRAM, "/etc/clientmigration")
EXPOSED = 1.2
"""The most that `systemd-analyze security` may count, of 10: see docs/deploy.md."""


def told(unit: str, name: str) -> list[str]:
    """The values of a setting."""
    return re.findall(rf"^{name}=(.*)$", UNITS[unit], re.MULTILINE)


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_a_daemon_with_flags_that_it_has(name: str) -> None:
    program, run, daemon, *flags = told(name, "ExecStart")[0].split()
    assert (program, run, flags.pop()) == (PROGRAM, "run", "$FLAGS")
    makers = {each.tapname: each for each in getPlugins(IServiceMaker)}
    given = [re.sub(r"%\w", "gs-1", flag) for flag in flags]
    makers[daemon].options().parseOptions(given)
    credentials = [each.partition(":")[0] for each in told(name, "LoadCredential")]
    assert len(credentials) == 1
    assert f"${{CREDENTIALS_DIRECTORY}}/{credentials[0]}" in flags


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_flags_is_one(name: str) -> None:
    makers = {each.tapname: each for each in getPlugins(IServiceMaker)}
    options = makers[name.partition("-")[0]].options()
    options.parseOptions(EXAMPLES[name].split())
    assert options["carbon"]


@pytest.mark.parametrize("name", UNITS)
def test_it_is_ready_when_it_says_so_alive_while_it_says_so_and_never_given_up(name: str) -> None:
    assert told(name, "Type") == ["notify"]
    assert told(name, "WatchdogSec") == ["10"]
    assert told(name, "Restart") == ["always"]
    assert told(name, "StartLimitIntervalSec") == ["0"]


@pytest.mark.parametrize("name", UNITS)
def test_it_gets_the_time_to_end_that_it_takes_at_most(name: str) -> None:
    assert float(told(name, "TimeoutStopSec")[0]) >= END_S + 5 > DRAIN_S


def test_who_faces_the_public_has_not_the_secret() -> None:
    assert "cluster.secret" not in UNITS["clientmigration-status.service"].split("[Service]")[1]


def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for name, text in UNITS.items():
        (tmp_path / name).write_text(text)
    done = analyze("verify", "--man=no", *(str(tmp_path / name) for name in UNITS))
    assert (done.returncode, ours(done.stdout + done.stderr)) == (0, [])


@pytest.mark.parametrize("name", UNITS)
def test_systemd_counts_little_that_it_might_do(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(UNITS[name])
    highest = str(round(EXPOSED * 10))
    done = analyze("security", "--offline=true", f"--threshold={highest}", str(tmp_path / name))
    assert done.returncode == 0, done.stdout
    assert re.search(r"exposure level for .*: (\d\.\d) OK", done.stdout), done.stdout


def analyze(*argv: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze")
    return subprocess.run(["systemd-analyze", *argv], capture_output=True, text=True)


def ours(said: str) -> list[str]:
    """What it says of our units; it looks at this machine's, too."""
    return [line for line in said.splitlines() if "clientmigration" in line]


def test_they_are_installed_with_a_secret_and_a_watchers_key(tmp_path: Path) -> None:
    into, settings = tmp_path / "units", tmp_path / "settings"
    assert install(into, settings) == 0
    assert {each.name for each in into.iterdir()} == set(UNITS)
    for each in settings.iterdir():
        assert each.stat().st_mode & 0o077 == 0, each
    watcher = Seals.from_file(settings / "cluster.secret").proofs("watcher")
    assert Proofs.from_file(settings / "watch.key").in_hex() == watcher.in_hex()


def test_installing_again_keeps_the_secret_and_the_flags(tmp_path: Path) -> None:
    into, settings = tmp_path / "units", tmp_path / "settings"
    install(into, settings)
    secret = (settings / "cluster.secret").read_text()
    (settings / "router.env").write_text('FLAGS="--name other"\n')
    (into / "clientmigration-router.service").write_text("of an older version")
    assert install(into, settings) == 0
    assert (settings / "cluster.secret").read_text() == secret
    assert (settings / "router.env").read_text() == 'FLAGS="--name other"\n'
    assert "ExecStart=" in (into / "clientmigration-router.service").read_text()


def test_a_new_secret_has_a_new_key_for_watchers(tmp_path: Path) -> None:
    into, settings = tmp_path / "units", tmp_path / "settings"
    install(into, settings)
    before = (settings / "watch.key").read_text()
    (settings / "cluster.secret").unlink()
    install(into, settings)
    assert (settings / "watch.key").read_text() != before


def install(into: Path, settings: Path, program: str = "/bin/true") -> int:
    """What the command answers. The folders of a test are below /tmp, but nobody starts these."""
    where = ("--into", str(into), "--settings", str(settings), "--program", program)
    return main(["units", "--install", *where])


@pytest.mark.parametrize("program", ["relative", "/opt/a b", "/root/x", "/home/ada/x", "/opt/100%"])
def test_a_program_that_no_unit_can_start_is_refused(
    program: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install(tmp_path / "units", tmp_path / "settings", program) == 2
    assert "clientmigration:" in capsys.readouterr().err
    assert not (tmp_path / "settings").exists()


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert install(tmp_path / "file", tmp_path / "settings") == 2
    assert f"cannot write {tmp_path}/file" in capsys.readouterr().err


def test_without_install_they_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["units", "--program", "/opt/x/bin/clientmigration"]) == 0
    assert "ExecStart=/opt/x/bin/clientmigration run router" in capsys.readouterr().out
