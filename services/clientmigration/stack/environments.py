"""Makes the project's two Python environments, unless they are made already.

A script for any Python from 3.9 on, run by path (`python3 .../environments.py dev graphite`), so it
imports nothing but the standard library and nothing of this package. An environment counts as made
only when its stamp says so, and the stamp is written last: whatever was interrupted is made anew.
A matching stamp needs no network and starts no process.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

UNFINISHED = "unfinished"
PYTHONS = ("3.14", "3.13", "3.12", "3.11")
"""Versions that all environments run on, in order of preference."""

CHOSEN = "CLIENTMIGRATION_PYTHON"
"""The variable in which somebody may name another."""

BRIDGE = "clientmigration_bridge"
_OFFLINE = "the package index cannot be reached from here, which the first start needs once"
_UNCONNECTED = re.compile(
    "NewConnectionError|ConnectTimeoutError|Could not fetch URL|name resolution|dns error"
    "|Network is unreachable|Cannot connect to proxy|error sending request|ProxyError",
    re.IGNORECASE,
)
_PROBE = """
import sys
try:
    import ensurepip, venv
    able = "able"
except ImportError:
    able = "unable"
print("%d.%d" % sys.version_info[:2], able)
"""
_PLUGINS = "from twisted.plugin import IPlugin, getPlugins; list(getPlugins(IPlugin))"


class CannotPrepare(Exception):
    """An environment cannot be made here. The text says what to install or where to look."""


@dataclass(frozen=True)
class Environment:
    """One environment: where it is, which Pythons may run it, what goes in, what decides that.

    `installs` are what pip is asked for, one time after the other, `decided_by` the files that say
    what that is; `bridge` is a file whose `put_back` each start of its Python calls. `proof` is
    code that must run in it (it also writes Twisted's plugin cache, which a first start would
    otherwise pay for); `whole` names the word, if any, whose environment is this one and more.
    """

    word: str
    folder: str
    installs: tuple[tuple[str, ...], ...]
    decided_by: tuple[str, ...]
    proof: str
    purpose: str
    whole: str | None = None
    bridge: str | None = None
    pythons: tuple[str, ...] = PYTHONS


_SERVICES = "the router, the game servers and the players"
ENVIRONMENTS = {
    each.word: each
    for each in (
        Environment(
            "services",
            ".venv",
            (("-e", "."),),
            ("pyproject.toml",),
            f"import clientmigration; {_PLUGINS}",
            _SERVICES,
            whole="dev",
        ),
        Environment(
            "dev",
            ".venv",
            (("-e", ".[dev]"),),
            ("pyproject.toml",),
            f"import clientmigration, pytest; {_PLUGINS}",
            f"{_SERVICES}, with the tools that test and check them",
        ),
        Environment(
            "graphite",
            ".venv-graphite",
            (
                ("-r", "graphite/requirements.txt"),
                ("--no-deps", "--no-build-isolation", "-r", "graphite/releases.txt"),
            ),
            ("graphite/requirements.txt", "graphite/releases.txt", "graphite/bridge.py"),
            f"import carbon.routers, django, graphite, whisper; {_PLUGINS}",
            "carbon and graphite-web",
            bridge="graphite/bridge.py",
        ),
    )
}


def say(line: str) -> None:
    """One line of progress."""
    print(line, flush=True)


# Is it made?


def python_of(folder: Path) -> str | None:
    """The Python version ("3.11") that an environment was made with; None if it is none."""
    try:
        found = re.search(r"^version\s*=\s*(\d+\.\d+)", (folder / "pyvenv.cfg").read_text(), re.M)
    except OSError:
        return None
    return found.group(1) if found and os.access(folder / "bin" / "python", os.X_OK) else None


def stamp_of(folder: Path) -> str | None:
    """What the environment's stamp says: None (never stamped), UNFINISHED or `word digest`."""
    try:
        return (folder / "clientmigration.stamp").read_text().strip()
    except OSError:
        return None


