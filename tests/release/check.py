"""The checklist of a release, as a command: `make release`.

It builds the wheel of HEAD twice from nothing but what is committed, installs it into an empty
environment outside of any checkout, and uses it there as somebody would who has nothing else. Each
item says `ok` or what is wrong; the exit code is the number of those. It uploads nothing. With the
word `wheel` it goes through what concerns that alone, which is quick.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IN_IT = (
    "clientmigration/py.typed",
    "clientmigration/stack/environments.py",
    "clientmigration/status/static/index.html",
    "share/clientmigration/graphite/bridge.py",
    "share/clientmigration/graphite/carbon.conf",
    "share/clientmigration/graphite/requirements.txt",
    "share/clientmigration/policy.toml",
    "share/clientmigration/scenarios/new-server.toml",
    "share/clientmigration/systemd/clientmigration-gameserver@.service",
    "dist-info/licenses/LICENSE",
    "twisted/plugins/clientmigration_plugins.py",
)
ANY_PORTS = [
    word
    for name in ("players", "members", "carbon", "carbon-query", "graphite", "status")
    for word in (f"--{name}-port", "0")
]


class Wrong(Exception):
    """An item of the list is not so. The text says what is."""


def ran(argv: Sequence[str | Path], cwd: Path, **more: str) -> str:
    """What a program printed, in a place and with variables that know nothing of this checkout."""
    astray = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environ = {name: value for name, value in os.environ.items() if name not in astray}
    words = [str(word) for word in argv]
    done = subprocess.run(words, cwd=cwd, env={**environ, **more}, capture_output=True, text=True)
    if done.returncode:
        raise Wrong(f"{' '.join(words[:4])}: {(done.stdout + done.stderr).strip()[-600:]}")
    return done.stdout.strip()


@dataclass
class Release:
    """What is looked at: a scratch folder, and in it what the items before have made."""

    scratch: Path

    @property
    def version(self) -> str:
        told = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)
        return told[1] if told else ""

    @property
    def wheel(self) -> Path:
        return next((self.scratch / "first").glob("*.whl"))

    @property
    def bin(self) -> Path:
        return self.scratch / "environment" / "bin"

    def everything_is_committed(self) -> str:
        if left := ran(["git", "status", "--porcelain"], ROOT):
            raise Wrong(f"not committed: {left}")
        return ran(["git", "log", "-1", "--format=%h %s"], ROOT)

    def the_changelog_has_the_version(self) -> str:
        section, _, _ = (ROOT / "CHANGELOG.md").read_text().partition(f"## [{self.version}]")
        if not self.version or len(section) == len((ROOT / "CHANGELOG.md").read_text()):
            raise Wrong(f"CHANGELOG.md has no section [{self.version}]")
        if re.search(r"^- ", section.partition("## [Unreleased]")[2], re.M):
            raise Wrong(f"CHANGELOG.md has changes above [{self.version}] that are in no version")
        return self.version

    def the_wheel_is_the_same_twice(self) -> str:
        when = ran(["git", "log", "-1", "--format=%ct"], ROOT)
        sums = set()
        for name in ("first", "second"):
            source = self.scratch / f"source-{name}"
            source.mkdir()
            packed = self.scratch / "head.tar"
            ran(["git", "archive", "-o", packed, "HEAD"], ROOT)
            ran(["tar", "xf", packed, "-C", source], self.scratch)
            pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps"]
            ran([*pip, "-w", f"../{name}", "."], source, SOURCE_DATE_EPOCH=when)
            (made,) = (self.scratch / name).glob("*.whl")
            sums.add(hashlib.sha256(made.read_bytes()).hexdigest())
        if len(sums) > 1:
            raise Wrong("two builds of one commit differ")
        return f"{self.wheel.name} sha256 {sums.pop()}"

    def all_is_in_it(self) -> str:
        names = zipfile.ZipFile(self.wheel).namelist()
        lacking = [each for each in IN_IT if not any(name.endswith(each) for name in names)]
        if lacking:
            raise Wrong(f"not in the wheel: {', '.join(lacking)}")
        return f"{len(names)} files, {self.wheel.stat().st_size:,} bytes"

    def it_goes_into_an_empty_environment(self) -> str:
        venv.create(self.bin.parent, with_pip=True)
        ran([self.bin / "pip", "install", "-q", self.wheel], self.scratch)
        return ran([self.bin / "pip", "check"], self.scratch)

    def the_command_line_answers(self) -> str:
        ours: list[list[str | Path]] = [
            [self.bin / "clientmigration"],
            [self.bin / "python", "-m", "clientmigration"],
        ]
        for argv in ours:
            said = ran([*argv, "--version"], self.scratch)
            if said != self.version:
                raise Wrong(f"{argv} is version {said}")
        ran([self.bin / "clientmigration", "simulate", "new-server"], self.scratch)
        ran([self.bin / "clientmigration", "units"], self.scratch)
        return "clientmigration, python -m clientmigration, simulate new-server, units"

    def every_daemon_is_there(self) -> str:
        daemons = ("router", "gameserver", "crowd", "status", "stack")
        for daemon in daemons:
            ran([self.bin / "clientmigration", "run", daemon, "--help"], self.scratch)
            ran([self.bin / "twistd", daemon, "--help"], self.scratch)
        return ", ".join(daemons)

    def the_demo_moves_somebody(self) -> str:
        flags = ["--servers", "2", "--players", "60", "--every", "2", *ANY_PORTS]
        watch: list[str | Path] = [sys.executable, ROOT / "tests" / "roots" / "first_move.py"]
        cache = str(self.scratch / "cache")
        demo: list[str | Path] = [self.bin / "clientmigration", "demo", *flags]
        said = ran([*watch, *demo], self.scratch, XDG_CACHE_HOME=cache)
        return said.splitlines()[-1]


def main(words: Sequence[str]) -> int:
    """How many items are wrong."""
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        release = Release(Path(scratch))
        items: list[Callable[[], str]] = [
            release.the_wheel_is_the_same_twice,
            release.all_is_in_it,
            release.it_goes_into_an_empty_environment,
            release.the_command_line_answers,
            release.every_daemon_is_there,
        ]
        if "wheel" not in words:
            before = [release.everything_is_committed, release.the_changelog_has_the_version]
            items = [*before, *items, release.the_demo_moves_somebody]
        for item in items:
            name = item.__name__.replace("_", " ")
            try:
                print(f"ok      {name}: {item()}", flush=True)
            except (Wrong, StopIteration, OSError) as problem:
                wrong += 1
                print(f"WRONG   {name}: {problem}", flush=True)
    print("nothing is wrong" if not wrong else f"{wrong} of {len(items)} are wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
