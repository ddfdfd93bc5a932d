"""twistd finds the daemons, however the package was installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
DAEMONS = {"router", "gameserver", "crowd", "stack", "status"}
TWISTD = str(Path(sys.executable).with_name("twistd"))
FOUND = """
import json, sys
import clientmigration
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.plugins import clientmigration_plugins
from twisted.python.reflect import namedModule

makers = {each.tapname: each.module for each in getPlugins(IServiceMaker)}
ours = {name: module for name, module in makers.items() if module.startswith("clientmigration.")}
print(json.dumps({
    "daemons": {name: namedModule(module).__file__ for name, module in ours.items()},
    "plugins": clientmigration_plugins.__file__,
    "package": clientmigration.__file__,
}))
"""


def run(folder: Path, *argv: str, path: tuple[Path, ...] = ()) -> str:
    """What a Python program prints, started in `folder`; with a `path`, nothing else is on it."""
    flags = ("-S",) if path else ()
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path:
        environ["PYTHONPATH"] = os.pathsep.join(map(str, path))
    done = subprocess.run(
        [sys.executable, *flags, *argv], cwd=folder, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(help_text: str) -> set[str]:
    """The commands in twistd's help."""
    lines = help_text.partition("Commands:")[2].splitlines()
    return {line.split()[0] for line in lines if line.startswith("    ") and line[4] != " "}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the wheel installs. Built from a copy: a build leaves files behind."""
    source, wheels, site = (tmp_path_factory.mktemp(name) for name in ("source", "wheel", "site"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source / name)
    built = shutil.ignore_patterns("__pycache__", "*.egg-info", "dropin.cache")
    for name in ("services", "graphite", "docs"):
        shutil.copytree(REPOSITORY / name, source / name, ignore=built)
    able = any(  # an environment of Python 3.12 or later has none by itself
        int(each.version.partition(".")[0]) >= 77
        for each in metadata.distributions(name="setuptools")
    )
    flags = ("--no-deps", "--no-build-isolation") if able else ("--no-deps",)
    run(source, "-m", "pip", "wheel", "--quiet", *flags, "--wheel-dir", str(wheels), str(source))
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(site)
    return site


def libraries() -> Path:
    """Where the things that we need are installed. As a plain path it brings no editable install:
    that is done by a .pth file, which only `site` reads."""
    return Path(sysconfig.get_paths()["purelib"])


def test_twistd_finds_the_daemons_of_an_editable_install(tmp_path: Path) -> None:
    assert listed(run(tmp_path, TWISTD, "--help")) >= DAEMONS
    found = json.loads(run(tmp_path, "-c", FOUND))
    assert found["daemons"].keys() == DAEMONS
    for file in (found["plugins"], found["package"], *found["daemons"].values()):
        assert Path(file).is_relative_to(REPOSITORY / "services")


def test_twistd_finds_the_daemons_of_an_installed_wheel(unpacked: Path, tmp_path: Path) -> None:
    path = (unpacked, libraries())
    assert listed(run(tmp_path, TWISTD, "--help", path=path)) >= DAEMONS
    found = json.loads(run(tmp_path, "-c", FOUND, path=path))
    assert found["daemons"].keys() == DAEMONS
    for file in (found["plugins"], found["package"], *found["daemons"].values()):
        assert Path(file).is_relative_to(unpacked)


def test_without_either_install_twistd_finds_none_of_them(tmp_path: Path) -> None:
    assert not listed(run(tmp_path, TWISTD, "--help", path=(libraries(),))) & DAEMONS


@pytest.mark.parametrize("daemon", sorted(DAEMONS))
def test_each_daemon_of_the_wheel_tells_its_flags(
    daemon: str, unpacked: Path, tmp_path: Path
) -> None:
    told = run(tmp_path, TWISTD, daemon, "--help", path=(unpacked, libraries()))
    assert f"twistd [options] {daemon} [options]" in told
    assert "--policy=" in told


def test_the_wheel_brings_the_homepage(unpacked: Path) -> None:
    pages = unpacked / "clientmigration" / "status" / "static"
    kept = REPOSITORY / "services" / "clientmigration" / "status" / "static"
    assert {each.relative_to(pages) for each in pages.rglob("*")} == {
        each.relative_to(kept) for each in kept.rglob("*")
    }


def test_the_wheel_brings_no_package_of_twisteds_own(unpacked: Path) -> None:
    under = [file for file in (unpacked / "twisted").rglob("*") if file.is_file()]
    sources = [file for file in under if file.suffix == ".py"]
    assert [file.name for file in sources] == ["clientmigration_plugins.py"]
    assert {
        each.name for each in unpacked.iterdir() if each.suffix not in (".dist-info", ".data")
    } == {
        "clientmigration",
        "twisted",
    }


def test_the_wheel_brings_what_a_demo_and_the_examples_need(unpacked: Path) -> None:
    (share,) = unpacked.glob("*.data/data/share/clientmigration")
    brought = {str(each.relative_to(share)) for each in share.rglob("*") if each.is_file()}
    graphite = {f"graphite/{each.name}" for each in (REPOSITORY / "graphite").glob("*.*")}
    scenarios = {f"scenarios/{each.name}" for each in (REPOSITORY / "docs/scenarios").iterdir()}
    assert brought == {"policy.toml"} | graphite | scenarios
    assert list(unpacked.glob("*.dist-info/licenses/LICENSE"))
