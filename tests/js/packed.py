"""The JavaScript package as others get it: packed by npm, and installed beside a bundler.

What comes from npm is brought once, into `run/js`, and again when tests/js/package.json changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = ROOT / "services/clientmigration/status/static/clientmigration"
HOME = ROOT / "run" / "js"
WITHIN_S = 300
NPM = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock")


def ran(argv: Sequence[str], folder: Path) -> str:
    """What a program says that ends well."""
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def npm() -> str:
    """The program."""
    found = shutil.which("npm")
    if found is None:
        pytest.skip("needs npm: apt-get install npm")
    return found


def tools() -> Path:
    """A folder with the bundler and the compiler in its `node_modules`. Skips where npm brings
    nothing."""
    listed = HERE / "package.json"
    wanted = hashlib.sha256(listed.read_bytes()).hexdigest()
    sign = HOME / "made-of"
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:  # workers of one run share it
        fcntl.flock(lock, fcntl.LOCK_EX)
        _bring(listed, wanted, sign)
    return HOME


def _bring(listed: Path, wanted: str, sign: Path) -> None:
    if not (sign.exists() and sign.read_text() == wanted):
        program = npm()
        shutil.copy(listed, HOME)
        done = subprocess.run(
            [program, "install", *NPM],
            cwd=HOME, capture_output=True, text=True, timeout=WITHIN_S, check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"npm brings no bundler: {done.stderr.strip()[-300:]}")
        sign.write_text(wanted)


def packed(into: Path) -> tuple[Path, list[str]]:
    """The package's folder as `npm pack` makes it, and the names of its files."""
    said = ran([npm(), "pack", str(PACKAGE), "--json", "--pack-destination", str(into)], into)
    (listed,) = json.loads(said)
    with tarfile.open(into / listed["filename"]) as archive:
        archive.extractall(into, filter="data")
    return into / "package", sorted(each["path"] for each in listed["files"])


def project(folder: Path) -> Path:
    """A folder in which a game of somebody's own is made: with the package, and the tools."""
    modules = folder / "node_modules"
    modules.mkdir()
    package, _ = packed(folder)
    package.rename(modules / "clientmigration")
    for each in (tools() / "node_modules").iterdir():
        if each.name != "clientmigration":
            (modules / each.name).symlink_to(each)
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    return folder