def _stamp(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clientmigration.stamp").write_text(text + "\n")


def digest(root: Path, environment: Environment, python: str | None) -> str:
    """What decides the environment, as a hash. The place is part of it: scripts hold their path."""
    seen = hashlib.sha256()
    texts = [(root / each).read_text() for each in environment.decided_by]
    for part in (str(root), str(python), *texts):
        seen.update(part.encode() + b"\0")
    return seen.hexdigest()[:16]


def is_made(root: Path, environment: Environment) -> bool:
    """Whether the environment is there, whole and up to date. Reads a few small files."""
    folder = root / environment.folder
    python = python_of(folder)
    words = (environment.word, environment.whole)
    wanted = digest(root, environment, python)
    return python in environment.pythons and stamp_of(folder) in {f"{w} {wanted}" for w in words}


# Making it.


@dataclass(frozen=True)
class Workshop:
    """Where work is done: the checkout, the environment variables, and the log of all output."""

    root: Path
    environ: Mapping[str, str]
    log: Path

    def run(self, argv: Sequence[str], failure: str) -> None:
        """Run to the end, saying every 5 s what goes on. Raises CannotPrepare, with `failure`."""
        began = time.monotonic()
        with self.log.open("ab") as out, self._started(argv, out) as child:
            try:
                while not _ended(child):
                    say(f"  {time.monotonic() - began:3.0f} s  {self.last_line()[:90]}")
            except BaseException:
                child.kill()
                raise
        if child.returncode:
            why = f"{_OFFLINE}; then: {self.last_line()}" if self.is_offline() else self.last_line()
            raise CannotPrepare(f"{failure}: {why}\nall of it is in {self.log}")

    def _started(self, argv: Sequence[str], out: IO[bytes]) -> subprocess.Popen[bytes]:
        environ, quiet = dict(self.environ), subprocess.DEVNULL
        return subprocess.Popen(
            list(argv), stdin=quiet, stdout=out, stderr=out, env=environ, cwd=self.root
        )

    def is_offline(self) -> bool:
        """Whether the log tells of connections that could not be made. pip goes on after those, and
        ends by saying that some package does not exist."""
        return bool(_UNCONNECTED.search(self.log.read_text(errors="replace")))

    def last_line(self) -> str:
        """The last error in the log, or else its last line."""
        lines = self.log.read_text(errors="replace").splitlines()
        told = [each.strip() for each in lines if each.strip() and not each.startswith("WARNING")]
        errors = [each for each in told if each.startswith("ERROR")]
        return (errors or told or ["working"])[-1]


def _ended(child: subprocess.Popen[bytes], within_s: float = 5) -> bool:
    try:
        child.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _workshop(root: Path, word: str, environ: Mapping[str, str]) -> Workshop:
    """An empty log, and the variables without those that would lead pip or Python elsewhere."""
    log = root / "run" / f"environment-{word}.log"
    log.write_bytes(b"")
    astray = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")
    kept = {name: value for name, value in environ.items() if name not in astray}
    return Workshop(root, {**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}, log)


def _fresh(environment: Environment, work: Workshop) -> None:
    """An empty environment, in the place of whatever was there."""
    folder = work.root / environment.folder
    python = find_python(environment, work)
    say(f"making {environment.folder} with {python}, for {environment.purpose}")
    shutil.rmtree(folder, ignore_errors=True)
    _stamp(folder, UNFINISHED)
    failure = f"{python} could not make an environment"
    work.run([str(python), "-m", "venv", str(folder)], failure)


def _lay_bridge(environment: Environment, work: Workshop) -> None:
    """Have each start of the environment's Python import its bridge, if it has one."""
    folder = work.root / environment.folder
    if environment.bridge is None:
        return
    for packages in folder.glob("lib/python*/site-packages"):
        shutil.copyfile(work.root / environment.bridge, packages / f"{BRIDGE}.py")
        (packages / f"{BRIDGE}.pth").write_text(f"import {BRIDGE}; {BRIDGE}.put_back()\n")


def make(root: Path, environment: Environment, environ: Mapping[str, str]) -> None:
    """Make the environment whole and up to date, keeping what is there when it can be kept.

    A kept development environment stays one. Raises CannotPrepare, and leaves no valid stamp then.
    """
    work, folder = _workshop(root, environment.word, environ), root / environment.folder
    stamp = stamp_of(folder) or ""
    if python_of(folder) not in environment.pythons or stamp == UNFINISHED:
        _fresh(environment, work)
    elif environment.whole and stamp.startswith(f"{environment.whole} "):
        environment = ENVIRONMENTS[environment.whole]
    _stamp(folder, UNFINISHED)
    python = str(folder / "bin" / "python")
    say(f"installing into {environment.folder}: takes a minute or two, details in {work.log}")
    _lay_bridge(environment, work)
    for packages in environment.installs:
        _install(packages, python, environment, work)
    work.run([python, "-c", environment.proof], f"{folder} does not work")
    _stamp(folder, f"{environment.word} {digest(root, environment, python_of(folder))}")
    say(f"{environment.folder} is ready")


def _install(
    packages: Sequence[str], python: str, environment: Environment, work: Workshop
) -> None:
    """By uv where there is one, which takes seconds; by pip where there is none, or it fails."""
    uv = _uv(work)
    if uv is not None:
        try:
            work.run([uv, "pip", "install", "--python", python, *packages], "uv could not install")
            return
        except CannotPrepare as problem:
            say(f"{problem}\ntrying with pip")
    pip = [python, "-m", "pip", "install", *packages]
    work.run(pip, f"pip could not fill {environment.folder}")


# Which Python?


def _uv(work: Workshop) -> str | None:
    """The program uv, where there is one: on the PATH, or where we told somebody to put it."""
    path = os.pathsep.join((str(work.root / "run" / "uv" / "bin"), work.environ.get("PATH", "")))
    return shutil.which("uv", path=path)


def _candidates(pythons: Sequence[str], environ: Mapping[str, str]) -> Iterator[Path]:
    if chosen := environ.get(CHOSEN):
        yield Path(chosen)
    folders = [Path(each) for each in environ.get("PATH", "").split(os.pathsep) if each]
    for name in [f"python{each}" for each in pythons] + ["python3", "python"]:
        yield from (folder / name for folder in folders)
    pyenv = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv")
    for each in pythons:
        yield from sorted(pyenv.glob(f"versions/{each}.*/bin/python"))


def _asked(candidate: Path) -> tuple[str, bool]:
    """(version, can make environments) of a Python; a file that is none has the version ""."""
    try:
        answer = subprocess.run(
            [str(candidate), "-I", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        ).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return "", False
    return (answer[0], answer[1] == "able") if len(answer) == 2 else ("", False)


def find_python(environment: Environment, work: Workshop) -> Path:
    """A Python of a wanted version that really runs and can make environments.

    The one that `CHOSEN` names comes first, then those on the PATH, then pyenv's, then one that uv
    brings; never one of the environments made here, which may be active and is about to be
    replaced. Raises CannotPrepare.
    """
    unable: list[str] = []
    for candidate in _candidates(environment.pythons, work.environ):
        if os.access(candidate, os.X_OK) and work.root not in candidate.parents:
            version, able = _asked(candidate)
            if version in environment.pythons and able:
                return candidate
            if version in environment.pythons and str(candidate) not in unable:
                unable.append(str(candidate))
    brought = _brought_by_uv(environment.pythons[0], work)
    if brought is None:
        raise CannotPrepare(_what_to_install(environment, unable, work))
    return brought


def _brought_by_uv(version: str, work: Workshop) -> Path | None:
    uv = _uv(work)
    if uv is None:
        return None
    say(f"bringing Python {version} with uv (details in {work.log})")
    managed = ["--python-preference", "only-managed"]
    work.run([uv, "python", "install", version], f"uv cannot bring Python {version}")
    answer = subprocess.run(
        [uv, "python", "find", *managed, version],
        capture_output=True,
        text=True,
        env=dict(work.environ),
    )
    found = Path(answer.stdout.strip() or os.devnull)
    return found if _asked(found) == (version, True) else None


_VENV = {
    "debian": "apt install python3-venv",
    "fedora": "dnf install python3",
    "suse": "zypper install python3",
    "arch": "pacman -S python",
    "alpine": "apk add python3",
}
"""By a system, or one that it is like: what brings the parts of Python that make environments."""


def system(os_release: Path = Path("/etc/os-release")) -> str:
    """Which of those systems this is; "" if none."""
    try:
        told = re.findall(r"^ID(?:_LIKE)?=\"?([^\"\n]+)", os_release.read_text(), re.M)
    except OSError:
        return ""
    words = " ".join(told).replace("opensuse", "suse").split()
    return next((each for each in words if each in _VENV), "")


def _what_to_install(environment: Environment, unable: Sequence[str], work: Workshop) -> str:
    """A command that works here. pip for all is refused on most systems of today (PEP 668)."""
    oldest, newest = environment.pythons[-1], environment.pythons[0]
    venv = _VENV.get(system(), "install what your system calls venv")
    if unable:
        return (
            f"{' and '.join(unable)} would do for {environment.purpose}, but cannot make"
            f" environments. Do `{venv}` as root, and try again"
        )
    _, able = _asked(Path(sys.executable))
    uv = work.root / "run" / "uv"
    return (
        f"no Python from {oldest} to {newest} was found, and {environment.purpose} need one."
        f" Have uv bring one: do `{'' if able else f'{venv} && '}python3 -m venv {uv}"
        f" && {uv}/bin/pip install uv`, and try again"
    )


# The script.


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Keeps a second one waiting, so that two do not fill the same environment at once."""
    (root / "run").mkdir(parents=True, exist_ok=True)
    with (root / "run" / "environment.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another run that is making the environments")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(root: Path, words: Sequence[str], environ: Mapping[str, str]) -> None:
    """Make each named environment that is not made yet. Raises CannotPrepare."""
    lacking = [word for word in words if not is_made(root, ENVIRONMENTS[word])]
    if not lacking:
        return
    with alone(root):
        for word in lacking:
            if not is_made(root, ENVIRONMENTS[word]):
                make(root, ENVIRONMENTS[word], environ)


def main(words: Sequence[str]) -> int:
    """The script: 0 when all is made, 1 when it cannot be, 2 for a wrong word."""
    if not words or not set(words) <= set(ENVIRONMENTS):
        print(f"usage: environments.py {'|'.join(ENVIRONMENTS)} ...", file=sys.stderr)
        return 2
    try:
        prepare(Path(__file__).resolve().parents[3], words, os.environ)
    except CannotPrepare as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next run begins again where it must", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
